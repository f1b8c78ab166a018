"""The pair scorer: all evidence of a pair, hand-made and collective, to one number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph._types import Bool, Float32
from crossgraph.model.curves import Curves
from crossgraph.model.options import BINS, ScorerOptions

# An interval that is shorter, as a share of the median cut of its column, tells how numbers were added up.
NOISE = 1e-5


class SeededDropout(nn.Module):
    """Dropout with a generator of its own, so that scorers may learn side by side and still repeat exactly.

    (P, D) -> (P, D); the identity outside training.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self.share = share
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        """Silence a share of the entries and scale the others up."""
        if not self.training or self.share == 0.0:
            return x
        kept = torch.rand(x.shape, generator=self.generator) >= self.share
        return x * kept.to(x.device) / (1.0 - self.share)


@dataclass(frozen=True, eq=False)
class Encoding:
    """How evidence of F columns becomes W numbers in [0, 1], without those that are the same for all.

    column, low, steepness (V)   of each interval of each column: which, where it begins, 1 / its length
    gap (G)                      columns that say whether they are missing
    places (W)                   of V intervals and G gaps among all that there could be
    """

    column: Tensor
    low: Tensor
    steepness: Tensor
    gap: Tensor
    places: Tensor

    def of(self, values: Tensor) -> Tensor:
        """(P, F) -> (P, W): how far each value has climbed through each interval, and what is missing."""
        missing = torch.isnan(values)
        climbed = values.masked_fill(missing, -math.inf).index_select(1, self.column)
        climbed.sub_(self.low).mul_(self.steepness).clamp_(0.0, 1.0)
        return torch.cat([climbed, missing.index_select(1, self.gap).to(climbed.dtype)], dim=1)


class EvidenceScorer(nn.Module):
    r"""``score = w . e + u . relu(V e)`` with e the piecewise linear encoding of the evidence.

    Each column becomes up to BINS numbers: how far the value has climbed through each interval between
    quantiles of the training pairs (Gorishniy et al., NeurIPS 2022), and one that says it is missing, if it
    ever was. A linear model of e is a sum of free-form curves, one for each piece of evidence.

    Shapes
        values (P, F), NaN where missing -> scores (P)
    """

    def __init__(self, columns: int, options: ScorerOptions, *, seed: int = 0) -> None:
        super().__init__()
        self.edges: Tensor
        self.gaps: Tensor
        self.register_buffer("edges", torch.zeros(columns, BINS + 1))
        self.register_buffer("gaps", torch.zeros(columns, dtype=torch.bool))
        width = columns * (BINS + 1)
        self.straight = nn.Linear(width, 1)
        self.hidden = nn.Linear(width, options.hidden)
        self.dropout = SeededDropout(options.dropout, seed)
        self.out = nn.Linear(options.hidden, 1)

    def fit_edges(self, values: Float32, same: Bool) -> None:
        """Choose the intervals: quantiles of the pairs that are the same and of those that are not."""
        self.edges.copy_(torch.from_numpy(np.stack([_edges(column, same) for column in values.T])))
        self.gaps.copy_(torch.from_numpy(np.isnan(values).any(axis=0)))

    def encoding(self) -> Encoding:
        """Of the chosen intervals: the first of all columns, then the second, ..., then the gaps."""
        low, high = self.edges[:, :-1].T, self.edges[:, 1:].T
        told = high > low
        intervals = told.flatten().nonzero().squeeze(1)
        columns = len(self.gaps)
        gap = self.gaps.nonzero().squeeze(1)
        return Encoding(
            column=intervals % columns if columns else intervals,
            low=low[told],
            steepness=1.0 / (high - low)[told].clamp_min(1e-12),
            gap=gap,
            places=torch.cat([intervals, BINS * columns + gap]),
        )

    def forward(self, encoded: Tensor, places: Tensor) -> Tensor:
        """Scores (P) of encoded evidence (P, W), whose columns have these places among all."""
        weight = torch.cat([self.hidden.weight, self.straight.weight]).index_select(1, places)
        sums = functional.linear(encoded, weight, torch.cat([self.hidden.bias, self.straight.bias]))
        bent = self.out(self.dropout(functional.relu(sums[:, :-1])))
        scores: Tensor = sums[:, -1] + bent.squeeze(1)
        return scores

    def curves(self) -> Curves:
        """What it has learned as tables, which say the same at a fraction of the cost."""
        return Curves.of({name: one.cpu().numpy() for name, one in self.state_dict().items()})

    def score(self, values: Float32) -> Float32:
        """Scores (P) of evidence (P, F)."""
        return self.curves().score(values)


def _edges(column: Float32, same: Bool) -> Float32:
    shares = np.linspace(0.0, 1.0, BINS // 2 + 1)
    cuts: list[float] = []
    for part in (column[same], column[~same]):
        known = part[~np.isnan(part)]
        if len(known):
            cuts.extend(np.quantile(known, shares))
    distinct = np.unique(np.array(cuts, dtype=np.float32)) if cuts else np.zeros(1, dtype=np.float32)
    distinct = _told_apart(distinct)
    if len(distinct) > BINS + 1:
        distinct = distinct[np.linspace(0, len(distinct) - 1, BINS + 1).round().astype(int)]
    edges: Float32 = np.r_[distinct, np.full(BINS + 1 - len(distinct), distinct[-1])].astype(np.float32)
    return edges


def _told_apart(cuts: Float32) -> Float32:
    """Ascending cuts without those that are as good as the one before."""
    least, kept = NOISE * float(np.median(np.abs(cuts))), [cuts[0]]
    for cut in cuts[1:]:
        if cut - kept[-1] > least:
            kept.append(cut)
    return np.array(kept, dtype=np.float32)
