"""One partner for each entity: the pairs whose probabilities sum highest."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.blocking.ranking import lead

# Pairs less likely than this are never worth a partner. The less likely ones of a million entities hang
# together, which takes the solver far longer than all the others.
LEAST = 0.02
# Pairs that are solved together, at least, where so many compete or wait.
TOGETHER = 500


def one_to_one(left: Int32, right: Int32, probability: Float64) -> Bool:
    """(P) True for the pairs of the one-to-one assignment with the largest sum of probabilities.

    That is the largest expected number of right pairs. Exact, by the shortest augmenting paths of Jonker
    and Volgenant on the sparse candidate matrix, each left entity with a private partner of its own that
    means none.

        >>> one_to_one(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7])).tolist()
        [False, True, True]
    """
    chosen = np.zeros(len(left), dtype=bool)
    worth = np.flatnonzero(probability >= LEAST)
    # Solving takes far longer than seeing what is sure, and what is then sure of the rest.
    while len(sure := worth[_sure(left[worth], right[worth], probability[worth])]):
        chosen[sure] = True
        worth = worth[~(np.isin(left[worth], left[sure]) | np.isin(right[worth], right[sure]))]
    for batch in _batches(left[worth], right[worth]):
        asked = worth[batch]
        chosen[asked[_assigned(left[asked], right[asked], probability[asked])]] = True
    return chosen


def _batches(left: Int32, right: Int32) -> list[Int64]:
    """The places of pairs by connected component, those of ``TOGETHER`` pairs or more at once.

    What is not connected does not compete; to solve all at once would cost the square of it.
    """
    if not len(left):
        return []
    lefts, rows = np.unique(left, return_inverse=True)
    rights, columns = np.unique(right, return_inverse=True)
    size = len(lefts) + len(rights)
    edges = sparse.coo_matrix((np.ones(len(left)), (rows, len(lefts) + columns)), shape=(size, size))
    component = connected_components(edges, directed=False)[1][rows]
    order = np.argsort(component, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(component[order])) + 1, len(order)]
    cuts, last = [], 0
    for end in ends.tolist():
        if end - last >= TOGETHER:
            cuts.append(end)
            last = end
    return [part for part in np.split(order, cuts) if len(part)]


def _assigned(left: Int32, right: Int32, probability: Float64) -> Bool:
    """(P) the pairs of the best assignment, all together."""
    lefts, rows = np.unique(left, return_inverse=True)
    rights, columns = np.unique(right, return_inverse=True)
    alone = np.arange(len(lefts))
    # Costs must be positive: 2 for no partner, 2 - probability for a pair.
    cost = sparse.csr_matrix(
        (
            np.r_[2.0 - probability, np.full(len(lefts), 2.0)],
            (np.r_[rows, alone], np.r_[columns, len(rights) + alone]),
        ),
        shape=(len(lefts), len(rights) + len(lefts)),
    )
    matched_rows, matched_columns = min_weight_full_bipartite_matching(cost)
    partner = np.full(len(lefts), -1)
    partner[matched_rows] = matched_columns
    chosen: Bool = partner[rows] == columns
    return chosen


def _sure(left: Int32, right: Int32, probability: Float64) -> Bool:
    """(P) pairs worth more than the best rivals of both their entities together.

    They are in every best assignment: such a pair in the place of its rivals would raise the sum.
    """
    rivals = [np.maximum(probability - lead(side, probability), 0.0) for side in (left, right)]
    sure: Bool = probability > rivals[0] + rivals[1]
    return sure
