"""Comparison of the values that two entities have for corresponding attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from crossgraph._threads import threads
from crossgraph._types import Float32, Int32, Int64
from crossgraph.blocking.names import name_attributes
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.closeness import best_of_pairs, chance_of, number_distance, random_distances
from crossgraph.features.description import AttributeColumn, Description, column_of, value_pairs
from crossgraph.features.meaning import meaning_cosines
from crossgraph.features.text import TextTable
from crossgraph.schema.mapping import SchemaMapping

# At most so many attribute correspondences become columns, strongest first.
SLOTS = 16
# How texts are compared, and with an encoder.
MEASURES, MEANING = ("cosine", "sorted words", "shared words", "prefix"), "meaning"
# Edit similarities of long texts cost much and say little beyond their cosine.
LONGEST_EDIT = 80

_Pairs = tuple[Int32, Int32]


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What all values of two graphs say of a comparison.

    names         the attributes of either side that are names
    backgrounds   of two attributes of numbers or dates: sorted distances of values paired at random
    """

    names: tuple[set[str], set[str]]
    backgrounds: Mapping[tuple[str, str], Float32]

    @staticmethod
    def of(description: Description, schema: SchemaMapping) -> Yardstick:
        """The yardstick of the attributes that ``attribute_evidence`` compares."""
        backgrounds = {
            (a.name, b.name): random_distances(a, b)
            for a, b in _compared(description, schema)
            if a.kind != "text"
        }
        return Yardstick(name_attributes(description, schema), backgrounds)


def _compared(
    description: Description, schema: SchemaMapping
) -> list[tuple[AttributeColumn, AttributeColumn]]:
    """The mapped columns of one kind."""
    columns = [
        (column_of(description.left, mapping.left), column_of(description.right, mapping.right))
        for mapping in schema.attributes[:SLOTS]
    ]
    return [(a, b) for a, b in columns if a is not None and b is not None and a.kind == b.kind]


def attribute_evidence(
    description: Description, schema: SchemaMapping, pairs: _Pairs, *, against: Yardstick | None = None
) -> EvidenceTable:
    """Columns ``left~right:measure`` for each mapped attribute, ``name:measure`` for the best of all texts.

    Texts: cosine of n-grams, three edit similarities, equality, and with an encoder meaning; numbers and
    dates: how unlikely so small a difference is by chance (-log10), and equality. NaN where either entity
    has no value, or none with a letter or digit.

    against   what is usual; that of the description itself if not given
    """
    against = against or Yardstick.of(description, schema)
    return EvidenceTable.of(attribute_columns(description, schema, pairs, against))


def attribute_columns(
    description: Description, schema: SchemaMapping, pairs: _Pairs, against: Yardstick
) -> dict[str, Float32]:
    """(P) each column of ``attribute_evidence``."""
    columns: dict[str, Float32] = {}
    texts: list[dict[str, Float32]] = []
    for a, b in _compared(description, schema):
        if a.kind == "text":
            measured = _compare_texts(a, b, pairs, description.texts)
            if a.name in against.names[0] and b.name in against.names[1]:
                texts.append(measured)
        else:
            measured = _compare_numbers(a, b, pairs, against.backgrounds[a.name, b.name])
        columns |= {f"{a.name}~{b.name}:{measure}": values for measure, values in measured.items()}
    measures = MEASURES if description.texts.meanings is None else (*MEASURES, MEANING)
    best = _best_of(texts, measures, len(pairs[0]))
    return columns | {f"name:{measure}": values for measure, values in best.items()}


def _best_of(texts: list[dict[str, Float32]], measures: tuple[str, ...], count: int) -> dict[str, Float32]:
    nothing = np.full(count, np.nan, dtype=np.float32)
    return {m: np.fmax.reduce([nothing, *[measured[m] for measured in texts]]) for m in measures}


def _compare_numbers(
    a: AttributeColumn, b: AttributeColumn, pairs: _Pairs, background: Float32
) -> dict[str, Float32]:
    distance = number_distance(a, b, pairs)
    chance = chance_of(distance, background)
    equal = np.where(np.isnan(distance), np.nan, distance == 0).astype(np.float32)
    return {"closeness": -np.log10(chance), "equal": equal}


def _compare_texts(
    a: AttributeColumn, b: AttributeColumn, pairs: _Pairs, texts: TextTable
) -> dict[str, Float32]:
    count = len(pairs[0])
    number, left, right = value_pairs(a, b, pairs)
    first, second = a.texts[left], b.texts[right]
    # Two values without any letter or digit both normalise to nothing, and are not equal for that.
    said = (first > 0) & (second > 0)
    number, first, second = number[said], first[said], second[said]
    distinct, back = _distinct(first, second)
    measured = _similarities(distinct, texts)
    out = {name: best_of_pairs(count, number, values[back]) for name, values in measured.items()}
    out["equal"] = best_of_pairs(count, number, first == second)
    return out


def _distinct(first: Int32, second: Int32) -> tuple[_Pairs, Int64]:
    key = first.astype(np.int64) << 32 | second
    unique, back = np.unique(key, return_inverse=True)
    return ((unique >> 32).astype(np.int32), (unique & 0xFFFFFFFF).astype(np.int32)), back


def _similarities(rows: _Pairs, texts: TextTable) -> dict[str, Float32]:
    cosine = texts.cosines(*rows)
    lengths = texts.lengths
    short = np.flatnonzero((lengths[rows[0]] <= LONGEST_EDIT) & (lengths[rows[1]] <= LONGEST_EDIT))
    first = texts.strings.gather(rows[0][short].astype(np.int64)).to_list()
    second = texts.strings.gather(rows[1][short].astype(np.int64)).to_list()
    out = {"cosine": cosine}
    for name, scorer, scale in (
        ("sorted words", fuzz.token_sort_ratio, 0.01),
        ("shared words", fuzz.token_set_ratio, 0.01),
        ("prefix", JaroWinkler.normalized_similarity, 1.0),
    ):
        values = cosine.copy()
        close = process.cpdist(first, second, scorer=scorer, dtype=np.float32, workers=threads())
        values[short] = close * scale
        out[name] = values
    if texts.meanings is not None:
        out[MEANING] = meaning_cosines(texts.meanings, texts.meanings, *rows)
    return out
