"""What `crossgraph audit` finds, on a toy whose only leak is the one that a test puts in."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossgraph.cli import app

PEOPLE, LINKED = 60, 30


class Toy:
    """Two tables of the same people, whose orders and identifiers follow nothing, and half of the links."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder, rng = folder, random.Random(seed)
        orders = [rng.sample(range(PEOPLE), PEOPLE) for _ in "lr"]
        numbers = [rng.sample(range(1000, 9999), PEOPLE) for _ in "lr"]
        self.ids = [
            [f"{side}{number}" for number in drawn] for side, drawn in zip("lr", numbers, strict=True)
        ]
        self.rows = [
            [{"id": ids[i], "name": f"Ada number {'ivxlcm'[i % 6] * (i // 6 + 1)}"} for i in order]
            for ids, order in zip(self.ids, orders, strict=True)
        ]
        self.known = rng.sample(range(PEOPLE), LINKED)

    def add(self, side: int, column: str, values: dict[int, str]) -> None:
        """A column with values for some people, by number."""
        of = {self.ids[side][i]: value for i, value in values.items()}
        for row in self.rows[side]:
            row[column] = of.get(row["id"], "")

    def audit(self, *args: str, links: bool = True) -> tuple[int, dict[str, str]]:
        """The exit code, and the problem of each kind of leak."""
        for name, rows in zip(("left", "right"), self.rows, strict=True):
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
            (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        pairs = [f"{self.ids[0][i]}\t{self.ids[1][i]}\n" for i in self.known]
        (self.folder / "links.tsv").write_text("".join(pairs))
        given = ["--links", str(self.folder / "links.tsv")] if links else []
        files = [str(self.folder / f"{name}.csv") for name in ("left", "right")]
        done = CliRunner().invoke(app, ["audit", *files, *given, *args])
        if "--json" not in args:
            return done.exit_code, {"": done.stdout}
        told = json.loads(done.stdout)
        assert told["ok"] == (done.exit_code == 0)
        return done.exit_code, {leak["kind"]: leak["problem"] for leak in told["leaks"]}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_names_alone_are_no_leak(tmp_path, seed, links):
    toy = Toy(tmp_path, seed)
    assert toy.audit("--json", links=links) == (0, {})
    assert f"no leak found in {LINKED if links else PEOPLE} " in toy.audit(links=links)[1][""]


@pytest.mark.parametrize("links", [True, False])
def test_a_key_that_both_graphs_hold_is_told(toy, links):
    for side, column in enumerate(("imdb", "link")):
        toy.add(side, column, {i: f"tt{7919 * (i + 1) % 100_003:07}" for i in range(PEOPLE)})
    code, found = toy.audit("--json", links=links)
    assert (code, list(found)) == (1, ["key"])
    number = LINKED if links else PEOPLE
    assert f"'imdb' (left) and 'link' (right) hold the same key for {number} of {number} " in found["key"]


def test_a_key_that_only_linked_entities_have_is_told_twice(toy):
    for side in (0, 1):
        toy.add(side, "match", {i: f"m-{i:03}" for i in toy.known})
    code, found = toy.audit("--json")
    assert (code, set(found)) == (1, {"key", "presence"})
    assert "for 0 other pairs" in found["key"]
    assert (
        "100% of the linked right entities have attribute 'match', and 0% of the others" in found["presence"]
    )


def test_a_code_that_many_share_or_that_joins_wrong_pairs_is_no_key(toy):
    for side in (0, 1):
        toy.add(side, "year", {i: str(1950 + i % 7) for i in range(PEOPLE)})
        toy.add(side, "shelf", {i: f"S{(i * (1, 7)[side]) % PEOPLE:03}" for i in range(PEOPLE)})
        toy.add(side, "height", {i: f"{i}.5" for i in range(PEOPLE)})
    assert toy.audit("--json") == (0, {})


@pytest.mark.parametrize(
    ("form", "how"),
    [
        ("p{}", "the same identifier"),
        ("http://{side}.org/people#P{}", "the same last part"),
        ("{side}:0{}", "the same last part"),
        ("{side}-{}", "the same number"),
    ],
)
def test_identifiers_that_follow_the_links_are_told(toy, form, how):
    numbers = random.Random(1).sample(range(100, 999), PEOPLE)
    for side, name in enumerate("lr"):
        new = [form.format(number, side=name) for number in numbers]
        of = dict(zip(toy.ids[side], new, strict=True))
        for row in toy.rows[side]:
            row["id"] = of[row["id"]]
        toy.ids[side] = new
    code, found = toy.audit("--json")
    assert (code, set(found)) == (1, {"identifiers", "identifier order"})
    assert f"{LINKED} of {LINKED} linked pairs have" in found["identifiers"]
    assert how in found["identifiers"]


@pytest.mark.parametrize(("turned", "told"), [(False, "the same order"), (True, "the opposite order")])
def test_rows_that_follow_the_links_are_told(toy, turned, told):
    place = [{one: i for i, one in enumerate(ids)} for ids in toy.ids]
    toy.rows[0].sort(key=lambda row: place[0][row["id"]])
    toy.rows[1].sort(key=lambda row: place[1][row["id"]], reverse=turned)
    code, found = toy.audit("--json")
    assert (code, list(found)) == (1, ["row order"])
    assert told in found["row order"]
    text = toy.audit()[1][""]
    assert text.startswith("Leak (row order): in the files, both ends of linked pairs come in ")
    assert "\n  Try: " in text


def test_types_that_follow_each_other_are_no_order(tmp_path):
    """Sorted by identifier, films stand before people in both graphs; within each type nothing follows."""
    rng, lines, links = random.Random(0), {"l": [], "r": []}, []
    for kind in ("film", "person"):
        ids = {side: [f"{kind}{n}" for n in rng.sample(range(1000, 9999), 40)] for side in "lr"}
        for side, own in ids.items():
            lines[side] += [f"<x:{side}/{one}> a <x:{kind}> .\n" for one in own]
        links += [f"x:l/{a}\tx:r/{b}\n" for a, b in zip(ids["l"], ids["r"], strict=True)]
    for side, own in lines.items():
        rng.shuffle(own)
        (tmp_path / f"{side}.nt").write_text(
            "".join(own).replace(" a ", " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> ")
        )
    (tmp_path / "links.tsv").write_text("".join(links))
    files = [str(tmp_path / name) for name in ("l.nt", "r.nt")]
    done = CliRunner().invoke(app, ["audit", *files, "--links", str(tmp_path / "links.tsv")])
    assert (done.exit_code, done.stdout) == (0, "no leak found in 80 linked pairs\n")


def test_few_links_tell_nothing_and_faulty_ones_are_told(toy):
    toy.known = toy.known[:3]
    code, found = toy.audit()
    assert (code, found[""]) == (0, "no leak found in 3 linked pairs; fewer than 5 tell nothing\n")
    toy.ids[0][toy.known[0]] = "nobody"
    assert toy.audit()[0] == 1
