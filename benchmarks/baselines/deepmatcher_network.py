"""The hybrid network of DeepMatcher (Mudgal et al., SIGMOD 2018, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HALF = 0.5**0.5


class Highway(nn.Module):
    """t = sigmoid(G x); y = t * leaky_relu(H x) + (1 - t) * fold(x) (Srivastava et al., 2015).

    x (..., I), y (..., O). Where I is a multiple of O, the parts of x are summed and scaled to pass by.
    """

    def __init__(self, size: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.both = nn.Linear(size, 2 * out)

    def forward(self, x: Tensor) -> Tensor:
        """(..., O) the output."""
        both: Tensor = self.both(x)
        return self.mixed(both, self.folded(x))

    def mixed(self, both: Tensor, passed: Tensor) -> Tensor:
        """The output from [H x | G x] and the folded input."""
        value, gate = both.chunk(2, dim=-1)
        return passed + torch.sigmoid(gate) * (functional.leaky_relu(value) - passed)

    def folded(self, x: Tensor) -> Tensor:
        """(..., O) the sum of the parts of x, padded with zeros to a multiple of O."""
        size = x.shape[-1]
        if size == self.out:
            return x
        padded = functional.pad(x, (0, -size % self.out))
        parts = padded.reshape(*x.shape[:-1], -1, self.out)
        scale: float = (self.out / size) ** 0.5
        return parts.sum(-2) * scale

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of a layer that reads [x | x']: what x adds to ``both`` in the first place, and in the second."""
        first, second = self.both.weight.chunk(2, dim=1)
        return functional.linear(x, first, self.both.bias), functional.linear(x, second)


@dataclass(frozen=True, eq=False)
class Cells:
    """Texts as words: starts (T), lengths (T) >= 1, words (N), the texts one after the other."""

    starts: Tensor
    lengths: Tensor
    words: Tensor

    def padded(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(R, L) places of the words of some texts, 0 beyond their ends, and (R, L) which are words."""
        lengths = self.lengths[rows]
        steps = torch.arange(int(lengths.max()))
        inside = steps < lengths[:, None]
        return (self.starts[rows][:, None] + steps) * inside, inside

    def take(self, rows: Tensor) -> Cells:
        """Some of the texts, as a store of their own."""
        places, inside = self.padded(rows)
        lengths = self.lengths[rows]
        return Cells(lengths.cumsum(0) - lengths, lengths, self.words[places[inside]])


@dataclass(frozen=True, eq=False)
class Encoded:
    """All of a text that does not depend on what it is compared with.

    aligned (N, D)      of each word: what is matched softly
    own (N, 2D)         its part in the first comparison layer as the word itself ...
    values (N, D + 2D)  ... and its vector and its part as a word of the other side
    summary (T, D + 2D) of each text: its vector, and that one's part in weighing the other's words
    """

    cells: Cells
    aligned: Tensor
    own: Tensor
    values: Tensor
    summary: Tensor


class AttributeSummarizer(nn.Module):
    """Two cells of one column as one vector: their similarity (hybrid, section 4.4 of the paper).

    h = biGRU(words); alignment softmax(f(h_i) . f(h'_j)); comparison c_i = highway^2([h_i | attended h']);
    aggregation s = sum_i softmax_i(w . highway([c_i | g'])) c_i with g' a second biGRU's summary of the other
    cell; similarity [s | s' | |s - s'|] (P, 3D).
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.context = nn.GRU(width, hidden // 2, batch_first=True, bidirectional=True)
        self.summary = nn.GRU(width, hidden // 2, batch_first=True, bidirectional=True)
        self.align = nn.Sequential(Highway(hidden, hidden), Highway(hidden, hidden))
        self.compare = Highway(2 * hidden, hidden)
        self.compare_more = Highway(hidden, hidden)
        self.weigh = Highway(2 * hidden, hidden)
        self.weight = nn.Linear(hidden, 1)

    def encode(self, cells: Cells, vectors: Tensor) -> Encoded:
        """Everything of some cells that no pair changes; vectors (W, width) of words."""
        places, inside = cells.padded(torch.arange(len(cells.lengths)))
        packed = pack_padded_sequence(
            vectors[cells.words[places]], cells.lengths, batch_first=True, enforce_sorted=False
        )
        h = pad_packed_sequence(self.context(packed)[0], batch_first=True)[0][inside]
        g = self.summary(packed)[1].transpose(0, 1).flatten(1)
        own, other = self.compare.halves(h)
        summary = torch.cat([g, self.weigh.halves(g)[1]], dim=1)
        return Encoded(cells, self.align(h), own, torch.cat([h, other], dim=1), summary)

    def forward(self, encoded: Encoded, left: Tensor, right: Tensor) -> Tensor:
        """(P, 3D) similarity of pairs of rows of the encoded cells."""
        (i, in_i), (j, in_j) = encoded.cells.padded(left), encoded.cells.padded(right)
        match = encoded.aligned[i] @ encoded.aligned[j].transpose(1, 2)
        s = self._side(encoded, (i, in_i), (j, in_j), match, right)
        t = self._side(encoded, (j, in_j), (i, in_i), match.transpose(1, 2), left)
        return torch.cat([s, t, (s - t).abs()], dim=1)

    def _side(
        self,
        encoded: Encoded,
        mine: tuple[Tensor, Tensor],
        other: tuple[Tensor, Tensor],
        match: Tensor,
        text: Tensor,
    ) -> Tensor:
        """(P, D) summary of one side's words as they compare with the other's."""
        weights = torch.softmax(match.masked_fill(~other[1][:, None], -torch.inf), dim=2)
        attended = (weights @ encoded.values[other[0]])[mine[1]]
        words = mine[0][mine[1]]
        h, added = attended[:, : self.hidden], attended[:, self.hidden :]
        passed = (encoded.values[words, : self.hidden] + h) * HALF
        c = self.compare_more(self.compare.mixed(encoded.own[words] + added, passed))
        return self._aggregated(c, encoded.summary[text], mine[1])

    def _aggregated(self, c: Tensor, summary: Tensor, inside: Tensor) -> Tensor:
        pair = inside.nonzero()[:, 0]
        g, added = summary[:, : self.hidden], summary[:, self.hidden :]
        own = functional.linear(c, self.weigh.both.weight[:, : self.hidden], self.weigh.both.bias)
        seen = self.weigh.mixed(own + added[pair], (c + g[pair]) * HALF)
        scores = c.new_full(inside.shape, -torch.inf).masked_scatter(inside, self.weight(seen)[:, 0])
        weights = torch.softmax(scores, dim=1)[inside]
        return c.new_zeros(len(inside), self.hidden).index_add(0, pair, weights[:, None] * c)


class Hybrid(nn.Module):
    """All columns, condensed, side by side, and a classifier of two highway layers: logits (P, 2).

    A column where either cell is empty has a learnt vector in the place of the similarity.
    """

    def __init__(self, columns: int, width: int, hidden: int) -> None:
        super().__init__()
        # Wide tables are condensed, as the authors do: at most six columns' worth reaches the classifier.
        size = 3 * hidden if columns == 1 else 3 * hidden // min(columns, 6)
        self.columns = nn.ModuleList(AttributeSummarizer(width, hidden) for _ in range(columns))
        self.missing = nn.ParameterList(torch.zeros(3 * hidden) for _ in range(columns))
        self.condense = nn.ModuleList(
            nn.Identity() if columns == 1 else Highway(3 * hidden, size) for _ in range(columns)
        )
        self.classify = nn.Sequential(
            Highway(columns * size, hidden), Highway(hidden, hidden), nn.Linear(hidden, 2)
        )

    def forward(self, similarities: list[Tensor]) -> Tensor:
        """(P, 2) log-probabilities from the (P, 3D) similarity of each column."""
        return self.judge([layer(s) for layer, s in zip(self.condense, similarities, strict=True)])

    def judge(self, condensed: list[Tensor]) -> Tensor:
        """(P, 2) log-probabilities from what ``condense`` leaves of each column."""
        return functional.log_softmax(self.classify(torch.cat(condensed, dim=1)), dim=1)
