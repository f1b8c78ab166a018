"""Which candidates are each other's best by so much that they count as seeds."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Bool, Float32, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.ranking import lead
from crossgraph.graphs.sorting import among
from crossgraph.schema.seeds import BELIEVED, EntityPairs

# Of pairs that are each other's best: log-odds by which they must lead, and reach, where no link tells.
MARGIN, FLOOR = 2.0, 4.0
# The share that is to be right where links tell, and how many pairs it takes to tell.
SURE, LEAST_LINKS = 0.9, 50
# Where hardly any pair is so sure: the least lead asked for, and how many times as many must have it as
# have it among those who are best when the best are gone.
LEAST_LEAD, AS_MANY = 0.25, 5.0


def mutual_seeds(candidates: Candidates, known: EntityPairs, types: Int32) -> EntityPairs:
    """Candidates that are each other's best by a margin: mutual, unique and well supported.

    Known links say how large the margin must be for their type: the least at which ``SURE`` of the mutual
    best pairs of linked entities are links. Where there are fewer than ``LEAST_LINKS`` such pairs, ``MARGIN``
    is asked for, and a prior of ``FLOOR``. Where hardly any pair has these either (names that are the same in
    part), the leads of all tell how large one is that chance does not give, see ``_leading``.

    types (E)   the type of each left entity
    """
    leads = np.minimum(lead(candidates.left, candidates.prior), lead(candidates.right, candidates.prior))
    mutual = leads > 0
    links = np.zeros(len(candidates), dtype=bool)
    places = candidates.find(known.left, known.right)
    links[places[places >= 0]] = True
    linked = among(candidates.left, known.left) | among(candidates.right, known.right)
    kinds = types[candidates.left]
    sure = mutual & (leads >= MARGIN) & (candidates.prior >= FLOOR)
    for kind in np.unique(kinds[links]):
        told = mutual & linked & (kinds == kind)
        if told.sum() >= LEAST_LINKS:
            own = kinds == kind
            sure[own] = mutual[own] & (leads[own] >= _least_margin(leads[told], links[told]))
    if not links.any() and sure.sum() < LEAST_LINKS:
        ahead = _leading(candidates, leads)
        sure = ahead if ahead.sum() >= LEAST_LINKS else sure
    return EntityPairs.of(candidates.left[sure], candidates.right[sure], BELIEVED)


def _leading(candidates: Candidates, leads: Float32) -> Bool:
    """(P) mutual best pairs with a lead that comes seldom by chance.

    What chance does is seen on the pairs that are left without those: the mutual best ones of them, too, lead
    all others, and are not the same.
    """
    mutual = leads > 0
    rest = candidates.take(~mutual)
    others = np.minimum(lead(rest.left, rest.prior), lead(rest.right, rest.prior))
    found, chance = np.sort(leads[mutual])[::-1], np.sort(others[others > 0])
    enough = np.arange(1, len(found) + 1) >= AS_MANY * (len(chance) - np.searchsorted(chance, found))
    enough &= found >= LEAST_LEAD
    last = np.flatnonzero(enough)
    return mutual & (leads >= found[last[-1]]) if len(last) else np.zeros(len(leads), dtype=bool)


def _least_margin(leads: Float32, right: Bool) -> float:
    """The least lead from which on ``SURE`` of the pairs are right; infinite where none is."""
    order = np.argsort(-leads, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ordered = leads[order]
    last_of_equals = np.r_[ordered[1:] != ordered[:-1], True]
    enough = np.flatnonzero((shares >= SURE) & last_of_equals)
    return float(ordered[enough[-1]]) if len(enough) else float("inf")
