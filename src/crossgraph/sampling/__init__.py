"""Cap neighbourhoods: the one director before any of the dozens of actors."""

from crossgraph.sampling.neighbourhoods import (
    Neighbourhoods,
    Sampler,
    SamplingOptions,
    sample_neighbourhoods,
)
from crossgraph.sampling.weights import RelationWeights, relation_weights

__all__ = [
    "Neighbourhoods",
    "RelationWeights",
    "Sampler",
    "SamplingOptions",
    "relation_weights",
    "sample_neighbourhoods",
]
