"""Training: the collective network on sampled pairs, the pair scorer on all labelled ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph._types import Bool, Float32, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.errors import NonFiniteLossError
from crossgraph.labels import Labels
from crossgraph.model.inputs import PairTensors
from crossgraph.model.options import TrainingOptions
from crossgraph.model.plan import upload
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.progress import Advance, unwatched

SMALLEST_BATCH = 64


State: TypeAlias = dict[str, Any]
"""All that the epochs to come depend on: tensors, numbers and texts."""


class Epochs:
    """What is kept of a training while it runs: nothing."""

    def had(self) -> State | None:
        """What was kept last, of a training that came to no end."""
        return None

    def keep(self, state: Callable[[], State]) -> None:
        """Take what an epoch has led to."""

    def drop(self) -> None:
        """Let go of all that was kept: the training has come to its end."""


NOT_KEPT = Epochs()


def train_network(
    network: nn.Module,
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels,
    *,
    options: TrainingOptions,
    rng: np.random.Generator,
    advance: Advance = unwatched,
    kept: Epochs = NOT_KEPT,
) -> None:
    """Teach the network the labelled pairs, in place.

    Each epoch sees every match and ``negatives`` times as many pairs that are none. Those of blocking are
    hard: it proposed them because they look alike. Pairs of one left entity go to the same batch, which
    prepares it once. Neighbours of neighbours are most of what is computed, and only a mean of them is seen:
    of half of them it is hardly another. Without a match there is nothing to teach, and the network stays as
    it is.

    network   a ``CollectiveNetwork``, or what answers with logits as it does
    kept      from where it goes on, with the same end as if it had never been stopped

    Raises NonFiniteLossError.
    """
    epochs, per_epoch = network_schedule(labels, options)
    network.eval()
    if not epochs:
        return
    tensors = replace(tensors, farther=options.farther)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=1e-3, weight_decay=options.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.learning_rate, total_steps=_cycle(epochs * per_epoch), pct_start=0.25
    )
    network.train()
    course = _Course(network, optimiser, schedule, rng)
    reached = course.resumed(kept.had())
    advance(reached * per_epoch)
    for epoch in range(reached, epochs):
        drawn = draw_pairs(tensors, candidates, labels, options=options, rng=rng)
        losses = []
        for batch in _batches(drawn, per_epoch, rng):
            loss = _network_loss(network, tensors, batch, options)
            losses.append(_step(loss, optimiser, schedule))
            advance(1)
        _refuse_not_finite(losses)
        kept.keep(partial(course.state, epoch + 1))
    network.eval()


# What of a course knows its own state.
_STATES = ("network", "optimiser", "schedule")


@dataclass(frozen=True, eq=False)
class _Course:
    """A training between two epochs."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    rng: np.random.Generator

    def state(self, epochs: int) -> State:
        """What so many epochs have led to."""
        parts = {name: getattr(self, name).state_dict() for name in _STATES}
        return {**parts, "chance": self.rng.bit_generator.state, "epochs": epochs}

    def resumed(self, state: State | None) -> int:
        """Go on from a state, if there is one that fits: how many epochs are behind it."""
        if state is None:
            return 0
        fresh = deepcopy(self.state(0))
        try:
            return self._at(state)
        except (KeyError, TypeError, ValueError, RuntimeError):
            return self._at(fresh)

    def _at(self, state: State) -> int:
        for name in _STATES:
            getattr(self, name).load_state_dict(state[name])
        self.rng.bit_generator.state = state["chance"]
        return int(state["epochs"])


_Batch: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""Left and right entities, labels and weights of some pairs, on the host, where a step is planned."""


@dataclass(frozen=True, eq=False)
class DrawnPairs:
    """Pairs to learn from in one epoch: left, right (P) entity numbers, same, weight (P)."""

    left: Int32
    right: Int32
    same: Bool
    weight: Float32


def draw_pairs(
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels,
    *,
    options: TrainingOptions,
    rng: np.random.Generator,
) -> DrawnPairs:
    """All labelled matches, and negatives from where the options say."""
    matches, others = np.flatnonzero(labels.same), np.flatnonzero(~labels.same)
    share = {"blocking": 0.0, "random": 1.0, "mixed": 0.5}[options.negatives_from]
    count = _drawn(labels, options)
    hard = rng.choice(others, min(len(others), count - round(share * count)), replace=False)
    rows = np.concatenate([matches, hard])
    places = labels.places[rows]
    left, right, weight = candidates.left[places], candidates.right[places], labels.weight[rows]
    if share > 0.0:
        again = rng.choice(len(matches), round(share * count))
        strangers = random_partners(tensors.right.types[:, 0].numpy(), right[again], rng)
        kept = strangers != right[again]
        left = np.concatenate([left, left[again][kept]])
        right = np.concatenate([right, strangers[kept]])
        weight = np.concatenate([weight, weight[again][kept]])
    return DrawnPairs(left, right, np.arange(len(left)) < len(matches), weight)


def random_partners(types: Int32, entities: Int32, rng: np.random.Generator) -> Int32:
    """(K) for each entity another one of its type, any of them as likely (itself too)."""
    order = np.argsort(types, kind="stable")
    starts = np.searchsorted(types[order], types[entities], side="left")
    ends = np.searchsorted(types[order], types[entities], side="right")
    chosen: Int32 = order[rng.integers(starts, ends)].astype(np.int32)
    return chosen


def network_schedule(labels: Labels, options: TrainingOptions) -> tuple[int, int]:
    """Epochs, and steps in each; none without a match."""
    matches = int(labels.same.sum())
    if not matches:
        return 0, 0
    per_epoch = _steps(matches + _drawn(labels, options), options.batch)
    return max(options.epochs, math.ceil(options.steps / per_epoch)), per_epoch


def _cycle(steps: int) -> int:
    """The length of a cycle of learning rates: torch may divide by zero in one of fewer than five."""
    return max(steps + 1, 5)


def _steps(pairs: int, batch: int) -> int:
    """Steps that see so many pairs once: small sets get small batches, for as many steps cost less then."""
    return math.ceil(pairs / min(batch, max(SMALLEST_BATCH, pairs // 4)))


def _drawn(labels: Labels, options: TrainingOptions) -> int:
    matches = int(labels.same.sum())
    wanted = options.negatives * matches
    return min(len(labels) - matches, wanted) if options.negatives_from == "blocking" else wanted


def _batches(drawn: DrawnPairs, count: int, rng: np.random.Generator) -> Iterator[_Batch]:
    shuffled = rng.permutation(int(drawn.left.max(initial=0)) + 1)[drawn.left]
    columns = drawn.left.astype(np.int64), drawn.right.astype(np.int64), drawn.same, drawn.weight
    left, right, same, weight = (torch.from_numpy(column) for column in columns)
    for part in np.array_split(np.argsort(shuffled, kind="stable"), count):
        yield left[part], right[part], same[part], weight[part]


def _network_loss(
    network: nn.Module, tensors: PairTensors, batch: _Batch, options: TrainingOptions
) -> Tensor:
    left, right, same, weight = batch
    logits: Tensor = network(tensors, left, right).logits
    trust = upload(weight, logits.device)
    if options.loss == "margin":
        return margin_loss(logits, same, trust, margin=options.margin)
    wanted = upload(same.to(logits.dtype), logits.device)
    return functional.binary_cross_entropy_with_logits(logits, wanted, weight=trust)


def margin_loss(scores: Tensor, same: Tensor, weight: Tensor, *, margin: float) -> Tensor:
    r"""Mean over matches i and negatives j of ``max(0, margin - s_i + s_j)``, weighted by both trusts.

    scores, weight (P), same (P) bool, on the host. Zero, with a gradient of zero, where one kind is missing.
    With ``s = -distance`` it is the loss of Zhu et al., WWW 2020, section 3.5.
    """
    matches, others = (upload(kind.nonzero().squeeze(1), scores.device) for kind in (same, ~same))
    gaps = torch.relu(margin - scores[matches].unsqueeze(1) + scores[others].unsqueeze(0))
    trust = weight[matches].unsqueeze(1) * weight[others].unsqueeze(0)
    return (gaps * trust).sum() / trust.sum().clamp_min(1e-9) + 0.0 * scores.sum()


def _step(
    loss: Tensor, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler
) -> Tensor:
    """Learn from a loss, and give it back without its graph."""
    optimiser.zero_grad()
    # Torch gives no types for it.
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    schedule.step()
    return loss.detach()


def _refuse_not_finite(losses: list[Tensor]) -> None:
    """Looked at once an epoch: a look at each step would have a GPU wait for the processor."""
    if not torch.stack(losses).isfinite().all():
        raise NonFiniteLossError(
            "the training loss is not a finite number", hint="lower --set training.learning_rate"
        )


def thinned(labels: Labels, negatives: int, rng: np.random.Generator) -> tuple[Labels, Int64]:
    """At most so many negatives for each match, drawn at random and weighing for the others; their rows."""
    chosen = labels.with_negatives(negatives * max(1, int(labels.same.sum())), rng)
    others, kept = (int((~part.same).sum()) for part in (labels, labels.take(chosen)))
    weight = np.where(labels.same, labels.weight, labels.weight * (others / max(1, kept)))
    heavier = replace(labels, weight=weight.astype(np.float32))
    return heavier.take(chosen), np.flatnonzero(chosen)


def train_scorer(
    scorer: EvidenceScorer,
    values: Float32,
    labels: Labels,
    *,
    options: TrainingOptions,
    rng: np.random.Generator,
) -> None:
    """Teach the scorer the evidence (K, F) of K labelled pairs, in place; without any it scores all pairs 0.

    Raises NonFiniteLossError.
    """
    if not len(labels):
        _silence(scorer)
        return
    scorer.fit_edges(values, labels.same)
    labels, rows = thinned(labels, options.scorer_negatives, rng)
    encoding = scorer.encoding()
    encoded = encoding.of(torch.from_numpy(values[rows]).to(scorer.edges.device))
    same = torch.from_numpy(labels.same.astype(np.float32)).to(encoded.device)
    weight = torch.from_numpy(labels.weight).to(encoded.device)
    batches = _steps(len(labels), options.scorer_batch)
    epochs = max(options.scorer_epochs, math.ceil(options.scorer_steps / batches))
    optimiser = torch.optim.AdamW(scorer.parameters(), lr=1e-3, weight_decay=options.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.scorer_learning_rate, total_steps=_cycle(epochs * batches)
    )
    scorer.train()
    for _ in range(epochs):
        losses = []
        for batch in np.array_split(rng.permutation(len(labels)), batches):
            drawn = torch.from_numpy(batch).to(encoded.device)
            loss = functional.binary_cross_entropy_with_logits(
                scorer(encoded[drawn], encoding.places), same[drawn], weight=weight[drawn]
            )
            losses.append(_step(loss, optimiser, schedule))
        _refuse_not_finite(losses)
    scorer.eval()


@torch.no_grad()
def _silence(scorer: EvidenceScorer) -> None:
    for parameter in scorer.parameters():
        parameter.zero_()
    scorer.eval()
