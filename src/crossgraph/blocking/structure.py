"""Candidates whose neighbours look alike: two films with the same people."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.ranking import largest
from crossgraph.features.rows import row_products
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import distinct, marked, row_starts
from crossgraph.schema.mapping import RelationMapping, SchemaMapping
from crossgraph.schema.seeds import EntityPairs

# A neighbour with more neighbours than this by one relation tells nothing apart, and costs its square.
HUB_DEGREE = 2_000
# Edges of either side whose part of the factors is made at once.
EDGES_AT_ONCE = 5_000_000
# Pairs of a relation and an entity are counted in a table if it has at most so many places for each edge.
COUNTED = 16


@dataclass(frozen=True, eq=False)
class Wanted:
    """Some edges of a graph, each in one direction or both: from some sources (E), or to some targets (E)."""

    sources: Bool
    targets: Bool

    def of(self, source: Int32, target: Int32) -> Int64:
        """Which of some edges (T) are wanted."""
        return np.flatnonzero(self.sources[source] | self.targets[target])


def neighbour_products(
    left: KnowledgeGraph,
    right: KnowledgeGraph,
    schema: SchemaMapping,
    similarity: sparse.csr_matrix,
    *,
    anyhow: float = 0.0,
) -> tuple[tuple[sparse.csr_matrix, sparse.csr_matrix], tuple[Float32, Float32]]:
    """Two factors whose product X @ Y.T is how similar the neighbourhoods of two entities are, in [0, 1).

        weight(i, i') = sum over mapped relations r ~ r', neighbours j of i by r, q of i' by r', of
                        mapping weight * similarity(j, q) * idf_r(j) * idf_r'(q), rows made short

    A neighbour of few tells most, as a rare word does in a text (``neighbour_idf``), and who has many
    neighbours is not nearer to everybody for it (``row_lengths``). Graphs exchanged give the same weights.

    similarity (E, E')   in [0, 1]
    anyhow               weight of any edge with any other, whatever their relations, beside that of mapped
                         ones: relations that seeds are too few to map count too, see ``echoed_share``
    returns              X (E, K), Y (E', K), and what their rows were divided by, (E) and (E')
    """
    (x, y), squares = neighbour_rows((Ends(left), Ends(right)), schema, similarity, anyhow=anyhow)
    lengths = row_lengths(squares[0]), row_lengths(squares[1])
    places = np.flatnonzero(marked(y.indices, y.shape[1]))
    return (shortened(x, lengths[0], places), shortened(y, lengths[1], places)), lengths


@dataclass(frozen=True, eq=False)
class Ends:
    """How many edges end where in a graph; counted once, however often its neighbourhoods are asked for."""

    graph: KnowledgeGraph

    def __len__(self) -> int:
        return len(self.graph)

    @cached_property
    def shared(self) -> tuple[Int64, Int64]:
        """(T), (T) how many edges of its relation share the head, and the tail, of each edge."""
        relations = self.graph.relations
        return _sharing(relations, self.graph.heads), _sharing(relations, self.graph.tails)

    @cached_property
    def idf(self) -> Float32:
        """(E) of each entity as a neighbour by any relation."""
        ends = np.r_[self.graph.heads, self.graph.tails]
        return neighbour_idf(np.bincount(ends, minlength=len(self)), len(self))


def neighbour_rows(
    ends: tuple[Ends, Ends],
    schema: SchemaMapping,
    similarity: sparse.csr_matrix,
    *,
    anyhow: float,
    wanted: tuple[Wanted, Wanted] | None = None,
) -> tuple[tuple[sparse.csr_matrix, sparse.csr_matrix], tuple[Float64, Float64]]:
    """(E, G E'), (E', G E') the factors before rows are made short, and (E), (E') squares of their lengths.

    A column for each right neighbour by each group. A group is a mapped relation in one direction; the last
    one is of all edges.

    The square of a length is the weight that an entity has with itself, where a neighbour counts as far as
    anybody on the other side may be its partner: who has only neighbours that the other graph lacks is not
    punished for it.

    wanted   the edges of either side that count, all if not given: rows of wanted sources are whole, and so
             are columns of wanted right targets, where all left ones that may be theirs are wanted too
    """
    left, right = ends
    mapped = schema.numbered_relations(left.graph.relation_names, right.graph.relation_names)
    numbers = np.array([(a, b) for _, a, b in mapped], dtype=np.int64).reshape(-1, 2).T
    inverse = np.array([mapping.inverse for mapping, _, _ in mapped], dtype=bool)
    back = np.repeat([False, True], len(mapped))
    mine_wanted, theirs_wanted = wanted or (None, None)
    sides = _Directed.of(left, mine_wanted), _Directed.of(right, theirs_wanted)
    relations = np.tile(numbers[0], 2), np.tile(numbers[1], 2)
    turned = back, back != np.tile(inverse, 2)
    weight = np.tile([mapping.weight for mapping, _, _ in mapped], 2)
    partnered = surest_partners(similarity)
    similarity = similarity.tocsr()
    parts = _Parts(len(left), len(right))
    for groups in _batches(sides[0].held(relations[0], turned[0]) + sides[1].held(relations[1], turned[1])):
        mine, theirs = (
            side.edges(one[groups], against[groups])
            for side, one, against in zip(sides, relations, turned, strict=True)
        )
        parts.add(mine, theirs, weight[groups], similarity, partnered)
    if anyhow > 0:
        parts.add(sides[0].edges_of_all(), sides[1].edges_of_all(), np.array([anyhow]), similarity, partnered)
    return parts.joined()


def _batches(edges: Int64) -> list[slice]:
    """Groups, of which so many (G) edges are, in runs of about ``EDGES_AT_ONCE``; one group at least."""
    batch = np.cumsum(edges) // EDGES_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(batch)]
    return [slice(a, b) for a, b in pairwise(cuts) if a < b]


def surest_partners(similarity: sparse.csr_matrix) -> tuple[Float32, Float32]:
    """(E), (E') how surely each entity has a partner: its largest similarity."""
    pairs = similarity.tocoo()
    left, right = (
        largest(ends, pairs.data, size)
        for ends, size in zip((pairs.row, pairs.col), pairs.shape, strict=True)
    )
    return left, right


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges (T) from a source to a target, each of a group, with the idf of the target by that group."""

    group: Int64
    source: Int32
    target: Int32
    idf: Float32

    def squares(self, weight: AnyArray, partnered: Float32) -> Float64:
        """(E) the sum over an entity's edges of weight * idf^2 * how surely the target has a partner.

        weight (G) of each group, partnered (E) of each entity
        """
        each = weight[self.group] * self.idf.astype(np.float64) ** 2 * partnered[self.target]
        return np.bincount(self.source, each, minlength=len(partnered)).astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The factors of ``neighbour_rows`` as they come, some groups after the other."""

    left: int
    right: int
    factors: tuple[list[sparse.csr_matrix], list[sparse.csr_matrix]] = field(default_factory=lambda: ([], []))
    squares: tuple[list[Float64], list[Float64]] = field(default_factory=lambda: ([], []))

    def add(
        self,
        mine: _Edges,
        theirs: _Edges,
        weight: Float64,
        similarity: sparse.csr_matrix,
        partnered: tuple[Float32, Float32],
    ) -> None:
        """The columns of some groups, of each of which there is a weight."""
        alike, width = similarity[mine.target], len(weight) * self.right
        each = np.diff(alike.indptr)
        values = alike.data * np.repeat(mine.idf * weight[mine.group], each)
        columns = np.repeat(mine.group * self.right, each) + alike.indices
        ends = np.repeat(mine.source, each), theirs.group * self.right + theirs.target
        self.factors[0].append(_summed(values, ends[0], columns, (self.left, width)))
        self.factors[1].append(_summed(theirs.idf, theirs.source, ends[1], (self.right, width)))
        for squares, edges, sure in zip(self.squares, (mine, theirs), partnered, strict=True):
            squares.append(edges.squares(weight, sure))

    def joined(
        self,
    ) -> tuple[tuple[sparse.csr_matrix, sparse.csr_matrix], tuple[Float64, Float64]]:
        """Both factors, and the squares of the lengths of their rows."""
        sizes, factors, squares = (self.left, self.right), [], []
        for size, blocks, told in zip(sizes, self.factors, self.squares, strict=True):
            nothing = sparse.csr_matrix((size, self.right), dtype=np.float32)
            factors.append(sparse.hstack(blocks, format="csr") if blocks else nothing)
            squares.append(np.sum([np.zeros(size), *told], axis=0))
        return (factors[0], factors[1]), (squares[0], squares[1])


@dataclass(frozen=True, eq=False)
class _Directed:
    """The edges of a graph, all or those that are wanted, from their heads and from their tails.

    rows (K), (K')      edges from their heads, and from their tails, sorted by relation
    starts (R + 1) x 2  where the edges of each relation begin among these
    """

    ends: Ends
    rows: tuple[Int64, Int64]
    starts: tuple[Int64, Int64]

    @staticmethod
    def of(ends: Ends, wanted: Wanted | None) -> _Directed:
        """Of the edges that are wanted."""
        graph = ends.graph
        heads, tails, count = graph.heads, graph.tails, len(graph.relation_names)
        if wanted is None:
            order = np.argsort(graph.relations, kind="stable")
            both = order, order
        else:
            found = [wanted.of(*edges) for edges in ((heads, tails), (tails, heads))]
            forth, back = (one[np.argsort(graph.relations[one], kind="stable")] for one in found)
            both = forth, back
        left, right = (row_starts(graph.relations[one], count) for one in both)
        return _Directed(ends, both, (left, right))

    def held(self, relations: Int64, back: Bool) -> Int64:
        """(G) how many edges directed relations have; ``back`` (G) says which go against the edges."""
        forth, against = (np.diff(one)[relations] for one in self.starts)
        return np.where(back, against, forth)

    def edges(self, relations: Int64, back: Bool) -> _Edges:
        """Those of directed relations, each (G) a group; ``back`` as of ``held``."""
        graph, groups = self.ends.graph, list(zip(back.astype(int).tolist(), relations.tolist(), strict=True))
        spans = [self.rows[way][self.starts[way][one] : self.starts[way][one + 1]] for way, one in groups]
        edges = np.concatenate([np.zeros(0, dtype=np.int64), *spans])
        group = np.repeat(np.arange(len(groups)), [len(one) for one in spans])
        against = back[group]
        heads_shared, tails_shared = self.ends.shared
        degree = np.where(against, heads_shared[edges], tails_shared[edges])
        kept = degree <= HUB_DEGREE
        group, edges, against, degree = group[kept], edges[kept], against[kept], degree[kept]
        heads, tails = graph.heads[edges], graph.tails[edges]
        source, target = np.where(against, tails, heads), np.where(against, heads, tails)
        return _Edges(group, source, target, neighbour_idf(degree, len(graph)))

    def edges_of_all(self) -> _Edges:
        """All in one group: each with the idf of all edges that the target has."""
        graph, (forth, back) = self.ends.graph, self.rows
        source = np.concatenate([graph.heads[forth], graph.tails[back]])
        target = np.concatenate([graph.tails[forth], graph.heads[back]])
        # Zeros that stay in a factor cost the square of a hub.
        kept = self.ends.idf[target] > 0
        source, target = source[kept], target[kept]
        return _Edges(np.zeros(len(source), dtype=np.int64), source, target, self.ends.idf[target])


def _sharing(relations: Int32, ends: Int32) -> Int64:
    """(T) how many edges of its relation each edge shares its end with, itself included."""
    width = int(ends.max(initial=-1)) + 1
    keys = relations.astype(np.int64) * width + ends
    if int(relations.max(initial=-1) + 1) * width <= COUNTED * len(keys):
        counted: Int64 = np.bincount(keys)[keys]
        return counted
    _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    sharing: Int64 = count[place]
    return sharing


def _summed(values: AnyArray, rows: Int32, columns: Int64, shape: tuple[int, int]) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix((values.astype(np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def echoed_share(
    left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping, seeds: EntityPairs
) -> float:
    """How much any edge says of any other, whatever their relations, beyond what mapped relations say.

    Of the pairs of seeds that are neighbours, but not on both sides by relations that are mapped to each
    other, the share that are neighbours on both sides. Of the graph that has fewer of them, for graphs are
    not complete alike; 0 where mapped relations tell of all.
    """
    partner = np.full(len(left), -1, dtype=np.int64)
    partner[seeds.left] = seeds.right
    image = np.zeros(len(right), dtype=bool)
    image[seeds.right] = True
    inside = image[right.heads] & image[right.tails]
    edges = _between(partner[left.heads], partner[left.tails], left.relations)
    others = _between(
        right.heads[inside].astype(np.int64), right.tails[inside].astype(np.int64), right.relations[inside]
    )
    mine, theirs = (_neighbours(one) for one in (edges, others))
    fewer, more = sorted((mine, theirs), key=len)
    told = _told_by_mapped(
        edges, others, schema.numbered_relations(left.relation_names, right.relation_names)
    )
    untold = np.setdiff1d(fewer, told, assume_unique=True)
    return float(np.isin(untold, more).mean()) if len(untold) else 0.0


def _between(heads: Int64, tails: Int64, relations: Int32) -> pl.DataFrame:
    """The edges whose ends are two different seeds."""
    edges = pl.DataFrame({"head": heads, "tail": tails, "relation": relations})
    return edges.filter(pl.col("head") >= 0, pl.col("tail") >= 0, pl.col("head") != pl.col("tail"))


def _told_by_mapped(
    edges: pl.DataFrame, others: pl.DataFrame, mapped: list[tuple[RelationMapping, int, int]]
) -> Int64:
    """Neighbours on both sides by relations that are mapped to each other."""
    counterparts = pl.DataFrame(
        [(a, b, mapping.inverse) for mapping, a, b in mapped],
        schema={"relation": pl.Int32, "relation_right": pl.Int32, "inverse": pl.Boolean},
        orient="row",
    )
    turned = others.rename({"head": "tail", "tail": "head"}).select(others.columns)
    both = [
        edges.join(one, on=["head", "tail"]).with_columns(inverse=pl.lit(inverse))
        for one, inverse in ((others, False), (turned, True))
    ]
    return _neighbours(pl.concat(both).join(counterparts, on=counterparts.columns, how="semi"))


def _neighbours(edges: pl.DataFrame) -> Int64:
    """Each two ends once, as one number, ascending."""
    heads, tails = edges["head"].to_numpy(), edges["tail"].to_numpy()
    return distinct(np.minimum(heads, tails) << 32 | np.maximum(heads, tails))


def neighbour_idf(degrees: Int64, entities: int) -> Float32:
    """(T) ``sqrt(log(entities / degree))`` of neighbours with such degrees by a relation; 0 for hubs."""
    # Of all degrees that count, for those of millions of edges repeat.
    idf = np.sqrt(np.log(np.maximum(entities / np.maximum(np.arange(HUB_DEGREE + 2), 1), 1.0)))
    idf[-1] = 0.0
    return idf.astype(np.float32)[np.minimum(degrees, HUB_DEGREE + 1)]


def row_lengths(squares: Float64) -> Float32:
    """(E) ``sqrt(square + m)`` of each row, where m is the mean of the squares that are not 0.

    A plain cosine would make one shared neighbour of one as much as ten of ten (pivoted length
    normalisation, Singhal et al., SIGIR 1996).
    """
    usual = squares[squares > 0].mean() if squares.any() else 1.0
    lengths: Float32 = np.sqrt(squares + usual).astype(np.float32)
    return lengths


def shortened(matrix: sparse.csr_matrix, lengths: Float32, columns: Int64) -> sparse.csr_matrix:
    """Some columns of the matrix, ascending, with each row divided by its length."""
    places = np.full(matrix.shape[1], -1, dtype=np.int32)
    places[columns] = np.arange(len(columns), dtype=np.int32)
    found = places[matrix.indices]
    kept = found >= 0
    values = matrix.data / np.repeat(lengths, np.diff(matrix.indptr))
    starts = np.r_[0, np.cumsum(kept)][matrix.indptr]
    shape = matrix.shape[0], max(len(columns), 1)
    return sparse.csr_matrix((values[kept].astype(np.float32), found[kept], starts), shape=shape)


def weights_of(factors: tuple[sparse.csr_matrix, sparse.csr_matrix], left: Int32, right: Int32) -> Float32:
    """(P) the structural weight of given pairs."""
    return row_products(*factors, left, right)
