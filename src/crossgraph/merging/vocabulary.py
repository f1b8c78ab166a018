"""Which types, relations and attributes of the two graphs become one, by the schema mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote

import polars as pl

from crossgraph._types import Side
from crossgraph.graphs.graph import GraphTables
from crossgraph.merging.options import MergeOptions
from crossgraph.schema.estimate import local_name
from crossgraph.schema.mapping import SchemaMapping

Part: TypeAlias = Literal["type", "relation", "attribute"]


@dataclass(frozen=True, slots=True)
class United:
    """Two names that become one.

    left, right, canonical   IRIs
    inverse                  the right relation runs the other way round; ``turned`` tells which side's
                             edges are turned, the one whose name does not survive
    shared                   relations: edges that both graphs have; 0 for other parts
    """

    part: Part
    left: str
    right: str
    canonical: str
    inverse: bool = False
    turned: Side = "right"
    shared: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    left: str
    right: str
    inverse: bool
    weight: float
    agreement: float = 0.0
    shared: int = 0

    def is_one_name(self) -> bool:
        return self.left == self.right and not self.inverse

    def order(self) -> tuple[float, float, bool, str, str]:
        return -self.agreement, -self.weight, self.inverse, self.left, self.right


@dataclass(frozen=True)
class Vocabulary:
    """All names that become one, each left and each right name at most once in each part."""

    united: tuple[United, ...]

    def names(self, part: Part, side: Side) -> dict[str, str]:
        """From a side's own IRIs to the canonical ones, where they differ."""
        found = {one.left if side == "left" else one.right: one for one in self.united if one.part == part}
        return {name: one.canonical for name, one in found.items() if name != one.canonical}

    def turned(self, side: Side) -> list[str]:
        """The relations of a side, by their own IRIs, whose edges are turned round."""
        rows = [one for one in self.united if one.inverse and one.turned == side]
        return [one.left if side == "left" else one.right for one in rows]

    def declared(self, side: Side, used: Mapping[Part, Iterable[str]]) -> dict[str, str]:
        """From a side's own IRIs to the one name that each has in the merged graph, for what is said of them.

        used   the IRIs that the side uses as types, as relations and as attributes: what has another name as
               an attribute than as a relation stays what it is called

        Not of relations that are turned round: whom they come from is to whom the canonical ones go.
        """
        found: dict[str, set[str]] = {}
        for part, iris in used.items():
            names = self.names(part, side)
            for iri in iris:
                found.setdefault(iri, set()).add(names.get(iri, iri))
        for turned in self.turned(side):
            found.pop(turned, None)
        return {name: new for name, (new, *others) in found.items() if not others and name != new}


def unite(
    schema: SchemaMapping,
    iris: tuple[dict[str, str], ...],
    tables: tuple[GraphTables, GraphTables],
    *,
    options: MergeOptions,
) -> Vocabulary:
    """The names to unite: one to one, of the correspondences with enough weight.

    iris     for left types, relations, attributes and then the right ones: from names to IRIs
    tables   both graphs as IRIs, left entities already under the names of their clusters on both sides

    A weight tells how surely an edge implies the other, not the reverse: a capital lies in its country, yet
    few places in a country are its capital. So of rival relations those come first that agree the most,
    by the cosine of their edges between entities of both graphs. An IRI that both graphs have is itself, and
    no other name is called so.
    """
    found: list[United] = []
    rows = (
        ("type", [(m.left, m.right, False, m.weight) for m in schema.types]),
        ("relation", [(m.left, m.right, m.inverse, m.weight) for m in schema.relations]),
        ("attribute", [(m.left, m.right, False, m.weight) for m in schema.attributes]),
    )
    parts: tuple[Part, ...] = ("type", "relation", "attribute")
    for place, (part, (_, mapped)) in enumerate(zip(parts, rows, strict=True)):
        lefts, rights = iris[place], iris[place + 3]
        candidates = [
            _Candidate(lefts[left], rights[right], inverse, weight)
            for left, right, inverse, weight in mapped
            if left in lefts and right in rights and weight >= options.unite
        ]
        common = _common(iris, part)
        candidates = [one for one in candidates if one.is_one_name() or not {one.left, one.right} & common]
        if part == "relation":
            candidates = _measured(candidates, tables)
        found += _named(part, _one_to_one(candidates), options)
    return Vocabulary(tuple(found))


def _common(iris: tuple[dict[str, str], ...], part: Part) -> set[str]:
    """The IRIs that both graphs have: of types, or of relations and attributes, which are properties."""
    places = (0,) if part == "type" else (1, 2)
    left, right = ({iri for at in places for iri in iris[at + side].values()} for side in (0, 3))
    return left & right


def _one_to_one(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    chosen: list[_Candidate] = []
    taken: set[tuple[str, str]] = set()
    for one in sorted(candidates, key=_Candidate.order):
        ends = {("left", one.left), ("right", one.right)}
        if not ends & taken:
            taken |= ends
            chosen.append(one)
    return chosen


def _measured(candidates: list[_Candidate], tables: tuple[GraphTables, GraphTables]) -> list[_Candidate]:
    """Candidates with how many edges agree, out of those between entities that both graphs have."""
    left, right = tables[0].edges, tables[1].edges
    common = _entities(left).join(_entities(right), on="entity").get_column("entity").implode()
    inside = pl.col("head").is_in(common) & pl.col("tail").is_in(common)
    left, right = left.filter(inside), right.filter(inside)
    ends = {one.left: left.filter(pl.col("relation") == one.left) for one in candidates}
    others = {one.right: right.filter(pl.col("relation") == one.right) for one in candidates}
    return [_agreeing(one, ends[one.left], others[one.right]) for one in candidates]


def _agreeing(one: _Candidate, left: pl.DataFrame, right: pl.DataFrame) -> _Candidate:
    on = ["tail", "head"] if one.inverse else ["head", "tail"]
    shared = len(left.join(right, left_on=["head", "tail"], right_on=on, how="semi"))
    total = (len(left) * len(right)) ** 0.5
    agreement = round(shared / total, 6) if total else 0.0
    return _Candidate(one.left, one.right, one.inverse, one.weight, agreement, shared)


def _entities(edges: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"entity": pl.concat([edges["head"], edges["tail"]]).unique()})


def _named(part: Part, chosen: list[_Candidate], options: MergeOptions) -> list[United]:
    chosen = sorted(chosen, key=lambda one: (one.left, one.right))
    match options.prefer:
        case "left":
            names = [one.left for one in chosen]
        case "right":
            names = [one.right for one in chosen]
        case "mint":
            names = _minted(part, [one.left for one in chosen], options.base)
    turned: Side = "left" if options.prefer == "right" else "right"
    return [
        United(part, one.left, one.right, name, one.inverse, turned, one.shared)
        for one, name in zip(chosen, names, strict=True)
    ]


def _minted(part: Part, lefts: list[str], base: str) -> list[str]:
    """New names of a vocabulary are words: the last part of the left name, numbered where it is taken."""
    names: dict[str, None] = {}
    for left in lefts:
        word = quote(unquote(local_name(left)), safe="")
        tries = (f"{base}{part}/{word}" + (f"-{number}" if number > 1 else "") for number in count(1))
        names[next(name for name in tries if name not in names)] = None
    return list(names)
