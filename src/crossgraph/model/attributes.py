"""Level 0: an entity's own attributes as one vector."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from crossgraph._types import Float32
from crossgraph.features.tokens import OWN_WIDTH, PERIODS, TEXT_WIDTH
from crossgraph.model.attention import masked_log_softmax
from crossgraph.model.inputs import SideTensors
from crossgraph.model.kinds import by_kind
from crossgraph.model.matrices import through_matrices, weighted_sum
from crossgraph.model.options import ModelOptions
from crossgraph.model.plan import upload

# Numbers count less than texts in a distance at first.
NUMBERS_AT_FIRST = 0.3

# MKL looks at the processor when one of its functions of vectors is first called, and threads that call it
# meanwhile may get values of low precision, once (sines 1.5e-4 off). So one thread calls each of them first.
for _function in (torch.exp, torch.sin, torch.cos, torch.sqrt):
    _function(torch.zeros(1))


class AttributeEncoder(nn.Module):
    r"""Level 0: ``h0_i = (I + mean_t P_t) sum_f w_f (s_a x_f + e_a)`` over its facts f of attribute a.

    x_f is the sketch of a text, or sin and cos of a number or date at several periods, each in places of its
    own; w is a softmax of one learned weight for each attribute (the attention over an entity's own
    attributes), or the mean; s_a a learned scale for each place; P_t the projection of a type t, the mean
    being over all types of the entity. A type that training never saw leaves the vector as it is. Nothing
    is projected to fewer places here: what tells two names apart must not be lost before they are compared.

    Source: Zhu et al., WWW 2020, section 3.1; attention over own attributes as in the public article.

    Shapes
        texts, attributes, numbers, tokens (K, A), types (K, T), sketch (S, 128) -> (K, D); zero for an
        entity without facts; the entities (K) are integers on the host, the vectors where the sketch is
    """

    def __init__(self, attributes: int, types: int, options: ModelOptions) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.scale = nn.Parameter(torch.ones(OWN_WIDTH))
        self.attribute = nn.Embedding(attributes, OWN_WIDTH)
        self.importance = nn.Embedding(attributes, 1)
        self.options = options
        if options.type_projection:
            self.projections = nn.Parameter(torch.zeros(types, OWN_WIDTH, OWN_WIDTH))
        self.register_buffer(
            "frequencies", torch.tensor([2 * math.pi / p for p in PERIODS]), persistent=False
        )
        with torch.no_grad():
            self.scale[TEXT_WIDTH:] = NUMBERS_AT_FIRST
        nn.init.zeros_(self.attribute.weight)
        nn.init.zeros_(self.importance.weight)

    @torch.no_grad()
    def weigh(self, importance: Float32) -> None:
        """Start from a given importance (log weight) of each attribute slot."""
        self.importance.weight.copy_(torch.from_numpy(importance).unsqueeze(1))

    def forward(self, side: SideTensors, sketch: Tensor, entities: Tensor) -> Tensor:
        """The (K, D0) own vectors of K entities."""
        rows = upload(entities, sketch.device)
        attributes, numbers = side.attributes[rows], side.numbers[rows]
        weights = self.attention(attributes, side.tokens[rows])
        # Sums before products: a scale is the same for all facts, so it is applied once to their mean.
        texts = weighted_sum(side.texts[rows], sketch, weights)
        angle = torch.nan_to_num(numbers).unsqueeze(-1) * self.frequencies
        waves = torch.cat([angle.sin(), angle.cos()], dim=-1).masked_fill(
            torch.isnan(numbers).unsqueeze(-1), 0.0
        )
        seen = torch.cat([texts, torch.einsum("ka,kad->kd", weights, waves)], dim=1)
        own = seen * self.scale + weighted_sum(attributes, self.attribute.weight, weights)
        return own + self.projected(own, side.types[entities]) if self.options.type_projection else own

    def attention(self, attributes: Tensor, mask: Tensor) -> Tensor:
        """(K, A) weight of each fact; zero for padding."""
        logits = self.importance(attributes).squeeze(-1)
        if not self.options.attribute_attention:
            logits = torch.zeros_like(logits)
        return masked_log_softmax(logits, mask).exp().masked_fill(~mask, 0.0)

    def projected(self, own: Tensor, types: Tensor) -> Tensor:
        """(K, D) the mean of ``P_t own`` over the types t of each entity; -1 in ``types`` is padding."""
        real = types >= 0
        places, counts = by_kind(types.numpy(), real.numpy(), len(self.projections))
        owners = places // types.shape[1]
        rows, together = (upload(part, own.device) for part in (owners, real.sum(dim=1)[owners]))
        share = through_matrices(own, rows, counts, self.projections) / together.unsqueeze(1)
        return torch.zeros_like(own).index_add(0, rows, share)
