"""Pairs of graphs with known truth, of any size: two catalogues of films that were never made."""

from crossgraph.generating.pair import Generated, generate

__all__ = ["Generated", "generate"]
