"""The evidence of candidates: what is known of each pair before any learning, and what a round believes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import Float32, Float64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import name_rows
from crossgraph.evidence.attributes import Yardstick, attribute_columns
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.echo import Echo, relation_groups
from crossgraph.evidence.namesakes import namesake_columns, namesakes_of
from crossgraph.evidence.table import EvidenceTable
from crossgraph.preparation import Preparation
from crossgraph.progress import SILENT, Advance, Progress, unwatched

# Neighbours that are less likely the same are no echo.
LEAST_BELIEF = 0.05


def gather_evidence(
    preparation: Preparation, *, progress: Progress = SILENT, space: Space = IN_MEMORY
) -> EvidenceTable:
    """Everything that is known of each candidate before any learning."""
    candidates, description, schema = preparation.candidates, preparation.description, preparation.schema
    pairs = candidates.left, candidates.right
    usual = Yardstick.of(description, schema)
    with progress.stage("compare: attributes", len(candidates), "pairs") as advance:

        def compared(part: slice) -> dict[str, Float32]:
            own = pairs[0][part], pairs[1][part]
            found = attribute_columns(description, schema, own, usual)
            advance(len(own[0]))
            return found

        attributes = EvidenceTable.by_parts(compared, len(candidates), space=space)
    with progress.stage("compare: neighbours", len(candidates), "pairs") as advance:
        echo = _echoed(preparation, preparation.alike, advance, space)
    names = name_rows(description, usual.names)
    namesakes = namesakes_of(names, preparation.adjacency, preparation.graphs)
    return EvidenceTable.beside(
        [
            attributes,
            echo,
            EvidenceTable.of(
                {
                    **lead_columns("prior", pairs, candidates.prior),
                    **lead_columns("names", pairs, candidates.name),
                    **lead_columns("structure", pairs, np.log1p(10.0 * candidates.structure)),
                    **namesake_columns(namesakes, pairs),
                },
                space=space,
            ),
        ]
    )


def _echoed(
    preparation: Preparation, similarity: sparse.csr_matrix, advance: Advance, space: Space
) -> EvidenceTable:
    pairs = preparation.candidates.left, preparation.candidates.right
    echo = Echo.of(preparation.adjacency, relation_groups(*preparation.graphs, preparation.schema))
    return echo.evidence(similarity, pairs, advance=advance, space=space)


def believed_pairs(candidates: Candidates, probability: Float64, sizes: tuple[int, int]) -> sparse.csr_matrix:
    """(E, E') the probabilities that are worth an echo."""
    kept = probability > LEAST_BELIEF
    values = probability[kept].astype(np.float32)
    return sparse.csr_matrix((values, (candidates.left[kept], candidates.right[kept])), shape=sizes)


def believed_evidence(
    preparation: Preparation, probability: Float64, *, space: Space = IN_MEMORY
) -> EvidenceTable:
    """How much of each pair's neighbourhood a former round believes to be the same.

    The echo of ``gather_evidence``, with the probability that two neighbours are the same in the place of
    the nearness of their names.
    """
    left, right = preparation.graphs
    believed = believed_pairs(preparation.candidates, probability, (len(left), len(right)))
    return _echoed(preparation, believed, unwatched, space).named("believed")
