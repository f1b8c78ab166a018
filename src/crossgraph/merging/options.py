"""How two graphs become one: whose names survive, and which values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from pyoxigraph import NamedNode

from crossgraph.errors import ConfigError
from crossgraph.graphs.sssom_format import LOCAL_NAMESPACE

Prefer: TypeAlias = Literal["left", "right", "mint"]
Policy: TypeAlias = Literal["keep-all", "left", "right", "most-frequent", "newest", "longest"]
Provenance: TypeAlias = Literal["graphs", "rdf-star"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeOptions:
    """What a merge is asked for.

    prefer     whose identifiers and names survive: those of the left or the right graph, or new ones
    base       the IRI that new identifiers and the names of the graphs in the file begin with
    policy     which values stay where the two graphs give an entity different ones
    policies   the same for single attributes, by their names in either graph
    modified   attributes that tell when a record was changed, for the policy ``newest``
    unite      the least weight in the schema mapping for two names to become one
    provenance   how the file tells the source of a statement: by the graph that it is in, or in a statement
                 about it (RDF 1.2)
    """

    prefer: Prefer = "left"
    base: str = LOCAL_NAMESPACE
    policy: Policy = "keep-all"
    policies: Mapping[str, Policy] = field(default_factory=dict)
    modified: tuple[str, ...] = ()
    unite: float = 0.5
    provenance: Provenance = "graphs"

    def __post_init__(self) -> None:
        if not 0 < self.unite <= 1:
            raise ConfigError(f"unite = {self.unite}", hint="a weight is above 0 and at most 1")
        try:
            NamedNode(self.base)
        except ValueError as error:
            raise ConfigError(
                f"the base {self.base!r} is no IRI: {error}", hint="for example https://example.org/id/"
            ) from None
        if not self.base.endswith(("/", "#", ":")):
            raise ConfigError(f"the base {self.base!r} runs on", hint="end it with / or #")


def parse_policies(texts: Iterable[str]) -> tuple[Policy, dict[str, Policy]]:
    """The default policy and those of attributes, from texts ``POLICY`` and ``ATTRIBUTE=POLICY``.

        >>> parse_policies(["longest", "population=newest"])
        ('longest', {'population': 'newest'})

    An attribute may contain ``=``. Raises ConfigError naming every text that is neither, and whatever is
    given two different policies.
    """
    given: dict[str, Policy] = {}
    wrong: list[str] = []
    twice: list[str] = []
    for text in texts:
        attribute, equals, name = text.rpartition("=")
        policy = next((one for one in POLICIES if one == name), None)
        if policy is None or (equals and not attribute):
            wrong.append(text)
        elif given.setdefault(attribute, policy) != policy:
            twice.append(f"{given[attribute]} and {policy}" + (f" for {attribute!r}" if attribute else ""))
    if wrong:
        known = ", ".join(POLICIES)
        raise ConfigError(
            f"no policy: {', '.join(map(repr, wrong))}",
            hint=f"write POLICY or ATTRIBUTE=POLICY; policies are {known}",
        )
    if twice:
        raise ConfigError(
            f"policies that exclude each other: {', '.join(twice)}",
            hint="give one, and others as ATTRIBUTE=POLICY",
        )
    return given.pop("", "keep-all"), given
