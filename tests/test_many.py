from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from crossgraph.blocking.candidates import Candidates
from crossgraph.checkpoint import load_model
from crossgraph.cli import app
from crossgraph.clustering import KNOWN
from crossgraph.config import load_config
from crossgraph.errors import InputError, LinksError, NoCandidatesError, ResultError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.explaining.answer import explain
from crossgraph.graphs.links import read_links
from crossgraph.joint import stacked
from crossgraph.layout import ResultFolder
from crossgraph.many.align import ManyInputs, ManyOutcome, align_many, reached_from
from crossgraph.many.clusters import Clustered, Decisions, with_uncompared
from crossgraph.merging.files import MergeInputs, merge_result
from crossgraph.merging.options import MergeOptions
from crossgraph.results import read_matches, staging
from crossgraph.schema.mapping import SchemaMapping, TypeMapping
from features.plain import graph_of
from noted import Notes

QUICK = load_config(
    None,
    [
        *("training.steps=4", "training.epochs=1", "training.batch=64", "model.width=8", "scorer.hidden=4"),
        *("training.scorer_steps=20", "training.scorer_epochs=1", "training.scorer_batch=64"),
        *("blocking.per_entity=4", "blocking.rounds=1"),
    ],
)
FIRST = ("Amber", "River", "Night", "Garden", "Silent", "Winter", "Crimson", "Harbour")
SECOND = ("Falcon", "Paper", "Summer", "Iron", "Lantern")
TITLES = [f"{one} {two}" for one in FIRST for two in SECOND]
# Which films each graph has, of forty.
THERE = (range(40), range(4, 40), range(36))


def key(graph: int, film: int) -> str:
    """What a film is called in a graph: of that the tool makes nothing."""
    return f"{'abc'[graph]}{film * 17 % 41}"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ManyInputs:
    """The same films in three tables; the third does not tell years. Half of the first two are known."""
    here = tmp_path_factory.mktemp("many")
    paths = []
    for graph, films in enumerate(THERE):
        name = ("title", "name", "label")[graph]
        rows = {"id": [key(graph, film) for film in films]}
        rows[name] = [TITLES[film] + ("", "", " (film)")[graph] for film in films]
        if graph < 2:
            rows["year"] = [str(1950 + film % 9) for film in films]
        paths.append(here / f"{'abc'[graph]}.csv")
        pl.DataFrame(rows).write_csv(paths[-1])
    known = here / "known.tsv"
    known.write_text("".join(f"{key(0, film)}\t{key(1, film)}\n" for film in range(4, 26)))
    return ManyInputs(graphs=tuple(paths), links={(1, 2): (known,)})


@pytest.fixture(scope="module")
def outcome(inputs: ManyInputs, tmp_path_factory: pytest.TempPathFactory) -> ManyOutcome:
    return align_many(inputs, tmp_path_factory.mktemp("out") / "MANY", config=QUICK)


def test_one_model_aligns_every_pair_and_clusters_hold_what_is_the_same(outcome: ManyOutcome) -> None:
    grouped = outcome.clusters.group_by("cluster").agg(pl.struct("graph", "entity"))["graph"]
    found = [{(row["graph"], row["entity"]) for row in group} for group in grouped]
    assert all(len({graph for graph, _ in group}) == len(group) for group in found)
    true = [{(g + 1, key(g, film)) for g, films in enumerate(THERE) if film in films} for film in range(40)]
    assert sum(group in true for group in found) >= 36
    models = [outcome.path / "pairs" / pair / "model" / "model.safetensors" for pair in ("1-2", "1-3", "2-3")]
    assert len({model.read_bytes() for model in models}) == 1


def test_the_folder_tells_what_was_decided(outcome: ManyOutcome) -> None:
    folder = ResultFolder(outcome.path)
    assert sorted(file.name for file in outcome.path.iterdir()) == sorted(
        ["clusters.tsv", "config.toml", "disagreements.tsv", "matches", "pairs", "report.json"]
    )
    assert pl.read_csv(folder.clusters_file, separator="\t").rows() == outcome.clusters.rows()
    report = json.loads(folder.report_file.read_text())
    assert report == json.loads(json.dumps(outcome.report))
    for pair in report["pairs"]:
        own = read_matches(ResultFolder(folder.pairs_folder / pair["pair"]).matches_file)
        agreed = read_links(folder.matches_folder / f"{pair['pair']}.jsonl")
        assert pair["matches"] == len(own)
        assert len(agreed) == len(own) - pair["given_up"] + pair["gained"]
    assert sum(report["disagreements"].values()) == len(outcome.disagreements)


def test_a_pair_is_a_result_that_can_be_explained_and_merged_as_the_clusters_say(
    outcome: ManyOutcome, tmp_path: Path
) -> None:
    pair = outcome.path / "pairs" / "2-3"
    left, right, probability = read_matches(ResultFolder(pair).matches_file).row(0)
    assert explain(pair, left, right).explanation.probability == pytest.approx(probability, abs=1e-6)
    matches = outcome.path / "matches" / "2-3.jsonl"
    report = merge_result(
        MergeInputs(result=pair, matches=matches), tmp_path / "merged.nq", options=MergeOptions()
    )
    assert report.content["clusters"]["count"] == len(read_links(matches))


def test_more_than_two_graphs_are_no_result_for_two(outcome: ManyOutcome, tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="of more than two graphs") as raised:
        merge_result(MergeInputs(result=outcome.path), tmp_path / "merged.nq", options=MergeOptions())
    assert str(outcome.path / "pairs" / "1-2") in str(raised.value.hint)


def test_what_people_decided_about_a_pair_stays_when_the_folder_is_made_anew(tmp_path: Path) -> None:
    target = ResultFolder(tmp_path / "MANY")
    ledger = ResultFolder(target.pairs_folder / "1-2").ledger_file
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"what people decided")
    (target.pairs_folder / "1-2" / "report.json").write_text("old")
    target.config_file.touch()
    with staging(target.path, replace=True) as stage:
        pair = stage.pairs_folder / "1-2"
        pair.mkdir(parents=True)
        (pair / "report.json").write_text("new")
        stage.config_file.touch()
    assert ledger.read_bytes() == b"what people decided"
    assert (target.pairs_folder / "1-2" / "report.json").read_text() == "new"


def clustered(*said: tuple[str, str, float, bool]) -> Clustered:
    """Three graphs with the entities a1, a2, b1, ... of one type, and decisions about some pairs."""
    graphs = [graph_of([(f"{name}{n}", "film") for n in (1, 2)], [], []) for name in "abc"]
    decisions = []
    for numbers in combinations(range(3), 2):
        rows = [row for row in said if tuple("abc".index(end[0]) for end in row[:2]) == numbers]
        left, right = (
            graphs[number].positions(pl.Series([row[side] for row in rows], dtype=pl.String))
            for side, number in enumerate(numbers)
        )
        probability, matched = (np.array([row[at] for row in rows]) for at in (2, 3))
        one = np.ones(len(rows), dtype=bool)
        weight = np.log(probability / (1 - probability)) if rows else np.zeros(0)
        decisions.append(
            Decisions(
                numbers=numbers,
                left=left,
                right=right,
                probability=probability.astype(np.float64),
                matched=matched.astype(bool),
                weight=weight,
                alone=(one, one),
                types=frozenset({("film", "film")}),
            )
        )
    return Clustered(graphs, decisions)


def test_cycles_that_disagree_are_told_with_how_they_were_settled() -> None:
    found = clustered(
        *(("a1", "b1", 0.9, True), ("b1", "c1", 0.8, True), ("a1", "c1", 0.01, False)),
        *(("a2", "b2", 0.7, True), ("a2", "c2", 0.9, True)),
    )
    told = found.disagreements()
    assert told.columns == [
        *("left_graph", "left", "middle_graph", "middle", "right_graph", "right"),
        *("left_middle", "middle_right", "left_right", "together"),
    ]
    assert told.rows() == [
        (1, "a1", 2, "b1", 3, "c1", 0.9, 0.8, 0.01, "left middle"),
        (2, "b2", 1, "a2", 3, "c2", 0.7, 0.9, None, "left middle right"),
    ]
    assert found.members().rows() == [
        *((1, 1, "a1"), (1, 2, "b1"), (2, 1, "a2"), (2, 2, "b2"), (2, 3, "c2")),
    ]
    assert found.pairs((1, 2)).rows() == [("b2", "c2")]
    assert found.pairs((0, 1)).sort("left").rows() == [("a1", "b1"), ("a2", "b2")]


def test_where_all_agree_there_is_no_disagreement() -> None:
    said = [("a1", "b1", 0.9, True), ("b1", "c1", 0.8, True), ("a1", "c1", 0.7, True)]
    assert clustered(*said).disagreements().is_empty()
    assert clustered(("a1", "b1", 0.9, True)).disagreements().is_empty()


def test_votes_are_log_odds_beyond_the_threshold_and_what_is_known_outweighs_them() -> None:
    lost, matched, unlikely, known, barred, refuted = range(6)
    probability = np.array([0.8, 0.9, 0.2, 0.1, 0.99, 0.98])
    places = np.arange(6, dtype=np.int32)
    link, other = (SimpleNamespace(left=places[[at]], right=places[[at]]) for at in (known, refuted))
    run = SimpleNamespace(
        preparation=SimpleNamespace(
            candidates=Candidates.of_pairs(places, places),
            schema=SchemaMapping((TypeMapping("film", "film"),), (), ()),
        ),
        matches=SimpleNamespace(
            table=pl.DataFrame(
                {
                    "matched": [place in (matched, known) for place in range(6)],
                    "probability": probability,
                    "type": ["film", "film", "film", "film", "person", "film"],
                }
            )
        ),
        known=SimpleNamespace(same=link, different=other),
        barred=places == barred,
        cardinalities={"*": "one-to-one", "person": "many-to-one"},
    )
    found = Decisions.of(run, {"*": 0.4, "film": 0.6}, (0, 2))
    assert found.weight[[lost, known, barred, refuted]].tolist() == [0, KNOWN, -KNOWN, -KNOWN]
    assert found.weight[matched] == pytest.approx(np.log(0.9 / 0.1) - np.log(0.6 / 0.4))
    assert found.weight[unlikely] == pytest.approx(np.log(0.2 / 0.8) - np.log(0.6 / 0.4))
    # Many left persons may be one right person, who then is in one cluster with all of them.
    assert [alone[[lost, barred]].tolist() for alone in found.alone] == [[True, False], [True, True]]


def test_every_pair_of_four_graphs_is_reached_through_one_with_the_same_graph_on_the_same_side() -> None:
    numbers = list(combinations(range(4), 2))
    for first in range(len(numbers)):
        order = reached_from(first, numbers)
        assert sorted(at for at, _ in order) == list(range(len(numbers)))
        assert order[0] == (first, None)
        for place, (at, after) in enumerate(order[1:], start=1):
            assert after is not None
            assert after < place
            before = numbers[order[after][0]]
            assert numbers[at][0] == before[0] or numbers[at][1] == before[1]
    assert reached_from(1, [(0, 1), (1, 2)]) == [(1, None), (0, 0)]


def test_evidence_of_one_name_is_one_column_and_what_is_missing_is_nan() -> None:
    one = EvidenceTable(("name", "year"), (np.array([[1.0, 2.0]], dtype=np.float32),))
    two = EvidenceTable(("label", "name"), (np.array([[3.0, 4.0]], dtype=np.float32),))
    both = stacked([one, two])
    assert both.names == ("name", "year", "label")
    np.testing.assert_array_equal(both.values, [[1, 2, np.nan], [4, np.nan, 3]])


def test_two_graphs_or_wrong_numbers_are_refused_with_what_to_do(inputs: ManyInputs) -> None:
    with pytest.raises(InputError, match="2 graphs are given") as raised:
        ManyInputs(graphs=inputs.graphs[:2])
    assert "crossgraph align" in str(raised.value.hint)
    for numbers in ((0, 1), (2, 1), (1, 1), (1, 4)):
        with pytest.raises(InputError, match=f"links of graphs {numbers[0]} and {numbers[1]}"):
            replace(inputs, links={numbers: inputs.links[1, 2]})


def test_two_graphs_with_nothing_in_common_meet_through_a_third(tmp_path: Path) -> None:
    """The first has titles, the third numbers, and the second both."""
    numbers = [f"{7919 * film % 100_003:06d}" for film in range(40)]
    tables = ({"title": TITLES}, {"title": TITLES, "number": numbers}, {"number": numbers})
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for graph, (path, table) in enumerate(zip(paths, tables, strict=True)):
        kind = [("film", "work", "record")[graph]] * 40
        pl.DataFrame({"id": [key(graph, film) for film in range(40)], "type": kind, **table}).write_csv(path)
    notes = Notes()
    found = align_many(ManyInputs(graphs=tuple(paths)), tmp_path / "MANY", config=QUICK, progress=notes)
    assert any(note.startswith("graphs 1-3: no two entities") for note in notes.notes)
    assert sorted(one.name for one in (tmp_path / "MANY" / "pairs").iterdir()) == ["1-2", "2-3"]
    (third,) = (one for one in found.report["pairs"] if one["pair"] == "1-3")
    met = read_links(tmp_path / "MANY" / "matches" / "1-3.jsonl")
    assert (third["candidates"], third["matches"], third["gained"]) == (0, 0, len(met))
    true = {(key(0, film), key(2, film)) for film in range(40)}
    assert len(true & set(zip(met.left, met.right, strict=True))) >= 30
    assert not any(
        one["left_graph"] == 1 and one["right_graph"] == 3 for one in found.disagreements.to_dicts()
    )
    # The network knows the names of a pair that has a graph with the one it learned from on its other side.
    assert told_apart(tmp_path / "MANY" / "pairs" / "2-3") > 1


def told_apart(result: Path) -> int:
    """How many slots of attributes the network of a RESULT tells apart."""
    vocabulary = load_model(ResultFolder(result).model_folder).vocabulary
    return len({*vocabulary.attributes_left.values(), *vocabulary.attributes_right.values()})


def test_types_are_carried_along_a_chain_of_graphs() -> None:
    def decided(numbers: tuple[int, int], *types: tuple[str, str]) -> Decisions:
        return Decisions.none(numbers, frozenset(types))

    known = [decided((0, 1), ("a", "b")), decided((1, 2), ("b", "c")), decided((2, 3), ("c", "d"))]
    every = list(combinations(range(4), 2))
    found = {one.numbers: one.types for one in with_uncompared(known, every)}
    assert sorted(found) == every
    assert found[0, 3] == {("a", "d")}
    assert found[1, 3] == {("b", "d")}
    assert found[0, 2] == {("a", "c")}


def test_graphs_of_which_no_two_have_anything_in_common_are_told(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for path, said in zip(paths, ("Amber Falcon", "Ohm", "Zebu"), strict=True):
        pl.DataFrame({"id": ["1", "2"], "title": [said, said[::-1]]}).write_csv(path)
    with pytest.raises(NoCandidatesError, match="no two of the graphs"):
        align_many(ManyInputs(graphs=tuple(paths)), tmp_path / "MANY", config=QUICK)


def test_links_of_other_graphs_are_refused_and_nothing_is_written(inputs: ManyInputs, tmp_path: Path) -> None:
    with pytest.raises(LinksError):
        align_many(replace(inputs, links={(1, 3): inputs.links[1, 2]}), tmp_path / "MANY", config=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_the_command_hands_over_graphs_and_numbered_links(
    inputs: ManyInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ManyInputs] = []

    def act(given: ManyInputs, out: Path, **_options: object) -> SimpleNamespace:
        asked.append(given)
        return SimpleNamespace(summary=[("clusters", "3")], path=out)

    monkeypatch.setattr("crossgraph.many.align.align_many", act)
    words = ["align-many", *map(str, inputs.graphs), "--out", str(tmp_path / "MANY")]
    done = CliRunner().invoke(app, [*words, f"--links=1-2={inputs.links[1, 2][0]}", "--links=1-2=more=.tsv"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == str(tmp_path / "MANY")
    assert asked == [replace(inputs, links={(1, 2): (*inputs.links[1, 2], Path("more=.tsv"))})]
    assert CliRunner().invoke(app, [*words, "--links", "known.tsv"]).exit_code == 2
