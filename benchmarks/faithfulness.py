"""Are reasons true? Remove the neighbour that an explanation names strongest, or another, and score again.

    python benchmarks/faithfulness.py RESULT [--pairs 60] [--seed 0] [--at-once 12] [--foretold] [--json]

Pairs are decided matches that no link was given for, with at least three neighbours. Removing is done twice:
by the explanation's own scorer, which leaves all but the two entities as it is; and in the graphs, which are
then described, blocked, sampled and scored anew as ``crossgraph score`` does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crossgraph.checkpoint import load_model
from crossgraph.explaining.reasons import Explainer, Explanation, Reason
from crossgraph.explaining.reopening import Reopened, reopen
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.inputs import config_of, inputs_of, stored_known
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs
from crossgraph.progress import SILENT
from crossgraph.schema.seeds import EntityPairs
from crossgraph.session import Session
from crossgraph.stages import StageClock

LEAST_NEIGHBOURS = 3


@dataclass(frozen=True)
class Trial:
    """One pair, the neighbour named strongest, and another one drawn at random."""

    pair: tuple[int, int]
    strongest: Reason
    random: Reason
    explained: Explanation

    @property
    def score(self) -> float:
        """The pair's log-odds."""
        return self.explained.score


@dataclass(frozen=True)
class Figures:
    """Median absolute changes of log-odds over N pairs, and how often the strongest neighbour's is larger."""

    pairs: int
    strongest: float
    random: float
    ratio: float
    more: float

    @staticmethod
    def of(strongest: list[float], random: list[float]) -> Figures:
        """From the changes of each pair."""
        a, b = np.abs(strongest), np.abs(random)
        medians = float(np.median(a)), float(np.median(b))
        return Figures(len(a), *medians, medians[0] / max(medians[1], 1e-9), float((a > b).mean()))


def trials(opened: Reopened, *, pairs: int, seed: int) -> list[Trial]:
    """Explain pairs drawn at random."""
    explainer, rng = Explainer(opened), np.random.default_rng(seed)
    candidates = opened.preparation.candidates
    linked = np.isin(candidates.left, opened.known.same.left)
    linked |= np.isin(candidates.right, opened.known.same.right)
    found: list[Trial] = []
    for place in rng.permutation(np.flatnonzero(opened.matched & ~linked)):
        pair = int(candidates.left[place]), int(candidates.right[place])
        if sum(clue.kind == "neighbour" for clue in explainer.rescorer(*pair).clues) < LEAST_NEIGHBOURS:
            continue
        found.append(_trial(explainer.explain(*pair), pair, rng))
        if len(found) == pairs:
            break
    return found


def _trial(explained: Explanation, pair: tuple[int, int], rng: np.random.Generator) -> Trial:
    neighbours = [reason for reason in explained.reasons if reason.clue.kind == "neighbour"]
    return Trial(pair, neighbours[0], neighbours[1 + rng.integers(len(neighbours) - 1)], explained)


def by_scorer(tried: list[Trial]) -> Figures:
    """Changes as the explanation foretells them."""
    return Figures.of(
        [one.strongest.without - one.score for one in tried],
        [one.random.without - one.score for one in tried],
    )


def additivity(tried: list[Trial]) -> dict[str, float]:
    """Medians over pairs of what the score is made of.

    together, one_by_one   what both sides have, in all, and removed one by one
    one_sided, rivals      what one side alone has, and the other candidates
    start                  the score without anything that both sides have
    rest                   start less one_sided less rivals; rest_low, rest_high its quartiles
    """
    both = [[r for r in one.explained.reasons if r.clue.both] for one in tried]
    alone = [[r for r in one.explained.reasons if not r.clue.both] for one in tried]
    together = [sum(r.share for r in reasons) for reasons in both]
    rest = [one.explained.rest for one in tried]
    parts = {
        "together": together,
        "one_by_one": [sum(t.score - r.without for r in rs) for t, rs in zip(tried, both, strict=True)],
        "one_sided": [sum(r.share for r in rs if r.clue.kind != "rivals") for rs in alone],
        "rivals": [sum(r.share for r in rs if r.clue.kind == "rivals") for rs in alone],
        "start": [one.score - all_of_it for one, all_of_it in zip(tried, together, strict=True)],
        "rest": rest,
    }
    low, high = np.percentile(rest, [25, 75])
    return {
        **{name: float(np.median(values)) for name, values in parts.items()},
        "rest_low": float(low),
        "rest_high": float(high),
    }


def by_graphs(result: Path, tried: list[Trial], *, at_once: int = 12) -> Figures:
    """Changes after the edges were taken out of the graphs and everything was scored again.

    at_once   so many pairs at most lose a neighbour in one run: few enough to leave each other alone
    """
    again = Again(result)
    before = again.scores(again.graphs, [one.pair for one in tried])
    changes: dict[str, list[float]] = {"strongest": [], "random": []}
    for which, changed in changes.items():
        after = np.zeros(len(tried))
        for part in apart(tried, at_once):
            removed = [(tried[at].pair, getattr(tried[at], which)) for at in part]
            graphs = without(again.graphs, removed)
            after[part] = again.scores(graphs, [tried[at].pair for at in part])
        changed += (after - before).tolist()
    return Figures.of(changes["strongest"], changes["random"])


def apart(tried: list[Trial], at_once: int) -> Iterator[list[int]]:
    """Groups of pairs that share neither entities nor the neighbours in question."""
    left = list(range(len(tried)))
    while left:
        taken: list[int] = []
        used: set[tuple[int, int]] = set()
        for at in left:
            ends = _ends(tried[at])
            if len(taken) < at_once and not ends & used:
                taken.append(at)
                used |= ends
        left = [at for at in left if at not in taken]
        yield taken


def _ends(trial: Trial) -> set[tuple[int, int]]:
    parts = [reason.clue.parts for reason in (trial.strongest, trial.random)]
    return {(side, part[side].entity) for part in parts for side in (0, 1) if not part[side].empty} | set(
        enumerate(trial.pair)
    )


def without(graphs: Graphs, removed: list[tuple[tuple[int, int], Reason]]) -> Graphs:
    """Both graphs without the edges between each pair's entities and the neighbours named."""
    left, right = (
        _without(graph, {(pair[side], reason.clue.parts[side].entity) for pair, reason in removed})
        for side, graph in enumerate(graphs)
    )
    return left, right


def _without(graph: KnowledgeGraph, gone: set[tuple[int, int]]) -> KnowledgeGraph:
    ends = zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)
    kept = np.array([(h, t) not in gone and (t, h) not in gone for h, t in ends], dtype=bool)
    return replace(graph, heads=graph.heads[kept], relations=graph.relations[kept], tails=graph.tails[kept])


class Again:
    """The model of a RESULT on its graphs, or on edited ones."""

    def __init__(self, result: Path) -> None:
        folder = ResultFolder(result)
        self.inputs = inputs_of(folder)
        self.session = Session(config_of(folder), StageClock(), SILENT)
        self.graphs = self.session.read(self.inputs)
        self.model = load_model(folder.model_folder)
        self.known = stored_known(folder, self.graphs)

    def scores(self, graphs: Graphs, pairs: list[tuple[int, int]]) -> np.ndarray:
        """Log-odds of pairs of entities, by number."""
        asked = EntityPairs.of(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]))
        keep = asked.and_also(self.known.same).and_also(self.known.different)
        prepared = self.session.prepare(graphs, self.known, keep=keep, inputs=self.inputs)
        run = self.session.apply(self.model, *prepared, self.known)
        places = prepared[0].candidates.find(asked.left, asked.right)
        return run.scored.score[places]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("result", type=Path)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument(
        "--foretold", action="store_true", help="leave the graphs alone: only the first figures"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    tried = trials(reopen(asked.result), pairs=asked.pairs, seed=asked.seed)
    found = {"by the scorer": by_scorer(tried)}
    if not asked.foretold:
        found["in the graphs"] = by_graphs(asked.result, tried, at_once=asked.at_once)
    added = additivity(tried)
    if asked.json:
        print(json.dumps({**{name: vars(figures) for name, figures in found.items()}, "additivity": added}))
        return
    for name, f in found.items():
        print(
            f"{name}: {f.pairs} pairs, median change {f.strongest:.3f} (strongest), {f.random:.3f} (random), "
            f"{f.ratio:.1f} times as much, more in {f.more:.0%}"
        )
    print(
        f"medians: both sides have {added['together']:+.2f} ({added['one_by_one']:+.2f} removed one by one), "
        f"one alone {added['one_sided']:+.2f}, rivals {added['rivals']:+.2f}; start {added['start']:+.2f}, "
        f"rest {added['rest']:+.2f} ({added['rest_low']:+.2f} to {added['rest_high']:+.2f})"
    )


if __name__ == "__main__":
    main()
