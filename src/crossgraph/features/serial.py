"""Serial numbers: what a catalogue calls its own records by, and says nothing of another one's."""

from __future__ import annotations

import polars as pl

from crossgraph.features.description import AttributeColumn
from crossgraph.features.text import TextTable
from crossgraph.graphs.sorting import distinct

# As many numbers are needed to see that they are dense.
FEWEST = 20
# A serial number has hardly any other holder, and most numbers between the first and the last one are given.
OWN, DENSE = 0.95, 0.5
# So many are looked at before all are.
GLANCE = 200


def is_serial(column: AttributeColumn, texts: TextTable) -> bool:
    """Whether the values of a text attribute are numbers in one form that run on: C-0001 to C-0900.

    Where both graphs count their records so, equal values mean nothing. A number that the world gives
    (an ISBN, a tax number) is one of many that a catalogue lacks.
    """
    if column.kind != "text" or len(column.texts) < FEWEST or column.distinct_share < OWN:
        return False
    held = distinct(column.texts)
    glance = texts.strings.gather(held[:: max(1, len(held) // GLANCE)])
    if _numbers(glance) is None:
        return False
    numbers = _numbers(texts.strings.gather(held))
    if numbers is None:
        return False
    first, last = numbers.min(), numbers.max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return len(held) >= DENSE * (last - first + 1)


def _numbers(strings: pl.Series) -> pl.Series | None:
    """The number in each text; None where not all have one, between the same signs."""
    forms = strings.str.replace(r"[0-9]+", "#").unique()
    numbers = strings.str.extract(r"^[^0-9]*([0-9]{1,18})[^0-9]*$", 1)
    return None if len(forms) > 1 or numbers.null_count() else numbers.cast(pl.Int64)
