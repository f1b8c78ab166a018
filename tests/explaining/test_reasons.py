"""Reasons of a small RESULT: they sum to its scores, and what they foretell is what happens."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from html import escape
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from crossgraph.blocking.candidates import PairTypes
from crossgraph.blocking.names import name_attributes, name_rows
from crossgraph.blocking.ranking import lead
from crossgraph.blocking.structure import Ends, neighbour_products, neighbour_rows
from crossgraph.cli import app
from crossgraph.config import load_config
from crossgraph.deciding import Rules, decide
from crossgraph.errors import InputError, ResultError
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.echo import echo_evidence
from crossgraph.evidence.namesakes import Namesakes, namesake_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.explaining import serving
from crossgraph.explaining.answer import explain
from crossgraph.explaining.attention import _weights
from crossgraph.explaining.clues import owners
from crossgraph.explaining.leads import Touched
from crossgraph.explaining.lengths import lengths_without
from crossgraph.explaining.reasons import NOTHING_COMMON, Explainer, Explanation
from crossgraph.explaining.reopening import Reopened, reopen
from crossgraph.explaining.rescoring import Batch
from crossgraph.explaining.rows import first_drawn
from crossgraph.explaining.serving import Reasoner
from crossgraph.explaining.verdict import least_of_rivals, verdict
from crossgraph.explaining.wording import decision, leading, turning
from crossgraph.features.description import Moved, redescribe
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.layout import ResultFolder
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ModelOptions
from crossgraph.pipeline import Inputs, align, train_pairs
from crossgraph.results import read_scores
from noted import Notes

if TYPE_CHECKING:
    from conftest import Pair

QUICK = load_config(
    None,
    [
        *("training.steps=6", "training.epochs=1", "training.batch=128", "model.width=16"),
        *("training.scorer_steps=30", "training.scorer_epochs=1", "training.scorer_batch=128"),
        *("blocking.per_entity=8", "scorer.hidden=16"),
    ],
)


def write(file: Path, rows: list[tuple[object, ...]]) -> Path:
    file.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf8")
    return file


@pytest.fixture(scope="module")
def folder(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("explaining")
    mid_pair.write(here / "graphs")
    write(here / "links.tsv", random.Random(0).sample(mid_pair.truth, len(mid_pair.truth) // 3))
    return here


@pytest.fixture(scope="module")
def result(folder: Path) -> Path:
    inputs = Inputs(left=folder / "graphs", links=(folder / "links.tsv",))
    return align(inputs, folder / "RESULT", config=QUICK).path


@pytest.fixture(scope="module")
def opened(result: Path) -> Reopened:
    return reopen(result)


@pytest.fixture(scope="module")
def explainer(opened: Reopened) -> Explainer:
    return Explainer(opened)


@pytest.fixture(scope="module")
def explained(explainer: Explainer, opened: Reopened) -> dict[tuple[int, int], Explanation]:
    return {pair: explainer.explain(*pair) for pair in some_pairs(opened, 4)}


def some_pairs(opened: Reopened, count: int) -> list[tuple[int, int]]:
    """Decided matches and others, labelled and not."""
    candidates, rng = opened.preparation.candidates, np.random.default_rng(0)
    places = [*rng.permutation(np.flatnonzero(opened.matched))[: count // 2]]
    places += [*rng.permutation(np.flatnonzero(~opened.matched))[: count - count // 2]]
    return [(int(candidates.left[place]), int(candidates.right[place])) for place in places]


def assert_scores_come_back(result: Path) -> None:
    notes = Notes()
    opened, stored = reopen(result, progress=notes), read_scores(ResultFolder(result).scores_file)
    graphs = opened.preparation.graphs
    numbers = graphs[0].positions(stored["left"]), graphs[1].positions(stored["right"])
    places = opened.preparation.candidates.find(*numbers)
    assert len(stored) == len(opened.preparation.candidates)
    np.testing.assert_allclose(opened.scored.score[places], stored["score"].to_numpy(), atol=1e-6)
    assert notes.notes == []
    explainer = Explainer(opened)
    for pair in some_pairs(opened, 2):
        rescorer = explainer.rescorer(*pair)
        score = rescorer(np.ones((1, len(rescorer.clues)), dtype=bool))
        np.testing.assert_allclose(score, opened.scored.score[opened.place(*pair)], atol=1e-3)


def test_a_result_is_opened_with_the_scores_that_it_holds(result):
    assert_scores_come_back(result)


def test_a_result_of_a_model_is_opened_with_its_scores(folder, result):
    applied = align(Inputs(left=folder / "graphs", model=result), folder / "APPLIED", config=QUICK)
    assert_scores_come_back(applied.path)


def test_a_result_of_labelled_pairs_is_opened_with_its_scores(folder, mid_pair):
    truth = mid_pair.truth[::2]
    wrong = [(a, b) for (a, _), (_, b) in pairwise(truth)]
    pairs = write(folder / "pairs.tsv", [*((a, b, 1) for a, b in truth), *((a, b, 0) for a, b in wrong)])
    trained = train_pairs(Inputs(left=folder / "graphs"), pairs, None, folder / "TRAINED", config=QUICK)
    assert_scores_come_back(trained.path)


def test_other_graphs_are_told(folder, result, tmp_path, mid_pair):
    moved = replace_paths(result, tmp_path, mid_pair.write(tmp_path / "other"))
    facts = tmp_path / "other" / "attr_triples_1"
    facts.write_text(facts.read_text().replace("title\t", "title\tX"))
    with pytest.raises(ResultError, match=r"^the left graph has changed since"):
        reopen(moved)
    facts.unlink()
    (tmp_path / "other").rename(tmp_path / "gone")
    with pytest.raises(ResultError, match="is not there any more"):
        reopen(moved)


def arrays_of(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as stored:
        return dict(stored)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"no numbers"),
        lambda file: file.write_bytes(file.read_bytes()[:-40]),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"format": 5', b'"format": 9')),
        lambda file: np.savez(file, **{**arrays_of(file), "said": np.zeros(1, dtype=np.float32)}),
        lambda file: np.savez(file, left=arrays_of(file)["left"]),
    ],
)
def test_damaged_workings_are_told(folder, result, tmp_path, damage):
    copy = replace_paths(result, tmp_path, folder / "graphs")
    damage(ResultFolder(copy).workings_file)
    with pytest.raises(ResultError, match=r"workings\.npz") as told:
        reopen(copy)
    assert told.value.hint == "align again"


def replace_paths(result: Path, here: Path, graphs: Path) -> Path:
    """A copy of a RESULT that says it is of other graphs."""
    import shutil

    copy = Path(shutil.copytree(result, here / "COPY"))
    report = json.loads((copy / "report.json").read_text())
    report["inputs"]["left"] = str(graphs)
    (copy / "report.json").write_text(json.dumps(report))
    return copy


def test_with_all_clues_a_pair_has_its_score(explainer, opened):
    for pair in some_pairs(opened, 4):
        rescorer = explainer.rescorer(*pair)
        score = rescorer(np.ones((2, len(rescorer.clues)), dtype=bool))
        np.testing.assert_allclose(score, opened.scored.score[opened.place(*pair)], atol=1e-3)


def test_every_value_and_every_edge_is_in_exactly_one_clue(explainer, opened):
    preparation = opened.preparation
    for pair in some_pairs(opened, 4):
        clues = explainer.rescorer(*pair).clues
        for side, entity in enumerate(pair):
            adjacency, graph = preparation.adjacency[side], preparation.graphs[side]
            edges = int(adjacency.indptr[entity + 1] - adjacency.indptr[entity])
            named = [edge for clue in clues for edge in clue.parts[side].edges]
            assert sorted(named) == list(range(edges))
            of_attribute, _ = owners(clues, side, attributes=len(graph.attribute_names), edges=edges)
            valued = set(graph.fact_attributes[graph.fact_entities == entity].tolist())
            assert set(np.flatnonzero(of_attribute >= 0).tolist()) == valued


def test_what_a_row_without_a_clue_is_compared_by_is_that_of_the_graphs_without_it(explainer, opened):
    """Texts, echoes and namesakes against graphs from which the facts were really taken."""
    preparation, pair = opened.preparation, some_pairs(opened, 2)[0]
    rescorer = explainer.rescorer(*pair)
    both = [at for at, clue in enumerate(rescorer.clues) if clue.both]
    assert {rescorer.clues[at].kind for at in both} >= {"attribute", "neighbour"}
    for gone in both:
        kept = np.arange(len(rescorer.clues)) != gone
        versions = rescorer.variants(0, kept[None]), rescorer.variants(1, kept[None])
        alone = np.zeros(1, dtype=bool)
        batch = Batch(rescorer.around, rescorer.touched, versions, rescorer.drawn, rescorer.nearby, alone)
        got = batch._compared()
        graphs = tuple(without(g, e, v) for g, e, v in zip(preparation.graphs, pair, versions, strict=True))
        ends = tuple(np.array([end], dtype=np.int32) for end in pair)
        described = redescribe(preparation.description, graphs, tuple(map(retold, graphs, pair)))
        texts = attribute_evidence(described, preparation.schema, ends)
        echo = echo_evidence(
            tuple(Adjacency.of(g) for g in graphs), rescorer.around.groups, rescorer.around.alike, ends
        )
        rows = name_rows(described, name_attributes(described, preparation.schema))
        sides = [
            Namesakes.of(names, Adjacency.of(g), g.primary_types)
            for names, g in zip(rows, graphs, strict=True)
        ]
        namesakes = EvidenceTable.of(namesake_columns(sides, ends))
        for table in (texts, echo, namesakes):
            for name, expected in zip(table.names, table.values[0], strict=True):
                # How rare neighbours are, and how near numbers are by chance, stay as in the whole graphs.
                if not name.endswith(("rarity", "closeness")):
                    found = got.values[0, got.names.index(name)]
                    np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


def retold(graph, entity):
    """One entity is described anew, with n-grams as rare as they were."""
    numbers = np.arange(len(graph), dtype=np.int32)
    return Moved(numbers, numbers == entity)


def with_any_edge(opened, anyhow):
    """The same, had blocking left something to edges whatever their relations."""
    preparation = opened.preparation
    similarity = preparation.weighing.similarity
    _, lengths = neighbour_products(*preparation.graphs, preparation.schema, similarity, anyhow=anyhow)
    weighing = replace(preparation.weighing, anyhow=anyhow, lengths=lengths)
    return replace(opened, preparation=replace(preparation, weighing=weighing))


@pytest.mark.parametrize("anyhow", [0.0, 0.4])
def test_row_lengths_without_an_edge_are_those_of_the_graphs_without_it(opened, anyhow):
    opened = with_any_edge(opened, anyhow)
    preparation, pair = opened.preparation, some_pairs(opened, 2)[0]
    similarity = preparation.weighing.similarity
    rescorer = Explainer(opened).rescorer(*pair)

    def squares(graphs):
        """Squared lengths of both entities' rows, before what is usual is added."""
        _, squares = neighbour_rows(
            (Ends(graphs[0]), Ends(graphs[1])), preparation.schema, similarity, anyhow=anyhow
        )
        return [side[end] for side, end in zip(squares, pair, strict=True)]

    before = squares(preparation.graphs)
    for gone in (at for at, clue in enumerate(rescorer.clues) if clue.kind == "neighbour"):
        kept = np.arange(len(rescorer.clues)) != gone
        versions = rescorer.variants(0, kept[None]), rescorer.variants(1, kept[None])
        graphs = [without(g, e, v) for g, e, v in zip(preparation.graphs, pair, versions, strict=True)]
        for side, (a, b) in enumerate(zip(before, squares(graphs), strict=True)):
            usual = preparation.weighing.lengths[side][pair[side]] ** 2
            got = lengths_without(rescorer.around, side, versions[side])[0]
            assert got**2 == pytest.approx(usual - a + b, rel=1e-4)


def without(graph, entity, versions):
    """A graph in which one entity has only what its first version has."""
    adjacency = Adjacency.of(graph)
    start = int(adjacency.indptr[entity])
    gone = set()
    for place in np.flatnonzero(~versions.edges[0]).tolist():
        relation, other = int(adjacency.relations[start + place]), int(adjacency.neighbours[start + place])
        turned = relation >= adjacency.relation_count
        gone.add(
            (other, relation - adjacency.relation_count, entity) if turned else (entity, relation, other)
        )
    rows = zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True)
    edges = np.array([row not in gone for row in rows], dtype=bool)
    facts = (graph.fact_entities != entity) | versions.attributes[0][graph.fact_attributes]
    return replace(
        graph,
        heads=graph.heads[edges],
        relations=graph.relations[edges],
        tails=graph.tails[edges],
        fact_entities=graph.fact_entities[facts],
        fact_attributes=graph.fact_attributes[facts],
        fact_tags=graph.fact_tags[facts],
        fact_values=graph.fact_values.filter(facts),
    )


def test_reasons_and_the_rest_sum_to_the_score(explainer, explained, opened):
    for pair, found in explained.items():
        rescorer = explainer.rescorer(*pair)
        assert found.score == opened.scored.score[opened.place(*pair)]
        assert found.rest + sum(reason.share for reason in found.reasons) == pytest.approx(found.score)
        sizes = [abs(reason.share) for reason in found.reasons]
        assert sizes == sorted(sizes, reverse=True)
        # The rest by another way: nothing that both have, less what each side alone takes away.
        common = np.array([clue.both for clue in rescorer.clues])
        base = rescorer(~common[None])[0]
        alone = sum(reason.share for reason in found.reasons if not reason.clue.both)
        assert found.rest == pytest.approx(base - alone, abs=0.05)


def test_what_is_foretold_of_one_clue_happens(explainer, explained):
    pair, found = next(iter(explained.items()))
    rescorer = explainer.rescorer(*pair)
    for reason in found.reasons:
        kept = np.array([clue != reason.clue for clue in rescorer.clues])
        assert reason.without == pytest.approx(rescorer(kept[None])[0], abs=0.05)


def test_attention_is_shared_out_among_the_neighbours_that_are_seen(explained, opened):
    for pair, found in explained.items():
        for side, tensors in enumerate((opened.tensors.left, opened.tensors.right)):
            seen = [reason for reason in found.reasons if reason.weight[side] is not None]
            drawn = int(tensors.mask[pair[side]].sum())
            assert sum(len(r.clue.parts[side].edges) for r in seen if r.clue.kind == "neighbour") >= drawn
            for what in ("cross", "own", "weight"):
                total = sum(getattr(reason, what)[side] for reason in seen)
                assert total == pytest.approx(1.0 if drawn else 0.0, abs=1e-4)


def test_attention_of_a_pair_turned_round_is_turned_round(opened):
    words = opened.vocabulary
    for layers in ("last", "both"):
        torch.manual_seed(0)
        network = CollectiveNetwork(Slots.of(words), ModelOptions(width=16, collective_layers=layers)).eval()
        torch.nn.init.normal_(network.last.tells_apart.weight)
        tensors = opened.tensors
        keys = tensors.likeness.keys
        turned = (keys & 0xFFFFFFFF) << 32 | keys >> 32
        order = torch.argsort(turned)
        likeness = replace(tensors.likeness, keys=turned[order], values=tensors.likeness.values[order])
        mirror = replace(tensors, left=tensors.right, right=tensors.left, likeness=likeness)
        pair = some_pairs(opened, 2)[0]
        plain = _weights(SimpleNamespace(opened=SimpleNamespace(tensors=tensors)), network, pair)
        back = _weights(SimpleNamespace(opened=SimpleNamespace(tensors=mirror)), network, pair[::-1])
        for got, expected in zip(back[::-1], plain, strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_pair_is_the_same_exactly_from_the_log_odds_on_that_are_told(opened):
    for place in range(0, len(opened.preparation.candidates), 5):
        told = verdict(opened, place, float(opened.scored.score[place]))
        if not told.because:
            assert (opened.scored.score[place] >= told.needed - 1e-9) == bool(opened.matched[place]), place


def test_what_a_known_link_decides_is_told_by_that_link(opened):
    known, candidates, graphs = opened.known.same, opened.preparation.candidates, opened.preparation.graphs
    linked = set(zip(known.left.tolist(), known.right.tolist(), strict=True))
    partners = dict(linked), {right: left for left, right in linked}
    seen = set()
    for place, pair in enumerate(zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)):
        because = verdict(opened, place, 0.0).because
        if pair in linked:
            assert because == "a known link says so"
            continue
        told = [
            f"{graphs[side].ids[end]!r} is known to be the same as {graphs[1 - side].ids[partner[end]]!r}"
            for side, (end, partner) in enumerate(zip(pair, partners, strict=True))
            if end in partner
        ]
        assert because == " and ".join(told), "one partner each"
        seen.add(len(told))
    assert seen == {0, 1, 2}


def test_the_assignment_takes_a_pair_exactly_from_the_probability_on_that_is_told(opened):
    candidates = opened.preparation.candidates
    types = PairTypes.of(candidates, opened.preparation.graphs[0])
    tried = 0
    for left, right in some_pairs(opened, 30):
        place = opened.place(left, right)
        least = least_of_rivals(opened, place)
        for step in (-1e-4, 1e-4):
            if not 0.011 < least < 0.999:
                continue
            worth = opened.worth.copy()
            worth[place] = least + step
            taken = decide(candidates, worth, types, Rules({"*": 0.0}, {}))
            assert bool(taken[place]) == (step > 0)
            tried += 1
    assert tried > 0


def test_what_turns_a_decision_would_do_so(explainer, explained):
    turned = together = 0
    for pair, found in explained.items():
        rescorer = explainer.rescorer(*pair)
        told = found.verdict
        for reason in found.reasons:
            crossed = (reason.without >= told.needed) != told.same
            assert reason.turns == (crossed and not told.because and reason.clue.kind != "rivals")
        turned += bool(found.turning)
        if found.together:
            gone = [found.reasons[at].clue for at in found.together]
            kept = np.array([clue not in gone for clue in rescorer.clues])
            assert told.turned(rescorer(kept[None])[0])
            together += 1
    assert turned + together > 0


def test_the_order_of_lines_carries_no_information(folder, result, tmp_path):
    import shutil

    shuffled = Path(shutil.copytree(folder / "graphs", tmp_path / "shuffled"))
    for file in shuffled.iterdir():
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(random.Random(1).sample(lines, len(lines))))
    first = read_scores(ResultFolder(result).scores_file).row(0)
    moved = replace_paths(result, tmp_path, shuffled)
    assert explain(moved, *first[:2]).as_dict() == explain(result, *first[:2]).as_dict()


def test_leads_over_rivals_are_those_of_the_whole_table(opened):
    candidates, rng = opened.preparation.candidates, np.random.default_rng(0)
    for pair in some_pairs(opened, 4):
        touched = Touched.of(candidates, pair, opened.scored.score)
        known = rng.normal(size=len(candidates))
        values = rng.normal(size=(3, len(touched)))
        leads = touched.leads(values, known)
        for version in range(3):
            table = known.copy()
            table[touched.places] = values[version]
            for got, ends in zip(leads, (candidates.left, candidates.right), strict=True):
                np.testing.assert_allclose(got[version], lead(ends, table)[touched.places])


def test_when_an_edge_goes_the_next_one_drawn_takes_its_place():
    edges = np.array([[True, True, True, True], [True, False, True, True], [False] * 4])
    chosen, mask = first_drawn(edges, np.array([1, 3, 0, 2]), 2)
    np.testing.assert_array_equal(chosen[:2], [[1, 3], [3, 0]])
    np.testing.assert_array_equal(mask, [[True, True], [True, True], [False, False]])


def test_a_pair_that_is_no_candidate_is_explained_too(result, opened):
    candidates, graphs = opened.preparation.candidates, opened.preparation.graphs
    left = int(candidates.left[0])
    right = next(
        k for k in range(len(graphs[1])) if opened.place(left, k) < 0 and graphs[1].entity_type(k) == "Movie"
    )
    told = explain(result, graphs[0].ids[left], graphs[1].ids[right]).as_dict()
    assert told["rest"] + sum(reason["share"] for reason in told["reasons"]) == pytest.approx(told["score"])
    assert told["same"] is False


def test_the_command_tells_a_pair_and_why_not_another(result, opened, tmp_path):
    candidates, graphs = opened.preparation.candidates, opened.preparation.graphs
    left = int(candidates.left[np.flatnonzero(opened.matched)[0]])
    rivals = candidates.right[candidates.left == left]
    names = graphs[0].ids[left], graphs[1].ids[int(rivals[0])], graphs[1].ids[int(rivals[1])]
    run = CliRunner()
    file = tmp_path / "why.html"
    args = ["explain", str(result), names[0], names[1], "--instead", names[2], "-q"]
    done = run.invoke(app, [*args, "--html", str(file), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["left"]["id"], told["instead"]["right"]["id"]) == (names[0], names[2])
    gap = sum(row["difference"] for row in told["instead"]["differences"])
    assert gap == pytest.approx(told["score"] - told["instead"]["score"], abs=0.05)
    assert "Why not" in file.read_text()
    shown = run.invoke(app, args)
    assert NOTHING_COMMON in " ".join(shown.stdout.split())
    assert "Why not" in shown.stdout


def test_the_other_candidate_may_be_of_the_left_graph(result, opened):
    candidates, graphs = opened.preparation.candidates, opened.preparation.graphs
    right = int(candidates.right[0])
    lefts = candidates.left[candidates.right == right]
    pair, other = graphs[0].ids[int(lefts[0])], graphs[0].ids[int(lefts[1])]
    found = explain(result, pair, graphs[1].ids[right], instead=other)
    assert found.contrast is not None
    assert found.contrast.shared == "right"
    assert found.contrast.other.left.identifier == other


def test_a_server_opens_a_result_once_and_tells_of_any_two(result, opened, monkeypatch):
    candidates, graphs = opened.preparation.candidates, opened.preparation.graphs
    reasoner, times = Reasoner(result, graphs), []
    monkeypatch.setattr(serving, "reopen", lambda *a, **k: times.append(1) or reopen(*a, **k))
    place = int(np.flatnonzero(opened.matched)[0])
    left, right = int(candidates.left[place]), int(candidates.right[place])
    names = explain(result, graphs[0].ids[left], graphs[1].ids[right]).explanation
    told = reasoner(graphs[0].ids[left], graphs[1].ids[right])
    for line in [*leading(names), *turning(names), decision(names)]:
        assert escape(line) in told
    stranger = next(k for k in range(len(graphs[1])) if opened.place(left, k) < 0)
    assert "log-odds" in reasoner(graphs[0].ids[left], graphs[1].ids[stranger])
    assert times == [1]


def test_where_a_pair_stands_among_candidates(opened, explained):
    candidates, ids = opened.preparation.candidates, opened.preparation.graphs[1].ids
    for pair, found in explained.items():
        mine = candidates.left == pair[0]
        ranked = sorted(zip(-opened.scored.score[mine], candidates.right[mine], strict=True))
        told = found.standings[0]
        assert (ranked[told.place - 1][1], told.count) == (pair[1], len(ranked))
        if len(ranked) > 1:
            score, other = next(row for row in ranked if row[1] != pair[1])
            assert (told.score, told.identifier) == (-score, ids[int(other)])


def test_an_unknown_entity_is_refused(result, opened):
    graphs = opened.preparation.graphs
    left, right = graphs[0].ids[0], graphs[1].ids[0]
    with pytest.raises(ResultError, match="the left graph has no entity 'nobody'"):
        explain(result, "nobody", right)
    with pytest.raises(ResultError, match="the right graph has no entity 'nobody'"):
        explain(result, left, right, instead="nobody")
    with pytest.raises(ResultError, match="it is an entity of the right graph: exchange the two"):
        explain(result, right, left)
    with pytest.raises(InputError, match="of the pair itself"):
        explain(result, left, right, instead=right)
    with pytest.raises(ResultError, match="no RESULT"):
        explain(result.parent, left, right)
