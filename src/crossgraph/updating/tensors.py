"""What networks say of changed graphs, by torch: for those that ``plain`` cannot tell."""

from __future__ import annotations

from pathlib import Path

from crossgraph._types import Float32, Int32
from crossgraph.checkpoint import load_model
from crossgraph.learning import heard
from crossgraph.model.arrays import PairArrays
from crossgraph.model.inputs import PairTensors
from crossgraph.plain.hearing import SeeAlone


def heard_by_tensors(
    folder: Path, arrays: PairArrays, pairs: tuple[Int32, Int32], folds: Int32, _see: SeeAlone | None
) -> Float32:
    """``plain.hearing.heard`` of the networks in the folder of a model; who sees alone is not asked."""
    return heard(load_model(folder).networks, PairTensors.on(arrays, "cpu"), pairs, folds)
