"""How many answers does a model need? Questions by `crossgraph ask` and at random, answered by the gold.

    python benchmarks/simulate_answers.py DATA --out docs/results [--dataset "movies hard"] [--seeds 0 1 2]

The pool of questions are pairs of entities of the training and validation links; an entity of a judged link
is never asked about. A round asks with the model of the round before, answers by the gold, and learns anew
from all answers so far. Graphs are read, blocked and compared once, knowing no link, also for the level of
all links of the pool. Finished rounds are lines of JSON that are not repeated; what a round goes on from is
kept in --work. `--judge valid` asks about training links, judges on the validation links and leaves the test
alone: for choosing a rule.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np

from crossgraph import metrics
from crossgraph._types import Bool, Float64, Int64
from crossgraph.benchmarking.figure import draw
from crossgraph.benchmarking.judging import Judgement, prauc_interval
from crossgraph.benchmarking.problem import Case, read_case
from crossgraph.benchmarking.reading import read_suite
from crossgraph.benchmarking.records import Cost, Key, Record, append_record
from crossgraph.benchmarking.suite import FigurePlan
from crossgraph.benchmarking.table import Row
from crossgraph.comparing import gather_evidence
from crossgraph.config import Config, load_config
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import fit
from crossgraph.graphs.links import read_links
from crossgraph.labelling import labels_for
from crossgraph.looking import looks
from crossgraph.preparation import Graphs, Known, Preparation
from crossgraph.proposing import prepare
from crossgraph.reporting import versions
from crossgraph.results import write_whole
from crossgraph.reviewing.asking import questions, settled
from crossgraph.reviewing.pairs import PairTable
from crossgraph.schema.seeds import EntityPairs, type_codes
from crossgraph.stages import StageClock

SUITE = Path(__file__).with_name("suites") / "baselines.toml"
COUNTS = (5, 10, 25, 50)
COMMAND = "python benchmarks/simulate_answers.py DATA --out docs/results"
NONE, ALL = "no answers", "all links of the pool"


@dataclass(frozen=True, eq=False)
class World:
    """One data set, ready to be asked about.

    pairs           the candidates; their probability is of no model yet
    same (P)        which candidates are links of the pool
    askable (P)     candidates that the gold answers, without an entity of a judged link
    judged (P)      candidates that count, and ``gold`` (P) which of them are right
    pool            the links of the pool
    total           judged links
    """

    preparation: Preparation
    evidence: EvidenceTable
    pairs: PairTable
    same: Bool
    askable: Bool
    judged: Bool
    gold: Bool
    pool: EntityPairs
    total: int

    @staticmethod
    def of(case: Case, config: Config, *, judge_valid: bool) -> World:
        """Read, block and compare, knowing no link.

        judge_valid   judge on the validation links, and leave the test links alone: for choosing a rule
        """
        graphs = read_case(case)
        pool = _links(case.train if judge_valid else (*case.train, *case.valid), graphs)
        test = _links(case.valid if judge_valid else case.test, graphs)
        rest = _links(case.test, graphs)
        nothing_known = Known.nothing()
        preparation = prepare(
            graphs,
            nothing_known,
            schema_options=config.schema,
            blocking=config.blocking,
            look=looks(config),
        )
        c = preparation.candidates
        names, codes = type_codes(graphs[0])
        nothing = np.zeros(len(c))
        everyone = np.ones(len(c), dtype=bool)
        pairs = PairTable(c.left, c.right, nothing, nothing > 0, codes[c.left], names, (everyone, everyone))
        judged, known = _touches(pairs, test), _touches(pairs, pool)
        return World(
            preparation=preparation,
            evidence=gather_evidence(preparation),
            pairs=pairs,
            same=_are(preparation, pool),
            askable=known & ~judged & ~_touches(pairs, rest),
            judged=judged,
            gold=_are(preparation, test),
            pool=pool,
            total=len(test),
        )


def _links(files: tuple[Path, ...], graphs: Graphs) -> EntityPairs:
    found = read_links(*files).resolve(*graphs).positives()
    return EntityPairs.of(found[:, 0], found[:, 1])


def _touches(pairs: PairTable, links: EntityPairs) -> Bool:
    return np.isin(pairs.left, links.left) | np.isin(pairs.right, links.right)


def _are(preparation: Preparation, links: EntityPairs) -> Bool:
    same = np.zeros(len(preparation.candidates), dtype=bool)
    places = preparation.candidates.find(links.left, links.right)
    same[places[places >= 0]] = True
    return same


def by_ask(world: World, probability: Float64, rows: Int64, count: int, seed: int) -> Int64:
    """What ``crossgraph ask`` would ask next."""
    pairs = replace(world.pairs, probability=probability)
    answered = settled(pairs, (pairs.left[rows], pairs.right[rows]), world.same[rows])
    closed = ~world.askable | answered
    return questions(pairs, closed)[:count]


def by_chance(world: World, probability: Float64, rows: Int64, count: int, seed: int) -> Int64:
    """The likeliest partner of left entities drawn at random, each asked about once."""
    asked = np.unique(world.pairs.left[rows])
    order = np.random.default_rng((seed, 4)).permutation(np.unique(world.pairs.left[world.askable]))
    drawn = order[~np.isin(order, asked)][:count]
    chance = np.where(world.askable, probability, -1.0)
    by_left = np.lexsort((-chance, world.pairs.left))
    starts = np.searchsorted(world.pairs.left[by_left], drawn)
    return by_left[starts]


def by_pair(world: World, probability: Float64, rows: Int64, count: int, seed: int) -> Int64:
    """Candidate pairs drawn at random."""
    order = np.random.default_rng((seed, 5)).permutation(np.flatnonzero(world.askable))
    return order[~np.isin(order, rows)][:count]


Rule = Callable[[World, Float64, Int64, int, int], Int64]
RULES: dict[str, Rule] = {"ask": by_ask, "random entities": by_chance, "random pairs": by_pair}


def known_from(world: World, rows: Int64) -> Known:
    """Answers as what is known."""
    asked = EntityPairs.of(world.pairs.left[rows], world.pairs.right[rows])
    return Known(asked.take(world.same[rows]), asked.take(~world.same[rows]))


def learn(world: World, known: Known, config: Config) -> Float64:
    """(P) the probability of every candidate by a model that learned from what is known."""
    believed = world.preparation.seeds.without(known.different)
    preparation = replace(world.preparation, seeds=known.same.joined(believed))
    labels = labels_for(preparation, known, config)
    fitted = fit(preparation, world.evidence, labels, config=config, clock=StageClock())
    return fitted.scored.probability


@dataclass(frozen=True, kw_only=True)
class Round:
    """A finished round: after so many answers, ``same`` of them yes, how well the judged pairs are ranked.

    A judged link that blocking never proposed counts as missed. Seconds are CPU seconds of all threads.
    """

    dataset: str
    judged: str
    rule: str
    seed: int
    answers: int
    same: int
    prauc: float
    prauc_low: float
    prauc_high: float
    hits1: float
    r_at_p95: float
    recall_blocking: float
    training_seconds: float
    versions: dict[str, str]

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What tells one round from another."""
        return self.dataset, self.judged, self.rule, self.seed, self.answers

    def line(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"

    def record(self) -> Record:
        """As the figure of a suite takes it."""
        judgement = Judgement(
            prauc=self.prauc,
            prauc_low=self.prauc_low,
            prauc_high=self.prauc_high,
            hits1=self.hits1,
            mrr=float("nan"),
            r_at_p95=self.r_at_p95,
            recall_blocking=self.recall_blocking,
            pairs=0,
            matches=0,
        )
        cost = Cost(training_seconds=self.training_seconds, scoring_seconds=0.0, parameters=0, peak_mib=0.0)
        return Record(
            key=Key(method=self.rule, dataset=self.dataset, seed=self.seed, case="{}"),
            judgement=judgement,
            cost=cost,
        )


def figures(world: World, probability: Float64, seed: int) -> dict[str, float]:
    """How well the judged pairs are ranked."""
    scores, same = probability[world.judged], world.gold[world.judged]
    left = world.pairs.left[world.judged]
    ranks = metrics.mean_ranks(left, scores, is_match=same)
    interval = prauc_interval(scores, same, left, total=world.total, seed=seed)
    found = {
        "prauc": metrics.pr_auc(scores, same, total=world.total),
        "prauc_low": interval.low,
        "prauc_high": interval.high,
        "hits1": metrics.hits_at_k(ranks, 1, total=world.total),
        "r_at_p95": metrics.recall_at_precision(scores, same, total=world.total),
        "recall_blocking": float(same.sum()) / world.total,
    }
    return {name: round(value, 6) for name, value in found.items()}


@dataclass(frozen=True)
class Simulation:
    """One data set with one seed.

    lines, work   where finished rounds go, and where the state of each is kept
    """

    case: Case
    judged: str
    seed: int
    lines: Path
    work: Path

    @cached_property
    def config(self) -> Config:
        """The defaults with the seed."""
        return load_config(None, seed=self.seed)

    @cached_property
    def world(self) -> World:
        """Made only if a round is missing."""
        return World.of(self.case, self.config, judge_valid=self.judged == "valid")

    def run(self, rules: Sequence[str], counts: Sequence[int]) -> None:
        """All rounds that are missing, those of few answers first."""
        nothing = np.zeros(0, dtype=np.int64)
        start = self.round(NONE, 0, lambda: nothing)
        self.round(ALL, -1, lambda: nothing)
        states = dict.fromkeys(rules, (nothing, start))
        for count in counts:
            for rule in rules:
                rows, before = states[rule]
                asked = self._ask(rule, rows, before, count)
                after = self.round(rule, count, asked)
                states[rule] = self._rows(rule, count), after

    def _ask(self, rule: str, rows: Int64, before: Float64, count: int) -> Callable[[], Int64]:
        def asked() -> Int64:
            new = RULES[rule](self.world, before, rows, count - len(rows), self.seed)
            return np.concatenate([rows, new])

        return asked

    def round(self, rule: str, count: int, asked: Callable[[], Int64]) -> Float64:
        """The probabilities after a round; run, kept and told where that is missing."""
        state = self._state(rule, count)
        done = (self.case.name, self.judged, rule, self.seed, count) in {one.key for one in read(self.lines)}
        if state.exists() and done:
            return np.load(state)["probability"]
        rows = asked()
        pool = Known(self.world.pool, Known.nothing().different)
        known = pool if rule == ALL else known_from(self.world, rows)
        began = time.process_time()
        probability = learn(self.world, known, self.config)
        seconds = time.process_time() - began

        def save(part: Path) -> None:
            with part.open("wb") as out:
                np.savez(out, rows=rows, probability=probability)

        write_whole(state, save)
        if not done:
            told = Round(
                dataset=self.case.name,
                judged=self.judged,
                rule=rule,
                seed=self.seed,
                answers=count,
                same=len(known.same),
                training_seconds=round(seconds, 1),
                versions=versions(),
                **figures(self.world, probability, self.seed),
            )
            append_record(self.lines, told)
            print(told.line(), end="", flush=True)
        return probability

    def _rows(self, rule: str, count: int) -> Int64:
        return np.load(self._state(rule, count))["rows"]

    def _state(self, rule: str, count: int) -> Path:
        name = f"{self.case.name}-{self.judged}-{self.seed}-{rule}-{count}.npz"
        return self.work / name.replace(" ", "_")


def read(lines: Path) -> list[Round]:
    """Finished rounds; a last line that was never finished is none."""
    if not lines.exists():
        return []
    names = {one.name for one in fields(Round)}
    whole = lines.read_text(encoding="utf8").split("\n")[:-1]
    return [Round(**{k: v for k, v in json.loads(line).items() if k in names}) for line in whole]


def needed(rounds: Sequence[Round], rule: str, level: float) -> float | None:
    """After how many answers the mean PRAUC over seeds first reaches a level; straight between two rounds."""
    curve = curve_of(rounds, rule)
    for (a, low), (b, high) in pairwise(curve):
        if high >= level > low:
            return a + (b - a) * (level - low) / (high - low)
    return None


def curve_of(rounds: Sequence[Round], rule: str) -> list[tuple[int, float]]:
    """Answers and mean PRAUC over the seeds that came so far, from no answers on."""
    chosen = [one for one in rounds if one.rule in (rule, NONE)]
    return [
        (count, mean(one.prauc for one in chosen if one.answers == count))
        for count in sorted({one.answers for one in chosen})
    ]


def page(rounds: Sequence[Round], command: str, figure: str) -> str:
    """The page as Markdown, from the lines alone."""
    parts = [
        "# How many answers does a model need?",
        "Questions by `crossgraph ask` and at random, answered by the links of the training and validation "
        "parts; PRAUC on the test links. [reviewing.md](../reviewing.md#learning) says what it means.",
        f"```sh\n{command}\n```",
        f"![PRAUC over answers]({figure})",
    ]
    for dataset in dict.fromkeys(one.dataset for one in rounds):
        of_set = [one for one in rounds if one.dataset == dataset]
        parts += [f"## {dataset}", "\n".join(_table(of_set)), "\n".join(_halves(of_set))]
    parts.append(_LEGEND)
    return "\n\n".join(parts) + "\n"


_LEGEND = """\
Random entities: the likeliest partner of a left entity drawn at random. Random pairs: any candidate pair.
Each round asks with its own model of the round before. Rows are means over the seeds; the interval is a 95%
bootstrap of the lowest seed's PRAUC over left entities of the test. A test link that blocking never proposed
counts as missed. Graphs are blocked and compared once, knowing no link, so the rows differ by what was
learned alone. Seconds are CPU seconds of one training, all threads, on two cores that other work shared."""
_COLUMNS = (
    "answers",
    "same",
    "seeds",
    "PRAUC",
    "95% interval",
    "hits@1",
    "R@P95",
    "blocking recall",
    "CPU s",
)


def _table(rounds: Sequence[Round]) -> Iterator[str]:
    yield f"| questions | {' | '.join(_COLUMNS)} |"
    yield "|---" + "|---:" * len(_COLUMNS) + "|"
    for rule, answers in dict.fromkeys((one.rule, one.answers) for one in rounds):
        same = sorted((o for o in rounds if (o.rule, o.answers) == (rule, answers)), key=lambda o: o.seed)
        first = same[0]
        cells = [rule, str(answers) if answers >= 0 else "-", f"{mean(o.same for o in same):.0f}"]
        cells += [str(len(same)), f"{mean(o.prauc for o in same):.4f}"]
        cells += [f"{first.prauc_low:.3f}–{first.prauc_high:.3f}"]
        cells += [
            f"{mean(getattr(o, name) for o in same):.4f}" for name in ("hits1", "r_at_p95", "recall_blocking")
        ]
        yield f"| {' | '.join([*cells, f'{mean(o.training_seconds for o in same):.0f}'])} |"


def _halves(rounds: Sequence[Round]) -> Iterator[str]:
    """Where each rule closes half of the gap."""
    none, every = (mean(o.prauc for o in rounds if o.rule == rule) for rule in (NONE, ALL))
    half = (none + every) / 2
    gap = every - none
    yield f"From no answers to all links PRAUC rises by {gap:.4f}. Half of the way, {half:.4f}, is reached"
    yield ""
    for rule in RULES:
        if any(one.rule == rule for one in rounds):
            count = needed(rounds, rule, half)
            yield f"- {rule}: " + ("not reached" if count is None else f"after {count:.0f} answers")


def rows_of(rounds: Sequence[Round]) -> list[Row]:
    """What is drawn: a line for each rule, which starts at no answers, and the level of all links."""
    rows = []
    for dataset in dict.fromkeys(one.dataset for one in rounds):
        of_set = [one for one in rounds if one.dataset == dataset]
        for rule in (*RULES, ALL):
            counts = sorted({one.answers for one in of_set if one.rule == rule})
            counts = [0, *counts] if counts and rule != ALL else counts
            for count in counts:
                same = [o for o in of_set if o.answers == count and o.rule in (rule, NONE)]
                records = tuple(one.record() for one in sorted(same, key=lambda o: o.seed))
                x = None if rule == ALL else count
                rows.append(Row(dataset=dataset, method=rule, line=rule, x=x, records=records))
    return rows


def main() -> None:
    """Simulate what is missing, and write the page and the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("answers.work"))
    parser.add_argument("--dataset", default="movies hard")
    parser.add_argument("--judge", choices=("test", "valid"), default="test")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES)[:2])
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    suite = read_suite(SUITE)
    case = next(one for one in suite.datasets if one.name == asked.dataset).case(asked.data)
    for folder in (asked.out, asked.work):
        folder.mkdir(parents=True, exist_ok=True)
    lines = asked.out / "answers.jsonl"
    for seed in asked.seeds:
        simulation = Simulation(case, asked.judge, seed, lines, asked.work)
        simulation.run(asked.rules, sorted(asked.counts))
    rounds = [one for one in read(lines) if one.judged == asked.judge]
    draw(rows_of(rounds), FigurePlan(x="answers", log_x=True), asked.out / "answers.svg")
    (asked.out / "answers.md").write_text(page(rounds, COMMAND, "answers.svg"), encoding="utf8")


if __name__ == "__main__":
    main()
