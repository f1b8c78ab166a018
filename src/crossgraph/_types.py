"""Shared array types, and the glossary of shape letters used in every docstring.

    E entities        R relations (each with its inverse: 2R directed)     A attributes
    P pairs           N, M sampled left and right neighbours               D width of a vector
    F facts           T edges                                              C candidates of one entity
    Q queries

Sides are ``left`` and ``right``. A ``score`` is any real number, higher is better; a ``probability``
is calibrated and in [0, 1]; a ``distance`` is lower-is-better.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Side: TypeAlias = Literal["left", "right"]

Int32: TypeAlias = npt.NDArray[np.int32]
Int64: TypeAlias = npt.NDArray[np.int64]
UInt64: TypeAlias = npt.NDArray[np.uint64]
Float16: TypeAlias = npt.NDArray[np.float16]
Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Bool: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

Vectors: TypeAlias = tuple[tuple[Float16, Float16], ...]
"""(E, D) of both sides for each network, what its lower layers say of entities; NaN where nobody asked."""
