from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph.clustering import KNOWN, Kinds, Votes, consistent_clusters

Said = dict[tuple[int, int], float]


def clusters(
    said: Said, graphs: list[int], *, free: tuple[int, ...] = (), unlike: tuple[tuple[int, int], ...] = ()
) -> list[set[int]]:
    """The clusters of two entities or more, where each graph has one type.

    free     graphs whose entities need not be alone
    unlike   graphs whose types do not correspond
    """
    ends = np.array(list(said), dtype=np.int64).reshape(-1, 2)
    votes = Votes(ends[:, 0], ends[:, 1], np.array(list(said.values()), dtype=np.float64))
    of = np.array(graphs, dtype=np.int32)
    same = frozenset(pair for pair in combinations(range(max(graphs) + 1), 2) if pair not in unlike)
    found = consistent_clusters(votes, Kinds(of, of, ~np.isin(of, free), same)).tolist()
    assert list(dict.fromkeys(found)) == list(range(len(set(found))))
    groups = [{one for one, label in enumerate(found) if label == group} for group in set(found)]
    return [group for group in groups if len(group) > 1]


def test_decisions_that_agree_are_followed() -> None:
    assert clusters({(0, 1): 2.0, (1, 2): 1.0, (0, 2): 3.0}, [0, 1, 2]) == [{0, 1, 2}]


def test_a_pair_that_nobody_compared_does_not_keep_apart() -> None:
    assert clusters({(0, 1): 2.0, (1, 2): 1.0}, [0, 1, 2]) == [{0, 1, 2}]


def test_what_speaks_against_a_cluster_is_summed_with_what_speaks_for_it() -> None:
    assert clusters({(0, 1): 3.0, (1, 2): 2.0, (0, 2): -1.0}, [0, 1, 2]) == [{0, 1, 2}]
    assert clusters({(0, 1): 3.0, (1, 2): 2.0, (0, 2): -4.0}, [0, 1, 2]) == [{0, 1}]
    assert clusters({(0, 1): 2.0, (1, 2): 3.0, (0, 2): -4.0}, [0, 1, 2]) == [{1, 2}]


def test_a_cluster_holds_one_entity_of_a_graph_unless_it_may_hold_several() -> None:
    # 0 and 3 are of one graph: the surer way round the cycle goes.
    said = {(0, 1): 3.0, (1, 2): 2.0, (2, 3): 1.0}
    assert clusters(said, [0, 1, 2, 0]) == [{0, 1, 2}]
    assert clusters(said, [0, 1, 2, 0], free=(0,)) == [{0, 1, 2, 3}]


def test_types_that_do_not_correspond_are_not_united_by_a_third() -> None:
    # A city is called as its time zone: both matches are near, and their ends were never compared.
    said = {(0, 1): 3.0, (1, 2): 2.0}
    assert clusters(said, [0, 1, 2], unlike=((0, 2),)) == [{0, 1}]
    assert clusters({**said, (1, 2): KNOWN}, [0, 1, 2], unlike=((0, 2),)) == [{1, 2}]
    assert clusters(dict.fromkeys(said, KNOWN), [0, 1, 2], unlike=((0, 2),)) == [{0, 1, 2}]


def test_what_is_known_holds_against_any_estimate() -> None:
    assert clusters({(0, 1): 30.0, (1, 2): 30.0, (0, 2): -KNOWN}, [0, 1, 2]) in ([{0, 1}], [{1, 2}])
    assert clusters({(0, 1): KNOWN, (1, 2): 9.0, (0, 2): -8.0, (0, 3): KNOWN}, [0, 1, 2, 1]) == [{0, 1, 2, 3}]
    assert clusters({(0, 1): -KNOWN, (1, 2): KNOWN, (0, 2): KNOWN}, [0, 1, 2]) in ([{0, 2}], [{1, 2}])


def test_without_votes_everybody_stays_alone() -> None:
    assert clusters({}, [0, 1, 1, 2]) == []


@st.composite
def votes(draw: st.DrawFn) -> tuple[Said, list[int]]:
    graphs = draw(st.lists(st.integers(0, 3), min_size=2, max_size=9))
    pairs = [pair for pair in combinations(range(len(graphs)), 2) if graphs[pair[0]] != graphs[pair[1]]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return {pair: draw(st.sampled_from([-5.0, -1.0, 0.5, 1.0, 2.0, 7.0])) for pair in chosen}, graphs


def worth(said: Said, groups: list[set[int]]) -> float:
    """What correlation clustering makes large: the sum of the votes inside clusters."""
    return sum(weight for (a, b), weight in said.items() if any({a, b} <= group for group in groups))


@given(votes())
def test_no_cluster_breaks_a_rule_and_no_two_would_better_be_one(
    given: tuple[Said, list[int]],
) -> None:
    said, graphs = given
    found = clusters(said, graphs)
    assert all(len({graphs[one] for one in group}) == len(group) for group in found)
    whole = [*found, *({one} for one in range(len(graphs)) if not any(one in group for group in found))]
    total = worth(said, whole)
    assert total >= 0
    for one, other in combinations(whole, 2):
        joined = one | other
        if len({graphs[member] for member in joined}) == len(joined):
            assert worth(said, [group for group in whole if group not in (one, other)] + [joined]) <= total


@given(votes())
def test_where_all_agree_clusters_are_the_components_of_the_matches(given: tuple[Said, list[int]]) -> None:
    said, graphs = {pair: abs(weight) for pair, weight in given[0].items()}, given[1]
    ends = np.array(list(said), dtype=np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(ends)), ends.T), shape=(len(graphs),) * 2)
    numbers = connected_components(edges, directed=False)[1]
    parts = [set(np.flatnonzero(numbers == one).tolist()) for one in np.unique(numbers)]
    if all(len({graphs[one] for one in part}) == len(part) for part in parts):
        assert sorted(map(sorted, clusters(said, graphs))) == sorted(sorted(p) for p in parts if len(p) > 1)
