"""The whole network: it agrees with plain loops, and what must not matter does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossgraph.graphs import KnowledgeGraph
from crossgraph.learning import heard, told
from crossgraph.model import network as network_module
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.network import CollectiveNetwork, PairOutput, Slots
from crossgraph.model.options import ModelOptions
from crossgraph.model.prepared import messages, prepared
from model.samples import (
    BOTH,
    LAST,
    RELATIONS,
    SLOTS,
    TYPES,
    all_pairs,
    assert_same,
    compare_all,
    joined,
    renumbered,
    rows,
    some_network,
    some_pair,
    turned,
)
from references.dense_network import DenseNetwork

if TYPE_CHECKING:
    from conftest import Pair, World

AGREE = {
    "last": LAST,
    "one layer": replace(LAST, layers=1),
    "three layers": replace(LAST, layers=3),
    "no projection": replace(LAST, type_projection=False),
    "no self": replace(LAST, self_attention=False),
    "no cross": replace(LAST, cross_attention=False),
    "no attribute": replace(LAST, attribute_attention=False),
    "no likeness": replace(LAST, known_likeness=False),
    "distance": replace(LAST, head="distance"),
    "both": BOTH,
    "both, no self": replace(BOTH, self_attention=False),
    "both, no cross": replace(BOTH, cross_attention=False),
    "both, no likeness": replace(BOTH, known_likeness=False),
    "both, distance": replace(BOTH, head="distance", type_projection=False),
    "all off": ModelOptions(
        width=6,
        self_attention=False,
        cross_attention=False,
        known_likeness=False,
        attribute_attention=False,
        head="distance",
    ),
}
TWO = pytest.mark.parametrize("options", [LAST, BOTH], ids=["last", "both"])
few = settings(max_examples=5)


@pytest.mark.parametrize("options", AGREE.values(), ids=AGREE)
@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_loops(seed: int, options: ModelOptions) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    left, right = all_pairs(tensors)
    dense = DenseNetwork(network, tensors)
    expected = [dense.compare(i, k) for i, k in zip(left.tolist(), right.tolist(), strict=True)]
    for out in (network(tensors, left, right), joined(list(compare_all(network, tensors, left, right)))):
        for name, got in (("logit", out.logits), ("distance", out.distance), ("cosine", out.cosine)):
            assert_near(got, [getattr(e, name) for e in expected])
        assert_near(out.echo, [e.echo for e in expected])
        for row, e in enumerate(expected):
            real = tensors.left.mask[left[row]], tensors.right.mask[right[row]]
            assert_near(out.left_weights[row][real[0]], e.left_weights)
            assert_near(out.right_weights[row][real[1]], e.right_weights)
            assert_near(
                out.affinity[row][real[0]][:, real[1]].exp().flatten(), [a for near in e.near for a in near]
            )
            assert (out.affinity[row].isneginf() == ~(real[0].unsqueeze(1) & real[1])).all()


def assert_near(got: torch.Tensor, wanted: object) -> None:
    torch.testing.assert_close(got.detach(), torch.tensor(wanted), atol=1e-5, rtol=1e-5, check_dtype=False)


@TWO
def test_equal_neighbours_echo_fully_however_many_and_wherever_they_are(options: ModelOptions) -> None:
    tensors = some_pair(3, (6, 6), (28, 28))
    same = replace(tensors, right=tensors.left, likeness=Likeness.nothing())
    network = some_network(3, options)
    with torch.no_grad():
        network.level0.attribute.weight += 30.0
    everyone = torch.arange(6)
    out = network(same, everyone, everyone)
    itself = out.affinity.diagonal(dim1=1, dim2=2)
    assert not itself[tensors.left.mask].any()
    # The mean, how many there are, and how rare they are together.
    mask, around = tensors.left.mask, tensors.left.neighbours.long()
    amounts = mask.any(1).float(), mask.sum(1).float(), (tensors.left.rarity[around] * mask).sum(1)
    torch.testing.assert_close(out.echo, torch.stack([*amounts, *amounts], dim=1))


@TWO
def test_many_neighbours_agree_with_loops(options: ModelOptions) -> None:
    tensors, network = some_pair(3, (5, 5), (28, 27)), some_network(3, options)
    left, right = (side[7::9] for side in all_pairs(tensors))
    dense = DenseNetwork(network, tensors)
    expected = [dense.compare(i, k) for i, k in zip(left.tolist(), right.tolist(), strict=True)]
    out = network(tensors, left, right)
    assert_near(out.logits, [e.logit for e in expected])
    assert_near(out.echo, [e.echo for e in expected])


@TWO
@few
@given(st.integers(0, 1000))
def test_a_pair_is_scored_alike_alone_in_any_batch_and_among_all(options: ModelOptions, seed: int) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    left, right = all_pairs(tensors)
    together = network(tensors, left, right)
    assert_same(joined(list(compare_all(network, tensors, left, right))), together)
    order = torch.randperm(len(left), generator=torch.Generator().manual_seed(seed))
    assert_same(network(tensors, left[order], right[order]), rows(together, order))
    for row in order[:3].split(1):
        assert_same(network(tensors, left[row], right[row]), rows(together, row))


@TWO
def test_networks_hear_the_same_in_parts(options: ModelOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, networks = some_pair(1), (some_network(1, options), some_network(2, options))
    pairs = all_pairs(tensors)
    folds = np.arange(len(pairs[0]), dtype=np.int32) % 3 - 1
    told_of = [told(joined(list(compare_all(one, tensors, *pairs)))).numpy() for one in networks]
    expected = np.where(folds < 0, np.mean(told_of, axis=0), np.where(folds == 0, *told_of))
    for size, room in ((1, 1 << 30), (5, 1 << 30), (5, 0), (1_000, 0)):
        monkeypatch.setattr("crossgraph.learning.PAIRS", size)
        monkeypatch.setattr("crossgraph.learning.FEW", size)
        monkeypatch.setattr("crossgraph.learning.LEAST", 2)
        monkeypatch.setattr(network_module, "CHUNK", size)
        counted: list[int] = []
        found = heard(
            networks, tensors, (pairs[0].numpy(), pairs[1].numpy()), folds, counted.append, room=room
        )
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert sum(counted) == 2 * len(folds)


@TWO
def test_chunks_change_nothing(options: ModelOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, network = some_pair(1), some_network(1, options)
    left, right = all_pairs(tensors)
    at_once = joined(list(compare_all(network, tensors, left, right)))
    monkeypatch.setattr(network_module, "PAIRS", 12)
    monkeypatch.setattr(network_module, "CHUNK", 4)
    monkeypatch.setattr(network_module, "CHUNK_BOTH", 4)
    parts = list(compare_all(network, tensors, left, right))
    assert len(parts) == 8
    assert_same(joined(parts), at_once)


@TWO
def test_each_candidate_of_an_entity_gets_attention_of_its_own(options: ModelOptions) -> None:
    tensors, network = some_pair(3), some_network(3, options)
    out = network(tensors, torch.tensor([3, 3]), torch.tensor([2, 3]))
    assert int(tensors.left.mask[3].sum()) > 1
    assert (out.left_weights[0] - out.left_weights[1]).abs().max() > 1e-3


@TWO
@few
@given(st.integers(0, 1000))
def test_turned_round_a_pair_gets_the_same(options: ModelOptions, seed: int) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    left, right = all_pairs(tensors)
    out, other = network(tensors, left, right), network(turned(tensors), right, left)
    swapped = replace(
        other,
        left_weights=other.right_weights,
        right_weights=other.left_weights,
        affinity=other.affinity.transpose(1, 2),
    )
    assert_same(swapped, out)


def reordered(side: SideTensors, new: torch.Tensor, places: torch.Tensor) -> SideTensors:
    """Entity i is called new[i], and neighbours stand in other places."""
    old = torch.argsort(new)
    moved = {f.name: getattr(side, f.name)[old] for f in fields(SideTensors)}
    for name in ("neighbours", "relations", "mask"):
        moved[name] = moved[name][:, places]
    moved["neighbours"] = new.int()[moved["neighbours"].long()]
    return SideTensors(**moved)


@TWO
@few
@given(st.integers(0, 1000))
def test_numbers_of_entities_and_places_of_neighbours_carry_no_information(
    options: ModelOptions, seed: int
) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    some = torch.Generator().manual_seed(seed)
    sides = tensors.left, tensors.right
    new = [torch.randperm(len(side), generator=some) for side in sides]
    places = [torch.randperm(side.mask.shape[1], generator=some) for side in sides]
    moved = PairTensors(
        *(reordered(*parts) for parts in zip(sides, new, places, strict=True)),
        tensors.sketch,
        renumbered(tensors.likeness, *new),
    )
    left, right = all_pairs(tensors)
    expected = network(tensors, left, right)
    expected = replace(
        expected,
        left_weights=expected.left_weights[:, places[0]],
        right_weights=expected.right_weights[:, places[1]],
        affinity=expected.affinity[:, places[0]][:, :, places[1]],
    )
    at = new[0][left], new[1][right]
    assert_same(network(moved, *at), expected)
    assert_same(joined(list(compare_all(network, moved, *at))), expected)


def widened(side: SideTensors, more: int, some: torch.Generator) -> SideTensors:
    """More padded places for neighbours, facts and types, with junk in all padded places."""
    entities = len(side)

    def wider(held: torch.Tensor, real: torch.Tensor, high: int) -> torch.Tensor:
        junk = torch.randint(0, high, (entities, held.shape[1] + more), generator=some).to(held.dtype)
        mask = torch.cat([real, torch.zeros(entities, more, dtype=torch.bool)], dim=1)
        return torch.where(mask, torch.cat([held, junk[:, :more]], dim=1), junk)

    nothing = torch.zeros(entities, more, dtype=torch.bool)
    return replace(
        side,
        attributes=wider(side.attributes, side.tokens, SLOTS),
        texts=wider(side.texts, side.tokens, 7),
        numbers=wider(side.numbers, side.tokens, 5),
        tokens=torch.cat([side.tokens, nothing], dim=1),
        types=torch.cat([side.types, torch.full((entities, more), -1, dtype=torch.int32)], dim=1),
        neighbours=wider(side.neighbours, side.mask, entities),
        relations=wider(side.relations, side.mask, 2 * RELATIONS),
        mask=torch.cat([side.mask, nothing], dim=1),
    )


@TWO
@few
@given(st.integers(0, 1000), st.integers(0, 3))
def test_padding_changes_nothing_and_is_not_read(options: ModelOptions, seed: int, more: int) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    some = torch.Generator().manual_seed(seed)
    padded = replace(
        tensors, left=widened(tensors.left, more, some), right=widened(tensors.right, more, some)
    )
    left, right = all_pairs(tensors)
    expected, out = network(tensors, left, right), network(padded, left, right)
    n, m = tensors.left.mask.shape[1], tensors.right.mask.shape[1]
    assert not out.left_weights[:, n:].any()
    assert not out.right_weights[:, m:].any()
    cut = replace(
        out,
        left_weights=out.left_weights[:, :n],
        right_weights=out.right_weights[:, :m],
        affinity=out.affinity[:, :n, :m],
    )
    assert_same(cut, expected)
    assert_same(joined(list(compare_all(network, padded, left, right))), out)


@pytest.mark.parametrize(
    ("options", "hops"),
    [(replace(LAST, layers=1), 1), (LAST, 2), (BOTH, 2), (replace(LAST, layers=3), 3)],
    ids=["one layer", "two", "both", "three"],
)
def test_a_vector_sees_as_many_hops_as_there_are_layers(options: ModelOptions, hops: int) -> None:
    tensors, network = some_pair(4, (8, 8)), some_network(4, options)
    left = tensors.left
    # A chain: each left entity has the next one for its only neighbour.
    chain = replace(
        left,
        neighbours=((torch.arange(8) + 1) % 8).int().unsqueeze(1),
        relations=left.relations[:, :1],
        mask=torch.ones(8, 1, dtype=torch.bool),
        tokens=torch.ones_like(left.tokens),
    )
    other = replace(chain, texts=torch.zeros_like(chain.texts), numbers=chain.numbers.clone())
    other.texts[:7], other.numbers[7] = chain.texts[:7], 0.5
    right = torch.arange(8)
    for away in range(5):
        start = torch.full((8,), 7 - away)
        before, after = (network(replace(tensors, left=side), start, right).logits for side in (chain, other))
        assert torch.allclose(before, after, atol=1e-6) == (away > hops), away


def gradients(network: CollectiveNetwork) -> list[torch.Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


def assert_finite(out: PairOutput) -> None:
    for field in fields(PairOutput):
        values = getattr(out, field.name)
        assert not values.isnan().any(), field.name
        assert field.name == "affinity" or values.isfinite().all(), field.name


@TWO
@pytest.mark.parametrize("head", ["comparison", "distance"])
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e2, 1e4])
@pytest.mark.parametrize("seed", [1])
def test_values_and_gradients_are_finite_however_far_neighbours_are(
    options: ModelOptions, head: str, scale: float, seed: int
) -> None:
    tensors, network = some_pair(seed), some_network(seed, replace(options, head=head))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "transform" in name or name.startswith("level0"):
                parameter *= scale
    left, right = all_pairs(tensors)
    out = network(tensors, left, right)
    assert_finite(out)
    for weights, mask in (
        (out.left_weights, tensors.left.mask[left]),
        (out.right_weights, tensors.right.mask[right]),
    ):
        torch.testing.assert_close(weights.sum(dim=1), mask.any(dim=1).float())
    (out.logits.sum() + out.echo.sum() + out.cosine.sum()).backward()
    assert len(gradients(network)) > 10
    assert all(grad.isfinite().all() for grad in gradients(network))


@TWO
def test_isolated_and_factless_entities_give_finite_values_and_gradients(options: ModelOptions) -> None:
    tensors = some_pair(5)
    left = replace(tensors.left, mask=tensors.left.mask.clone(), tokens=tensors.left.tokens.clone())
    left.mask[1], left.tokens[0] = False, False
    network = some_network(5, options)
    alone = replace(tensors, left=left, right=left, likeness=Likeness.nothing())
    out = network(alone, torch.tensor([0, 1, 0, 2, 2]), torch.tensor([0, 1, 2, 0, 2]))
    assert not out.left_weights[:3].any()
    torch.testing.assert_close(out.left_weights[3:].sum(dim=1), torch.ones(2))
    assert not out.echo[:4].any()
    assert out.echo[4].all()
    out.logits.sum().backward()
    assert_finite(out)
    assert all(grad.isfinite().all() for grad in gradients(network))


@TWO
@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (0, 0)])
def test_graphs_without_edges_are_compared_by_their_attributes(
    options: ModelOptions, sizes: tuple[int, int]
) -> None:
    tensors, network = some_pair(2, neighbours=(3, 3)), some_network(2, options)
    bare = [
        replace(side, **{name: getattr(side, name)[:, :size] for name in ("neighbours", "relations", "mask")})
        for side, size in zip((tensors.left, tensors.right), sizes, strict=True)
    ]
    left, right = all_pairs(tensors)
    out = network(replace(tensors, left=bare[0], right=bare[1]), left, right)
    assert_finite(out)
    assert not out.echo.any()
    assert out.logits.unique().numel() > 1
    out.logits.sum().backward()
    assert all(grad.isfinite().all() for grad in gradients(network))


def with_own_edges(side: SideTensors) -> SideTensors:
    """The same side, whose edges may be changed in place."""
    return replace(side, **{n: getattr(side, n).clone() for n in ("neighbours", "relations", "mask")})


@TWO
@pytest.mark.parametrize("seed", range(2))
def test_one_neighbour_by_two_relations_counts_twice(options: ModelOptions, seed: int) -> None:
    tensors, network = some_pair(seed, (6, 6)), some_network(seed, replace(options, self_attention=False))
    left = with_own_edges(tensors.left)
    left.neighbours[4], left.mask[4] = torch.tensor([3, 3, 2, 5]), torch.tensor([True, True, True, False])
    left.relations[4] = torch.tensor([1, 1, 4, 0])
    # Nobody is beside this entity, so that its edges change only what it sees itself.
    left.mask[left.neighbours == 4] = False
    once = replace(left, mask=left.mask.clone())
    once.mask[4, 1] = False
    pair = torch.tensor([4]), torch.tensor([2])
    single, double = (network(replace(tensors, left=side), *pair) for side in (once, left))
    torch.testing.assert_close(double.left_weights[0, 0], double.left_weights[0, 1])
    assert double.distance[0] != single.distance[0]
    if options.collective_layers == "last":
        # Beside the other neighbour each of the two weighs as much as the one alone.
        ratio = (single.left_weights / single.left_weights[0, 2])[0, 0]
        torch.testing.assert_close((double.left_weights / double.left_weights[0, 2])[0, 1], ratio)
    other = replace(left, relations=left.relations.clone())
    other.relations[4, 1] = 2
    assert network(replace(tensors, left=other), *pair).distance[0] != double.distance[0]


@TWO
@few
@given(st.integers(0, 1000))
def test_a_neighbour_known_to_be_alike_outweighs_a_stranger(options: ModelOptions, seed: int) -> None:
    tensors = some_pair(seed, (6, 6))
    network = some_network(seed, replace(options, self_attention=False))
    left, right = with_own_edges(tensors.left), with_own_edges(tensors.right)
    left.neighbours[4], left.mask[4] = torch.tensor([2, 3, 5, 5]), torch.tensor([True, True, False, False])
    right.neighbours[4], right.mask[4] = 1, torch.tensor([True, False, False])
    known = Likeness(torch.tensor([3 << 32 | 1]), torch.ones(1))
    pair = torch.tensor([4]), torch.tensor([4])
    told = network(replace(tensors, left=left, right=right, likeness=known), *pair)
    assert told.left_weights[0, 1] > told.left_weights[0, 0]
    assert told.affinity[0, 1, 0] == 0.0
    # The neighbour's vector echoes fully: all of it of the right side, and one neighbour of each.
    assert told.echo[0, 3].item() == pytest.approx(1.0)
    assert told.echo[0, 1].item() == pytest.approx(1.0)
    untold = network(replace(tensors, left=left, right=right, likeness=Likeness.nothing()), *pair)
    assert told.left_weights[0, 1] > untold.left_weights[0, 1]
    deaf = replace(network.options, known_likeness=False)
    assert_same(
        same_weights(network, deaf)(replace(tensors, left=left, right=right, likeness=known), *pair), untold
    )


def same_weights(network: CollectiveNetwork, options: ModelOptions) -> CollectiveNetwork:
    other = CollectiveNetwork(Slots(2 * RELATIONS, SLOTS, TYPES), options).eval()
    other.load_state_dict(network.state_dict())
    return other


@few
@given(st.integers(0, 1000))
def test_of_both_layers_the_first_looks_at_the_partner_s_two_hops(seed: int) -> None:
    tensors, network = some_pair(seed, (8, 8)), some_network(seed, BOTH)
    blind = same_weights(network, replace(BOTH, collective_layers="last"))
    left, right = all_pairs(tensors)
    seeing = network(tensors, left, right)
    other = replace(tensors.right, relations=(tensors.right.relations + 1) % (2 * RELATIONS))
    moved = network(replace(tensors, right=other), left, right)
    busy = (tensors.left.mask.sum(1)[left] > 1) & (tensors.right.mask.sum(1)[right] > 1)
    assert not torch.allclose(seeing.logits[busy], blind(tensors, left, right).logits[busy])
    assert not torch.allclose(seeing.left_weights[busy], moved.left_weights[busy])


@TWO
def test_no_pairs_give_no_output(options: ModelOptions) -> None:
    nobody, network = torch.zeros(0, dtype=torch.long), some_network(0, options)
    assert sum(len(out.logits) for out in compare_all(network, some_pair(0), nobody, nobody)) == 0
    assert network(some_pair(0), nobody, nobody).logits.shape == (0,)


def renamed(graph: KnowledgeGraph, names: dict[str, str]) -> KnowledgeGraph:
    tables = graph.tables()
    changed = {
        "types": tables.types.with_columns(pl.col("entity").replace_strict(names)),
        "edges": tables.edges.with_columns(pl.col("head", "tail").replace_strict(names)),
        "facts": tables.facts.with_columns(pl.col("entity").replace_strict(names)),
    }
    return KnowledgeGraph.from_tables(replace(tables, **changed))


def test_identifiers_carry_no_signal(tiny_pair: Pair, make_world: Callable[..., World]) -> None:
    rng = np.random.default_rng(0)
    names = [
        {old: f"x{number}" for old, number in zip(graph.ids, rng.permutation(len(graph)), strict=True)}
        for graph in tiny_pair.graphs
    ]
    other = replace(
        tiny_pair,
        left=renamed(tiny_pair.left, names[0]),
        right=renamed(tiny_pair.right, names[1]),
        truth=tuple((names[0][a], names[1][b]) for a, b in tiny_pair.truth),
    )
    worlds = make_world(tiny_pair), make_world(other)
    logits = []
    for world in worlds:
        torch.manual_seed(0)
        network = CollectiveNetwork(Slots.of(world.vocabulary), ModelOptions(width=16)).eval()
        left, right = (torch.from_numpy(side).long() for side in world.numbers(world.pair.truth))
        logits.append(network(world.tensors, left, right).logits)
    torch.testing.assert_close(logits[1], logits[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("collective_layers", ["last", "both"])
def test_loops_agree_on_the_hand_drawn_pair(
    collective_layers: str, tiny_pair: Pair, make_world: Callable[..., World]
) -> None:
    world = make_world(tiny_pair)
    torch.manual_seed(1)
    options = ModelOptions(width=6, type_projection=True, collective_layers=collective_layers)
    network = CollectiveNetwork(Slots.of(world.vocabulary), options).eval()
    left, right = (torch.from_numpy(side).long() for side in world.numbers(tiny_pair.truth))
    out = network(world.tensors, left, right)
    dense = DenseNetwork(network, world.tensors)
    for row, (i, k) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        expected = dense.compare(i, k)
        assert out.logits[row].item() == pytest.approx(expected.logit, abs=1e-5)
    heat = world.pair.left.ids.index_of("l:heat")
    around = [world.pair.left.ids[other] for other, _ in dense.sides[0].neighbours(heat)]
    # Mann directed and wrote it; Pacino stars in it and is known for it.
    assert sorted(around) == ["l:mann", "l:mann", "l:niro", "l:pacino", "l:pacino", "l:warner"]


def test_hops_before_the_last_see_few_neighbours_and_the_last_sees_all() -> None:
    network, tensors = some_network(0), some_pair(3)
    side, everyone = tensors.left, torch.arange(len(tensors.left))
    below = replace(side, mask=side.mask & (torch.arange(side.mask.shape[1]) < 2))
    h0 = network.level0(side, tensors.sketch, everyone)
    at = everyone.numpy(), everyone
    own, sent, _ = messages(network.hop(0), below, h0, at)
    h1 = network.hop(0).alone(own, sent, below.relations, below.mask)
    expected = prepared(network.last, side, h1, at, h0)
    assert_same(network.prepare(side, tensors.sketch, everyone, farther=2), expected)
    left, right = all_pairs(tensors)
    all_seen = network(tensors, left, right)
    assert not torch.allclose(network(replace(tensors, farther=2), left, right).logits, all_seen.logits)
    assert_same(network(replace(tensors, farther=side.mask.shape[1]), left, right), all_seen)
