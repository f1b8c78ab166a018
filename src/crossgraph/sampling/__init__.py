"""Cap neighbourhoods: the one director before any of the dozens of actors."""

from crossgraph.sampling.neighbourhoods import Neighbourhoods, SamplingOptions, sample_neighbourhoods
from crossgraph.sampling.weights import RelationWeights, relation_weights

__all__ = [
    "Neighbourhoods",
    "RelationWeights",
    "SamplingOptions",
    "relation_weights",
    "sample_neighbourhoods",
]
