"""Cap neighbourhoods: the one director before any of the dozens of actors."""

from crossgraph.sampling.keys import content_keys, hash_text, mix
from crossgraph.sampling.neighbourhoods import Neighbourhoods, SamplingOptions, sample_neighbourhoods
from crossgraph.sampling.weights import RelationWeights, relation_weights

__all__ = [
    "Neighbourhoods",
    "RelationWeights",
    "SamplingOptions",
    "content_keys",
    "hash_text",
    "mix",
    "relation_weights",
    "sample_neighbourhoods",
]
