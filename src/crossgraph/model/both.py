"""Both layers seen with the eyes of the pair: what the public article describes.

The published network lets only the last layer look at the partner. Here the first hop does too: a centre's
neighbours are weighed by their echo among the partner's neighbours, and what lies around a neighbour by its
echo among all that lies two hops from the partner. Everything then depends on the pair, so a pair costs
N^2 M^2 affinities and its own matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from crossgraph.model.attention import combined_attention, cross_graph_log_attention
from crossgraph.model.attributes import AttributeEncoder
from crossgraph.model.inputs import SideTensors
from crossgraph.model.layer import CollectiveLayer
from crossgraph.model.plan import Edges, places_among, upload
from crossgraph.model.prepared import Prepared, prepared, with_neighbours


@dataclass(frozen=True, eq=False)
class TwoHops:
    """One side of P pairs, ready for the first layer.

    centre (P, ...)      the entities of the pairs
    around (P, N, ...)   their neighbours
    edges                by which each is reached, from a table of all P * N of them
    """

    centre: Prepared
    around: Prepared
    edges: Edges

    @property
    def mask(self) -> Tensor:
        """(P, N) True for a real neighbour."""
        return self.centre.mask

    @property
    def far_mask(self) -> Tensor:
        """(P, N, N) True for a real neighbour of a real neighbour."""
        return self.around.mask & self.mask.unsqueeze(2)


@dataclass(frozen=True, eq=False)
class FirstHop:
    """Vectors after the first hop: centre (P, D), around (P, N, D)."""

    centre: Tensor
    around: Tensor


def two_hops(
    level0: AttributeEncoder, first: CollectiveLayer, graph: tuple[SideTensors, Tensor], entities: Tensor
) -> TwoHops:
    """Prepare entities (P, perhaps repeated) and their neighbours; graph is a side and the sketch."""
    side, sketch = graph
    entities, device = entities.contiguous(), sketch.device
    near = with_neighbours(side, entities)
    far = with_neighbours(side, near)
    h0, where = level0(side, sketch, far), places_among(far)
    everyone = prepared(first, side, h0, (where, near), h0[upload(where[near.numpy()], device)])
    # Padded places name entity 0, which need not be near: any row will do, the mask hides it.
    around = torch.searchsorted(near, side.neighbours[entities].long()).clamp_max(max(len(near) - 1, 0))
    return TwoHops(
        everyone.rows(upload(torch.searchsorted(near, entities), device)),
        everyone.rows(upload(around, device)),
        Edges.of(side, entities, first.directions, device),
    )


def seen_by_partner(
    first: CollectiveLayer, left: TwoHops, right: TwoHops, *, alike: Tensor | None
) -> tuple[FirstHop, FirstHop]:
    """The first hop of both sides, each weighed by the other.

    alike (P, N, M)   of the neighbours, see ``CollectiveLayer.affinity``; what lies farther echoes by vectors
                      alone
    """
    a, b = left.centre, right.centre
    weights = first.pair_weights(
        (a.messages, b.messages), (a.log_beta, b.log_beta), (a.mask, b.mask), alike=alike
    )
    affinity = first.affinity(
        (left.around.messages.flatten(1, 2), right.around.messages.flatten(1, 2)),
        (left.far_mask.flatten(1), right.far_mask.flatten(1)),
        quickly=True,
    )
    return (
        FirstHop(first.combine(a.own, a.messages, weights.left), _around(first, left, affinity)),
        FirstHop(
            first.combine(b.own, b.messages, weights.right), _around(first, right, affinity.transpose(1, 2))
        ),
    )


def second_hop(last: CollectiveLayer, hops: TwoHops, h: FirstHop) -> Prepared:
    """What the last layer needs, from vectors that already depend on the pair."""
    own, z = last.transform.own_part(h.centre), last.transform(h.around.flatten(0, 1), hops.edges)
    beta = last.log_beta(own, z, hops.edges.relations, hops.mask)
    return replace(hops.centre, own=own, messages=z, log_beta=beta)


def _around(first: CollectiveLayer, hops: TwoHops, affinity: Tensor) -> Tensor:
    """(P, N, D) neighbours after the first hop; affinity (P, N * N, M * M) of what lies around them."""
    pairs, count = hops.mask.shape
    one = hops.around
    mask, beta = hops.far_mask.flatten(0, 1), one.log_beta.flatten(0, 1)
    if first.options.cross_attention:
        echoed = affinity.reshape(pairs * count, count, affinity.shape[2])
        weights = combined_attention(cross_graph_log_attention(echoed, mask), beta, mask)
    else:
        weights = beta.exp().masked_fill(~mask, 0.0)
    seen = first.combine(one.own.flatten(0, 1), one.messages.flatten(0, 1), weights)
    return seen.reshape(pairs, count, seen.shape[1])
