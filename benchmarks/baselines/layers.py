"""One layer of each graph network, with one face: vectors of all in, of those that hear out."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from baselines.both import BothGraphs, Hop

with warnings.catch_warnings():
    # PyTorch Geometric still compiles a class of its own by torch.jit when it is imported.
    warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated", DeprecationWarning)
    from torch_geometric.nn import GATConv, GCNConv, HeteroLinear, RGCNConv, SAGEConv

HEADS = 4
BASES = 8
# The least weight of a relation in the code of GCN-Align.
LEAST_WEIGHT = 0.3


class Sage(nn.Module):
    r"""``h'_i = W h_i + V mean_j h_j``: GraphSAGE (Hamilton et al., NeurIPS 2017).

    Shapes
        x (T, D) of ``hop.sources`` -> (K, D') of the first K, that hear
    """

    def __init__(self, read: int, width: int, both: BothGraphs) -> None:
        super().__init__()
        self.layer = SAGEConv(read, width)

    def forward(self, x: Tensor, hop: Hop) -> Tensor:
        """The new vectors."""
        heard: Tensor = self.layer((x, x[: hop.hearing]), hop.edges)
        return heard


class Gat(nn.Module):
    """Graph attention of 4 heads, with a residual (Velickovic et al., ICLR 2018); shapes as ``Sage``."""

    def __init__(self, read: int, width: int, both: BothGraphs) -> None:
        super().__init__()
        heads = HEADS if width % HEADS == 0 else 1
        self.layer = GATConv((read, read), width // heads, heads=heads, residual=True)

    def forward(self, x: Tensor, hop: Hop) -> Tensor:
        """The new vectors."""
        heard: Tensor = self.layer((x, x[: hop.hearing]), hop.edges)
        return heard


class Rgcn(nn.Module):
    """R-GCN with 8 basis matrices (Schlichtkrull et al., ESWC 2018); shapes as ``Sage``."""

    def __init__(self, read: int, width: int, both: BothGraphs) -> None:
        super().__init__()
        self.layer = RGCNConv(read, width, both.directions, num_bases=BASES)

    def forward(self, x: Tensor, hop: Hop) -> Tensor:
        """The new vectors."""
        heard: Tensor = self.layer((x, x[: hop.hearing]), hop.edges, hop.relations)
        return heard


class PlainSum(nn.Module):
    r"""``h'_i = [W h_i | sum_j W_r h_j]``: CG-MuAlign without any attention; shapes as ``Sage``.

    What Zhu et al., WWW 2020, say of it: "performed terribly".
    """

    def __init__(self, read: int, width: int, both: BothGraphs) -> None:
        super().__init__()
        self.own = nn.Linear(read, width // 2)
        self.sent = HeteroLinear(read, width // 2, both.directions)

    def forward(self, x: Tensor, hop: Hop) -> Tensor:
        """The new vectors."""
        return torch.cat([self.own(x[: hop.hearing]), self.heard(x, hop)], dim=1)

    def heard(self, x: Tensor, hop: Hop) -> Tensor:
        """(K, D' / 2) what comes from the neighbours."""
        sent: Tensor = self.sent(x[hop.edges[0]], hop.relations)
        return sent.new_zeros(hop.hearing, sent.shape[1]).index_add(0, hop.edges[1], sent)


class RelationSage(PlainSum):
    r"""``h'_i = [W h_i | mean_j W_r h_j]``: GraphSAGE with a matrix for each directed relation.

    The baseline R-GraphSAGE of Zhu et al., WWW 2020; shapes as ``Sage``.
    """

    def heard(self, x: Tensor, hop: Hop) -> Tensor:
        """(K, D' / 2) what comes from the neighbours."""
        count = torch.bincount(hop.edges[1], minlength=hop.hearing).clamp(min=1)
        return super().heard(x, hop) / count.unsqueeze(1)


class AlignGcn(nn.Module):
    r"""``h'_i = W sum_j a_ij / sqrt(d_i d_j) h_j`` over the neighbours and i itself, d being the sums of a.

    a_ij adds up, over the directed relations from i to j, how many different entities each reaches for each
    of its edges, and is 1 for i itself. Wang et al., EMNLP 2018 (GCN-Align), equations 1 and 4; shapes as
    ``Sage``.
    """

    def __init__(self, read: int, width: int, both: BothGraphs) -> None:
        super().__init__()
        self.layer = GCNConv(read, width, normalize=False, add_self_loops=False)
        self.functionality = functionality(both)
        self.degree = 1 + (self.functionality[both.relations] * both.mask).sum(dim=1)

    def forward(self, x: Tensor, hop: Hop) -> Tensor:
        """The new vectors."""
        loops = torch.arange(hop.hearing).expand(2, -1)
        weights = torch.cat([self.functionality[hop.relations], torch.ones(hop.hearing)])
        edges = torch.cat([hop.edges, loops], dim=1)
        scale = self.degree[hop.sources].rsqrt()
        heard: Tensor = self.layer(x, edges, weights * scale[edges[0]] * scale[edges[1]])
        return heard[: hop.hearing]


def functionality(both: BothGraphs) -> Tensor:
    """(directions) different entities reached by each directed relation, for each of its sampled edges."""
    relations = both.relations[both.mask]
    reached = torch.unique(relations * len(both) + both.neighbours[both.mask]) // len(both)
    different, edges = (torch.bincount(of, minlength=both.directions) for of in (reached, relations))
    return (different / edges.clamp(min=1)).clamp(min=LEAST_WEIGHT)
