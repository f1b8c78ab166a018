"""PARIS: probabilistic alignment of two whole graphs, without labels, types or candidates."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numba import njit

from baselines.paris_facts import Facts, facts_of
from crossgraph._types import AnyArray, Bool, Float64, Int32, Int64
from crossgraph.benchmarking.problem import Answer, Problem

FactArrays: TypeAlias = tuple[Int64, Int32, Int32]
"""``indptr``, ``relation`` and ``tail`` of ``Facts``."""

# log(1 - p) of certain evidence must stay finite.
NEARLY_ONE = 1.0 - 1e-12


@dataclass(frozen=True, kw_only=True)
class ParisOptions:
    """Settings of the paper (section 5).

    start         probability of every subrelation at first, and what is less probable counts as nothing
    iterations    at most
    converged     share of entities whose partner changes at which it ends
    common        facts from which on a node ("2003" is of many films) only adds to what other nodes find, as
                  far as such nodes alone cannot make a match; the result is the same, in less time
    """

    start: float = 0.1
    iterations: int = 10
    converged: float = 0.01
    common: int = 50


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs of entities that are each other's best.

    forth (E), back (E')    the partner of each left and of each right entity; -1 where there is none
    evidence (E)            -log(1 - P) of a left entity and its partner: unlike P it never ties at 1
    """

    forth: Int32
    back: Int32
    evidence: Float64

    @property
    def probability(self) -> Float64:
        """(E) that a left entity and its partner are the same."""
        return -np.expm1(-self.evidence)

    @staticmethod
    def none(left: int, right: int) -> Matching:
        """Nobody has a partner."""
        none = np.full(left, -1, dtype=np.int32), np.full(right, -1, dtype=np.int32)
        return Matching(*none, np.zeros(left))

    @staticmethod
    def mutual(best: Int32, evidence: Float64, best_back: Int32, least: float) -> Matching:
        """From the best of each side, those that agree and whose probability is at least ``least``."""
        ours = np.arange(len(best), dtype=np.int32)
        kept = (best >= 0) & (evidence >= -np.log1p(-least))
        kept[kept] = best_back[best[kept]] == ours[kept]
        back = np.full(len(best_back), -1, dtype=np.int32)
        back[best[kept]] = ours[kept]
        return Matching(np.where(kept, best, -1).astype(np.int32), back, np.where(kept, evidence, 0.0))

    def turned(self) -> Matching:
        """The same, seen from the right."""
        evidence = np.where(self.back >= 0, self.evidence[self.back], 0.0)
        return Matching(self.back, self.forth, evidence)


def paris(problem: Problem, options: ParisOptions | None = None) -> Answer:
    """Align the whole graphs; a candidate's score is -log(1 - its probability), 0 for no match.

    Suchanek, Abiteboul, Senellart, "PARIS: Probabilistic Alignment of Relations, Instances, and Schema",
    VLDB 2012. Nothing is learnt from labels: all its time is scoring.
    """
    start = time.process_time()
    left, right = facts_of(problem.preparation.graphs)
    matching = align(left, right, seed=problem.seed, options=options)
    mine, other = (side[problem.asked] for side in (problem.candidates.left, problem.candidates.right))
    score = np.where(matching.forth[mine] == other, matching.evidence[mine], 0.0)
    return Answer(score, 0, 0.0, time.process_time() - start)


def align(left: Facts, right: Facts, *, seed: int = 0, options: ParisOptions | None = None) -> Matching:
    """Which entities are the same.

    Equation 13, over the facts r(x, y) and r'(x', y') of both:

        P(x = x') = 1 - prod (1 - P(r' < r) fun^-1(r) P(y = y')) (1 - P(r < r') fun^-1(r') P(y = y'))

    in turns with equation 12 for P(r < r'), see ``subrelations``. Only the maximal assignment carries over
    to the next turn: pairs that are each other's most probable. Ties are broken by lot.
    """
    options = options or ParisOptions()
    lot = np.random.default_rng((seed, 6)).permutation
    ties = lot(left.entities).astype(np.int32), lot(right.entities).astype(np.int32)
    matching = Matching.none(left.entities, right.entities)
    within = np.full((left.relations, right.relations), options.start)
    without = within.T
    for _ in range(options.iterations):
        before = matching.forth
        matching = _equalities(left, right, _weights(left, right, within, without), matching, ties, options)
        if (matching.forth != before).sum() <= options.converged * (before >= 0).sum():
            break
        within = subrelations(left, right, matching, options.start)
        without = subrelations(right, left, matching.turned(), options.start)
    return matching


def _weights(left: Facts, right: Facts, within: Float64, without: Float64) -> tuple[Float64, Float64]:
    """(R, R') what equality of two tails says of the heads, from either subrelation."""
    of_left = without.T * left.inverse_functionality[:, None]
    of_right = within * right.inverse_functionality[None]
    return np.minimum(of_left, NEARLY_ONE), np.minimum(of_right, NEARLY_ONE)


def _equalities(
    left: Facts,
    right: Facts,
    weights: tuple[Float64, Float64],
    now: Matching,
    ties: tuple[Int32, Int32],
    options: ParisOptions,
) -> Matching:
    best, evidence, back = _best(
        (left.indptr, left.relation, left.tail),
        (right.indptr, right.relation, right.tail),
        weights,
        (now.forth, now.probability),
        ties,
        (options.common, -np.log1p(-options.start)),
    )
    return Matching.mutual(best, evidence, back, options.start)


@njit(cache=True)
def _best(
    one: FactArrays,
    two: FactArrays,
    weights: tuple[Float64, Float64],
    now: tuple[Int32, Float64],
    ties: tuple[Int32, Int32],
    limits: tuple[int, float],
) -> tuple[Int32, Float64, Int32]:
    """The best partner of each left entity, its evidence, and the best of each right one.

    limits   facts from which on a node is common, and the evidence that a match needs
    """
    (ptr, relation, tail), (forth, probability) = one, now
    size, other_size = len(ties[0]), len(ties[1])
    most = _most_evidence(two, weights, other_size)
    best, best_log = np.full(size, -1, np.int32), np.zeros(size)
    back, back_log = np.full(other_size, -1, np.int32), np.zeros(other_size)
    logs, seen, finder = np.zeros(other_size), np.empty(other_size, np.int32), np.full(other_size, -1)
    for x in range(size):
        own, tails = relation[ptr[x] : ptr[x + 1]], tail[ptr[x] : ptr[x + 1]]
        nodes = np.array([y - size + other_size if y >= size else forth[y] for y in tails])
        common = _common(two[0], nodes, most[own], limits)
        count = 0
        for at in np.flatnonzero(~common):
            count = _find((own[at], nodes[at]), two, weights, x, finder, seen, count)
        for at in range(len(own)):
            fact = own[at], nodes[at], 1.0 if tails[at] >= size else probability[tails[at]]
            if common[at]:
                _add_to_seen(fact, two, weights, seen[:count], logs)
            else:
                _add_to_found(fact, two, weights, x, finder, logs)
        for z in seen[:count]:
            log, logs[z] = logs[z], 0.0
            if log > best_log[x] or (log == best_log[x] and ties[1][z] < ties[1][best[x]]):
                best[x], best_log[x] = z, log
            if log > back_log[z] or (log == back_log[z] and ties[0][x] < ties[0][back[z]]):
                back[z], back_log[z] = x, log
    return best, best_log, back


@njit(cache=True)
def _most_evidence(facts: FactArrays, weights: tuple[Float64, Float64], entities: int) -> Float64:
    """(R) what a fact may say of one entity at most, which may have its node by several relations."""
    (ptr, _, tail), repeats = facts, 1
    for z in range(entities):
        run = 1
        for at in range(ptr[z] + 1, ptr[z + 1]):
            run = run + 1 if tail[at] == tail[at - 1] else 1
            repeats = max(repeats, run)
    gains = -np.log1p(-weights[0]) - np.log1p(-weights[1])
    return repeats * np.array([row.max() for row in gains])


@njit(cache=True)
def _common(ptr: Int64, nodes: AnyArray, most: Float64, limits: tuple[int, float]) -> Bool:
    """(N) the most common of the nodes, as many as could not make a match together.

    most (N)   what each may say at most
    """
    common = np.zeros(len(nodes), np.bool_)
    facts = np.array([ptr[node + 1] - ptr[node] if node >= 0 else 0 for node in nodes])
    told = 0.0
    for at in np.argsort(-facts):
        told += most[at]
        if facts[at] < limits[0] or told >= limits[1]:
            break
        common[at] = True
    return common


@njit(cache=True)
def _find(
    fact: tuple[int, int],
    facts: FactArrays,
    weights: tuple[Float64, Float64],
    x: int,
    finder: Int64,
    seen: Int32,
    count: int,
) -> int:
    """Whoever shares a fact with x is among the seen, once; how many there are now."""
    (r, node), (ptr, relation, tail), half = fact, facts, len(weights[0][0]) // 2
    if node < 0:
        return count
    for place in range(ptr[node], ptr[node + 1]):
        z, q = tail[place], (relation[place] + half) % (2 * half)
        if z < len(finder) and finder[z] != x and weights[0][r, q] + weights[1][r, q] > 0.0:
            finder[z] = x
            seen[count] = z
            count += 1
    return count


@njit(cache=True)
def _add_to_found(
    fact: tuple[int, int, float],
    facts: FactArrays,
    weights: tuple[Float64, Float64],
    x: int,
    finder: Int64,
    logs: Float64,
) -> None:
    """What a fact of x says of whom it finds."""
    (r, node, p), (ptr, relation, tail), half = fact, facts, len(weights[0][0]) // 2
    if node < 0:
        return
    for place in range(ptr[node], ptr[node + 1]):
        z, q = tail[place], (relation[place] + half) % (2 * half)
        if z < len(finder) and finder[z] == x:
            logs[z] -= np.log1p(-weights[0][r, q] * p) + np.log1p(-weights[1][r, q] * p)


@njit(cache=True)
def _add_to_seen(
    fact: tuple[int, int, float],
    facts: FactArrays,
    weights: tuple[Float64, Float64],
    seen: Int32,
    logs: Float64,
) -> None:
    """The same of whom other facts found."""
    (r, node, p), (ptr, relation, tail) = fact, facts
    for z in seen:
        place = ptr[z] + np.searchsorted(tail[ptr[z] : ptr[z + 1]], node)
        while place < ptr[z + 1] and tail[place] == node:
            q = relation[place]
            logs[z] -= np.log1p(-weights[0][r, q] * p) + np.log1p(-weights[1][r, q] * p)
            place += 1


def subrelations(left: Facts, right: Facts, matching: Matching, least: float) -> Float64:
    """(R, R') P(r < r'), equation 12 under a one-to-one matching; what is below ``least`` is 0.

    sum_{r(x, y)} P(x = x') P(y = y') [r'(x', y')] / sum_{r(x, y)} P(x = x') P(y = y')
    """
    total, shared = _overlaps(
        (left.indptr, left.relation, left.tail),
        (right.indptr, right.relation, right.tail),
        (matching.forth, matching.probability),
        right.entities,
        (left.relations, right.relations),
    )
    # Facts were met from the entities' side alone; an inverse relation is in another as the two are.
    shared = np.maximum(shared, np.roll(shared, (left.relations // 2, right.relations // 2), (0, 1)))
    total = np.maximum(total, np.roll(total, left.relations // 2))[:, None]
    share = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
    return np.where(share >= least, share, 0.0)


@njit(cache=True)
def _overlaps(
    one: FactArrays,
    two: FactArrays,
    now: tuple[Int32, Float64],
    other_size: int,
    counts: tuple[int, int],
) -> tuple[Float64, Float64]:
    """(R) what could be shared, and (R, R') what is, over the facts whose head is an entity."""
    (ptr, relation, tail), (other_ptr, other_relation, other_tail) = one, two
    forth, probability = now
    size = len(forth)
    total, shared = np.zeros(counts[0]), np.zeros((counts[0], counts[1]))
    for x in range(size):
        u = forth[x]
        if u < 0:
            continue
        begin, end = other_ptr[u], other_ptr[u + 1]
        for at in range(ptr[x], ptr[x + 1]):
            y, r = tail[at], relation[at]
            literal = y >= size
            v = y - size + other_size if literal else forth[y]
            if v < 0:
                continue
            p = probability[x] * (1.0 if literal else probability[y])
            total[r] += p
            place = begin + np.searchsorted(other_tail[begin:end], v)
            while place < end and other_tail[place] == v:
                shared[r, other_relation[place]] += p
                place += 1
    return total, shared
