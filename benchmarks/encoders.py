"""What an encoder changes: figures on VALIDATION pairs of data sets, for each encoder, over seeds.

python benchmarks/encoders.py builtin PACKAGE FOLDER --data DATA/tables_amazon_google demo

A folder of tables learns from train.csv and is judged on valid.csv. A folder of two graphs learns from
721_5fold/1/train_links (and once more from nothing) and is judged on valid_links. `demo` is the data that
come along, judged on the 70% of their links that were not known. Test pairs and links are not read.

python benchmarks/encoders.py --nearest 10000 40000

tells what looking up that many names among as many by meaning costs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any, cast

import numpy as np
import polars as pl

from crossgraph.demo import demo_folder
from crossgraph.features.meaning import Meanings, TextEncoder

NAMES = {"name", "label", "title", "название"}
FIGURES = ("prauc", "f1_best", "hits1", "recall_blocking", "names", "seconds")


def main() -> None:
    """A line for each setting and encoder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("encoders", nargs="*", help="as --encoder takes them")
    parser.add_argument("--data", nargs="+", default=[])
    parser.add_argument("--nearest", nargs="+", type=int, default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--names-only", action="store_true", help="of graphs only types and names are left")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    given = parser.parse_args()
    for count in given.nearest:
        print(f"{count:,} names among {count:,}: {looked_up(count):.1f} CPU s")
    for data in given.data:
        for encoder in given.encoders:
            sets = [f"--set={one}" for one in (f"encoding.encoder={encoder}", *given.sets)]
            runs: dict[str, list[dict[str, float]]] = {}
            for seed in range(given.seeds):
                with tempfile.TemporaryDirectory() as scratch:
                    asked = names_of(data, Path(scratch)) if given.names_only else data
                    for setting, figures in measured(str(asked), [*sets, f"--seed={seed}"], Path(scratch)):
                        runs.setdefault(setting, []).append(figures)
            for setting, found in runs.items():
                print(f"{setting:45} {Path(encoder).name:32} {told(found)}", flush=True)


def looked_up(count: int, width: int = 512) -> float:
    """CPU seconds of finding the nearest of so many vectors for each of as many."""
    vectors = np.random.default_rng(0).normal(size=(2 * count, width)).astype(np.float32)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    # Nobody is asked: the vectors are there.
    meanings = Meanings(cast(TextEncoder, None), pl.Series(["text"] * len(vectors)), vectors, -1.0)
    start = time.process_time()
    meanings.nearest(np.arange(count), count + np.arange(count), 20)
    return time.process_time() - start


def told(found: list[dict[str, float]]) -> str:
    """Mean and spread of each figure."""
    parts = []
    for name in FIGURES:
        values = [one[name] for one in found if name in one]
        if values:
            spread = stdev(values) if len(values) > 1 else 0.0
            parts.append(
                f"{name} {mean(values):.4f} ±{spread:.4f}" if name != "seconds" else f"{mean(values):.0f} s"
            )
    return "  ".join(parts)


def names_of(data: str, scratch: Path) -> Path:
    """A copy of two graphs with nothing but types and names; the demo's links are split anew, 20% to 80%."""
    folder = scratch / f"{Path(data).name}, names only"
    shutil.copytree(demo_folder() if data == "demo" else data, folder)
    for file in folder.glob("*.gz"):
        file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    if data == "demo":
        split = folder / "721_5fold" / "1"
        split.mkdir(parents=True)
        links = (folder / "ent_links").read_text().splitlines(keepends=True)
        links = [links[at] for at in np.random.default_rng(0).permutation(len(links))]
        (split / "train_links").write_text("".join(links[: len(links) // 5]))
        (split / "valid_links").write_text("".join(links[len(links) // 5 :]))
    for side in "12":
        (folder / f"rel_triples_{side}").write_text("")
        facts = folder / f"attr_triples_{side}"
        rows = [row for row in facts.read_text().splitlines(keepends=True) if row.split("\t")[1] in NAMES]
        facts.write_text("".join(rows))
    return folder


def measured(data: str, options: list[str], scratch: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Each setting of a data set, with its figures."""
    out, folder = scratch / "RESULT", Path(data)
    if data == "demo":
        seconds = crossgraph("demo", "--out", out, *options)
        yield "demo", judged(out, out / "test_links.tsv") | {"seconds": seconds}
    elif (folder / "tableA.csv").is_file():
        seconds = crossgraph("train", folder, "--pairs", folder / "train.csv", "--out", out, *options)
        scores, gold = scratch / "scores.tsv", folder / "valid.csv"
        crossgraph("score", out, "--pairs", gold, "--out", scores)
        yield folder.name, evaluated("--scores", scores, "--gold", gold) | {"seconds": seconds}
    else:
        split = folder / "721_5fold" / "1"
        for name, links in (("20% known", ["--links", split / "train_links"]), ("nothing known", [])):
            seconds = crossgraph("align", folder, *links, "--out", out, "--force", *options)
            figures = judged(out, split / "valid_links")
            yield f"{folder.name}, {name}", figures | {"seconds": seconds}


def judged(result: Path, gold: Path) -> dict[str, float]:
    """Figures of a RESULT, and the area of its names alone."""
    return evaluated(result, "--gold", gold)


def evaluated(*arguments: str | Path) -> dict[str, float]:
    """What ``crossgraph evaluate`` says."""
    command = [sys.executable, "-m", "crossgraph", "evaluate", *map(str, arguments), "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    figures = found.get("overall", found)
    names = found.get("name_only", {})
    return {name: figures[name] for name in FIGURES if figures.get(name) is not None} | (
        {"names": names["prauc"]} if names else {}
    )


def crossgraph(*arguments: str | Path) -> float:
    """Run a verb; its seconds."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "crossgraph", *map(str, arguments), "-q"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
