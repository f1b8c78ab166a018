from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import FaultsError, InputError
from crossgraph.evaluation import evaluate_pairs, evaluate_result, read_pair_scores
from crossgraph.graphs.links import Links, read_links, read_pairs
from crossgraph.matches import MATCH_SCHEMA, Matches
from crossgraph.results import read_matches, read_scores, write_scores, write_sssom
from references import slow_metrics as slow

KEYS = (
    "prauc",
    "f1_best",
    "r_at_p95",
    "recall_blocking",
    "hits1",
    "hits10",
    "mrr",
    "precision",
    "recall",
    "f1",
)


def links(pairs, types=None) -> Links:
    made = Links.of([left for left, _ in pairs], [right for _, right in pairs])
    if types is None:
        return made
    return Links(made.left, made.right, made.label, pl.Series(types, dtype=pl.String), made.paths, made.lines)


def scored(rows, types=None) -> pl.DataFrame:
    table = pl.DataFrame(
        [(left, right, p) for (left, right), p in rows.items()],
        schema={"left": pl.String, "right": pl.String, "probability": pl.Float64},
        orient="row",
    )
    return table if types is None else table.with_columns(type=pl.Series(types, dtype=pl.String))


def decided(pairs) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema={"left": pl.String, "right": pl.String}, orient="row")


pair = st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz"))
scores_of_pairs = st.dictionaries(pair, st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=25)


@given(scores_of_pairs, st.lists(pair, max_size=8), st.sets(pair, min_size=1, max_size=8))
def test_figures_agree_with_the_protocol_in_slow_loops(rows, said, gold):
    found = evaluate_result(scored(rows), decided(said), gold=links(sorted(gold)))
    expected = slow.of_result(rows, said, gold)
    assert {key: found.as_dict()[key] for key in KEYS} == pytest.approx(expected)


@given(scores_of_pairs, st.lists(pair, max_size=8), st.sets(pair, min_size=1, max_size=8))
def test_each_type_is_the_protocol_with_only_its_gold(rows, said, gold):
    ordered = sorted(gold)
    types = ["vowel" if left in "ae" else "other" for left, _ in ordered]
    found = evaluate_result(scored(rows), decided(said), gold=links(ordered, types)).by_type
    assert list(found) == sorted(set(types))
    for name, one in found.items():
        part = [row for row, type_name in zip(ordered, types, strict=True) if type_name == name]
        expected = slow.of_result(rows, said, part)
        assert {key: getattr(one, key) for key in KEYS} == pytest.approx(expected)


@given(
    scores_of_pairs,
    st.lists(pair, max_size=8),
    st.sets(pair, min_size=1, max_size=8),
    st.lists(st.tuples(pair, st.booleans()), max_size=8, unique_by=lambda one: one[0]),
)
def test_what_was_known_and_is_not_gold_is_judged_as_if_it_were_not_there(rows, said, gold, told):
    known = Links.of(*([one[0][side] for one in told] for side in (0, 1)), label=[same for _, same in told])
    given = {one for one, same in told if same} - gold
    found = evaluate_result(scored(rows), decided(said), gold=links(sorted(gold)), known=known)
    rest = {one: p for one, p in rows.items() if one not in given}
    without = evaluate_result(
        scored(rest), decided([one for one in said if one not in given]), gold=links(sorted(gold))
    )
    assert found.as_dict() == without.as_dict()


def test_by_hand():
    rows = {("a", "x"): 0.9, ("a", "y"): 0.9, ("b", "y"): 0.4, ("z", "z"): 1.0}
    said = [("a", "x"), ("b", "x"), ("z", "z")]
    found = evaluate_result(
        scored(rows), decided(said), gold=links([("a", "x"), ("b", "y"), ("c", "w")])
    ).overall
    assert found.scored == 3  # The pair z, z is of unknown entities.
    assert found.prauc == pytest.approx(1 / 3 * 1 / 2 + 1 / 3 * 2 / 3)
    assert found.recall_blocking == pytest.approx(2 / 3)
    assert found.hits1 == pytest.approx(1 / 3)  # a is tied at rank 1.5, b is first, c was never scored.
    assert found.mrr == pytest.approx((1 / 1.5 + 1) / 3)
    assert (found.precision, found.recall, found.f1) == (1 / 2, 1 / 3, 2 / 5)
    assert (found.gold, found.gold_left, found.matched, found.matched_gold) == (3, 3, 2, 1)
    # Of a's two the first is its top: .9, right, and b's .4, right. All three are in doubt, one is wrong.
    assert found.calibration_top == pytest.approx((0.1 + 0.6) / 2)
    assert found.calibration_doubt == pytest.approx((0.1 + 0.9 + 0.6) / 3)
    assert evaluate_result(scored({}), decided([]), gold=links([("a", "x")])).overall.calibration_top is None


def test_the_type_of_a_gold_pair_comes_from_the_scores_where_the_gold_has_none():
    rows = {("a", "x"): 0.9, ("b", "z"): 0.4, ("q", "w"): 0.1}
    table = scored(rows, ["film", "person", "song"])
    gold = links([("a", "x"), ("b", "y"), ("c", "w"), ("d", "v"), ("e", "u")], ["", "", "", "", "book"])
    found = evaluate_result(table, decided([]), gold=gold)
    assert {name: one.gold for name, one in found.by_type.items()} == {
        "book": 1,
        "entity": 1,
        "film": 1,
        "person": 1,
        "song": 1,
    }
    assert found.by_type["film"].prauc == 1
    assert json.loads(json.dumps(found.as_dict()))["types"]["film"]["hits1"] == 1


def test_constant_probabilities_earn_chance():
    gold = [(f"l{i}", f"r{i}") for i in range(20)]
    rows = {(left, right): 0.5 for left, _ in gold for _, right in gold}
    found = evaluate_result(scored(rows), decided([]), gold=links(gold)).overall
    assert found.prauc == pytest.approx(1 / 20)
    assert found.hits1 == found.hits10 == 0
    assert found.mrr == pytest.approx(1 / 10.5)


def test_negatives_of_the_gold_count_neither_way():
    gold = Links.of(["a", "b"], ["x", "y"], label=[True, False])
    found = evaluate_result(
        scored({("a", "x"): 0.5, ("b", "y"): 1.0}), decided([("b", "y")]), gold=gold
    ).overall
    assert (found.gold, found.scored, found.prauc, found.matched) == (1, 1, 1, 0)


def test_bad_scores_are_refused_with_their_rows():
    table = pl.DataFrame(
        {"left": ["a", "b", "a", "c"], "right": ["x", "y", "x", "z"], "probability": [0.1, np.nan, 0.2, None]}
    )
    with pytest.raises(FaultsError, match="more than once") as caught:
        evaluate_result(table, decided([]), gold=links([("a", "x")]))
    assert [fault.line for fault in caught.value.faults] == [1, 3, 2, 4]
    with pytest.raises(InputError, match="no pair that is the same"):
        evaluate_result(scored({}), decided([]), gold=links([]))


@pytest.fixture
def pair_files(tmp_path):
    def files(score_text, gold_text):
        (tmp_path / "scores.tsv").write_text(score_text)
        (tmp_path / "gold.tsv").write_text(gold_text)
        return tmp_path / "scores.tsv", tmp_path / "gold.tsv"

    return files


def test_pairs_by_hand(pair_files):
    score_file, gold_file = pair_files(
        "a\tx\t3\t0.9\nb\tx\t2\t0.6\nc\tx\t1\t0.2\nother\tx\t9\t1\n", "a\tx\t1\tt\nb\tx\t0\tt\nc\tx\t1\tt\n"
    )
    found = evaluate_pairs(read_pair_scores(score_file), read_pairs(gold_file))
    assert found.prauc == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    assert found.f1_half == pytest.approx(2 / 4)
    assert found.f1_best == pytest.approx(2 * (2 / 3) / (5 / 3))
    assert (found.r_at_p95, found.pairs, found.positives) == (1 / 2, 3, 2)
    assert set(found.as_dict()) == {"prauc", "f1_best", "r_at_p95", "f1_half", "pairs", "positives"}


@pytest.mark.parametrize(
    ("score_text", "gold_text", "problem"),
    [
        ("a\tx\t1\t0.9\n", "a\tx\n", "no labels"),
        ("a\tx\t1\t0.9\n", "a\tx\t1\na\tx\t0\n", "labelled both"),
        ("a\tx\t1\t0.9\n", "a\tx\t1\nb\ty\t0\n", "'b', 'y' has no score"),
        ("a\tx\t1\t0.9\na\tx\t1\t0.9\n", "a\tx\t1\n", "more than once"),
        ("a\tx\t1\tnan\n", "a\tx\t1\n", "not in"),
        ("a\tx\t1\t1.5\n", "a\tx\t1\n", "not in"),
        ("a\tx\t1\nb\tx\t1\thigh\n", "a\tx\t1\n", "2 faults"),
    ],
)
def test_bad_pairs_are_refused(pair_files, score_text, gold_text, problem):
    score_file, gold_file = pair_files(score_text, gold_text)
    with pytest.raises(InputError, match=problem):
        evaluate_pairs(read_pair_scores(score_file), read_pairs(gold_file))


def _judged(*arguments: object) -> dict[str, float]:
    command = [sys.executable, os.environ["CROSSGRAPH_JUDGE"], *map(str, arguments)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0].split()
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


def _random_matches(seed: int) -> tuple[Matches, Links]:
    random = np.random.default_rng(seed)
    rows = random.integers(0, 300, size=(3000, 2))
    table = pl.DataFrame(
        {
            "left": [f"tmdb:{a}" if a % 2 else f"an id {a}\té" for a in rows[:, 0]],
            "right": [f"http://b.org/{b}" for b in rows[:, 1]],
            "type": "thing",
            "score": 0.0,
            "probability": random.integers(0, 50, size=3000) / 50,
            "matched": random.random(3000) < 0.1,
        },
        schema=MATCH_SCHEMA,
    ).unique(["left", "right"], maintain_order=True)
    # The judge reads identifiers of its gold as they stand, so these must be free of tabs.
    plain = table.filter(pl.col("left").str.starts_with("tmdb:"))
    gold = plain.sample(200, seed=seed).select("left", "right")
    missed = pl.DataFrame({"left": [f"tmdb:never{i}" for i in range(20)], "right": ["http://b.org/1"] * 20})
    both = pl.concat([gold, missed])
    return Matches(table), Links.of(both["left"], both["right"])


@pytest.mark.real
@pytest.mark.skipif("CROSSGRAPH_JUDGE" not in os.environ, reason="CROSSGRAPH_JUDGE names no judge script")
class TestAgainstTheJudge:
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_result(self, tmp_path, seed):
        found, gold = _random_matches(seed)
        result, gold_file = tmp_path / "out", tmp_path / "gold"
        result.mkdir()
        write_scores(found, result / "scores.parquet")
        write_sssom(found, result / "matches.sssom.tsv")
        gold.table().select("left", "right").write_csv(gold_file, separator="\t", include_header=False)
        ours = evaluate_result(
            read_scores(result / "scores.parquet"),
            read_matches(result / "matches.sssom.tsv"),
            gold=read_links(gold_file),
        ).as_dict()
        judged = _judged(result, gold_file)
        assert set(judged) == set(KEYS)
        assert {key: ours[key] for key in KEYS} == pytest.approx(judged, abs=6e-5)

    def test_pairs(self, tmp_path, pair_files):
        random = np.random.default_rng(0)
        rows = [
            (f"a{i}", f"b{i}", p / 20, i % 3 == 0) for i, p in enumerate(random.integers(0, 21, size=500))
        ]
        score_file, gold_file = pair_files(
            "".join(f"{a}\t{b}\t{p}\t{p}\n" for a, b, p, _ in rows),
            "".join(f"{a}\t{b}\t{int(same)}\ttest\n" for a, b, _, same in rows),
        )
        ours = evaluate_pairs(read_pair_scores(score_file), read_pairs(gold_file)).as_dict()
        judged = _judged(score_file, gold_file)
        assert {key: ours[key] for key in judged} == pytest.approx(judged, abs=6e-5)
