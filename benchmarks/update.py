"""What an update costs beside a full run, and how near it comes: random records come, go and change.

Runs, each a process of its own: ``align`` of the graphs before; ``update`` to the graphs after; the same with
all candidates scored again (what the update would say if it saved nothing there); ``align --model`` of the
graphs after; and ``align`` of the graphs after, which learns again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph.graphs.changes import Changes, statements_of
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.openea import write_openea
from crossgraph.graphs.readers import read_pair_tables
from crossgraph.results import read_matches, read_scores

SIDES = ("left", "right")
# Everything again, which no verb does.
EVERYTHING = """
import sys
from pathlib import Path
from crossgraph.updating.update import ChangeFiles, update
result, left, right, out = map(Path, sys.argv[1:])
update(result, ChangeFiles(left, right), out, force=True, everything=True)
"""


@dataclass(frozen=True)
class Story:
    """A graph before and after, and what happened."""

    before: GraphTables
    after: GraphTables
    changes: Changes


def story(tables: GraphTables, *, share: float, seed: int) -> Story:
    """Random records, ``share`` of a graph with all that is said of them: they come, go, or are told anew."""
    drawn = random.Random(seed)
    ids = pl.concat([tables.types["entity"], tables.facts["entity"]]).unique().sort().to_list()
    drawn.shuffle(ids)
    held = pl.concat(
        [tables.types["entity"], tables.facts["entity"], tables.edges["head"], tables.edges["tail"]]
    ).value_counts(name="count")
    count = dict(held.iter_rows())
    wanted = share * (len(tables.types) + len(tables.edges) + len(tables.facts))
    chosen: list[str] = []
    while wanted > 0:
        chosen.append(ids[len(chosen)])
        wanted -= count[chosen[-1]]
    coming, going, told = (pl.Series(chosen[at::3], dtype=pl.String) for at in range(3))
    graph = KnowledgeGraph.from_tables(tables)
    came, went = statements_of(graph.about(coming)), statements_of(graph.about(going))
    before = Changes(Changes.nothing().added, came).applied(tables)
    went = went.join(came, on=went.columns, how="anti")
    old = before.facts.filter(pl.col("entity").is_in(told.implode()))
    said = old.select(kind=pl.lit("fact"), entity="entity", name="attribute", value="value", tag="tag")
    new = said.with_columns(pl.Series("value", [_otherwise(one, drawn) for one in said["value"]]))
    changes = Changes(pl.concat([came, new.unique()]), pl.concat([went, said.unique()]))
    both = changes.added.join(changes.deleted, on=said.columns, how="semi")
    changes = Changes(
        *(one.join(both, on=said.columns, how="anti") for one in (changes.added, changes.deleted))
    )
    return Story(before, changes.applied(before), changes)


def _otherwise(value: str, drawn: random.Random) -> str:
    """A value with one letter or digit more, less or another."""
    at, sign = drawn.randrange(len(value)), drawn.choice("0123456789aeinrst")
    return value[:at] + drawn.choice([sign, sign + value[at], ""]) + value[at + 1 :] or sign


def write(stories: list[Story], links: list[tuple[str, str]], folder: Path) -> None:
    """Both graphs before and after, the changes, and the links whose entities are there."""
    for name in ("before", "after"):
        (folder / name).mkdir()
        known = []
        for number, one in enumerate(stories, start=1):
            tables: GraphTables = getattr(one, name)
            write_openea(tables, folder / name, number)
            known.append(
                {
                    *tables.types["entity"],
                    *tables.edges["head"],
                    *tables.edges["tail"],
                    *tables.facts["entity"],
                }
            )
        rows = [f"{a}\t{b}\n" for a, b in links if a in known[0] and b in known[1]]
        (folder / f"{name}.tsv").write_text("".join(rows), encoding="utf8")
    for side, one in zip(SIDES, stories, strict=True):
        one.changes.rows().write_csv(folder / f"{side}.csv")


def links_of(files: list[Path]) -> list[tuple[str, str]]:
    """Left and right of tab-separated links."""
    lines = [line for file in files for line in file.read_text(encoding="utf8").splitlines()]
    return [(one[0], one[1]) for one in (line.split("\t") for line in lines)]


def cost(*args: str | Path, module: bool = True) -> float:
    """CPU seconds of a process."""
    command = [sys.executable, *(["-m", "crossgraph"] if module else ["-c"]), *map(str, args)]
    child = subprocess.Popen([*command, *(["--quiet"] if module else [])], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime


def agreement(one: Path, other: Path) -> dict[str, float]:
    """How far two RESULTs of the same graphs are from each other."""
    scores = [
        read_scores(path / "scores.parquet").select("left", "right", "probability") for path in (one, other)
    ]
    both = scores[0].join(scores[1], on=["left", "right"])
    apart = np.abs((both["probability"] - both["probability_right"]).to_numpy())
    matches = [
        set(read_matches(path / "matches.sssom.tsv").select("left", "right").iter_rows())
        for path in (one, other)
    ]
    return {
        "candidates in both": 2 * len(both) / (len(scores[0]) + len(scores[1])),
        "largest difference": float(apart.max()),
        "0.999 quantile": float(np.quantile(apart, 0.999)),
        "more than 0.05 apart": float((apart > 0.05).mean()),
        "equal matches": 2 * len(matches[0] & matches[1]) / (len(matches[0]) + len(matches[1])),
    }


def f1(result: Path, gold: Path) -> float:
    """F1 by ``crossgraph evaluate``."""
    command = [sys.executable, "-m", "crossgraph", "evaluate", str(result), "--gold", str(gold), "--json"]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found["f1"]


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run all, and print the tables."""
    fold = options.data / "721_5fold" / "1"
    stories = [
        story(tables, share=options.share, seed=options.seed + side)
        for side, tables in enumerate(read_pair_tables(options.data))
    ]
    if not (folder / "before").exists():
        write(stories, links_of([fold / "train_links", fold / "valid_links"]), folder)
    gold = folder / "gold.tsv"
    alive = [
        {*one.after.types["entity"], *one.after.edges["head"], *one.after.facts["entity"]} for one in stories
    ]
    rows = [f"{a}\t{b}\n" for a, b in links_of([fold / "test_links"]) if a in alive[0] and b in alive[1]]
    gold.write_text("".join(rows), encoding="utf8")
    for side, one in zip(SIDES, stories, strict=True):
        total = sum(len(getattr(one.before, name)) for name in ("types", "edges", "facts"))
        came, went = len(one.changes.added), len(one.changes.deleted)
        print(f"{side}: {came:,} statements added, {went:,} deleted, of {total:,}")
    first, updated = folder / "FIRST", folder / "UPDATED"
    changes = [f"--{side}-changes={folder / f'{side}.csv'}" for side in SIDES]
    learned = ("--links", folder / "after.tsv", "--force")
    runs: dict[str, tuple[Path, Callable[[Path], float]]] = {
        "align, before": (
            first,
            lambda out: cost("align", folder / "before", "--links", folder / "before.tsv", "--out", out),
        ),
        "update": (updated, lambda out: cost("update", first, *changes, "--out", out, "--force")),
        "all scored again": (
            folder / "EVERYTHING",
            lambda out: cost(
                EVERYTHING, first, *(folder / f"{side}.csv" for side in SIDES), out, module=False
            ),
        ),
        "align --model": (
            folder / "APPLIED",
            lambda out: cost("align", folder / "after", *learned, "--model", first, "--out", out),
        ),
        "align": (
            folder / "AGAIN",
            lambda out: cost("align", folder / "after", *learned, "--out", out),
        ),
    }
    file = folder / "cpu_seconds.json"
    spent = json.loads(file.read_text()) if file.exists() else {}
    for name, (out, run) in runs.items():
        if not out.exists() or name in options.again:
            spent[name] = run(out)
            file.write_text(json.dumps(spent))
    print(json.dumps(json.loads((updated / "report.json").read_text())["updated"]))
    for name, (out, _) in list(runs.items())[1:]:
        told = "".join(f", {key} {value:.5f}" for key, value in agreement(updated, out).items())
        share = spent["update"] / spent[name]
        print(f"{name}: {spent[name]:.1f} CPU s (update / this: {share:.3f}){told}, F1 {f1(out, gold):.4f}")


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder in the OpenEA layout, with a fold")
    parser.add_argument(
        "--share", type=float, default=0.01, help="of the statements of each graph that change"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the runs there, and do not repeat them")
    parser.add_argument("--again", nargs="*", default=[], help="runs to repeat nevertheless")
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        measure(options, options.folder)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            measure(options, Path(scratch))


if __name__ == "__main__":
    main()
