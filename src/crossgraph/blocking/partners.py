"""Partners that are found by similar neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crossgraph._types import Bool, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.products import Nearest, nearest_rows, turned_rows, within_reach

# Partners that who has a sure one looks for all the same.
FEW = 20


def structural_candidates(
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix], members: tuple[Bool, Bool], *, top: int
) -> Candidates:
    """The pairs of two sets of entities whose neighbourhoods are most similar.

    factors   of ``neighbour_products``
    members   (E), (E') which entities are to be compared; the smaller set asks, both where they are as many
    top       partners for each asking entity
    """
    sizes = [int(side.sum()) for side in members]
    parts = [
        Surroundings.of(factors, members[1 - mine], mine=mine).partners(
            np.flatnonzero(members[mine]).astype(np.int32), top=top
        )
        for mine in range(2)
        if sizes[mine] <= sizes[1 - mine]
    ]
    return Candidates.united(*parts)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The neighbourhoods of one side that entities of the other look for theirs in.

    mine            the side that asks: 0 is left
    asking (E, K)   neighbourhoods of all who may ask
    rows (Q)        who can be found
    turned (K, Q)   their neighbourhoods
    nearest         where the products are made
    """

    mine: int
    asking: sparse.csr_matrix
    rows: Int32
    turned: sparse.csr_matrix
    nearest: Nearest

    @staticmethod
    def of(
        factors: tuple[sparse.csr_matrix, sparse.csr_matrix],
        member: Bool,
        *,
        mine: int,
        nearest: Nearest = nearest_rows,
    ) -> Surroundings:
        """Of the members of the side that does not ask."""
        rows = np.flatnonzero(member).astype(np.int32)
        return Surroundings(mine, factors[mine], rows, turned_rows(factors[1 - mine][rows]), nearest)

    def partners(self, entities: Int32, *, top: int, settled: Bool | None = None) -> Candidates:
        """At most ``top`` partners for each entity that asks, with the structure where the search told it.

        settled (E)   who has a sure partner already, and looks for ``FEW`` others
        """
        parts = [(entities[:0], self.rows[:0], np.zeros(0, dtype=np.float32))]
        for rows, most in _asking(entities, settled, top):
            asking = self.asking[rows]
            rarest = within_reach(asking, self.turned)
            places, found, product = self.nearest(rarest, self.turned, most)
            # The product of a row that is not whole is less than its structure.
            whole = np.diff(rarest.indptr) == np.diff(asking.indptr)
            structure = np.where(whole[places], product, np.float32(np.nan))
            parts.append((rows[places], self.rows[found], structure))
        *ends, structure = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Candidates.of_pairs(ends[self.mine], ends[1 - self.mine], structure=structure)


def _asking(rows: Int32, settled: Bool | None, top: int) -> list[tuple[Int32, int]]:
    """Some of the entities, and how many partners each of them looks for."""
    if settled is None or top <= FEW:
        return [(rows, top)]
    parts = (rows[~settled[rows]], top), (rows[settled[rows]], FEW)
    return [part for part in parts if len(part[0])]
