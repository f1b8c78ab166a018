"""Which entities are one, and what that one is called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Int32, Int64
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.terms import is_genid
from crossgraph.merging.options import MergeOptions

_DIGITS = 20


@dataclass(frozen=True, eq=False)
class Clusters:
    """Entities that are the same.

    members      side, id (as the graph has it), iri, cluster, canonical: one row for each member
    same_iri     how many entities were united because both graphs give them one IRI
    """

    members: pl.DataFrame
    same_iri: int

    def canonical(self) -> pl.DataFrame:
        """From the IRI of each member to that of its cluster, where they differ."""
        table = self.members.select("iri", "canonical").unique(maintain_order=True)
        return table.filter(pl.col("iri") != pl.col("canonical"))


def cluster(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    iris: tuple[pl.Series, pl.Series],
    pairs: Int32,
    *,
    options: MergeOptions,
) -> Clusters:
    """The connected components of matched pairs, each with one canonical IRI.

    iris         (E) the IRI of each entity of the left and of the right graph
    pairs (P, 2) entity numbers, left and right

    Entities that both graphs give the same IRI are one, as RDF has it. A cluster is called by its member
    of the preferred graph, the first by name, but never by a blank node where there is another; or by an
    IRI made of the first name among its left members, which stays when right members come and go.
    """
    shared = _shared(iris)
    joined = np.concatenate([pairs.astype(np.int64), shared])
    numbers = _components(joined, (len(graphs[0]), len(graphs[1])))
    members = pl.concat(
        [
            pl.DataFrame({"id": graph.ids, "iri": iri, "cluster": number}).select(
                pl.lit(side).alias("side"), "id", "iri", "cluster"
            )
            for side, graph, iri, number in zip(("left", "right"), graphs, iris, numbers, strict=True)
        ]
    ).filter(pl.len().over("cluster") > 1)
    return Clusters(_named(members, options), len(shared))


def _shared(iris: tuple[pl.Series, pl.Series]) -> Int64:
    left, right = (pl.DataFrame({"iri": one}).with_row_index("row") for one in iris)
    both = left.join(right, on="iri", maintain_order="left").select("row", "row_right")
    return both.to_numpy().astype(np.int64).reshape(-1, 2)


def _components(pairs: Int64, sizes: tuple[int, int]) -> tuple[Int64, Int64]:
    """The component of each left and each right entity."""
    size = sum(sizes)
    ends = pairs[:, 0], pairs[:, 1] + sizes[0]
    edges = coo_array((np.ones(len(pairs), dtype=np.int8), ends), shape=(size, size))
    numbers = np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)
    return numbers[: sizes[0]], numbers[sizes[0] :]


def _named(members: pl.DataFrame, options: MergeOptions) -> pl.DataFrame:
    side = "left" if options.prefer == "mint" else options.prefer
    ordered = members.sort(is_genid(pl.col("iri")), pl.col("side") != side, "iri", "side")
    if options.prefer == "mint":
        firsts = ordered.filter(pl.col("side") == "left").unique("cluster", keep="first", maintain_order=True)
        minted = [_minted(iri, options.base) for iri in firsts["iri"]]
        names = firsts.select("cluster", canonical=pl.Series(minted, dtype=pl.String))
    else:
        names = ordered.unique("cluster", keep="first", maintain_order=True)
        names = names.select("cluster", canonical="iri")
    return members.join(names, on="cluster", maintain_order="left").sort("canonical", "side", "iri")


def _minted(iri: str, base: str) -> str:
    return f"{base}entity/{hashlib.sha256(iri.encode()).hexdigest()[:_DIGITS]}"
