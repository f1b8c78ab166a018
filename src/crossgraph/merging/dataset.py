"""The merged graph as an RDF dataset: which named graph holds what, and where each comes from.

graph/left, graph/right     both inputs, statement for statement, under their own names
graph/merged/left           the merged graph, in three parts: what only the left graph says,
graph/merged/right          only the right graph,
graph/merged/both           and both
graph/set-aside/left, ...   what a policy set aside, in the same parts
graph/identities            owl:sameAs, from each united entity to the name of its cluster
graph/matches               owl:sameAs, the matches that the clusters come from
graph/vocabulary            which types, relations and attributes were united
the default graph           what these graphs are, and what they were derived from (PROV-O)

With provenance "rdf-star" the three parts of graph/merged and of graph/set-aside are one; see ``stars``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pyoxigraph import RdfFormat, serialize

from crossgraph import __version__
from crossgraph._types import Side
from crossgraph.errors import Fault, GraphFormatError, InputError
from crossgraph.graphs.graph import GraphTables
from crossgraph.graphs.quads import (
    STATEMENTS,
    TYPE,
    quads_of,
    read_quads,
    statements_from,
    statements_of,
    tables_from,
)
from crossgraph.graphs.rdf import rdf_format
from crossgraph.graphs.sssom_format import LOCAL_NAMESPACE
from crossgraph.graphs.terms import is_genid
from crossgraph.merging.merge import SIDES, Merged
from crossgraph.merging.source import tables_of
from crossgraph.merging.stars import VIEWS, starred, unstarred

PROV = "http://www.w3.org/ns/prov#"
OWL = "http://www.w3.org/2002/07/owl#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
DCT = "http://purl.org/dc/terms/"
# How a reader finds the graphs, whatever their base is.
ROLE = f"{LOCAL_NAMESPACE}vocabulary/role"
FORM = f"{LOCAL_NAMESPACE}vocabulary/form"
MERGED_ROLES = ("merged/left", "merged/right", "merged/both")
_INSTEAD = "give a file that crossgraph merge wrote"


@dataclass(frozen=True, eq=False)
class MergedFile:
    """What a file of a merged graph holds.

    statements   all of them, see ``STATEMENTS``
    graphs       from roles, such as ``left`` or ``merged/both``, to the names of the graphs
    rdf          whether the left and the right graph came from RDF
    """

    statements: pl.DataFrame
    graphs: dict[str, str]
    rdf: tuple[bool, bool]

    def source(self, side: Side) -> GraphTables:
        """One of the inputs, exactly as it went in."""
        own = self.statements.filter(pl.col("graph") == self.graphs[side])
        return tables_of(tables_from(own, is_edge=is_genid(pl.col("object"))), side)

    def view(self) -> pl.DataFrame:
        """The statements of the merged graph, with ``source``: left, right or both."""
        names = {self.graphs[role]: role.partition("/")[2] for role in MERGED_ROLES}
        found = self.statements.filter(pl.col("graph").is_in(list(names)))
        return found.with_columns(source=pl.col("graph").replace_strict(names, return_dtype=pl.String))

    def members(self) -> pl.DataFrame:
        """The united entities: member, canonical."""
        own = self.statements.filter(pl.col("graph") == self.graphs["identities"])
        return own.select(member="subject", canonical="object")


def dataset_form(path: Path) -> RdfFormat:
    """N-Quads or TriG by the name of a file. Raises InputError for any other name."""
    form = rdf_format(path)
    if form not in (RdfFormat.N_QUADS, RdfFormat.TRIG) or path.suffix.lower() == ".gz":
        raise InputError(f"{path} is not named as a dataset", hint="name it .nq (N-Quads) or .trig (TriG)")
    return form


def write_merged(merged: Merged, path: Path, form: RdfFormat) -> None:
    """Write the merged graph with everything it came from."""
    base, rows = f"{merged.options.base}graph/", statements(merged)
    if merged.options.provenance == "graphs":
        serialize(quads_of(rows), str(path), form)
        return
    about = _rows((row for view in VIEWS for row in _graph(base + view, view)), "")
    serialize(starred(quads_of(pl.concat([about, rows])), base), str(path), form)


def read_merged(path: Path) -> MergedFile:
    """Read what ``write_merged`` wrote, also after a store has loaded and dumped it.

    However it tells sources, they are told by graphs in what is read. Raises GraphFormatError for broken RDF,
    and for a file that lacks a graph or the source of a statement; InputError by its name.
    """
    form = rdf_format(path)
    if form not in (RdfFormat.N_QUADS, RdfFormat.TRIG):
        raise InputError(f"{path} is no merged graph: its name is not that of a dataset", hint=_INSTEAD)
    found = statements_from(unstarred(read_quads(path, form)))
    about = found.filter(pl.col("graph") == "")
    roles = about.filter(pl.col("predicate") == ROLE)
    graphs = dict(zip(roles["object"], roles["subject"], strict=True))
    needed = (*SIDES, *MERGED_ROLES, "identities")
    faults = [
        Fault(str(path), None, f"its default graph names no graph with the role {role!r}", _INSTEAD)
        for role in needed
        if role not in graphs
    ]
    if faults:
        raise GraphFormatError(f"{path} is no merged graph", faults)
    forms = about.filter(pl.col("predicate") == FORM)
    said = dict(zip(forms["subject"], forms["object"], strict=True))
    views = {graphs[view] for view in VIEWS if view in graphs}
    if views:
        found = _without_views(found, views, path)
    left, right = (said.get(graphs[side]) == "rdf" for side in SIDES)
    return MergedFile(found, graphs, (left, right))


def _without_views(found: pl.DataFrame, views: set[str], path: Path) -> pl.DataFrame:
    """The statements without those that stand again in the graphs of their sources."""
    whole, parts = pl.col("graph").is_in(views), pl.col("graph").str.extract("^(.+)/[a-z]+$").is_in(views)
    missing = found.filter(whole).height - found.filter(parts).height
    if missing > 0:
        fault = Fault(str(path), None, f"{missing:,} statements of the merged graph have no source", _INSTEAD)
        raise GraphFormatError(f"{path} is no merged graph", [fault])
    return found.filter(~whole, ~((pl.col("graph") == "") & pl.col("subject").is_in(views)))


def statements(merged: Merged) -> pl.DataFrame:
    """The whole dataset as one table, in an order that depends on its content alone."""
    base = f"{merged.options.base}graph/"
    chosen = merged.facts.filter("chosen")
    aside = merged.facts.filter(~pl.col("chosen"))
    none = (merged.types.clear(), merged.edges.clear())
    parts = [
        _rows(_about(merged, base), ""),
        *(statements_of(one, base + side) for one, side in zip(merged.iris, SIDES, strict=True)),
        *_split(GraphTables(merged.types, merged.edges, chosen), f"{base}merged/"),
        *_split(GraphTables(*none, aside), f"{base}set-aside/"),
        _same(merged.clusters.canonical().select("iri", "canonical"), f"{base}identities"),
        _same(merged.pairs, f"{base}matches"),
        _rows(_united(merged), f"{base}vocabulary"),
    ]
    return pl.concat(part.unique().sort(STATEMENTS.names()) for part in parts)


def _split(tables: GraphTables, prefix: str) -> Iterator[pl.DataFrame]:
    left, right = pl.col("left"), pl.col("right")
    for name, rows in (("left", left & ~right), ("right", right & ~left), ("both", left & right)):
        part = GraphTables(tables.types.filter(rows), tables.edges.filter(rows), tables.facts.filter(rows))
        yield statements_of(part, prefix + name)


def _same(pairs: pl.DataFrame, graph: str) -> pl.DataFrame:
    first, second = pairs.columns
    return pairs.select(
        graph=pl.lit(graph),
        subject=first,
        predicate=pl.lit(f"{OWL}sameAs"),
        object=second,
        tag=pl.lit(None, pl.String),
    )


def _united(merged: Merged) -> Iterator[tuple[str, str, str, str | None]]:
    for one in merged.vocabulary.united:
        same = f"{OWL}equivalentClass" if one.part == "type" else f"{OWL}equivalentProperty"
        yield one.left, f"{OWL}inverseOf" if one.inverse else same, one.right, None
        kept = one.right if one.turned == "left" else one.left
        if one.canonical != kept:
            yield kept, same, one.canonical, None


def _about(merged: Merged, base: str) -> Iterator[tuple[str, str, str, str | None]]:
    """What each graph is, and what it was derived from."""
    act, tool = f"{base}merge", f"{base}crossgraph"
    yield from ((act, TYPE, f"{PROV}Activity", None), (act, f"{PROV}wasAssociatedWith", tool, None))
    yield from ((tool, TYPE, f"{PROV}SoftwareAgent", None), (tool, f"{RDFS}label", "crossgraph", ""))
    yield tool, f"{DCT}hasVersion", __version__, ""
    for source, side in zip(merged.sources, SIDES, strict=True):
        graph = base + side
        yield from _graph(graph, side)
        yield act, f"{PROV}used", graph, None
        yield graph, FORM, "rdf" if source.rdf else "tables", ""
        if source.name:
            yield graph, f"{DCT}title", source.name, ""
        if source.digest:
            yield graph, f"{DCT}identifier", f"sha-256:{source.digest}", ""
    yield from _graph(f"{base}matches", "matches")
    yield act, f"{PROV}used", f"{base}matches", None
    made: list[tuple[str, tuple[str, ...]]] = [("identities", ("matches",)), ("vocabulary", SIDES)]
    for view in ("merged", "set-aside"):
        made += [(f"{view}/{side}", (side,)) for side in SIDES] + [(f"{view}/both", SIDES)]
    for role, origins in made:
        yield from _graph(base + role, role)
        yield base + role, f"{PROV}wasGeneratedBy", act, None
        yield from ((base + role, f"{PROV}wasDerivedFrom", base + origin, None) for origin in origins)


def _graph(name: str, role: str) -> Iterator[tuple[str, str, str, str | None]]:
    yield name, TYPE, f"{PROV}Entity", None
    yield name, ROLE, role, ""


def _rows(rows: Iterator[tuple[str, str, str, str | None]], graph: str) -> pl.DataFrame:
    return pl.DataFrame([(graph, *row) for row in rows], schema=STATEMENTS, orient="row")
