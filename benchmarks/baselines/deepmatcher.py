"""DeepMatcher's hybrid model on the record view of two graphs."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from baselines.deepmatcher_network import AttributeSummarizer, Cells, Encoded, Hybrid
from baselines.records import RecordOptions, Records, distinct_pairs, records
from baselines.words import WordOptions, tokens, word_vectors
from crossgraph._types import Float64, Int64
from crossgraph.benchmarking.problem import Answer, Problem, fewer
from crossgraph.features.description import expand
from crossgraph.labels import Labels
from crossgraph.metrics import best_f1

# Computed at once where nothing is learnt: bounds memory alone.
CHUNK_PAIRS = 512
CHUNK_TEXTS = 2_000


@dataclass(frozen=True, kw_only=True)
class DeepMatcherOptions:
    """Settings of the authors' code, as far as the paper or its defaults state them.

    hidden       width of every layer; each direction of a recurrent one has half of it
    epochs       passes over the training pairs, at most; the one with the best F1 on validation pairs is kept
    visits       pairs that are learnt from in all passes, about: many pairs need fewer passes, two at least
    batch        pairs of a step; twice as many where there are more than ``many`` pairs
    judged       validation pairs that choose an epoch, drawn once: all matches, and others
    rate, decay  of Adam, and what the rate is multiplied by after every epoch
    norm         longest gradient
    smoothing    of the labels
    ratio        negatives for a match that the loss assumes: a match weighs 2 ratio / (1 + ratio)
    negatives    negatives for a match that are learnt from, drawn once; all where None
    words        of a cell that are read, the first ones
    """

    hidden: int = 300
    epochs: int = 10
    visits: int = 20_000
    batch: int = 16
    many: int = 2_000
    judged: int = 5_000
    rate: float = 1e-3
    decay: float = 0.8
    norm: float = 5.0
    smoothing: float = 0.05
    ratio: float = 3.0
    negatives: int | None = 3
    words: int = 30
    records: RecordOptions = field(default_factory=RecordOptions)
    vectors: WordOptions = field(default_factory=WordOptions)


@dataclass(frozen=True, eq=False)
class Table:
    """The record view as tensors.

    columns   (left (E), right (E')) rows of the cells; 0 is the empty one
    vectors   (W, width) of words; not trained
    """

    columns: tuple[tuple[Int64, Int64], ...]
    cells: Cells
    vectors: Tensor

    @staticmethod
    def of(view: Records, options: DeepMatcherOptions, seed: int) -> Table:
        """Split cells into words, cut long ones, and make the vectors of the words."""
        held = tokens(view.texts)
        lengths = np.minimum(np.diff(held.indptr), options.words)
        words = held.rows[expand(held.indptr[:-1], lengths)]
        vectors = word_vectors(held, seed=seed, options=options.vectors)
        starts = np.cumsum(lengths) - lengths
        cells = Cells(*(torch.from_numpy(part.astype(np.int64)) for part in (starts, lengths, words)))
        columns = tuple((c.left.astype(np.int64), c.right.astype(np.int64)) for c in view.columns)
        return Table(columns, cells, torch.from_numpy(vectors))


def deepmatcher(problem: Problem, options: DeepMatcherOptions | None = None) -> Answer:
    """Learn from the labelled pairs, then score.

    Mudgal et al., "Deep Learning for Entity Matching: A Design Space Exploration", SIGMOD 2018. Written from
    the paper. Different: word vectors are made of the data's own text, and a column with an empty cell is
    a learnt vector.

    Raises ValueError where matches or non-matches to learn from are missing.
    """
    options = options or DeepMatcherOptions()
    start = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        table = Table.of(records(problem, options.records), options, problem.seed)
        network = Hybrid(len(table.columns), table.vectors.shape[1], options.hidden)
        learn(network, table, problem, options)
    trained = time.process_time()
    score = scores(network, table, *_ends(problem, problem.asked))
    parameters = sum(p.numel() for p in network.parameters())
    return Answer(score, parameters, trained - start, time.process_time() - trained)


def learn(network: Hybrid, table: Table, problem: Problem, options: DeepMatcherOptions) -> None:
    """Train in place; keep the epoch that is best on the validation pairs."""
    train, valid = problem.train, problem.valid
    if not train.same.any() or train.same.all():
        raise ValueError("DeepMatcher learns from matches and from non-matches: one of the two is missing")
    rng = np.random.default_rng((problem.seed, 5))
    train = fewer(train, options.negatives, rng)
    most = max(0, options.judged - int(valid.same.sum()))
    valid = fewer(valid, most // max(1, int(valid.same.sum())), np.random.default_rng((problem.seed, 6)))
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate, fused=True)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, options.decay)
    best, kept = -1.0, copy.deepcopy(network.state_dict())
    passes = max(2, min(options.epochs, math.ceil(options.visits / len(train))))
    for _ in range(passes):
        _epoch(network, table, problem, train, optimizer, rng.permutation(len(train)), options)
        decay.step()
        f1 = _judged(network, table, problem, valid)
        if f1 >= best:
            best, kept = f1, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)


def _epoch(
    network: Hybrid,
    table: Table,
    problem: Problem,
    train: Labels,
    optimizer: torch.optim.Optimizer,
    order: Int64,
    options: DeepMatcherOptions,
) -> None:
    network.train()
    left, right = _ends(problem, train.places)
    same = torch.from_numpy(train.same.astype(np.int64))
    size = options.batch * (2 if len(order) > options.many else 1)
    for begin in range(0, len(order), size):
        rows = order[begin : begin + size]
        logs = network(batch_similarities(network, table, left[rows], right[rows]))
        loss = smoothed_loss(logs, same[rows], options)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        clip_grad_norm_(network.parameters(), options.norm)
        optimizer.step()


def smoothed_loss(logs: Tensor, same: Tensor, options: DeepMatcherOptions) -> Tensor:
    """Cross-entropy with weighted classes and smoothed labels; logs (P, 2), same (P)."""
    match = 2.0 * options.ratio / (1.0 + options.ratio)
    weight = torch.tensor([2.0 - match, match])
    soft = torch.full_like(logs, options.smoothing / 2.0)
    soft[torch.arange(len(same)), same] = 1.0 - options.smoothing
    return -(soft * logs * weight).sum() / len(same)


def _judged(network: Hybrid, table: Table, problem: Problem, valid: Labels) -> float:
    if not valid.same.any():
        return 0.0
    score = scores(network, table, *_ends(problem, valid.places))
    return best_f1(score, valid.same, total=int(valid.same.sum()))


def _ends(problem: Problem, places: Int64) -> tuple[Int64, Int64]:
    candidates = problem.candidates
    return candidates.left[places].astype(np.int64), candidates.right[places].astype(np.int64)


def batch_similarities(network: Hybrid, table: Table, left: Int64, right: Int64) -> list[Tensor]:
    """(P, 3D) of each column for a few pairs of entities, with gradients."""
    out = []
    for number, (of_left, of_right) in enumerate(table.columns):
        first, second = of_left[left], of_right[right]
        both = np.flatnonzero((first > 0) & (second > 0))
        similarity = network.missing[number].expand(len(left), -1)
        if len(both):
            column = summarizer(network, number)
            rows, back = np.unique(np.r_[first[both], second[both]], return_inverse=True)
            encoded = column.encode(table.cells.take(torch.from_numpy(rows)), table.vectors)
            one, other = torch.from_numpy(back).chunk(2)
            similarity = similarity.index_copy(0, torch.from_numpy(both), column(encoded, one, other))
        out.append(similarity)
    return out


def summarizer(network: Hybrid, number: int) -> AttributeSummarizer:
    """The summarizer of one column."""
    module = network.columns[number]
    assert isinstance(module, AttributeSummarizer)
    return module


@torch.no_grad()
def scores(network: Hybrid, table: Table, left: Int64, right: Int64) -> Float64:
    """(P) log-odds of pairs of entities: every text is encoded once, every pair of texts compared once."""
    network.eval()
    condensed = [_condensed(network, table, number, left, right) for number in range(len(table.columns))]
    out = []
    for begin in range(0, len(left), CHUNK_TEXTS):
        rows = slice(begin, begin + CHUNK_TEXTS)
        logs = network.judge([column[back[rows]] for column, back in condensed])
        out.append(logs[:, 1] - logs[:, 0])
    return torch.cat(out).numpy().astype(np.float64) if out else np.zeros(0)


def _condensed(
    network: Hybrid, table: Table, number: int, left: Int64, right: Int64
) -> tuple[Tensor, Tensor]:
    """Condensed similarity of each distinct pair of cells (U + 1), and (P) which one a pair has."""
    of_left, of_right = table.columns[number]
    first, second = of_left[left], of_right[right]
    both = (first > 0) & (second > 0)
    (one, other), back = distinct_pairs(first[both], second[both])
    condense = network.condense[number]
    missing = condense(network.missing[number][None])
    which = np.zeros(len(left), dtype=np.int64)
    if not len(one):
        return missing, torch.from_numpy(which)
    lengths = table.cells.lengths.numpy()
    order = np.lexsort((lengths[other], lengths[one]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    which[both] = place[back]
    rows, ends = np.unique(np.r_[one[order], other[order]], return_inverse=True)
    encoded = encode_all(summarizer(network, number), table, torch.from_numpy(rows.astype(np.int64)))
    starts, finishes = torch.from_numpy(ends).chunk(2)
    parts = [
        condense(summarizer(network, number)(encoded, a, b))
        for a, b in zip(chunks(starts, CHUNK_PAIRS), chunks(finishes, CHUNK_PAIRS), strict=True)
    ]
    return torch.cat([missing, *parts]), torch.from_numpy(which)


def chunks(rows: Tensor, size: int) -> list[Tensor]:
    """Consecutive parts of a vector."""
    return [rows[begin : begin + size] for begin in range(0, len(rows), size)]


def encode_all(column: AttributeSummarizer, table: Table, rows: Tensor) -> Encoded:
    """Many texts, encoded in chunks of similar length."""
    order = table.cells.lengths[rows].argsort(stable=True)
    parts = [
        column.encode(table.cells.take(part), table.vectors) for part in chunks(rows[order], CHUNK_TEXTS)
    ]
    lengths = torch.cat([part.cells.lengths for part in parts])
    starts = lengths.cumsum(0) - lengths
    at = torch.empty_like(order)
    at[order] = torch.arange(len(order))
    cells = Cells(starts[at], lengths[at], torch.cat([part.cells.words for part in parts]))
    aligned, own, values, summary = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("aligned", "own", "values", "summary")
    )
    return Encoded(cells, aligned, own, values, summary[at])
