"""Generated pairs: the same bytes from the same seed, power laws, gaps, another schema, and a true truth."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from crossgraph.cli import app
from crossgraph.generating import Generated, generate
from crossgraph.generating.draws import Draws, pareto, zipf
from crossgraph.graphs import KnowledgeGraph, read_pair

ENTITIES = 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("generated") / "films"
    done = CliRunner().invoke(
        app, ["generate", "--entities", str(ENTITIES), "--known", "0.1", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def graphs(folder) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    return read_pair(folder)


def links(folder: Path, name: str = "ent_links") -> list[tuple[str, str, str]]:
    return [tuple(line.split("\t")) for line in (folder / name).read_text().splitlines()]


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def made(folder: Path, **options: int | float) -> Generated:
    folder.mkdir()
    return generate(folder, entities=ENTITIES, known=0.1, **options)


def values(graph: KnowledgeGraph, attribute: str) -> dict[str, str]:
    facts = graph.tables().facts.filter(pl.col("attribute") == attribute)
    return dict(facts.select("entity", "value").iter_rows())


def test_the_same_seed_gives_the_same_bytes_in_whichever_pieces(folder, tmp_path):
    made(tmp_path / "pieces", piece=77)
    assert digests(tmp_path / "pieces") == digests(folder)


def test_another_seed_gives_another_pair(folder, tmp_path):
    made(tmp_path / "other", seed=1)
    assert set(digests(tmp_path / "other").values()).isdisjoint(digests(folder).values())


def test_one_entity_in_three_has_no_counterpart(folder, graphs):
    truth = links(folder)
    for side, graph in enumerate(graphs):
        linked = {row[side] for row in truth}
        assert len(linked) == len(truth)
        assert linked <= set(graph.ids)
        assert len(graph) == pytest.approx(ENTITIES, abs=3)
        assert 1 - len(linked) / len(graph) == pytest.approx(1 / 3, abs=0.01)


def test_links_are_divided_into_known_and_test(folder):
    train, test = links(folder, "train_links"), links(folder, "test_links")
    assert sorted(train + test) == sorted(links(folder))
    assert len(train) / len(train + test) == pytest.approx(0.1, abs=0.03)


def test_each_graph_has_about_ten_edges_for_an_entity_and_hubs(graphs):
    for graph in graphs:
        degrees = np.bincount(np.concatenate([graph.heads, graph.tails]))
        assert len(graph.heads) / len(graph) == pytest.approx(10, abs=2)
        assert degrees.max() > 5 * np.median(degrees)


def test_the_schemas_differ_and_what_is_one_attribute_here_is_two_there(graphs):
    left, right = graphs
    for names in ("type_names", "relation_names", "attribute_names"):
        assert set(getattr(left, names)).isdisjoint(getattr(right, names))
    assert {"born"} <= set(left.attribute_names)
    assert {"birth_year", "birthday", "subtitle"} <= set(right.attribute_names)


def test_people_of_both_graphs_share_films_by_relations_that_run_the_other_way(folder, graphs):
    partner = {row[0]: row[1] for row in links(folder)}
    left, right = (graph.tables().edges for graph in graphs)
    told = {(head, tail) for head, _, tail in right.iter_rows()}
    directed = left.filter(pl.col("relation") == "directed_by").select("head", "tail")
    both = [
        (partner[film], partner[who])
        for film, who in directed.iter_rows()
        if film in partner and who in partner
    ]
    turned = sum((who, film) in told for film, who in both)
    assert turned / len(both) > 0.6
    assert sum((film, who) in told for film, who in both) == 0


def test_names_of_the_same_differ_repeat_and_are_missing(folder, graphs):
    titles, labels = values(graphs[0], "title"), values(graphs[1], "label")
    films = [(left, right) for left, right, kind in links(folder) if kind == "film"]
    named = [(titles[left], labels[right]) for left, right in films if left in titles and right in labels]
    assert 0.3 < np.mean([one == other for one, other in named]) < 0.8
    assert len(named) < len(films)
    people = Counter(values(graphs[0], "name").values())
    assert people.most_common(1)[0][1] > 1


def test_numbers_and_order_of_identifiers_tell_nothing(folder):
    left, right = (np.array([int(row[side][1:]) for row in links(folder)]) for side in range(2))
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


def test_too_few_entities_are_refused(tmp_path):
    done = CliRunner().invoke(app, ["generate", "--entities", "5", "--out", str(tmp_path / "films")])
    assert done.exit_code == 1
    assert "5 entities are too few" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_draws_are_uniform_and_depend_on_seed_purpose_and_numbers():
    drawn = Draws(0).uniform("this", np.arange(20_000))
    assert np.histogram(drawn, bins=10, range=(0, 1))[0] == pytest.approx([2000] * 10, abs=200)
    for other in (Draws(1).uniform("this", np.arange(20_000)), Draws(0).uniform("that", np.arange(20_000))):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.05
    assert Draws(0).uniform("this", 3, np.arange(5))[4] == Draws(0).uniform("this", 3, 4)[0]


def test_ranks_and_sizes_follow_their_power_laws():
    uniform = (np.arange(1_000_000) + 0.5) / 1_000_000
    ranks = np.bincount(zipf(uniform, 1000, skew=0.8, shift=1.0), minlength=1000)
    assert ranks[1] / ranks[300] == pytest.approx((301.5 / 2.5) ** 0.8, rel=0.05)
    sizes = pareto(uniform, least=2, tail=1.5, most=50)
    assert (sizes >= 20).mean() == pytest.approx((2 / 20) ** 1.5, rel=0.02)
    assert sizes.max() == 50


def test_a_generated_pair_is_aligned_as_its_truth_says(tmp_path):
    films, result = tmp_path / "films", tmp_path / "RESULT"
    for line in (
        ["generate", "--entities", "400", "--known", "0.3", "--out", films],
        ["align", films, "--links", films / "train_links", "--out", result, "--set", "training.steps=8"],
        ["evaluate", result, "--gold", films / "test_links", "--json"],
    ):
        done = CliRunner().invoke(app, [*map(str, line)])
        assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["recall_blocking"] >= 0.98
    # Names alone have .93.
    assert found["prauc"] >= 0.97
