"""The demo on its own data, with few steps: judged on links it did not see, and explained."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from crossgraph.config import load_config
from crossgraph.demonstration import EXPLAINED, KNOWN_SHARE, REASONS, run_demo
from crossgraph.evaluation import evaluate_result
from crossgraph.graphs.links import read_links
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Outcome
from crossgraph.results import read_matches, read_scores

QUICK = load_config(
    None,
    [
        "blocking.per_entity=8",
        "training.steps=20",
        "training.scorer_steps=100",
        "training.epochs=1",
        "training.scorer_epochs=4",
    ],
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_demo(tmp_path_factory.mktemp("demo") / "RESULT", config=QUICK)


def test_the_graph_is_worth_more_than_names(shown: Outcome) -> None:
    test, names = shown.report["test"], shown.report["test_name_only"]
    assert test["prauc"] >= names["prauc"] + 0.10
    assert dict(shown.summary)["test PRAUC"].startswith(f"{test['prauc']:.4f}")


def test_what_it_prints_can_be_judged_again(shown: Outcome) -> None:
    folder = ResultFolder(shown.path)
    gold = read_links(shown.path / "test_links.tsv")
    again = evaluate_result(read_scores(folder.scores_file), read_matches(folder.matches_file), gold=gold)
    assert again.as_dict() == shown.report["test"]


def test_known_and_test_links_share_no_entity(shown: Outcome) -> None:
    known, test = (read_links(shown.path / name) for name in ("known_links.tsv", "test_links.tsv"))
    assert not set(known.left) & set(test.left)
    assert not set(known.right) & set(test.right)
    assert len(known) / (len(known) + len(test)) == pytest.approx(KNOWN_SHARE, abs=0.02)


def test_three_right_matches_that_names_would_miss_are_explained(shown: Outcome) -> None:
    heads = [at for at, line in enumerate(shown.reasons) if line.endswith(" in all")]
    assert len(heads) == EXPLAINED
    for at in heads:
        below = list(takewhile(lambda line: line.startswith("    "), shown.reasons[at + 1 :]))
        assert 0 < len(below) <= REASONS
        sizes = [abs(float(line.split()[0])) for line in below]
        assert sizes == sorted(sizes, reverse=True)
        # What both have is told with both sides.
        assert any(" ~ " in line for line in below)
    verb, result, *ends = next(line for line in shown.reasons if "explain" in line).split()[3:7]
    assert (verb, Path(result)) == ("explain", shown.path)
    matches = read_matches(ResultFolder(shown.path).matches_file)
    assert tuple(ends) in set(zip(matches["left"], matches["right"], strict=True))


def test_the_demo_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(Exception, match="left alone"):
        run_demo(tmp_path, config=QUICK, force=True)
    assert (tmp_path / "kept").read_text() == "mine"
