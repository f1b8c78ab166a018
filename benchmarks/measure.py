"""Measure crossgraph end to end on real data sets: a process for each run, a JSON line for each result."""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from crossgraph.evaluation import read_pair_scores
from crossgraph.graphs.links import Links, read_links, read_pairs, split_links

AIRPORTS = "airports_openflights_ourairports"
PLACES = ("latitude", "longitude", "latitude_deg", "longitude_deg")
FIGURES = (
    *("prauc", "hits1", "r_at_p95", "f1", "recall_blocking"),
    *("precision", "recall", "calibration_top", "calibration_doubt", "calibration_chance"),
)
ABLATIONS = {
    "everything": [],
    "no cross-graph attention": ["model.cross_attention=false"],
    "no self-attention": ["model.self_attention=false"],
    "no attribute attention": ["model.attribute_attention=false"],
    "uniform sampling": ["sampling.weighted=false"],
    "one round": ["training.rounds=1"],
}


@dataclass(frozen=True)
class Task:
    """A data set in one setting: ``run`` leaves figures, given a scratch folder, a seed and settings.

    alike   the task is the same with other identifiers: it reads one folder in the OpenEA layout, and nothing
            that is left out is drawn by identifiers
    """

    name: str
    folder: str
    run: Callable[[Path, Path, int, list[str]], dict[str, Any]]
    alike: bool = True


def crossgraph(*args: str | Path) -> dict[str, float]:
    """Run the command line; its CPU seconds, seconds and peak memory."""
    command = [sys.executable, "-m", "crossgraph", *map(str, args), "--quiet"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}


def evaluated(*args: str | Path) -> dict[str, Any]:
    """The figures of ``crossgraph evaluate``."""
    command = [sys.executable, "-m", "crossgraph", "evaluate", *map(str, args), "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def settings(sets: list[str]) -> list[str]:
    """The command-line options of some settings."""
    return [part for one in sets for part in ("--set", one)]


def aligned(links: bool) -> Callable[[Path, Path, int, list[str]], dict[str, Any]]:
    """Align a folder with the links of its fold, judged on its test; or without links, judged on all."""

    def run(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
        fold = data / "721_5fold" / "1"
        known = [f"--links={fold / part}" for part in ("train_links", "valid_links")] if links else []
        every = next(file for file in (data / "ent_links", data / "ent_links.gz") if file.exists())
        out = scratch / "RESULT"
        cost = crossgraph("align", data, *known, "--out", out, "--seed", str(seed), *settings(sets))
        return {**evaluated(out, "--gold", fold / "test_links" if links else every), **cost}

    return run


Facts = Callable[[str, str, str], bool]


def narrowed(
    task: Callable[[Path, Path, int, list[str]], dict[str, Any]], facts: Callable[[Path], Facts]
) -> Any:
    """The same task on graphs without some facts: ``facts`` of a folder tells by side ("1", "2"), entity and
    attribute which it keeps.
    """

    def run(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
        folder, keeps = scratch / "narrowed", facts(data)
        folder.mkdir()
        for file in data.iterdir():
            if not file.name.startswith("attr_triples"):
                (folder / file.name).symlink_to(file.absolute())
                continue
            side = file.name.removesuffix(".gz")[-1]
            kept = [line for line in lines_of(file) if keeps(side, *line.split("\t", 2)[:2])]
            if kept:
                (folder / f"attr_triples_{side}").write_text("".join(kept), encoding="utf8")
        return task(folder, scratch, seed, sets)

    return run


def lines_of(file: Path) -> list[str]:
    """The lines of a file, packed or not."""
    with (
        gzip.open(file, "rt", encoding="utf8") if file.suffix == ".gz" else file.open(encoding="utf8") as text
    ):
        return list(text)


def renamed(run: Callable[[Path, Path, int, list[str]], dict[str, Any]]) -> Any:
    """The same task with all identifiers replaced by random strings and all rows shuffled."""

    def again(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
        folder, drawn = scratch / "renamed", random.Random(seed)
        new: dict[tuple[str, str], str] = {}

        def called(side: str, identifier: str) -> str:
            return new.setdefault((side, identifier), f"{drawn.getrandbits(80):020x}")

        for file in sorted(one for one in data.rglob("*") if one.is_file() and identified(one.name)):
            rows = []
            for line in lines_of(file):
                row = line.rstrip("\n").split("\t")
                for place, side in identified(file.name).items():
                    row[place] = called(side, row[place])
                rows.append("\t".join(row) + "\n")
            drawn.shuffle(rows)
            target = folder / file.relative_to(data).with_name(file.name.removesuffix(".gz"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("".join(rows), encoding="utf8")
        return run(folder, scratch, seed, sets)

    return again


def identified(name: str) -> dict[int, str]:
    """Which columns of a file of the OpenEA layout are identifiers, and of which side."""
    name = name.removesuffix(".gz")
    if name.endswith("_links"):
        return {0: "1", 1: "2"}
    if name.startswith("rel_triples_"):
        return {0: name[-1], 2: name[-1]}
    return {0: name[-1]} if name.startswith(("attr_triples_", "types_")) else {}


def without_most(data: Path) -> Facts:
    """Movies hard: of the left films 40% without what names them, all without their dates."""
    types = (line.rstrip("\n").split("\t") for line in lines_of(data / "types_1"))
    films = sorted(entity for entity, kind in types if kind == "movie")
    order = np.random.default_rng(0).permutation(len(films))
    nameless = {films[i] for i in order[: int(0.4 * len(films))]}
    dates, names = {"release_year", "release_date"}, {"title", "tagline", "overview", "homepage"}
    of_film = set(films)

    def keeps(side: str, entity: str, attribute: str) -> bool:
        hidden = entity in of_film and (attribute in dates or (attribute in names and entity in nameless))
        return side == "2" or not hidden

    return keeps


def nothing(data: Path) -> Facts:
    """Structure only."""
    return lambda side, entity, attribute: False


def without(*attributes: str) -> Callable[[Path], Facts]:
    """Without some attributes, on both sides."""
    return lambda data: lambda side, entity, attribute: attribute not in attributes


def tables(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
    """Learn from the train pairs of two tables; F1 on test at the threshold that is best on valid."""
    out = scratch / "RESULT"
    learned = ("--pairs", data / "train.csv", "--out", out, "--seed", str(seed))
    cost = crossgraph("train", data, *learned, *settings(sets))
    found: dict[str, tuple[Any, Any]] = {}
    for part in ("valid", "test"):
        file, gold = scratch / f"{part}.tsv", data / f"{part}.csv"
        crossgraph("score", out, "--pairs", gold, "--out", file)
        found[part] = read_pair_scores(file)["probability"].to_numpy(), read_pairs(gold).label
    threshold = max(np.unique(found["valid"][0]), key=lambda t: f1_from(t, *found["valid"]))
    figures = evaluated("--scores", scratch / "test.tsv", "--gold", data / "test.csv")
    return {**figures, "f1": f1_from(threshold, *found["test"]), **cost}


def f1_from(threshold: float, probability: Any, same: Any) -> float:
    """F1 of saying same from a probability on."""
    said = probability >= threshold
    return float(2 * (said & same).sum() / (said.sum() + same.sum()))


def pairs(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
    """Learn from the train and valid part of pairs.tsv, score its test part."""
    rows = [line.split("\t") for line in (data / "pairs.tsv").read_text(encoding="utf8").splitlines()]
    for part in ("train", "valid", "test"):
        text = "".join("\t".join(row[:3]) + "\n" for row in rows if row[3] == part)
        (scratch / part).write_text(text, encoding="utf8")
    out, scores = scratch / "RESULT", scratch / "scores.tsv"
    given = ("--pairs", scratch / "train", "--valid", scratch / "valid")
    cost = crossgraph("train", data, *given, "--out", out, "--seed", str(seed), *settings(sets))
    crossgraph("score", out, "--pairs", scratch / "test", "--out", scores)
    return {**evaluated("--scores", scores, "--gold", scratch / "test"), **cost}


def transferred(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
    """Train on countries_en_en, apply the model here without any link, judge on this fold's test."""
    other = data.with_name("countries_en_en")
    fold = other / "721_5fold" / "1"
    links = [f"--links={fold / part}" for part in ("train_links", "valid_links")]
    model, out = scratch / "MODEL", scratch / "RESULT"
    crossgraph("align", other, *links, "--out", model, "--seed", str(seed), *settings(sets))
    cost = crossgraph("align", data, "--model", model, "--out", out, "--seed", str(seed), *settings(sets))
    return {**evaluated(out, "--gold", data / "721_5fold" / "1" / "test_links"), **cost}


def restaurants(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
    """A seeded 20% of the OAEI reference as links, judged on the rest."""
    reference = read_links(data / "restaurant1_restaurant2_goldstandard.rdf")
    known, rest = split_links(reference, (0.2, 0.8), seed=seed)
    for name, part in (("known", known), ("rest", rest)):
        _write(part, scratch / name)
    out = scratch / "RESULT"
    graphs = (data / "restaurant1.rdf", data / "restaurant2.rdf")
    links = ("--links", scratch / "known")
    cost = crossgraph("align", *graphs, *links, "--out", out, "--seed", str(seed), *settings(sets))
    return {**evaluated(out, "--gold", scratch / "rest"), **cost}


def demo(data: Path, scratch: Path, seed: int, sets: list[str]) -> dict[str, Any]:
    """The demo, on the data that come with the package."""
    out = scratch / "RESULT"
    cost = crossgraph("demo", "--out", out, "--seed", str(seed), *settings(sets))
    return {**evaluated(out, "--gold", out / "test_links.tsv"), **cost}


TASKS = (
    Task("movies, 30% links", "movies_tmdb_imdb", aligned(links=True)),
    Task("movies, no links", "movies_tmdb_imdb", aligned(links=False)),
    Task("countries en-en, 30% links", "countries_en_en", aligned(links=True)),
    Task("countries en-en, no links", "countries_en_en", aligned(links=False)),
    Task("countries en-de, 30% links", "countries_en_de", aligned(links=True)),
    Task("countries en-de, model of en-en", "countries_en_de", transferred, alike=False),
    Task("restaurants, 20% links", "rdf_restaurants", restaurants, alike=False),
    Task("music, labelled pairs", "music_itunes_amazon", pairs, alike=False),
    Task("demo, 30% links", ".", demo, alike=False),
    Task("airports, no links", AIRPORTS, aligned(links=False)),
    Task("airports, no links, no coordinates", AIRPORTS, narrowed(aligned(links=False), without(*PLACES))),
    Task(
        "hard movies, 30% links", "movies_tmdb_imdb", narrowed(aligned(links=True), without_most), alike=False
    ),
    Task("wordnet, no links", "wordnet30_31", aligned(links=False)),
    Task("dbp15k, 30% links", "dbp15k_zh_en", aligned(links=True)),
    Task("dbp15k, no links", "dbp15k_zh_en", aligned(links=False)),
    Task("dbp15k, structure only, 30% links", "dbp15k_zh_en", narrowed(aligned(links=True), nothing)),
    Task("tables, dblp and acm", "tables_dblp_acm", tables, alike=False),
    Task("tables, amazon and google", "tables_amazon_google", tables, alike=False),
)


def _write(links: Links, file: Path) -> None:
    rows = zip(links.left, links.right, strict=True)
    file.write_text("".join(f"{left}\t{right}\n" for left, right in rows), encoding="utf8")


def jobs(options: argparse.Namespace) -> Iterator[tuple[Task, str, int]]:
    """What is to be measured: task, ablation, seed."""
    wanted = options.ablate if options.ablate is not None else options.only
    for seed in options.seeds:
        for task in TASKS:
            if options.renamed and not task.alike:
                continue
            if not wanted or any(task.name.startswith(name) for name in wanted):
                for name in ABLATIONS if options.ablate is not None else ("everything",):
                    yield task, name, seed


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run what is not in the output file yet; all its lines."""
    out = Path(options.out)
    lines = out.read_text(encoding="utf8").splitlines() if out.exists() else []
    done = [json.loads(line) for line in lines]
    for task, ablation, seed in jobs(options):
        key = {"task": task.name, "ablation": "renamed" if options.renamed else ablation, "seed": seed}
        if any(key.items() <= line.items() for line in done):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            run = renamed(task.run) if options.renamed else task.run
            figures = run(options.data / task.folder, Path(scratch), seed, ABLATIONS[ablation])
        done.append(key | figures)
        with out.open("a", encoding="utf8") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print({name: round(done[-1].get(name) or float("nan"), 4) for name in FIGURES} | key, flush=True)
    return done


def table(lines: list[dict[str, Any]]) -> str:
    """Mean and spread over the seeds as Markdown, a row for each task and ablation."""
    names = (*FIGURES, "names alone", "cpu_seconds", "peak_mib")
    rows = [f"| data set | part off | seeds | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        alone = line.get("name_only", {}).get("prauc", float("nan"))
        groups.setdefault((line["task"], line["ablation"]), []).append(line | {"names alone": alone})
    for (task, ablation), group in groups.items():
        cells = [_cell([one.get(name, float("nan")) for one in group]) for name in names]
        rows.append(f"| {task} | {ablation} | {len(group)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(values: list[float | None]) -> str:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return _spread(known) if len(known) == len(values) else "-"


def _spread(values: list[float]) -> str:
    digits = 0 if values[0] > 2 else 4
    spread = f" ±{stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=[], help="beginnings of the task names to run")
    parser.add_argument("--ablate", nargs="+", help="the same, with each part switched off in turn")
    parser.add_argument("--renamed", action="store_true", help="with other identifiers and shuffled rows")
    parser.add_argument("--out", default="measured.jsonl")
    print(table(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
