"""From decisions about pairs of graphs to clusters of entities, and where the decisions disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.blocking.candidates import PairTypes
from crossgraph.cardinality import ANY_TYPE, single
from crossgraph.clustering import KNOWN, Kinds, Votes, consistent_clusters
from crossgraph.graphs import KnowledgeGraph
from crossgraph.reporting import Run
from crossgraph.schema.seeds import type_codes

Numbers = tuple[int, int]

# A match speaks for itself by so much at least, where its probability is the very threshold.
LEAST_VOTE = 1e-9
# Nothing estimated is surer than this (log-odds 37); what is known is.
SUREST = 1e-16


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided about two of several graphs.

    numbers            of the two graphs, from 0
    left, right (P)    entity numbers of all candidates
    probability (P)
    matched (P)        which are called the same
    weight (P)         how much each speaks for one cluster, see ``clustering.Votes``; 0 where it says nothing
    alone (P), (P)     whether no other entity of the left graph, and of the right one, may be the same
    types              left and right type names of which entities may be the same
    """

    numbers: Numbers
    left: Int32
    right: Int32
    probability: Float64
    matched: Bool
    weight: Float64
    alone: tuple[Bool, Bool]
    types: frozenset[tuple[str, str]]

    @staticmethod
    def none(numbers: Numbers, types: frozenset[tuple[str, str]]) -> Decisions:
        """Of two graphs without any candidates."""
        nobody, nothing = np.zeros(0, dtype=np.int32), np.zeros(0)
        no = np.zeros(0, dtype=bool)
        return Decisions(numbers, nobody, nobody, nothing, no, nothing, (no, no), types)

    @staticmethod
    def of(run: Run, thresholds: dict[str, float], numbers: Numbers) -> Decisions:
        """The decisions of a run.

        A match votes by the log-odds of its probability beyond the threshold, and a pair below its threshold
        against. A pair above it that lost to a rival says nothing: its rival does.
        """
        candidates, table = run.preparation.candidates, run.matches.table
        matched, probability = table["matched"].to_numpy(), table["probability"].to_numpy()
        types = PairTypes.named(table["type"])
        least = types.told(thresholds, thresholds.get(ANY_TYPE, 0.5))
        beyond = _log_odds(probability) - _log_odds(least)
        weight = np.where(matched, np.maximum(beyond, LEAST_VOTE), np.minimum(beyond, 0.0))
        refuted = candidates.find(run.known.different.left, run.known.different.right)
        weight[refuted[refuted >= 0]] = -KNOWN
        weight[run.barred] = -KNOWN
        places = candidates.find(run.known.same.left, run.known.same.right)
        weight[places[matched[places]]] = KNOWN
        left_has_one, right_has_one = single(run.cardinalities, types)
        return Decisions(
            numbers=numbers,
            left=candidates.left,
            right=candidates.right,
            probability=probability,
            matched=matched,
            weight=weight,
            alone=(right_has_one, left_has_one),
            types=frozenset((row.left, row.right) for row in run.preparation.schema.types),
        )


def with_uncompared(decisions: Sequence[Decisions], every: Sequence[Numbers]) -> list[Decisions]:
    """Decisions about ``every`` two graphs, in that order: about nothing where no two entities were compared.

    The types of such graphs correspond where they do through others.
    """
    known = {one.numbers: one for one in decisions}
    types = {pair: known[pair].types for pair in every if pair in known}
    missing = [pair for pair in every if pair not in known]
    while True:
        found = {pair: _through_others(pair, types) for pair in missing}
        if all(found[pair] == types.get(pair, frozenset()) for pair in missing):
            return [known.get(pair) or Decisions.none(pair, found[pair]) for pair in every]
        types |= found


def _through_others(
    pair: Numbers, types: Mapping[Numbers, frozenset[tuple[str, str]]]
) -> frozenset[tuple[str, str]]:
    def between(one: int, two: int) -> frozenset[tuple[str, str]]:
        known = types.get((min(one, two), max(one, two)), frozenset())
        return known if one < two else frozenset((b, a) for a, b in known)

    return frozenset(
        (left, right)
        for middle in {one for known in types for one in known} - set(pair)
        for left, over in between(pair[0], middle)
        for other, right in between(middle, pair[1])
        if over == other
    )


def _log_odds(probability: Float64) -> Float64:
    inside = np.clip(probability, SUREST, 1.0 - SUREST)
    odds: Float64 = np.log(inside) - np.log1p(-inside)
    return odds


@dataclass(frozen=True, eq=False)
class Clustered:
    """Entities of several graphs, numbered through all of them, and the decisions about pairs of graphs."""

    graphs: Sequence[KnowledgeGraph]
    decisions: Sequence[Decisions]

    @cached_property
    def labels(self) -> Int64:
        """(N) the cluster of each entity."""
        votes = []
        for one in self.decisions:
            said = one.weight != 0
            first, second = self._ends(one)
            votes.append((first[said], second[said], one.weight[said]))
        return consistent_clusters(Votes(*map(np.concatenate, zip(*votes, strict=True))), self._kinds())

    def members(self) -> pl.DataFrame:
        """Clusters of two entities or more: cluster (from 1), graph (from 1), entity."""
        table = self._entities().filter(pl.len().over("cluster") > 1)
        return table.select(pl.col("cluster").rank("dense"), "graph", "entity").sort(pl.all())

    def pairs(self, numbers: Numbers) -> pl.DataFrame:
        """The entities of two graphs that are in one cluster: left, right."""
        table = self._entities()
        left, right = (table.filter(pl.col("graph") == number + 1) for number in numbers)
        both = left.join(right, on="cluster", maintain_order="left_right")
        return both.select(left="entity", right="entity_right")

    def disagreements(self) -> pl.DataFrame:
        """Each left = middle and middle = right where left = right was not decided, the surest first.

        left_graph, left, middle_graph, middle, right_graph, right   with the number of each graph from 1
        left_middle, middle_right, left_right   probabilities; the last is null where that was no candidate
        together   which of the three ended in one cluster

        Longer cycles that disagree hold such a triple, where every two graphs are aligned.
        """
        scored = self._scored()
        matched = scored.filter("matched").select("first", "second", "probability")
        turned = matched.select(first="second", second="first", probability="probability")
        both = pl.concat([matched, turned])
        path = both.rename({"second": "middle", "probability": "left_middle"}).join(
            both.rename({"first": "middle", "probability": "middle_right"}), on="middle"
        )
        graph_of = pl.Series(self._graph_of)
        path = path.with_columns(
            graph_of.gather(path["first"]).alias("left_graph"),
            graph_of.gather(path["second"]).alias("right_graph"),
        ).filter(pl.col("left_graph") < pl.col("right_graph"))
        # Where nobody was compared, nothing was decided otherwise.
        nothing = [one.numbers for one in self.decisions if not len(one.left)]
        for left, right in nothing:
            path = path.filter((pl.col("left_graph") != left) | (pl.col("right_graph") != right))
        open_ends = path.join(matched, on=["first", "second"], how="anti")
        found = open_ends.join(
            scored.select("first", "second", left_right="probability"), on=["first", "second"], how="left"
        )
        return self._told(found)

    def _kinds(self) -> Kinds:
        alone, corresponding = np.ones(len(self._graph_of), dtype=bool), set()
        typed = [type_codes(graph) for graph in self.graphs]
        starts = np.r_[0, np.cumsum([len(names) for names, _ in typed])].tolist()
        for one in self.decisions:
            for ends, only in zip(self._ends(one), one.alone, strict=True):
                alone[ends[~only]] = False
            left, right = (
                {name: start + code for code, name in enumerate(typed[number][0])}
                for number, start in ((number, starts[number]) for number in one.numbers)
            )
            corresponding |= {(left[a], right[b]) for a, b in one.types if a in left and b in right}
        kinds = np.concatenate(
            [codes + np.int32(start) for (_, codes), start in zip(typed, starts[:-1], strict=True)]
        )
        return Kinds(self._graph_of, kinds, alone, frozenset(corresponding))

    def _told(self, found: pl.DataFrame) -> pl.DataFrame:
        names, clusters = pl.concat([graph.ids for graph in self.graphs]), pl.Series(self.labels)
        ends = {"left": found["first"], "middle": found["middle"], "right": found["second"]}
        graph_of = pl.Series(self._graph_of)
        one, two, three = (clusters.gather(end) for end in ends.values())
        together = (
            pl.when((one == two) & (two == three))
            .then(pl.lit("left middle right"))
            .when(one == two)
            .then(pl.lit("left middle"))
            .when(two == three)
            .then(pl.lit("middle right"))
            .when(one == three)
            .then(pl.lit("left right"))
            .otherwise(pl.lit("none"))
        )
        columns = {
            name: series
            for side, end in ends.items()
            for name, series in ((f"{side}_graph", graph_of.gather(end) + 1), (side, names.gather(end)))
        }
        table = pl.DataFrame(columns).with_columns(
            found["left_middle"], found["middle_right"], found["left_right"], together.alias("together")
        )
        least = pl.min_horizontal("left_middle", "middle_right")
        return table.sort(-least, "left_graph", "left", "middle_graph", "middle", "right_graph", "right")

    def _scored(self) -> pl.DataFrame:
        """All candidates of all pairs of graphs: first, second (entities), probability, matched."""
        return pl.concat(
            pl.DataFrame(
                {
                    **dict(zip(("first", "second"), self._ends(one), strict=True)),
                    "probability": one.probability,
                    "matched": one.matched,
                }
            )
            for one in self.decisions
        )

    def _entities(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "cluster": self.labels,
                "graph": self._graph_of + 1,
                "entity": pl.concat([graph.ids for graph in self.graphs]),
            }
        )

    def _ends(self, one: Decisions) -> tuple[Int64, Int64]:
        starts = np.r_[0, np.cumsum([len(graph) for graph in self.graphs])]
        return one.left + starts[one.numbers[0]], one.right + starts[one.numbers[1]]

    @cached_property
    def _graph_of(self) -> Int32:
        sizes = [len(graph) for graph in self.graphs]
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
