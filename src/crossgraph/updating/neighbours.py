"""How alike the neighbourhoods of changed graphs are, at the cost of those that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from crossgraph._types import Bool, Float32, Float64, Int64
from crossgraph.blocking.structure import Ends, Wanted, neighbour_rows, shortened
from crossgraph.graphs.sorting import marked
from crossgraph.preparation import Graphs
from crossgraph.schema.mapping import SchemaMapping

# So many entities tell what is usual.
USUAL = 1_000

_Factors = tuple[sparse.csr_matrix, sparse.csr_matrix]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbourhoods of two graphs.

    similarity, anyhow   as of ``neighbour_products``
    """

    graphs: Graphs
    schema: SchemaMapping
    similarity: sparse.csr_matrix
    anyhow: float

    def factors(
        self,
        asking: tuple[Int64, Int64],
        before: tuple[Float32, Float32],
        again: tuple[Bool, Bool],
    ) -> tuple[_Factors, tuple[Float32, Float32]]:
        """``neighbour_products`` for pairs of which somebody asks, where what is usual stays as it was.

        Without columns that nobody has who asks: they add to no weight that is asked for.

        asking (A), (A')   entities
        before (E), (E')   by what rows were divided before; NaN of who is new
        again (E), (E')    for whom that is found anew; so it is for who is new
        """
        stays = tuple(~(np.isnan(one) | other) for one, other in zip(before, again, strict=True))
        telling = tuple(_some(np.flatnonzero(one)) for one in stays)
        whole = [
            marked(np.concatenate([who, some, np.flatnonzero(~one)]), len(one))
            for who, some, one in zip(asking, telling, stays, strict=True)
        ]
        rows, squares = self._rows(*(Wanted(one, np.zeros_like(one)) for one in whole))
        seen = [matrix[who].indices for matrix, who in zip(rows, asking, strict=True)]
        columns = np.flatnonzero(marked(np.concatenate(seen), rows[0].shape[1]))
        rows, _ = self._rows(*(Wanted(np.zeros_like(one), one) for one in self._held_by(columns)))
        left, right = (_lengths(*of_side) for of_side in zip(before, stays, squares, telling, strict=True))
        x, y = (
            shortened(matrix, np.maximum(length, 1e-12), columns)
            for matrix, length in zip(rows, (left, right), strict=True)
        )
        return (x, y), (left, right)

    def _rows(self, left: Wanted, right: Wanted) -> tuple[_Factors, tuple[Float64, Float64]]:
        return neighbour_rows(
            self._ends, self.schema, self.similarity, anyhow=self.anyhow, wanted=(left, right)
        )

    @cached_property
    def _ends(self) -> tuple[Ends, Ends]:
        return Ends(self.graphs[0]), Ends(self.graphs[1])

    def _held_by(self, columns: Int64) -> tuple[Bool, Bool]:
        """(E), (E') edges to whom have a part in some columns: right entities, and who may be one of them."""
        size = len(self.graphs[1])
        right = marked(columns % size, size)
        pairs = self.similarity.tocoo()
        return marked(pairs.row[right[pairs.col]], len(self.graphs[0])), right


def _some(entities: Int64) -> Int64:
    """About ``USUAL`` of them, spread evenly."""
    return entities[:: max(len(entities) // USUAL, 1)]


def _lengths(before: Float32, stays: Bool, squares: Float64, telling: Int64) -> Float32:
    """(E) as before, or by the squares (E) where that does not stay; ``telling`` say what is added."""
    known = before[telling].astype(np.float64) ** 2 - squares[telling]
    usual = max(float(np.median(known)), 0.0) if len(known) else 1.0
    return np.where(stays, before, np.sqrt(squares + usual)).astype(np.float32)
