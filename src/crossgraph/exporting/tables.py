"""The merged graph as tables of nodes and edges: Parquet, Neo4j import CSV, KGX TSV."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crossgraph.exporting.names import curies, short_names
from crossgraph.graphs.graph import GraphTables
from crossgraph.graphs.neo4j import ARRAY_DELIMITER
from crossgraph.graphs.parquet import write_parquet_graph
from crossgraph.graphs.quads import tables_from
from crossgraph.merging.dataset import MergedFile

# What stands for the delimiter inside a value of several, for which these formats have no quoting.
_FULLWIDTH = "；"
_KGX_DELIMITER, _KGX_STAND_IN = "|", "¦"
_KGX_COLUMNS = ("id", "category", "iri", "type", "xref", "synonym")
# The column of entities beside those of attributes, whose names hold no tab.
_ENTITY = "\tentity"


@dataclass(frozen=True, eq=False)
class View:
    """The merged graph as tables whose names are IRIs; each row has ``source``: left, right or both.

    members   the united entities: member, canonical
    """

    tables: GraphTables
    members: pl.DataFrame

    def nodes(self) -> pl.Series:
        """The IRI of each node, sorted."""
        tables = self.tables
        ends = (tables.types["entity"], tables.edges["head"], tables.edges["tail"], tables.facts["entity"])
        return pl.concat([end.rename("id") for end in ends]).unique().sort()


def view_of(merged: MergedFile) -> View:
    """The merged graph of a file."""
    tables = tables_from(merged.view())
    ordered = GraphTables(*(one.sort(pl.all()) for one in (tables.types, tables.edges, tables.facts)))
    return View(ordered, merged.members())


def write_parquet(view: View, folder: Path) -> None:
    """nodes, edges and facts, which crossgraph reads as a graph; nodes tell what they were united from."""
    same = view.members.group_by(pl.col("canonical").alias("id")).agg(same_as=pl.col("member").sort())
    write_parquet_graph(view.tables, folder, nodes=same)


def write_neo4j(view: View, folder: Path) -> int:
    """nodes.csv and relationships.csv for ``neo4j-admin database import``, and names.csv.

    Labels, types and property keys are short names; names.csv tells the IRI of each. A property in a
    language is called ``name@de``; of several values it is an array. Identifiers are called ``iri``, so an
    attribute of this name becomes ``original_iri``. Returns in how many values of arrays the delimiter had
    to be replaced by its full-width form, since the format cannot quote it.

    Source: the header grammar of https://neo4j.com/docs/operations-manual/current/import/
    """
    tables = view.tables
    labels = _without(ARRAY_DELIMITER, short_names(tables.types["type"]))
    kinds = short_names(tables.edges["relation"])
    keys = _keys(tables.facts, taken=("iri",))
    many = (ARRAY_DELIMITER, _FULLWIDTH)
    wide, arrays, replaced = _wide(tables.facts, keys, delimiters=many)
    names = {name: f"{name}:string[]" if name in arrays else f"{name}:string" for name in wide.columns[1:]}
    nodes = pl.DataFrame({"iri:ID": view.nodes()})
    for one in (_labels(tables.types, labels), wide.rename(names)):
        nodes = nodes.join(one, left_on="iri:ID", right_on=_ENTITY, how="left", maintain_order="left")
    nodes.write_csv(folder / "nodes.csv")
    edges = tables.edges.select(
        pl.col("head").alias(":START_ID"),
        pl.col("tail").alias(":END_ID"),
        pl.col("relation").replace_strict(kinds, return_dtype=pl.String).alias(":TYPE"),
        pl.col("source").alias("source:string"),
    )
    edges.write_csv(folder / "relationships.csv")
    rows = [(part, name, iri) for part, found in _parts(labels, kinds, keys) for iri, name in found.items()]
    pl.DataFrame(rows, schema=["part", "name", "iri"], orient="row").write_csv(folder / "names.csv")
    return replaced


def write_kgx(view: View, folder: Path) -> None:
    """nodes.tsv and edges.tsv for the Knowledge Graph Exchange, and prefixes.json.

    The Biolink Model has no place for other fields' types and relations, so each node is a
    ``biolink:NamedThing`` with its own ``type``, and each edge is ``biolink:related_to`` with its own
    ``original_predicate``. Of several values ``|`` separates them; inside a value it becomes ``¦``, and tabs
    and line ends become blanks. The model has one value of a ``name``, a ``title`` and most others, so a
    column has the first one by text; the others are in ``synonym``, or in ``other_title`` and the like. An
    attribute that is called like a column that nodes have anyway, such as ``id``, becomes ``original_id``.

    Source: https://github.com/biolink/kgx/blob/master/specification/kgx-format.md
    """
    tables, nodes = view.tables, view.nodes()
    columns = (nodes, tables.types["type"], tables.edges["relation"], view.members["member"])
    every = pl.concat([one.rename("iri") for one in columns]).unique().sort()
    short, prefixes = curies(every)
    names = pl.DataFrame({"iri": every, "curie": short})
    _tsv(_kgx_nodes(view, nodes, names), folder / "nodes.tsv")
    _tsv(_kgx_edges(tables.edges, names), folder / "edges.tsv")
    text = json.dumps(dict(sorted(prefixes.items())), indent=1)
    (folder / "prefixes.json").write_text(text + "\n", encoding="utf8")


def _kgx_nodes(view: View, nodes: pl.Series, names: pl.DataFrame) -> pl.DataFrame:
    table = names.filter(pl.col("iri").is_in(nodes.implode())).select(
        "iri", id="curie", category=pl.lit("biolink:NamedThing")
    )
    several = (
        ("type", view.tables.types.select("entity", iri="type")),
        ("xref", view.members.select(entity="canonical", iri="member")),
    )
    for name, rows in several:
        joined = pl.col("curie").unique().sort().str.join(_KGX_DELIMITER)
        cells = rows.join(names, on="iri").group_by("entity").agg(joined.alias(name))
        table = table.join(cells, left_on="iri", right_on="entity", how="left", maintain_order="left")
    keys = _keys(view.tables.facts, taken=_KGX_COLUMNS)
    wide = _one_each(view.tables.facts, keys)
    table = table.join(wide, left_on="iri", right_on=_ENTITY, how="left", maintain_order="left")
    return table.select("id", "category", pl.exclude("id", "category"))


def _one_each(facts: pl.DataFrame, keys: dict[str, str]) -> pl.DataFrame:
    """Facts with the column ``_ENTITY``, one for the first value of each attribute and language, and one for
    the others where a node has any.
    """
    plain = pl.col("value").str.replace_all(_KGX_DELIMITER, _KGX_STAND_IN, literal=True)
    rows = _rows(facts, keys).with_columns(plain).unique().sort(_ENTITY, "key", "value")
    held = rows.group_by(_ENTITY, "key").agg(pl.col("value").first(), others=pl.col("value").slice(1))
    more = held.filter(pl.col("others").list.len() > 0)
    others = _names_of_others(set(more["key"]), taken=set(rows["key"]))
    more = more.select(
        _ENTITY,
        pl.col("key").replace_strict(others, return_dtype=pl.String),
        value=pl.col("others").list.join(_KGX_DELIMITER),
    )
    return _pivoted(pl.concat([held.select(_ENTITY, "key", "value"), more]))


def _names_of_others(keys: set[str], *, taken: set[str]) -> dict[str, str]:
    """Where the other values of some columns are; no two share a name, and none is taken."""
    found: dict[str, str] = {}
    for key in sorted(keys):
        name = "synonym" if key == "name" else f"other_{key}"
        while name in taken or name in found.values():
            name = f"other_{name}"
        found[key] = name
    return found


def _kgx_edges(edges: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    ends = {"head": "subject", "relation": "original_predicate", "tail": "object"}
    for column, name in ends.items():
        own = names.rename({"iri": column, "curie": name})
        edges = edges.join(own, on=column, how="left", maintain_order="left")
    keys = edges.select(pl.concat_str("subject", "original_predicate", "object", separator=" ")).to_series()
    ids = [f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, key)}" for key in keys]
    return edges.select(
        "subject",
        "object",
        "original_predicate",
        "source",
        id=pl.Series(ids, dtype=pl.String),
        predicate=pl.lit("biolink:related_to"),
        category=pl.lit("biolink:Association"),
        knowledge_level=pl.lit("not_provided"),
        agent_type=pl.lit("not_provided"),
    ).select("id", "subject", "predicate", "object", pl.exclude("id", "subject", "predicate", "object"))


def _parts(
    labels: dict[str, str], kinds: dict[str, str], keys: dict[str, str]
) -> list[tuple[str, dict[str, str]]]:
    return [("label", labels), ("type", kinds), ("property", keys)]


def _labels(types: pl.DataFrame, labels: dict[str, str]) -> pl.DataFrame:
    name = pl.col("type").replace_strict(labels, return_dtype=pl.String).sort()
    return types.group_by(pl.col("entity").alias(_ENTITY)).agg(name.str.join(ARRAY_DELIMITER).alias(":LABEL"))


def _without(delimiter: str, labels: dict[str, str]) -> dict[str, str]:
    """The names with the delimiter in its full-width form; with as many more as tell it from another name."""
    found, taken = {}, {name for name in labels.values() if delimiter not in name}
    for iri, name in sorted(labels.items()):
        plain = name.replace(delimiter, _FULLWIDTH)
        while delimiter in name and plain in taken:
            plain += _FULLWIDTH
        found[iri] = plain
        taken.add(plain)
    return found


def _keys(facts: pl.DataFrame, *, taken: tuple[str, ...]) -> dict[str, str]:
    """What each attribute is called in columns, one for each of its languages."""
    used = facts.select("attribute", _language()).unique()
    return short_names(facts["attribute"], languages=used.iter_rows(), taken=taken)


def _language() -> pl.Expr:
    tag = pl.col("tag")
    return pl.when(tag.str.starts_with("@")).then(tag).otherwise(pl.lit(""))


def _wide(
    facts: pl.DataFrame, keys: dict[str, str], *, delimiters: tuple[str, str]
) -> tuple[pl.DataFrame, set[str], int]:
    """Facts with the column ``_ENTITY`` and one for each attribute and language, which of these hold several
    values, and in how many of their values the delimiter was replaced.
    """
    delimiter, stand_in = delimiters
    rows = _rows(facts, keys)
    several = rows.filter(pl.len().over(_ENTITY, "key") > 1)["key"].unique()
    inside = pl.col("key").is_in(several.implode()) & pl.col("value").str.contains(delimiter, literal=True)
    replaced = rows.select(inside.sum()).item()
    plain = pl.when(inside).then(pl.col("value").str.replace_all(delimiter, stand_in, literal=True))
    rows = rows.with_columns(value=plain.otherwise("value")).sort(_ENTITY, "key", "value")
    cells = rows.group_by(_ENTITY, "key").agg(pl.col("value").str.join(delimiter))
    return _pivoted(cells), set(several), replaced


def _rows(facts: pl.DataFrame, keys: dict[str, str]) -> pl.DataFrame:
    """Facts as (``_ENTITY``, value, key), each once."""
    key = pl.col("attribute").replace_strict(keys, return_dtype=pl.String) + _language()
    return facts.select(pl.col("entity").alias(_ENTITY), "value", key=key).unique()


def _pivoted(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells (``_ENTITY``, key, value) with a column for each key, sorted."""
    if cells.is_empty():
        return pl.DataFrame(schema={_ENTITY: pl.String})
    wide = cells.pivot("key", index=_ENTITY, values="value")
    return wide.select(_ENTITY, *sorted(name for name in wide.columns if name != _ENTITY))


def _tsv(table: pl.DataFrame, path: Path) -> None:
    blank = pl.col(pl.String).str.replace_all(r"[\t\r\n]+", " ")
    table.with_columns(blank).write_csv(path, separator="\t", quote_style="never")
