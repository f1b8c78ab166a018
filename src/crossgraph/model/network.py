"""CollectiveNetwork: neighbourhoods of two hops, seen with the eyes of the candidate pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph._types import Int64
from crossgraph.features.tokens import OWN_WIDTH
from crossgraph.model.attention import echo_amounts
from crossgraph.model.attributes import AttributeEncoder
from crossgraph.model.both import second_hop, seen_by_partner, two_hops
from crossgraph.model.head import Compared, head_of, length
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.layer import CollectiveLayer
from crossgraph.model.options import ModelOptions
from crossgraph.model.plan import places_among, upload
from crossgraph.model.prepared import Lower, Prepared, Whole, messages, prepared, stacked, with_neighbours
from crossgraph.schema.vocabulary import Vocabulary

# Pairs or entities that are computed at once: more take more memory, and no less time.
CHUNK = 2_048
# Pairs whose entities the last layer is prepared for at once: the messages of all would take more memory
# than anything else.
PAIRS = 200_000
# Pairs at once where both layers see the partner: N^2 times M^2 affinities for each.
CHUNK_BOTH = 256


@dataclass(frozen=True, eq=False)
class Slots:
    """How many directed relations, attributes and types the network tells apart."""

    directions: int
    attributes: int
    types: int

    @staticmethod
    def of(vocabulary: Vocabulary) -> Slots:
        """As many as a vocabulary has; relations both ways."""
        return Slots(2 * vocabulary.relation_slots, vocabulary.attribute_slots, vocabulary.type_slots)


def each_once(left: Tensor, right: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The distinct numbers of both sides of P pairs, ascending, and the places (P) of each pair's in them."""
    return torch.unique(left, return_inverse=True), torch.unique(right, return_inverse=True)


@dataclass(frozen=True, eq=False)
class PairOutput:
    """What the network says of P pairs.

    logits (P)                        higher: more likely the same
    distance, cosine (P)              of the two collective vectors
    left_weights, right_weights       (P, N), (P, M) attention of each neighbour in the last layer
    affinity (P, N, M)                log A of the last layer; -inf for padding
    echo (P, 6)                       how much of both neighbourhoods is echoed, see ``echo_amounts``
    """

    logits: Tensor
    distance: Tensor
    cosine: Tensor
    left_weights: Tensor
    right_weights: Tensor
    affinity: Tensor
    echo: Tensor


class CollectiveNetwork(nn.Module):
    """The collective encoder and a head on the two vectors of a pair.

    With ``collective_layers = "last"`` the lower hops do not look at the partner: they are computed once for
    each entity, and a pair costs a gather, N x M distances and two weighted sums. With "both" the first hop
    too is weighed by the partner's neighbourhood, see ``model.both``. Sides are treated alike: the output is
    the same for the pair turned round.

    Source: Zhu et al., WWW 2020 (CG-MuAlign).
    """

    def __init__(self, slots: Slots, options: ModelOptions) -> None:
        super().__init__()
        self.options = options
        self.level0 = AttributeEncoder(slots.attributes, slots.types, options)
        self.hops = nn.ModuleList(
            CollectiveLayer(slots.directions, options.width if number else OWN_WIDTH, options)
            for number in range(options.layers)
        )
        self.head = head_of(options)

    def hop(self, number: int) -> CollectiveLayer:
        """The layer of a hop, the first being 0."""
        layer = self.hops[number]
        assert isinstance(layer, CollectiveLayer)
        return layer

    @property
    def last(self) -> CollectiveLayer:
        """The layer that always looks at the partner."""
        return self.hop(-1)

    def prepare(
        self, side: SideTensors, sketch: Tensor, entities: Tensor, *, farther: int | None = None
    ) -> Prepared:
        """What the last layer needs of K distinct entities (ascending), pair-independent."""
        lower = self.lower(side, sketch, entities, farther=farther)
        return self.upper(side, sketch, lower, entities)

    def lower(
        self,
        side: SideTensors,
        sketch: Tensor,
        entities: Tensor,
        chunk: int = CHUNK,
        *,
        farther: int | None = None,
    ) -> Lower:
        """What all layers but the last say of K distinct entities (ascending) and of their neighbours.

        Nobody is computed whom they do not reach, and none twice. Layers work on ``chunk`` entities at once.
        The hops before the last see ``farther`` neighbours of each entity, see ``PairTensors``.
        """
        known = with_neighbours(side, entities)
        return Lower(known, self.vectors(side.narrowed(farther), sketch, known, chunk))

    def vectors(self, side: SideTensors, sketch: Tensor, entities: Tensor, chunk: int = CHUNK) -> Tensor:
        """(K, I) what all layers but the last say of K distinct entities (ascending)."""
        reached = [entities]
        for _ in range(self.options.layers - 1):
            reached.append(with_neighbours(side, reached[-1]))
        known, wanted = reached[-1], reached[-2::-1]
        own = ([self.level0(side, sketch, part)] for part in torch.split(known, chunk))
        h = stacked(own, len(known))[0]
        for number, rows in enumerate(wanted):
            where = places_among(known)
            at = ((where, part) for part in torch.split(rows, chunk))
            h = stacked(([self._alone(number, side, h, one)] for one in at), len(rows))[0]
            known = rows
        return h

    def _alone(self, number: int, side: SideTensors, h: Tensor, at: tuple[Int64, Tensor]) -> Tensor:
        layer = self.hop(number)
        own, z, edges = messages(layer, side, h, at)
        return layer.alone(own, z, edges.relations, edges.mask)

    def upper(
        self, side: SideTensors, sketch: Tensor, lower: Lower, entities: Tensor, chunk: int = CHUNK
    ) -> Prepared:
        """What the last layer needs of some of the entities that the lower layers were asked about."""
        parts = (
            prepared(self.last, side, lower.h, (lower.where, part), self.level0(side, sketch, part))
            for part in torch.split(entities, chunk)
        )
        return Prepared.stacked(parts, len(entities))

    def alike(self, likeness: Likeness, around: tuple[Tensor, Tensor], device: torch.device) -> Tensor | None:
        """(P, N, M) what is known of the neighbours (P, N), (P, M) of pairs; None where it is not heeded."""
        return upload(likeness.between(*around), device) if self.options.known_likeness else None

    def compare(self, left: Prepared, right: Prepared, alike: Tensor | None) -> PairOutput:
        """The last layer and the head for P pairs: row i of left with row i of right.

        alike (P, N, M)   of their neighbours, see ``CollectiveLayer.affinity``
        """
        betas = left.log_beta, right.log_beta
        weights = self.last.pair_weights(
            (left.messages, right.messages),
            betas,
            (left.mask, right.mask),
            alike=alike,
        )
        a = self.last.combine(left.own, left.messages, weights.left)
        b = self.last.combine(right.own, right.messages, weights.right)
        echo = echo_amounts(weights.affinity, betas, (left.rarity, right.rarity))
        if not self.options.cross_attention:
            echo = torch.zeros_like(echo)
        return PairOutput(
            logits=self.head(Compared(a, b, (left.level0, right.level0), echo)),
            distance=length(a - b),
            cosine=functional.cosine_similarity(a, b, dim=1),
            left_weights=weights.left,
            right_weights=weights.right,
            affinity=weights.affinity,
            echo=echo,
        )

    def forward(self, tensors: PairTensors, left: Tensor, right: Tensor) -> PairOutput:
        """Compare P pairs of entities, given by number.

        left, right (P)   integers on the host, where all is planned; the answer is where the tensors are
        """
        sides, alike = self.prepare_pairs(tensors, left, right)
        return self.compare(*sides, alike)

    def prepare_pairs(
        self, tensors: PairTensors, left: Tensor, right: Tensor
    ) -> tuple[tuple[Prepared, Prepared], Tensor | None]:
        """What the last layer needs of both ends of P pairs, row by row, and ``alike`` of them."""
        device = tensors.sketch.device
        alike = self.alike(tensors.likeness, tensors.around(left, right), device)
        if self.options.collective_layers == "both":
            return self._prepare_both(tensors, left, right, alike), alike
        sides, rows = self.prepare_each(tensors, left, right)
        a, b = (side.rows(upload(at, device)) for side, at in zip(sides, rows, strict=True))
        return (a, b), alike

    def prepare_each(
        self, tensors: PairTensors, left: Tensor, right: Tensor
    ) -> tuple[tuple[Prepared, Prepared], tuple[Tensor, Tensor]]:
        """Both sides of P pairs, every entity once, and the rows (P), (P) in them of each pair."""
        (l_entities, l_rows), (r_entities, r_rows) = each_once(left, right)
        left_side, right_side = (
            self.prepare(side, tensors.sketch, entities, farther=tensors.farther)
            for side, entities in ((tensors.left, l_entities), (tensors.right, r_entities))
        )
        return (left_side, right_side), (l_rows, r_rows)

    @torch.no_grad()
    def seen_alone(self, tensors: PairTensors, number: int, entities: Tensor) -> Lower | None:
        """What all layers but the last say of distinct entities (ascending) of a side: 0, or 1 for the right.

        None where these layers see the partner too.
        """
        if self.options.collective_layers == "both":
            return None
        return self.lower(tensors.sides[number], tensors.sketch, entities, farther=tensors.farther)

    def whole(
        self,
        tensors: PairTensors,
        number: int,
        lower: Lower | None,
        ends: Tensor,
        spread: Callable[[Callable[[int], Any], range], Iterable[Any]],
        room: int,
    ) -> Lower | Whole | None:
        """A side of which ``seen_alone`` was asked, prepared for the last layer if there is room.

        ends (P)   of all pairs that are to be compared
        spread     does pieces of work that are told by their number, at once or one after the other
        room       bytes that it may take
        """
        if lower is None:
            return None
        entities, side = torch.unique(ends), tensors.sides[number]
        parts = torch.split(entities, CHUNK)

        # Each thread has gradients of its own to be switched off.
        @torch.no_grad()
        def made(at: int) -> Prepared:
            return self.upper(side, tensors.sketch, lower, parts[at])

        first = made(0)
        if first.bytes_each * len(entities) > room:
            return lower
        rows = first.room(len(entities))
        rows.put(0, first)
        list(spread(lambda at: rows.put(at * CHUNK, made(at)), range(1, len(parts))))
        return Whole(entities, rows)

    @torch.no_grad()
    def compare_some(
        self, tensors: PairTensors, seen: Sequence[Lower | Whole | None], pairs: tuple[Tensor, Tensor]
    ) -> Iterator[PairOutput]:
        """``forward`` for pairs (P), (P) in order, where ``seen_alone`` was asked of all their entities.

        Of the entities of all these pairs, the messages are held at once.
        """
        left, right = pairs
        if seen[0] is None or seen[1] is None:
            for pair in zip(torch.split(left, CHUNK_BOTH), torch.split(right, CHUNK_BOTH), strict=True):
                yield self(tensors, *pair)
            return
        ready = [
            self._ready(tensors, number, one, ends)
            for number, (one, ends) in enumerate(((seen[0], left), (seen[1], right)))
        ]
        device = tensors.sketch.device
        for part in torch.split(torch.arange(len(left)), CHUNK):
            a, b = (side.rows(upload(places[part], device)) for side, places in ready)
            around = tensors.around(left[part], right[part])
            yield self.compare(a, b, self.alike(tensors.likeness, around, device))

    def _ready(
        self, tensors: PairTensors, number: int, seen: Lower | Whole, ends: Tensor
    ) -> tuple[Prepared, Tensor]:
        """Prepared entities of a side, and the row in them of each end (P) of pairs."""
        if isinstance(seen, Whole):
            return seen.rows, torch.searchsorted(seen.entities, ends.contiguous())
        entities, rows = torch.unique(ends, return_inverse=True)
        return self.upper(tensors.sides[number], tensors.sketch, seen, entities), rows

    def _prepare_both(
        self, tensors: PairTensors, left: Tensor, right: Tensor, alike: Tensor | None
    ) -> tuple[Prepared, Prepared]:
        hops = [
            two_hops(self.level0, self.hop(0), (side, tensors.sketch), entities)
            for side, entities in ((tensors.left, left), (tensors.right, right))
        ]
        seen = seen_by_partner(self.hop(0), hops[0], hops[1], alike=alike)
        return second_hop(self.last, hops[0], seen[0]), second_hop(self.last, hops[1], seen[1])
