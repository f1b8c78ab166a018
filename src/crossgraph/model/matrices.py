"""Vectors through matrices that are chosen for each of them: relations, types."""

from __future__ import annotations

import torch
from torch import Tensor


def through_matrices(h: Tensor, rows: Tensor, kinds: Tensor, matrices: Tensor) -> Tensor:
    """(T, O) vectors h[rows] (T, D), each through the matrix of its kind: ``W_kind h``.

    h (E, D), rows (T) and kinds (T) integers, matrices (K, O, D). One product for each kind.
    """
    order = torch.argsort(kinds, stable=True)
    counts = torch.bincount(kinds, minlength=len(matrices)).tolist()
    parts = torch.split(rows[order], counts)
    sent = torch.cat(
        [h[part] @ w.T for part, w in zip(parts, matrices, strict=True) if len(part)]
        or [h.new_zeros((0, matrices.shape[1]))]
    )
    out = torch.empty_like(sent)
    out[order] = sent
    return out
