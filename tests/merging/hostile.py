"""Small graphs: hostile ones for round trips, and two catalogues of films for everything else."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.links import Links
from crossgraph.merging.merge import Merged, merge
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.source import Source
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NO_SCHEMA = SchemaMapping(types=(), relations=(), attributes=())

# Names that some encoding on the way might mistake for something else.
HOSTILE = [
    "plain",
    "two words",
    "100%",
    "%20",
    "a/b",
    "type/x",
    "relation/x",
    ".",
    "..",
    "brand:sony",
    "left:x",
    "http://example.org/a",
    "http://example.org/é?q=1#f",
    "http://example.org/a/../b",
    "http://[",
    "urn:isbn:123",
    "_:b1",
    "_:a b",
    "_:",
    "https://crossgraph.invalid/left/x",
    "https://crossgraph.invalid/.well-known/genid/left/b1",
    "https://crossgraph.invalid/left/type/x",
    "a\tb",
    "a\nb",
    "\ufeffa",
    "日本",
    f"{RDF}type",
]
TAGS = ["", "@de", "@DE", "@x", "@", f"{XSD}integer", f"{XSD}string", f"{RDF}langString", "xsd:int", "a b"]
names = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=4))
values = st.one_of(st.sampled_from(['"x"@de', f'"1"^^<{XSD}int>', "", "a\tb", "\r\n"]), st.text(max_size=6))


@st.composite
def hostile_graphs(draw: st.DrawFn) -> KnowledgeGraph:
    """Small graphs with names, values and tags that are hard to write down."""
    ids = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    entity, name = st.sampled_from(ids), names
    types = draw(st.lists(st.tuples(entity, name), max_size=4))
    edges = draw(st.lists(st.tuples(entity, name, entity), max_size=4))
    facts = draw(st.lists(st.tuples(entity, name, values, st.sampled_from(TAGS)), min_size=1, max_size=4))
    return graph(types, edges, facts)


def graph(
    types: list[tuple[str, str]], edges: list[tuple[str, str, str]], facts: list[tuple[str, str, str, str]]
) -> KnowledgeGraph:
    """A graph from rows, tags included."""
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(types, schema=GraphTables.empty_types().schema, orient="row"),
            edges=pl.DataFrame(edges, schema=GraphTables.empty_edges().schema, orient="row"),
            facts=pl.DataFrame(facts, schema=GraphTables.empty_facts().schema, orient="row"),
        )
    )


FILMS = graph(
    [("f1", "film"), ("f2", "film"), ("p1", "person")],
    [("f1", "directed by", "p1"), ("f2", "directed by", "p1"), ("f1", "sequel", "f2")],
    [
        ("f1", "title", "Heat", ""),
        ("f1", "title", "Heat", "@en"),
        ("f1", "year", "1995", ""),
        ("f1", "changed", "2020-01-01", ""),
        ("f2", "title", "Ali", ""),
        ("p1", "name", "Michael Mann", ""),
    ],
)
MOVIES = graph(
    [("m1", "Movie"), ("m3", "Movie"), ("h1", "Human")],
    [("h1", "director of", "m1"), ("h1", "director of", "m3"), ("m1", "cast", "h1")],
    [
        ("m1", "label", "Heat (film)", ""),
        ("m1", "label", "Heat", "@en"),
        ("m1", "label", "Hitze", "@de"),
        ("m1", "release", "1996", ""),
        ("m1", "changed", "2024-05-01", ""),
        ("m3", "label", "Thief", ""),
        ("h1", "called", "Mann, M.", ""),
        ("h1", "called", "Michael Mann", f"{XSD}token"),
    ],
)
MAPPING = SchemaMapping(
    types=(TypeMapping("film", "Movie"), TypeMapping("person", "Human")),
    relations=(RelationMapping("directed by", "director of", inverse=True),),
    attributes=(
        AttributeMapping("title", "label"),
        AttributeMapping("year", "release"),
        AttributeMapping("changed", "changed"),
        AttributeMapping("name", "called", 0.4),
    ),
)


def merge_films(
    *, pairs: tuple[tuple[str, str], ...] = (("f1", "m1"), ("p1", "h1")), **options: object
) -> Merged:
    """Two catalogues of films merged with some options; Heat and its director are matched."""
    left, right = zip(*pairs, strict=True)
    chosen = MergeOptions(**options)  # type: ignore[arg-type]  # options of any type
    return merge((Source(FILMS), Source(MOVIES)), Links.of(left, right), MAPPING, options=chosen)
