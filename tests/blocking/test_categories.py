"""A category that many share names nobody."""

from __future__ import annotations

import numpy as np
import polars as pl

from crossgraph.blocking.combine import BlockingOptions, block
from crossgraph.blocking.names import name_attributes, nearest_names
from crossgraph.features.description import describe
from crossgraph.features.text import TextTable
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import EntityPairs

SIZE = 120


def records(side: str, turned: bool) -> KnowledgeGraph:
    """Records with a name of their own, one letter turned on one side, and one of two kinds."""
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("abcdefghijklmnop"), 12)) for _ in range(SIZE)]
    told = [name[1] + name[0] + name[2:] if turned else name for name in names]
    ids = [f"{side}{i:03d}" for i in range(SIZE)]
    facts = pl.DataFrame(
        {
            "entity": ids * 2,
            "attribute": ["name"] * SIZE + ["kind"] * SIZE,
            "value": [*told, *["film" if i % 2 else "book" for i in range(SIZE)]],
            "tag": [""] * (2 * SIZE),
        }
    )
    types = pl.DataFrame({"entity": ids, "type": ["record"] * SIZE})
    return KnowledgeGraph.from_tables(GraphTables(types=types, edges=GraphTables.empty_edges(), facts=facts))


SCHEMA = SchemaMapping(
    types=(TypeMapping("record", "record"),),
    relations=(),
    attributes=(AttributeMapping("kind", "kind", 1.0), AttributeMapping("name", "name", 0.6)),
)


def test_a_category_is_no_name_and_blocking_finds_the_records_by_their_names() -> None:
    left, right = records("l", turned=False), records("r", turned=True)
    description = describe(left, right)
    assert name_attributes(description, SCHEMA) == ({"name"}, {"name"})
    none = EntityPairs.of(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))
    found = block((left, right), description, SCHEMA, none, options=BlockingOptions(per_entity=3)).candidates
    everyone = [graph.positions(graph.ids.sort()) for graph in (left, right)]
    assert found.recall(*everyone) == 1.0
    assert len(found) <= 3 * SIZE


def test_where_all_short_texts_are_categories_they_stand_in_for_names() -> None:
    left, right = records("l", turned=False), records("r", turned=True)
    description = describe(left, right)
    only_kinds = type(description)(
        left=tuple(c for c in description.left if c.name == "kind"),
        right=tuple(c for c in description.right if c.name == "kind"),
        texts=description.texts,
    )
    assert name_attributes(only_kinds, SCHEMA) == ({"kind"}, {"kind"})


def test_a_text_that_thousands_share_makes_no_product_of_its_holders() -> None:
    texts = TextTable.of(pl.Series(["unknown", "solaris"], dtype=pl.String))
    unknown, solaris = texts.numbers(pl.Series(["unknown", "solaris"]))
    holders = pl.DataFrame(
        {
            "entity": np.arange(3_001, dtype=np.int32),
            "text": np.r_[np.full(3_000, unknown), solaris].astype(np.int32),
        }
    )
    found = nearest_names(holders, holders, texts, top=5)
    assert found.select("query", "found").rows() == [(3_000, 3_000)]
