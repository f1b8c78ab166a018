"""What changes when left and right are exchanged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs
from crossgraph.results import read_matches, read_scores


@dataclass(frozen=True)
class Apart:
    """How far two results are apart.

    candidates    share of the candidates of either that both have
    probability   mean difference of the probabilities of all of them; 0 for what is no candidate
    matches       share of the matches of either that both have
    """

    candidates: float
    probability: float
    matches: float


def exchanged(folder: Path, links: Path, to: Path) -> Inputs:
    """The same graphs and links with left and right exchanged, in a new folder."""
    to.mkdir()
    for here, there in ("12", "21"):
        for file in folder.glob(f"*_{here}"):
            shutil.copy(file, to / f"{file.name[:-1]}{there}")
    rows = [line.split("\t") for line in links.read_text(encoding="utf8").splitlines()]
    turned = "".join("\t".join([right, left, *more]) + "\n" for left, right, *more in rows)
    (to / "links.tsv").write_text(turned, encoding="utf8")
    return Inputs(left=to, links=(to / "links.tsv",))


def apart(result: Path, other: Path, *, turned: bool = True) -> Apart:
    """A RESULT beside one of exchanged sides, or of the same sides."""
    one, two = ResultFolder(result), ResultFolder(other)
    scored = _both(read_scores(one.scores_file), read_scores(two.scores_file), turned)
    matched = _both(read_matches(one.matches_file), read_matches(two.matches_file), turned)
    gaps = (scored["probability"].fill_null(0.0) - scored["there"].fill_null(0.0)).abs().to_numpy()
    return Apart(_shared(scored), float(gaps.mean()), _shared(matched))


def _both(one: pl.DataFrame, other: pl.DataFrame, turned: bool) -> pl.DataFrame:
    left, right = ("right", "left") if turned else ("left", "right")
    facing = other.select(left=left, right=right, there="probability")
    return one.select("left", "right", "probability").join(
        facing, on=["left", "right"], how="full", coalesce=True
    )


def _shared(table: pl.DataFrame) -> float:
    return len(table.drop_nulls()) / len(table)
