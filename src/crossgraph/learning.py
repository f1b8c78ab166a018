"""Cross-fitting: every labelled pair gets a score from models that never saw its label.

Two networks, each trained on half of the labels, lend the other half their opinion; the pair scorers then
learn, fold by fold, from evidence and opinions that are as honest as they will be on new pairs. The
out-of-fold scores calibrate probabilities and choose thresholds, so no label is spent on holding out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from crossgraph._threads import threads
from crossgraph._types import AnyArray, Float32, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.folds import by_folds
from crossgraph.evidence.table import EvidenceTable
from crossgraph.labels import FOLDS, HALVES, Labels
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import PAIRS, CollectiveNetwork, PairOutput, Slots
from crossgraph.model.options import SAID, ModelOptions, ScorerOptions, TrainingOptions
from crossgraph.model.prepared import Lower, Whole
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.model.seen import See
from crossgraph.progress import SILENT, Advance, Progress, unwatched
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.vocabulary import Vocabulary
from crossgraph.training import NOT_KEPT, Epochs, network_schedule, train_network, train_scorer

T = TypeVar("T")

# How much more an attribute with a counterpart weighs in an entity's vector at the start (log).
MAPPED_IMPORTANCE = 4.0
NONE_KEPT = (NOT_KEPT,) * HALVES
# What a side may take that is prepared once for all pairs.
WHOLE = 2 << 30
# Pairs that are not worth a second part.
FEW = 8_192
# Pairs of a part, however little room there is.
LEAST = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningOptions:
    """The options of everything that is trained."""

    model: ModelOptions = field(default_factory=ModelOptions)
    scorer: ScorerOptions = field(default_factory=ScorerOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the networks of all halves learn from: the labelled candidates alone, for they are far fewer.

    labels   their places are those in ``candidates``
    kept     what is kept of the network of each half while it learns
    """

    tensors: PairTensors
    candidates: Candidates
    labels: Labels
    options: TrainingOptions
    seed: int
    kept: tuple[Epochs, ...] = field(default=NONE_KEPT, kw_only=True)

    @staticmethod
    def of(tensors: PairTensors, candidates: Candidates, labels: Labels, options: LearningOptions) -> Lesson:
        """From all candidates, and the labels of some."""
        labelled = replace(labels, places=np.arange(len(labels)))
        return Lesson(tensors, candidates.take(labels.places), labelled, options.training, options.seed)

    @property
    def steps(self) -> int:
        """Steps of all networks together."""
        return sum(math.prod(network_schedule(self.seen(half), self.options)) for half in range(HALVES))

    def seen(self, half: int) -> Labels:
        """The labels that the network of a half learns from: those of the other."""
        return self.labels.take(self.labels.folds % HALVES != half)

    def teach(self, network: nn.Module, half: int, advance: Advance = unwatched) -> None:
        """Teach the network of a half, in place; chance is its own, whatever else is taught beside it."""
        rng = np.random.default_rng((self.seed, half))
        seen = self.seen(half)
        train_network(
            network,
            self.tensors,
            self.candidates,
            seen,
            options=self.options,
            rng=rng,
            advance=advance,
            kept=self.kept[half],
        )


Teach: TypeAlias = Callable[[Sequence[CollectiveNetwork], Lesson, Advance], None]
"""``taught``, or what does the same elsewhere."""
Hear: TypeAlias = Callable[
    [tuple[CollectiveNetwork, ...], PairTensors, tuple[AnyArray, AnyArray], Int32, Advance, See | None],
    Float32,
]
"""``heard``, or what does the same elsewhere: no pair needs another one."""
Score: TypeAlias = Callable[[tuple[EvidenceScorer, ...], EvidenceTable, Int32], Float32]
"""``scored_by_folds``, or what does the same elsewhere."""


def taught(networks: Sequence[CollectiveNetwork], lesson: Lesson, advance: Advance = unwatched) -> None:
    """Teach a network for each half, in place and side by side."""
    side_by_side(lambda half: lesson.teach(networks[half], half, advance), range(len(networks)))


def fit_networks(
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels,
    vocabulary: Vocabulary,
    *,
    schema: SchemaMapping,
    options: LearningOptions,
    progress: Progress = SILENT,
    teach: Teach = taught,
    kept: tuple[Epochs, ...] = NONE_KEPT,
) -> tuple[CollectiveNetwork, ...]:
    """One network for each half of the labels, trained on the other half.

    kept   as of ``Lesson``
    """
    networks = tuple(
        untrained(vocabulary, schema, options, half).to(tensors.sketch.device) for half in range(HALVES)
    )
    lesson = replace(Lesson.of(tensors, candidates, labels, options), kept=kept)
    with progress.stage("train: network", lesson.steps, "steps") as advance:
        teach(networks, lesson, advance)
    return networks


def untrained(
    vocabulary: Vocabulary, schema: SchemaMapping, options: LearningOptions, half: int
) -> CollectiveNetwork:
    """A network at its start; the seed and the half make its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed * HALVES + half)
        network = CollectiveNetwork(Slots.of(vocabulary), options.model)
    network.level0.weigh(attribute_importance(vocabulary, schema))
    return network


def side_by_side(work: Callable[[int], T], numbers: range) -> list[T]:
    """The results of independent pieces of work that are done at once, each on one thread.

    The matrices of one step are too small to be shared among threads: torch's own threads would spend more
    time waiting for each other than computing, and on busy cores many times more. Results do not depend
    on how many threads there are.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max_workers=threads()) as pool:
            return [done.result() for done in [pool.submit(_on_one_thread, work, at) for at in numbers]]
    finally:
        torch.set_num_threads(before)


def _on_one_thread(work: Callable[[int], T], number: int) -> T:
    # OpenMP keeps the number of threads for each calling thread.
    torch.set_num_threads(1)
    return work(number)


def attribute_importance(vocabulary: Vocabulary, schema: SchemaMapping) -> Float32:
    """(slots) how much each attribute should weigh at first: those with a counterpart more, by its weight."""
    importance = np.zeros(vocabulary.attribute_slots, dtype=np.float32)
    for mapping in schema.attributes:
        for slot in (
            vocabulary.attributes_left.get(mapping.left, 0),
            vocabulary.attributes_right.get(mapping.right, 0),
        ):
            importance[slot] = max(importance[slot], MAPPED_IMPORTANCE * mapping.weight)
    return importance


def heard(
    networks: tuple[CollectiveNetwork, ...],
    tensors: PairTensors,
    pairs: tuple[AnyArray, AnyArray],
    folds: Int32,
    advance: Advance = unwatched,
    see: See | None = None,
    *,
    room: int = WHOLE,
) -> Float32:
    """(9, P) what the networks say of pairs in the order of ``SAID``, each as its fold hears it.

    folds (P)   of labelled pairs, which hear only who did not learn from their half; -1 for the others
    see         looks at entities alone, once for each network and side; they themselves if not given
    room        bytes that the right side may take, prepared once for all pairs, or both sides of some pairs
    """
    left, right = (torch.from_numpy(side).long() for side in pairs)
    mean: Float32 = np.zeros((len(SAID), len(left)), dtype=np.float32)
    alone = []
    # A few pairs are not worth more threads than one for each network; of many, two networks would hold both
    # sides at once.
    over, within = (side_by_side, map) if len(left) <= FEW else (map, side_by_side)

    def ask(number: int) -> Float32:
        network = networks[number]

        def seen(side: int) -> Lower | None:
            entities = torch.unique((left, right)[side])
            return see(number, side, entities) if see else network.seen_alone(tensors, side, entities)

        lowers = list(within(seen, range(2)))
        return _said(network, tensors, lowers, (left, right), advance, within, room)

    for number, said in enumerate(over(ask, range(len(networks)))):
        own = np.flatnonzero((folds >= 0) & (folds % HALVES == number))
        alone.append((own, said[:, own]))
        # What all say would be the largest table of a run of millions of pairs.
        mean += said
    mean /= len(networks)
    for own, kept in alone:
        mean[:, own] = kept
    return mean


def _said(
    network: CollectiveNetwork,
    tensors: PairTensors,
    lowers: Sequence[Lower | None],
    pairs: tuple[Tensor, Tensor],
    advance: Advance,
    spread: Callable[[Callable[[int], Any], range], Iterable[Any]],
    room: int,
) -> Float32:
    """(9, P) what a network says of pairs whose sides are seen alone: parts of the pairs are compared.

    spread   does such pieces of work, at once or one after the other
    room     bytes, as of ``heard``
    """
    count = len(pairs[0])
    seen: list[Lower | Whole | None] = list(lowers)
    size = min(PAIRS, max(FEW, -(-count // 2)), _pairs_within(network, tensors, lowers[0], pairs[0], room))
    if count > size:
        # Pairs come by left entity: a right one would be prepared for each part that has a pair of it.
        seen[1] = network.whole(tensors, 1, lowers[1], pairs[1], spread, room)
    said = np.zeros((len(SAID), count), dtype=np.float32)

    def ask(number: int) -> None:
        at = number * size
        part = pairs[0][at : at + size], pairs[1][at : at + size]
        for out in network.compare_some(tensors, seen, part):
            end = at + len(out.logits)
            said[:, at:end] = told(out).cpu().numpy()
            advance(end - at)
            at = end

    list(spread(ask, range(-(-count // size))))
    return said


@torch.no_grad()
def _pairs_within(
    network: CollectiveNetwork, tensors: PairTensors, lower: Lower | None, left: Tensor, room: int
) -> int:
    """How many pairs, no two of which share an entity, take so many bytes where both ends are prepared."""
    if lower is None or not len(left):
        return PAIRS
    each = network.upper(tensors.left, tensors.sketch, lower, left[:1]).bytes_each
    return max(LEAST, room // (2 * each))


def told(out: PairOutput) -> Tensor:
    """(9, P) what a network says of P pairs, in the order of ``SAID``."""
    return torch.stack([out.logits, -out.distance, out.cosine, *out.echo.unbind(1)])


def opinions(
    networks: tuple[CollectiveNetwork, ...],
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels | None = None,
    *,
    progress: Progress = SILENT,
    hear: Hear = heard,
    see: See | None = None,
) -> EvidenceTable:
    """What the networks say of every candidate, as columns ``collective:...``.

    A labelled pair hears only the network that did not learn from its half; all others their mean.
    """
    pairs = (candidates.left, candidates.right)
    with progress.stage("score: network", len(networks) * len(candidates), "pairs") as advance:
        mean = hear(networks, tensors, pairs, _folds(labels, len(candidates)), advance, see)
    columns = lead_columns("collective", pairs, mean[0])
    return EvidenceTable.of({**columns, **dict(zip(SAID[1:], mean[1:], strict=True))})


def _folds(labels: Labels | None, pairs: int) -> Int32:
    return np.full(pairs, -1, dtype=np.int32) if labels is None else labels.fold_of_each(pairs)


def fit_scorers(
    values: Float32, labels: Labels, *, options: LearningOptions, progress: Progress = SILENT
) -> tuple[EvidenceScorer, ...]:
    """One scorer for each fold, trained on the others, from the evidence (K, F) of K labels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        scorers = [
            EvidenceScorer(values.shape[1], options.scorer, seed=options.seed * FOLDS + fold)
            for fold in range(FOLDS)
        ]
    with progress.stage("train: scorer", FOLDS, "folds") as advance:

        def teach(fold: int) -> None:
            seen = labels.folds != fold
            rng = np.random.default_rng((options.seed, fold))
            train_scorer(scorers[fold], values[seen], labels.take(seen), options=options.training, rng=rng)
            advance(1)

        side_by_side(teach, range(FOLDS))
    return tuple(scorers)


def scored_by_folds(scorers: tuple[EvidenceScorer, ...], evidence: EvidenceTable, folds: Int32) -> Float32:
    """(P) mean score of the scorers; ``folds`` (P) says which scores a labelled pair alone, -1 for others."""
    return by_folds(scorers, evidence, folds, side_by_side)


def raw_scores(
    scorers: tuple[EvidenceScorer, ...],
    evidence: EvidenceTable,
    labels: Labels | None = None,
    *,
    score: Score = scored_by_folds,
) -> Float32:
    """(P) mean score of the scorers; a labelled pair's comes from the one that did not learn from it."""
    return score(scorers, evidence, _folds(labels, len(evidence)))
