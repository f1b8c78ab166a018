"""The other way to tell the source of a statement: in a statement about it (RDF 1.2, once RDF-star).

The parts of a view, such as ``merged/left`` and ``merged/both``, become one graph ``merged``, and each
statement in it gets a reifier that tells which inputs it was derived from:

    <heat> <directed_by> <mann> {| prov:wasDerivedFrom <graph/left> , <graph/right> |}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Triple

from crossgraph._types import Side

DERIVED = NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")
REIFIES = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies")
VIEWS = ("merged", "set-aside")
_SOURCES: dict[str, tuple[Side, ...]] = {"left": ("left",), "right": ("right",), "both": ("left", "right")}


def starred(quads: Iterable[Quad], base: str) -> Iterator[Quad]:
    """A merged dataset, the names of whose graphs begin with ``base``, with sources told by statements."""
    origins = {
        f"{base}{view}/{part}": (NamedNode(base + view), [NamedNode(base + side) for side in sides])
        for view in VIEWS
        for part, sides in _SOURCES.items()
    }
    for number, quad in enumerate(quads):
        told = origins.get(_name(quad))
        if told is None:
            yield quad
            continue
        graph, sources = told
        reifier = BlankNode(f"s{number}")
        yield Quad(quad.subject, quad.predicate, quad.object, graph)
        yield Quad(reifier, REIFIES, quad.triple, graph)
        yield from (Quad(reifier, DERIVED, source, graph) for source in sources)


def unstarred(quads: Iterable[Quad]) -> Iterator[Quad]:
    """Every statement that has a reifier in the graph of its part again; all others as they are.

    A merged dataset has no blank nodes but reifiers, whatever a store has renamed them to.
    """
    reified: dict[str, tuple[Triple, str]] = {}
    sources: defaultdict[str, set[str]] = defaultdict(set)
    for quad in quads:
        subject, value = quad.subject, quad.object
        if isinstance(subject, BlankNode) and isinstance(value, Triple):
            reified[subject.value] = value, _name(quad)
        elif isinstance(subject, BlankNode) and isinstance(value, NamedNode) and quad.predicate == DERIVED:
            sources[subject.value].add(value.value.rpartition("/")[2])
        else:
            yield quad
    parts: dict[frozenset[str], str] = {frozenset(sides): part for part, sides in _SOURCES.items()}
    for reifier, (triple, graph) in reified.items():
        part = parts.get(frozenset(sources[reifier]))
        if part is not None:
            yield Quad(triple.subject, triple.predicate, triple.object, NamedNode(f"{graph}/{part}"))


def _name(quad: Quad) -> str:
    return "" if isinstance(quad.graph_name, DefaultGraph) else str(quad.graph_name.value)
