"""Changed graphs as the networks read them, with what was usual before."""

from __future__ import annotations

import numpy as np
import torch

from crossgraph._types import Float64
from crossgraph.blocking.combine import name_similarity
from crossgraph.checkpoint import TrainedModel
from crossgraph.features.description import AttributeColumn, column_of
from crossgraph.features.tokens import entity_tokens, number_scales, text_sketch
from crossgraph.graphs.adjacency import directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.ground import Ground
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.preparation import Preparation
from crossgraph.sampling import Neighbourhoods, sample_neighbourhoods
from crossgraph.sampling.shared import PRIOR_SHARE
from crossgraph.schema.vocabulary import Vocabulary, attribute_slots, directed_slots, entity_type_slots


def changed_tensors(
    preparation: Preparation,
    ground: Ground,
    vocabulary: Vocabulary,
    model: TrainedModel,
) -> PairTensors:
    """``pair_tensors`` where numbers are scaled, facts ranked and relations preferred as they were."""
    graphs, now = preparation.graphs, preparation.description
    told = ground.description
    known = (vocabulary.attributes_left, vocabulary.attributes_right)
    scales = number_scales(
        tuple(
            (columns, attribute_slots(tuple(column.name for column in columns), slots))
            for columns, slots in zip((told.left, told.right), known, strict=True)
        )
    )

    def side(at: int) -> SideTensors:
        graph, columns = graphs[at], (now.left, now.right)[at]
        relations = vocabulary.relations_right if at else vocabulary.relations_left
        facts = entity_tokens(
            columns,
            attribute_slots(graph.attribute_names, known[at]),
            scales,
            len(graph),
            against=_as_before(columns, (told.left, told.right)[at]),
        )
        return SideTensors.of(
            facts,
            entity_type_slots(graph, vocabulary.types_right if at else vocabulary.types_left),
            _sampled(preparation, at, ground.shares[at], model),
            edges=np.diff(preparation.adjacency[at].indptr),
            directions=directed_slots(graph.relation_names, relations, vocabulary.relation_slots),
            device="cpu",
        )

    sketch = torch.from_numpy(text_sketch(now.texts))
    alike = name_similarity(preparation.candidates, (len(graphs[0]), len(graphs[1])))
    return PairTensors(side(0), side(1), sketch, Likeness.of(alike, "cpu"))


def _as_before(
    columns: tuple[AttributeColumn, ...], told: tuple[AttributeColumn, ...]
) -> tuple[AttributeColumn, ...]:
    return tuple(column_of(told, column.name) or column for column in columns)


def _sampled(
    preparation: Preparation, side: int, shares: dict[str, float], model: TrainedModel
) -> Neighbourhoods:
    graph = preparation.graphs[side]
    return sample_neighbourhoods(
        graph,
        preparation.adjacency[side],
        options=model.sampling,
        seed=model.seed,
        shares=_shares(graph, shares),
    )


def _shares(graph: KnowledgeGraph, told: dict[str, float]) -> Float64 | None:
    """(2R) what each directed relation's chance is multiplied by; a new one as one without an echo."""
    if not told:
        return None
    directed = range(2 * len(graph.relation_names))
    return np.array([told.get(directed_name(graph.relation_names, one), PRIOR_SHARE) for one in directed])
