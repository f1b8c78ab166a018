"""Where the heavy work of a run is done: here, or on the machines of a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from crossgraph.blocking.products import Nearest, nearest_rows
from crossgraph.learning import WHOLE, Hear, Score, Teach, heard, scored_by_folds, taught

# What networks may take for the pairs that they hear at once, as a share of the memory that a run may use.
ROOM = 0.05


@dataclass(frozen=True)
class Engine:
    """The work that is worth sharing out, as functions; the defaults do it here.

    nearest   the sparse products of blocking, for rows that do not need each other
    teach     training of the networks
    hear      what the networks say of pairs that do not need each other
    score     what the scorers say of such pairs
    """

    nearest: Nearest = nearest_rows
    teach: Teach = taught
    hear: Hear = heard
    score: Score = scored_by_folds


LOCAL = Engine()


def local_engine(budget: int | None) -> Engine:
    """An engine that works here and takes no more than it must where a run may only take so many bytes."""
    if budget is None:
        return LOCAL
    return replace(LOCAL, hear=partial(heard, room=min(WHOLE, int(ROOM * budget))))
