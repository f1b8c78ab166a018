"""The work on one shard: columns in, columns out. Nothing here knows Ray."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, distributed, nn

from crossgraph._types import AnyArray
from crossgraph.blocking.products import nearest_rows
from crossgraph.evidence.table import EvidenceTable
from crossgraph.learning import heard, scored_by_folds
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import SAID
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.progress import unwatched

Columns: TypeAlias = dict[str, AnyArray]
Work: TypeAlias = Callable[[Columns], Columns]
"""What is done to the columns of a shard; it is sent to the machines once, with all that it holds."""


@dataclass(frozen=True, eq=False)
class NearestRows:
    """``nearest_rows`` for some of the asking rows: (row) -> (row, found, product).

    asking (P, K)   all of them
    turned (K, Q)   the rows that are known, turned once for all shards
    """

    asking: sparse.csr_matrix
    turned: sparse.csr_matrix
    top: int

    def __call__(self, shard: Columns) -> Columns:
        """At most ``top`` rows for each of the shard's."""
        turned = _as_if_writable(self.turned)
        rows, found, product = nearest_rows(self.asking[shard["row"]], turned, self.top)
        return {"row": shard["row"][rows], "found": found, "product": product}


@dataclass(frozen=True, eq=False)
class Opinions:
    """``heard``: (left, right, fold) -> a column for each of ``SAID``."""

    networks: tuple[CollectiveNetwork, ...]
    tensors: PairTensors

    def __call__(self, shard: Columns) -> Columns:
        """What the networks say of the shard's pairs."""
        pairs = shard["left"], shard["right"]
        said = heard(self.networks, self.tensors, pairs, shard["fold"], unwatched)
        return dict(zip(SAID, said, strict=True))


@dataclass(frozen=True, eq=False)
class Scores:
    """``scored_by_folds``: (fold, a column for each piece of evidence) -> (score)."""

    scorers: tuple[EvidenceScorer, ...]
    names: tuple[str, ...]

    def __call__(self, shard: Columns) -> Columns:
        """The shard's scores."""
        evidence = EvidenceTable.of({name: shard[name] for name in self.names})
        return {"score": scored_by_folds(self.scorers, evidence, shard["fold"])}


def joined(parts: list[Columns], kinds: Mapping[str, type]) -> Columns:
    """Shards one after the other; ``kinds`` tells the columns, which must be there even if no shard is."""
    return {
        name: np.concatenate([np.zeros(0, dtype=kind), *(part[name] for part in parts)]).astype(
            kind, copy=False
        )
        for name, kind in kinds.items()
    }


def _as_if_writable(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same matrix over the same memory, without the flags that say it is shared and must not be written.

    sparse_dot_topn takes no others, but only reads; a copy for each process would need memory for them all.
    """
    parts = (np.asarray(_Writable(part)) for part in (matrix.data, matrix.indices, matrix.indptr))
    return sparse.csr_matrix(tuple(parts), shape=matrix.shape, copy=False)


class _Writable:
    """Hands the memory of an array on, and keeps it alive."""

    def __init__(self, array: AnyArray) -> None:
        self._array = array
        address = array.__array_interface__["data"][0]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


@dataclass(frozen=True, eq=False)
class Answer:
    """What training reads of a network's answer."""

    logits: Tensor


class SharedNetwork(nn.Module):
    r"""A network that learns in several processes at once, each from its share of every batch.

    Every process computes the logits of its share, and all get those of the whole batch, so that the loss is
    that of one process, be it a sum over pairs or not. As only its own logits depend on the weights here, the
    gradients of all processes sum to those of the whole batch.

    parallel   (tensors, left, right) -> logits, whose gradients are averaged over all processes
    group      these processes; all there are if not given
    """

    def __init__(self, parallel: nn.Module, group: distributed.ProcessGroup | None = None) -> None:
        super().__init__()
        self.parallel, self.group = parallel, group

    def forward(self, tensors: PairTensors, left: Tensor, right: Tensor) -> Answer:
        """The logits (P) of the whole batch."""
        processes, rank = distributed.get_world_size(self.group), distributed.get_rank(self.group)
        start, stop = (len(left) * at // processes for at in (rank, rank + 1))
        mine = self.parallel(tensors, left[start:stop], right[start:stop])
        whole = torch.zeros(len(left), dtype=mine.dtype)
        whole[start:stop] = mine.detach()
        distributed.all_reduce(whole, group=self.group)
        # The sum of the gradients is wanted, and their average is what comes.
        loud = mine.detach() + processes * (mine - mine.detach())
        return Answer(torch.cat([whole[:start], loud, whole[stop:]]))


class Logits(nn.Module):
    """What a network says of pairs, the logits alone: all its other answers teach nothing."""

    def __init__(self, network: CollectiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tensors: PairTensors, left: Tensor, right: Tensor) -> Tensor:
        """(P) of P pairs."""
        logits: Tensor = self.network(tensors, left, right).logits
        return logits
