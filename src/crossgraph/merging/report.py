"""What a merge did: what came together, what was gained, and what deserves a look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from crossgraph._types import Side
from crossgraph.graphs._vocabulary import declared
from crossgraph.graphs.quads import TYPE
from crossgraph.merging.merge import SIDES, Merged
from crossgraph.merging.policies import QUESTION
from crossgraph.merging.vocabulary import Part

EXAMPLES = 5
_OWL = "http://www.w3.org/2002/07/owl#"


@dataclass(frozen=True)
class MergeReport:
    """The report of a merge as JSON has it, and as rows to show; ``report_of`` makes it."""

    content: dict[str, Any]

    def rows(self) -> list[tuple[str, str]]:
        """The figures that people should see."""
        told = self.content
        merged, clusters = told["merged"], told["clusters"]
        conflicts = sum(one["entities"] for one in told["conflicts"])
        twice = sum(one["entities"] for one in told["functional"])
        return [
            ("left", f"{told['left']['entities']:,} entities, {told['left']['statements']:,} statements"),
            ("right", f"{told['right']['entities']:,} entities, {told['right']['statements']:,} statements"),
            ("merged", f"{merged['entities']:,} entities, {merged['statements']:,} statements"),
            (
                "who says so",
                f"{merged['left']:,} only left, {merged['right']:,} only right, {merged['both']:,} both",
            ),
            ("united", f"{clusters['count']:,} clusters of {clusters['entities']:,} entities"),
            ("several of one graph", f"{clusters['several_of_one_graph']:,} clusters"),
            *((f"gained, {side}", _told_gains(told["gained"][side])) for side in SIDES),
            ("conflicts", f"{conflicts:,} over {len(told['conflicts'])} attributes"),
            ("set aside", f"{merged['set_aside']:,} values"),
            ("functional, two values", f"{twice:,} over {len(told['functional'])} properties"),
            *_told_vocabulary(told["vocabulary"]),
        ]


@dataclass(frozen=True, eq=False)
class Found:
    """What deserves a look in a merged graph, one by one, but for conflicts, which the graph holds itself.

    several      see ``several_of_one_graph``
    gained       of each side, see ``gained_by``
    functional   see ``functional_properties``
    """

    several: pl.DataFrame
    gained: tuple[pl.DataFrame, pl.DataFrame]
    functional: pl.DataFrame

    @staticmethod
    def of(merged: Merged) -> Found:
        """Look through a merged graph."""
        said = _statements(merged)
        left, right = (gained_by(merged, side, said) for side in SIDES)
        several = several_of_one_graph(merged.clusters.members)
        return Found(several, (left, right), functional_properties(merged))


def report_of(merged: Merged, found: Found) -> MergeReport:
    """Count what a merge did; every name is an IRI but those of ``clusters.examples``."""
    return MergeReport(
        {
            "options": asdict(merged.options),
            **{side: _source_counts(merged, side) for side in SIDES},
            "merged": _merged_counts(merged),
            "clusters": _clusters(merged.clusters.members, merged.clusters.same_iri, found.several),
            "vocabulary": [asdict(one) for one in merged.vocabulary.united],
            "conflicts": _conflicts(merged.facts),
            "gained": {side: _gains(gained) for side, gained in zip(SIDES, found.gained, strict=True)},
            "functional": _functional(found.functional),
        }
    )


def _source_counts(merged: Merged, side: Side) -> dict[str, int]:
    tables = merged.iris[SIDES.index(side)]
    graph = merged.sources[SIDES.index(side)].graph
    total = len(tables.types) + len(tables.edges) + len(tables.facts)
    return {"entities": len(graph), "statements": total}


def _merged_counts(merged: Merged) -> dict[str, int]:
    said = _statements(merged)
    left, right = pl.col("left"), pl.col("right")
    united = merged.clusters.members
    entities = sum(len(one.graph) for one in merged.sources) - len(united) + united["cluster"].n_unique()
    return {
        "entities": entities,
        "statements": len(said),
        "left": len(said.filter(left & ~right)),
        "right": len(said.filter(right & ~left)),
        "both": len(said.filter(left & right)),
        "set_aside": int((~merged.facts["chosen"]).sum()),
    }


def _statements(merged: Merged) -> pl.DataFrame:
    """The statements of the merged graph: subject, object (null for values), left, right."""
    rows = ("subject", "object", "left", "right")
    types = merged.types.select(subject="entity", object=pl.lit(None, pl.String), left="left", right="right")
    edges = merged.edges.select(subject="head", object="tail", left="left", right="right")
    facts = merged.facts.filter("chosen").select(
        subject="entity", object=pl.lit(None, pl.String), left="left", right="right"
    )
    return pl.concat([one.select(rows) for one in (types, edges, facts)])


def _clusters(members: pl.DataFrame, same_iri: int, several: pl.DataFrame) -> dict[str, Any]:
    sizes = members.group_by("cluster").agg(pl.len().alias("size"))
    shown = several.head(EXAMPLES)["canonical"]
    by_size = sizes.group_by("size").len().sort("size")
    return {
        "count": len(sizes),
        "entities": len(members),
        "same_iri": same_iri,
        "several_of_one_graph": len(several),
        "sizes": {str(size): count for size, count in by_size.iter_rows()},
        "examples": [
            {side: members.filter(canonical=one, side=side)["id"].head(20).to_list() for side in SIDES}
            for one in shown
        ],
    }


def several_of_one_graph(members: pl.DataFrame) -> pl.DataFrame:
    """Clusters with more than one entity of a graph, largest first: cluster, left, right, size, canonical."""
    sides = [(pl.col("side") == side).sum().alias(side) for side in SIDES]
    sizes = members.group_by("cluster").agg(*sides, pl.len().alias("size"), pl.col("canonical").first())
    several = sizes.filter((pl.col("left") > 1) | (pl.col("right") > 1))
    return several.sort("size", "canonical", descending=[True, False])


def _conflicts(facts: pl.DataFrame) -> list[dict[str, Any]]:
    """For each attribute: on how many entities the graphs differ, and by how many without a common value."""
    rows = facts.filter("conflict")
    shared = (
        rows.group_by(*QUESTION, "value")
        .agg(both=pl.col("left").any() & pl.col("right").any())
        .group_by(QUESTION)
        .agg(disjoint=~pl.col("both").any())
    )
    counts = (
        shared.group_by("attribute")
        .agg(entities=pl.col("entity").n_unique(), disjoint=pl.col("disjoint").sum())
        .join(
            rows.group_by("attribute").agg(
                policy=pl.col("policy").first(), set_aside=(~pl.col("chosen")).sum()
            ),
            on="attribute",
        )
        .sort("entities", "attribute", descending=[True, False])
    )
    return [{**one, "examples": _examples(rows, one["attribute"])} for one in counts.to_dicts()]


def _examples(rows: pl.DataFrame, attribute: str) -> list[dict[str, Any]]:
    own = rows.filter(attribute=attribute)
    shown = own["entity"].unique().sort().head(EXAMPLES)
    found: list[dict[str, Any]] = []
    for entity in shown:
        values = own.filter(entity=entity)
        said: dict[str, Any] = {
            side: values.filter(side)["value"].unique().sort().to_list() for side in SIDES
        }
        found.append(
            {"entity": entity, **said, "kept": values.filter("chosen")["value"].unique().sort().to_list()}
        )
    return found


def gained_by(merged: Merged, side: Side, said: pl.DataFrame) -> pl.DataFrame:
    """United entities of one graph, and how many statements of each only the other one has.

    Columns canonical (its name in the merged graph) and gained.

    said   all statements of the merged graph, as ``_statements`` gives them
    """
    other = said.filter(~pl.col(side))
    ends = pl.concat([other["subject"], other["object"].drop_nulls()]).rename("canonical")
    gained = ends.value_counts(name="gained")
    united = merged.clusters.members.filter(side=side).select("canonical")
    return united.join(gained, on="canonical", how="left").with_columns(pl.col("gained").fill_null(0))


def _gains(gained: pl.DataFrame) -> dict[str, float]:
    counts = gained["gained"].cast(pl.Float64)
    if counts.is_empty():
        return {"entities": 0}
    quantiles = {f"p{round(100 * q)}": counts.quantile(q, "nearest") or 0.0 for q in (0.25, 0.5, 0.75, 0.95)}
    summary = {"mean": round(float(counts.to_numpy().mean()), 3), "min": float(counts.to_numpy().min())}
    most = float(counts.to_numpy().max())
    return {"entities": len(counts), "none": int((counts == 0).sum()), **summary, **quantiles, "max": most}


def _functional(doubled: pl.DataFrame) -> list[dict[str, Any]]:
    found = doubled.group_by("part", "name").agg(pl.col("entity").sort())
    told: list[dict[str, Any]] = [
        {"part": part, "name": name, "entities": len(who), "examples": who[:EXAMPLES]}
        for part, name, who in found.iter_rows()
    ]
    return sorted(told, key=lambda one: (-one["entities"], one["name"], one["part"]))


def functional_properties(merged: Merged) -> pl.DataFrame:
    """Entities (part, name, entity) with two values of a property that is expected to have one.

    Properties with one value everywhere in each graph that has them, and two in the merged graph.

    What a graph declares to be an owl:FunctionalProperty counts too, whatever it holds. A class that both
    graphs declare may well have two of what it had one of in each.
    """
    found = []
    classes = declared(merged.types)["entity"].implode()
    facts = merged.facts.filter("chosen")
    renamed = [merged.renamed(side) for side in SIDES]
    parts: tuple[tuple[Part, list[str], str, pl.DataFrame, list[pl.DataFrame]], ...] = (
        ("relation", ["head", "relation"], "tail", merged.edges, [one.edges for one in renamed]),
        ("attribute", QUESTION, "value", facts, [_with_language(one.facts) for one in renamed]),
    )
    for part, keys, value, rows, sides in parts:
        name, entity = keys[1] if part == "relation" else "attribute", keys[0]
        single = pl.concat([_single(one, keys, name, value) for one in sides])
        single = single.group_by(name).agg(pl.col("single").all())
        expected = single.filter(pl.col("single") | pl.col(name).is_in(_declared(merged, part)))
        expected = expected.filter(pl.col(name) != TYPE)
        several = rows.group_by(keys).agg(n=pl.col(value).n_unique()).filter(pl.col("n") > 1)
        several = several.join(expected, on=name, how="semi").select(entity, name).unique()
        several = several.filter(~pl.col(entity).is_in(classes))
        found.append(several.select(part=pl.lit(part), name=name, entity=entity))
    return pl.concat(found)


def _declared(merged: Merged, part: Part) -> list[str]:
    """What either graph declares to be functional, by its name in the merged graph.

    A relation that is turned round has one value there if its inverse is functional.
    """
    found: set[str] = set()
    for side, tables in zip(SIDES, merged.iris, strict=True):
        names, turned = merged.vocabulary.names(part, side), set(merged.vocabulary.turned(side))
        for name, asked in (("FunctionalProperty", False), ("InverseFunctionalProperty", True)):
            told = tables.types.filter(type=_OWL + name)["entity"]
            found |= {names.get(one, one) for one in told if (one in turned) == asked}
    return sorted(found)


def _single(rows: pl.DataFrame, keys: list[str], name: str, value: str) -> pl.DataFrame:
    counts = rows.group_by(keys).agg(n=pl.col(value).n_unique())
    return counts.group_by(name).agg(single=pl.col("n").max() == 1)


def _with_language(facts: pl.DataFrame) -> pl.DataFrame:
    tag = pl.col("tag")
    return facts.with_columns(language=pl.when(tag.str.starts_with("@")).then(tag).otherwise(pl.lit("")))


def _told_gains(gains: dict[str, float]) -> str:
    if not gains["entities"]:
        return "nothing was united"
    return (
        f"median {gains['p50']:,.0f} statements for each entity (quarter {gains['p25']:,.0f} to "
        f"{gains['p75']:,.0f}, at most {gains['max']:,.0f}; {gains['none']:,.0f} gained none)"
    )


def _told_vocabulary(united: list[dict[str, Any]]) -> list[tuple[str, str]]:
    names = {"type": "types united", "relation": "relations united", "attribute": "attributes united"}
    counts = {part: sum(one["part"] == part for one in united) for part in names}
    return [(title, f"{counts[part]:,}") for part, title in names.items()]
