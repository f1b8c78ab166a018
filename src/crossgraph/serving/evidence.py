"""What is known of pairs of records and served entities before any model, as ``gather_evidence`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.prior import ValueTest, Weigher
from crossgraph.blocking.ranking import lead
from crossgraph.deciding import disagrees
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.echo import echo_evidence
from crossgraph.evidence.namesakes import Namesakes, namesake_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.description import AttributeColumn, Description, column_of, expand, rows_of
from crossgraph.features.meaning import Meanings
from crossgraph.features.text import TextTable
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.serving.asking import Asked, Words
from crossgraph.serving.pooling import Pool
from crossgraph.serving.served import Served

Columns = tuple[AttributeColumn, ...]
_Any = TypeVar("_Any")


def sided(served: Served, asking: _Any, ours: _Any) -> tuple[_Any, _Any]:
    """What is of the asking and of the served side, as left and right."""
    return (ours, asking) if served.side == 0 else (asking, ours)


def priors(served: Served, asked: Asked, columns: Columns, pool: Pool) -> Float32:
    """(P) quick log-odds of pairs, each as its pair of types was weighed."""
    weighing = served.opened.preparation.weighing
    numbers = served.pools[asked.types[pool.record], served.types[1][pool.entity]]
    left, right = sided(served, pool.record, pool.entity)
    pairs = Candidates(left, right, pool.name, pool.structure, pool.structure, np.ones(len(pool), dtype=bool))
    out = np.zeros(len(pool), dtype=np.float32)
    for number in np.unique(numbers).tolist():
        rows = np.flatnonzero(numbers == number)
        out[rows] = _of_records(served, weighing.pools[number][1], columns).log_odds(pairs.take(rows))
    return out


def _of_records(served: Served, weigher: Weigher, columns: Columns) -> Weigher:
    """The weigher for values of records; without the tests of what no record tells."""
    tests: list[ValueTest] = []
    for test in weigher.tests:
        own = column_of(columns, (test.right, test.left)[served.side].name)
        if own is not None:
            left, right = sided(served, own, (test.left, test.right)[served.side])
            tests.append(replace(test, left=left, right=right))
    return replace(weigher, tests=tuple(tests))


@dataclass(frozen=True, eq=False)
class Values:
    """The values of pairs, where records have any, and which rows of them each pair (P), (P) has."""

    description: Description
    pairs: tuple[Int32, Int32]

    def compared(self, served: Served) -> EvidenceTable:
        """Values compared, see ``attribute_evidence``."""
        schema = served.opened.preparation.schema
        return attribute_evidence(self.description, schema, self.pairs, against=served.around.yardstick)

    def disagree(self, served: Served) -> Bool:
        """(P) pairs that differ where the settings of the RESULT want them to agree."""
        found = np.zeros(len(self.pairs[0]), dtype=bool)
        for attribute in served.opened.config.decisions.must_agree:
            found |= disagrees(self.description, served.opened.preparation.schema, self.pairs, attribute)
        return found


def values_of(served: Served, asked: Asked, columns: Columns, pool: Pool) -> Values:
    """The values of pairs; ``columns`` are those of records."""
    entities, ours = np.unique(pool.entity, return_inverse=True)
    wanted = _counterparts(served, columns)
    theirs = tuple(
        rows_of(column, entities.astype(np.int64))
        for column in served.columns(served.side)
        if column.name in wanted
    )
    description = _described(served, asked.words, columns, theirs)
    return Values(description, sided(served, pool.record, ours.astype(np.int32)))


def _counterparts(served: Served, columns: Columns) -> set[str]:
    names = {column.name for column in columns}
    mapped = [(m.left, m.right) for m in served.opened.preparation.schema.attributes]
    return {ends[served.side] for ends in mapped if ends[served.asking] in names}


def _described(served: Served, words: Words, asking: Columns, ours: Columns) -> Description:
    """The columns of both sides over one small table of texts."""
    whole = served.opened.preparation.description.texts
    none = np.zeros(1, dtype=np.int64)
    rows = np.unique(np.concatenate([none, *(column.texts for column in ours)]).astype(np.int64))
    strings = whole.strings.gather(rows).to_list()
    places = {text: place for place, text in enumerate(strings)}
    said = words.table.strings.to_list()
    fresh = []
    for number, text in enumerate(said):
        # Two words may have one normal form.
        if text not in places:
            places[text] = len(places)
            fresh.append(number)
    texts = TextTable(
        pl.Series(list(places), dtype=pl.String),
        sparse.vstack([whole.grams[rows], words.table.grams[fresh]], format="csr"),
        _meanings(whole, rows, words.table, np.array(fresh, dtype=np.int64)),
    )
    of_words = np.array([places[text] for text in said], dtype=np.int32)

    def numbered(column: AttributeColumn, numbers: AnyArray) -> AttributeColumn:
        return replace(column, texts=numbers.astype(np.int32))

    left, right = sided(
        served,
        tuple(numbered(column, of_words[column.texts]) for column in asking),
        tuple(numbered(column, np.searchsorted(rows, column.texts)) for column in ours),
    )
    return Description(left, right, texts)


def _meanings(whole: TextTable, rows: Int64, said: TextTable, fresh: Int64) -> Meanings | None:
    if whole.meanings is None or said.meanings is None:
        return None
    return whole.meanings.take(rows).and_then(said.meanings.take(fresh))


def echoed(served: Served, asked: Asked, pool: Pool) -> EvidenceTable:
    """How much of a record's neighbours each candidate's echo."""
    entities, ours = np.unique(pool.entity, return_inverse=True)
    known = np.unique(asked.likely.entity)
    around = _around(served.adjacency, entities.astype(np.int64), known)
    edges, first = asked.edges, len(asked)
    graphs = served.opened.preparation.graphs
    own = Adjacency(
        np.searchsorted(edges.records, np.arange(first + 1)).astype(np.int64),
        (first + np.arange(len(edges.records))).astype(np.int32),
        edges.asking,
        len(graphs[served.asking].relation_names),
    )
    likely = asked.likely
    # The last of the served entities stands for all that no neighbour may be.
    places = np.searchsorted(known, likely.entity)
    alike = sparse.csr_matrix(
        (likely.sure, (first + likely.neighbour, places)),
        shape=(first + len(edges.records), len(known) + 1),
        dtype=np.float32,
    )
    rare = np.r_[served.around.rare[served.side][known], np.float32(0.0)].astype(np.float32)
    theirs = np.zeros(alike.shape[0], dtype=np.float32)
    # A neighbour is as rare as whom it most surely is, who comes first.
    theirs[first + likely.neighbour[::-1]] = rare[places[::-1]]
    return echo_evidence(
        sided(served, own, around),
        served.around.groups,
        alike if served.side else alike.T.tocsr(),
        sided(served, pool.record, ours.astype(np.int32)),
        rare=sided(served, theirs, rare),
    )


def _around(adjacency: Adjacency, entities: Int64, known: Int32) -> Adjacency:
    """The edges of some entities; neighbours are numbered among the known ones, all others alike."""
    starts = adjacency.indptr[entities]
    counts = adjacency.indptr[entities + 1] - starts
    rows = expand(starts, counts)
    neighbours = adjacency.neighbours[rows]
    places = np.searchsorted(known, neighbours)
    inside = np.minimum(places, max(len(known) - 1, 0))
    found = known[inside] == neighbours if len(known) else np.zeros(len(rows), dtype=bool)
    numbers = np.where(found, inside, len(known)).astype(np.int32)
    indptr = np.r_[0, np.cumsum(counts)].astype(np.int64)
    return Adjacency(indptr, numbers, adjacency.relations[rows], adjacency.relation_count)


def standing(served: Served, pool: Pool, prior: Float32, heard: Float32) -> EvidenceTable:
    """How each pair stands against the record's other candidates.

    heard (P)   the networks' score
    """
    # A record has no namesakes: where it has a name, one entity has it.
    alone = Namesakes(np.where(pool.name > 0, np.log1p(1.0), 0.0), np.full(len(pool.name), np.nan))
    rows = np.arange(len(pool.name), dtype=np.int32)
    columns: dict[str, AnyArray] = {
        **namesake_columns(sided(served, alone, served.namesakes), sided(served, rows, pool.entity))
    }
    for name, values in {
        "prior": prior,
        "names": pool.name,
        "structure": np.log1p(10.0 * pool.structure),
        "collective": heard,
    }.items():
        columns |= _leads(name, pool.record, values)
    return EvidenceTable.of(columns)


def _leads(name: str, records: Int32, values: AnyArray) -> Mapping[str, AnyArray]:
    leads = record_leads(records, values)
    shown = np.where(np.isinf(leads), np.nan, leads)
    return {f"{name}:value": values, f"{name}:lead among left's": shown, f"{name}:lead among right's": shown}


def record_leads(records: Int32, values: AnyArray) -> Float64:
    """(P) how far each pair leads the record's best other; infinite where it has none.

    Nobody knows the served entity's other candidates: it is taken to lead as far among them.
    """
    return lead(records, values)
