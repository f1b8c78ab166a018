"""How much of one neighbourhood the other echoes, for each relation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numba import njit
from scipy import sparse

from crossgraph._space import IN_MEMORY, Space
from crossgraph._threads import in_parts
from crossgraph._types import AnyArray, Float32, Int32, Int64
from crossgraph.evidence.table import EvidenceTable
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.progress import Advance, unwatched
from crossgraph.schema.mapping import SchemaMapping

# So many directed left relations get columns of their own; the rest share one group.
GROUPS = 8
# Pairs that are worth a thread.
LEAST_EACH = 50_000
# Numbers of 64 bits that come from memory together, and how often so many are asked for at once: what most
# neighbourhoods take.
_LINE, _LINES = 8, 4

_Rows: TypeAlias = tuple[AnyArray, AnyArray, AnyArray]


@dataclass(frozen=True, eq=False)
class RelationGroups:
    """Which directed relations of the two sides may echo each other.

    names (G)        one for each group: a directed left relation, the last is ``others``
    group_left (2R)  group of each directed left relation; -1 where it is not mapped
    mapped_right (2R') 1 where a directed right relation is mapped at all, else 0
    weight (2R, 2R')   sparse: mapping weight of what corresponds
    """

    names: tuple[str, ...]
    group_left: Int32
    mapped_right: Int32
    weight: sparse.csr_matrix

    def between(self, left: Int32, right: Int32) -> Float32:
        """(T) the mapping weight of each two directed relations, 0 where they do not correspond."""
        # Asked for nothing, a sparse matrix answers with another one.
        found: Float32 = (
            np.asarray(self.weight[left, right]).ravel() if len(left) else np.zeros(0, np.float32)
        )
        return found


def relation_groups(left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping) -> RelationGroups:
    """Give the left relations with the most mapped edges a group each, and the others one together."""
    n, m = len(left.relation_names), len(right.relation_names)
    held: dict[tuple[int, int], float] = {}
    for mapping, a, b in schema.numbered_relations(left.relation_names, right.relation_names):
        turned = b + m if mapping.inverse else b
        held[a, turned] = held[a + n, (turned + m) % (2 * m)] = mapping.weight
    ends = np.array(list(held), dtype=np.int32).reshape(-1, 2).T
    values = np.array(list(held.values()), dtype=np.float32)
    heaviest, mapped = np.zeros(2 * n, dtype=np.float32), np.zeros(2 * m, dtype=np.int32)
    np.maximum.at(heaviest, ends[0], values)
    mapped[ends[1][values > 0]] = 1
    edges = np.bincount(left.relations, minlength=n)
    importance = np.r_[edges, edges] * heaviest
    order = np.argsort(-importance, kind="stable")
    chosen = order[: GROUPS if (importance > 0).sum() > GROUPS else GROUPS + 1]
    chosen = chosen[importance[chosen] > 0]
    group = np.where(importance > 0, len(chosen), -1).astype(np.int32)
    group[chosen] = np.arange(len(chosen))
    names = tuple(directed_name(left.relation_names, int(r)) for r in chosen)
    # A matrix of all by all would be too large for graphs in which each edge has a relation of its own.
    weight = sparse.csr_matrix((values, tuple(ends)), shape=(2 * n, 2 * m))
    return RelationGroups((*names, "others"), group, mapped, weight)


def echo_evidence(
    adjacency: tuple[Adjacency, Adjacency],
    groups: RelationGroups,
    similarity: sparse.csr_matrix,
    pairs: tuple[Int32, Int32],
    *,
    rare: tuple[Float32, Float32] | None = None,
) -> EvidenceTable:
    """Columns ``echo of R:measure`` for each relation group, and ``echo:measure`` over all of them.

    similarity (E, E')   how surely two neighbours are the same, in [0, 1]
    measures             expected shared neighbours; their share of the left and of the right neighbours;
                         and their rarity, the sum of log(edges / sqrt(degree * degree'))
                         NaN where either entity has no neighbour by a mapped relation
    rare (E), (E')       how telling each neighbour is, see ``neighbour_rarity``; by ``adjacency`` if not
                         given, which then need hold only the neighbourhoods that ``pairs`` number
    """
    return Echo.of(adjacency, groups, rare=rare).evidence(similarity, pairs)


@dataclass(frozen=True, eq=False)
class Echo:
    """Two neighbourhoods made ready to be compared: what is the same for all pairs.

    right (E' + 1, 2)  where the edges of each right entity begin, and how many have a mapped relation
    ends (2T')         right edges as ``neighbour << 32 | relation``, ascending in each neighbourhood
    rare               (E), (E'), see ``neighbour_rarity``
    degrees (E, G)     left neighbours by each group
    """

    left: Adjacency
    right: Int64
    ends: Int64
    groups: RelationGroups
    rare: tuple[Float32, Float32]
    degrees: Float32

    @staticmethod
    def of(
        adjacency: tuple[Adjacency, Adjacency],
        groups: RelationGroups,
        *,
        rare: tuple[Float32, Float32] | None = None,
    ) -> Echo:
        """Of both graphs, or of the neighbourhoods that pairs number."""
        rare = rare or (neighbour_rarity(adjacency[0]), neighbour_rarity(adjacency[1]))
        left, right = adjacency
        degrees = _counts(left.indptr, left.relations, groups.group_left, len(groups.names))
        # Those that are not mapped are of no group, as on the left.
        mapped = _counts(right.indptr, right.relations, groups.mapped_right - np.int32(1), 1)
        # What a pair asks of its right entity lies together, as each look elsewhere costs as much again.
        begins = np.stack([right.indptr, np.r_[mapped[:, 0], 0.0].astype(np.int64)], axis=1)
        return Echo(left, begins, _by_neighbour(right), groups, rare, degrees)

    @property
    def names(self) -> tuple[str, ...]:
        """(F) of the columns."""
        of = ("echo", *(f"echo of {name}" for name in self.groups.names))
        measures = [f"{one}:{measure}" for one in of for measure in ("shared", "share of left", "rarity")]
        return (*measures, "echo:share of right", "echo:left neighbours", "echo:right neighbours")

    def evidence(
        self,
        similarity: sparse.csr_matrix,
        pairs: tuple[Int32, Int32],
        *,
        advance: Advance = unwatched,
        space: Space = IN_MEMORY,
    ) -> EvidenceTable:
        """``echo_evidence`` of some pairs."""
        alike, groups = _packed(similarity.tocsr(), self.rare), self.groups

        def hear(part: slice, rows: Float32) -> None:
            _echo(
                (self.left.indptr, self.left.neighbours, self.left.relations),
                (self.right, self.ends),
                alike,
                (groups.weight.indptr, groups.weight.indices, groups.weight.data),
                groups.group_left,
                self.degrees,
                (pairs[0][part], pairs[1][part]),
                rows,
            )

        return EvidenceTable.filled(
            self.names, hear, len(pairs[0]), least=LEAST_EACH, advance=advance, space=space
        )


def _packed(similarity: sparse.csr_matrix, rare: tuple[Float32, Float32]) -> tuple[AnyArray, AnyArray]:
    """(E + 1) where the similar ones of each left entity begin, and (N) these, both with rarities.

    What is read together lies together: each look elsewhere waits for memory.
    """
    neighbours = np.zeros(similarity.shape[0] + 1, dtype=[("begin", np.int64), ("rare", np.float32)])
    neighbours["begin"], neighbours["rare"][:-1] = similarity.indptr, rare[0]
    similar = np.empty(similarity.nnz, dtype=[("to", np.int32), ("value", np.float32), ("rare", np.float32)])
    similar["to"], similar["value"] = similarity.indices, similarity.data
    similar["rare"] = rare[1][similarity.indices]
    return neighbours, similar


def neighbour_rarity(adjacency: Adjacency) -> Float32:
    """(E) ``log(edges / degree)`` of each entity: who has few neighbours tells more as one."""
    degree = np.diff(adjacency.indptr).astype(np.float32)
    rare: Float32 = np.log(max(len(adjacency.neighbours), 2) / np.maximum(degree, 1.0)).astype(np.float32)
    return rare


def _by_neighbour(adjacency: Adjacency) -> Int64:
    """(2T) the edges as ``neighbour << 32 | relation``, ascending in each neighbourhood."""
    ends = adjacency.neighbours.astype(np.int64)
    ends <<= 32
    ends |= adjacency.relations

    def sort(entities: slice) -> None:
        _sort_each(adjacency.indptr[entities.start : entities.stop + 1], ends)

    in_parts(sort, len(adjacency.indptr) - 1, least=LEAST_EACH)
    return ends


@njit(cache=True, nogil=True)
def _counts(starts: Int64, relations: Int32, group_of: Int32, groups: int) -> Float32:
    """(E, G) the edges of each entity by the group of their relation, -1 for none."""
    out = np.zeros((len(starts) - 1, groups), dtype=np.float32)
    for entity in range(len(starts) - 1):
        for edge in range(starts[entity], starts[entity + 1]):
            group = group_of[relations[edge]]
            if group >= 0:
                out[entity, group] += 1.0
    return out


@njit(cache=True, nogil=True)
def _sort_each(starts: Int64, ends: Int64) -> None:
    """Sort each neighbourhood, in place: they are small, where all edges together fit no cache."""
    for place in range(len(starts) - 1):
        ends[starts[place] : starts[place + 1]].sort()


@njit(cache=True, nogil=True)
def _entry(matrix: _Rows, row: int, column: int) -> np.float32:
    """An entry of a sparse matrix whose rows hold few."""
    ptr, columns, values = matrix
    found = np.float32(0.0)
    for place in range(ptr[row], ptr[row + 1]):
        if columns[place] == column:
            found = values[place]
    return found


@njit(cache=True, nogil=True)
def _first_from(numbers: AnyArray, start: int, end: int, number: int | np.int64) -> int:
    """The first place between two where an ascending number is not below another; fast where it is near."""
    step = 1
    while start + step < end and numbers[start + step] < number:
        start += step
        step *= 2
    end = min(end, start + step)
    while start < end:
        middle = (start + end) // 2
        if numbers[middle] < number:
            start = middle + 1
        else:
            end = middle
    return start


@njit(cache=True, nogil=True)
def _alike_to_neighbours(
    left: _Rows, alike: tuple[AnyArray, AnyArray], group_left: Int32, entity: int
) -> tuple[Int64, Int32, Float32, Float32]:
    """(N) who is similar to the neighbours of an entity; and by place, which edge, how much, how rare both.

    Each is ``right neighbour << 32 | place``, ascending, and edges are counted from the entity's first. Whose
    relation is not mapped is left out.
    """
    l_ptr, l_to, l_rel = left
    neighbours, similar = alike
    first, count = l_ptr[entity], 0
    for edge in range(first, l_ptr[entity + 1]):
        if group_left[l_rel[edge]] >= 0:
            count += neighbours[l_to[edge] + 1].begin - neighbours[l_to[edge]].begin
    found, edges, at = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int32), 0
    values, rare = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    for edge in range(first, l_ptr[entity + 1]):
        if group_left[l_rel[edge]] >= 0:
            own = neighbours[l_to[edge]]
            for place in range(own.begin, neighbours[l_to[edge] + 1].begin):
                one = similar[place]
                found[at], edges[at] = np.int64(one.to) << 32 | at, edge - first
                values[at], rare[at] = one.value, np.float32(0.5) * (own.rare + one.rare)
                at += 1
    found.sort()
    return found, edges, values, rare


@njit(cache=True, nogil=True)
def _echo(
    left: _Rows,
    right: tuple[Int64, Int64],
    similarity: tuple[AnyArray, AnyArray],
    weight: _Rows,
    group_left: Int32,
    degrees: Float32,
    pairs: tuple[Int32, Int32],
    out: Float32,
) -> None:
    """Fill (P, F) with the evidence: all, each group, and how many neighbours either end has.

    What lies far apart is fetched once for all pairs of a left entity, if they come one after another.
    """
    l_ptr, _, l_rel = left
    nodes, ends = right
    groups = degrees.shape[1]
    sums = np.empty((2, groups), dtype=np.float32)
    # In an array, as what nobody reads would not be asked for.
    fetched = np.zeros(1, dtype=np.int64)
    who = -1
    for pair in range(len(pairs[0])):
        i, k = pairs[0][pair], pairs[1][pair]
        if i != who:
            who, first = i, l_ptr[i]
            alike, edges, values, both_rare = _alike_to_neighbours(left, similarity, group_left, i)
            best = np.empty(l_ptr[i + 1] - first, dtype=np.float32)
            rare = np.empty_like(best)
            fetched[0] = _fetched(nodes, ends, pairs, pair)
        best[:], rare[:] = 0.0, 0.0
        at, other, end = 0, nodes[k, 0], nodes[k + 1, 0]
        while at < len(alike) and other < end:
            q = alike[at] >> 32
            if ends[other] >> 32 < q:
                other = _first_from(ends, other + 1, end, q << 32)
            elif ends[other] >> 32 > q:
                at = _first_from(alike, at + 1, len(alike), ends[other] >> 32 << 32)
            else:
                place = alike[at] & 0xFFFFFFFF
                edge, same = edges[place], other
                while same < end and ends[same] >> 32 == q:
                    value = values[place] * _entry(weight, l_rel[first + edge], ends[same] & 0xFFFFFFFF)
                    if value > best[edge]:
                        best[edge] = value
                        rare[edge] = value * both_rare[place]
                    same += 1
                at += 1
        sums[:] = 0.0
        for edge in range(len(best)):
            group = group_left[l_rel[first + edge]]
            if group >= 0:
                sums[0, group] += best[edge]
                sums[1, group] += rare[edge]
        _tell(out, pair, sums, degrees[i], np.float32(nodes[k, 1]))


@njit(cache=True, nogil=True)
def _fetched(nodes: Int64, ends: Int64, pairs: tuple[Int32, Int32], pair: int) -> int:
    """Some number that tells of the right edges of all pairs of a left entity, the first of which is given.

    Who asks for it has them at hand. A processor waits for many places of memory at once, but not for those
    that lie behind a branch which it cannot guess: so as many are asked for of each, the first of most and
    the last again and again where they are fewer.
    """
    i, found, last = pairs[0][pair], 0, pair
    if not len(ends):
        return found
    while last < len(pairs[0]) and pairs[0][last] == i:
        found ^= nodes[pairs[1][last], 0]
        last += 1
    for place in range(pair, last):
        first, end = nodes[pairs[1][place], 0], nodes[pairs[1][place] + 1, 0]
        for line in range(_LINES):
            found ^= ends[max(min(first + _LINE * line, end - 1), 0)]
    return found


@njit(cache=True, nogil=True)
def _tell(out: Float32, pair: int, sums: Float32, degrees: Float32, mapped: np.float32) -> None:
    """Fill the row of a pair, from sums (2, G) of its echo and its left and right neighbours by group."""
    groups = len(degrees)
    shared, rarity, every = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for group in range(groups):
        shared, rarity, every = shared + sums[0, group], rarity + sums[1, group], every + degrees[group]
    known = every > 0 and mapped > 0
    _measure(out, pair, 0, shared, rarity, every if known else np.float32(0.0))
    for group in range(groups):
        own = degrees[group] if known else np.float32(0.0)
        _measure(out, pair, 3 * (group + 1), sums[0, group], sums[1, group], own)
    ends = 3 * (groups + 1)
    out[pair, ends] = shared / mapped if known else np.nan
    out[pair, ends + 1], out[pair, ends + 2] = np.log1p(every), np.log1p(mapped)


@njit(cache=True, nogil=True)
def _measure(
    out: Float32, pair: int, at: int, shared: np.float32, rarity: np.float32, neighbours: np.float32
) -> None:
    """Fill three columns, of so many left neighbours that may be echoed; without any they are missing."""
    told = neighbours > 0
    out[pair, at] = shared if told else np.nan
    out[pair, at + 1] = shared / neighbours if told else np.nan
    out[pair, at + 2] = rarity if told else np.nan
