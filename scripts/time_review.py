"""Time the pages of a review of two large graphs: `python scripts/time_review.py FOLDER [ENTITIES]`.

FOLDER gets generated graphs, and a RESULT with three scored pairs for each entity, ten thousand of them
asked. Told is for each page the median and the worst of 15 calls after a first one, by the clock and of CPU.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from starlette.testclient import TestClient

from crossgraph.graphs.readers import ReadOptions
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches
from crossgraph.results import write_scores, write_sssom
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.material import load_material
from crossgraph.reviewing.web.app import create_app
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping

ASKED = 10_000
CALLS = 15
WORDS = np.array([a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"])


def write_graph(folder: Path, side: str, size: int, generator: np.random.Generator) -> pl.Series:
    """A graph with three edges an entity, most of them to few hubs; its identifiers."""
    (folder / side).mkdir(parents=True)
    ids = pl.Series([f"{side}{i:07d}" for i in range(size)])
    nodes = pl.DataFrame({"id": ids}).with_columns(types=pl.concat_list(pl.lit("film")))
    nodes.write_parquet(folder / side / "nodes.parquet")
    tails = (size * generator.random(3 * size) ** 3).astype(np.int64).clip(0, size - 1)
    relation = np.array(["stars", "made_by", "genre"])[generator.integers(0, 3, 3 * size)]
    edges = {"head": ids.gather(generator.integers(0, size, 3 * size)), "relation": relation}
    pl.DataFrame({**edges, "tail": ids.gather(tails)}).write_parquet(folder / side / "edges.parquet")
    names = [" ".join(words) for words in WORDS[generator.integers(0, len(WORDS), (size, 3))]]
    years = generator.integers(1900, 2020, size).astype(str)
    facts = [
        pl.DataFrame({"entity": ids, "attribute": name, "value": values, "tag": ""})
        for name, values in (("title", names), ("year", years))
    ]
    pl.concat(facts).write_parquet(folder / side / "facts.parquet")
    return ids


def write_result(folder: Path, size: int) -> ResultFolder:
    """Two graphs, and a RESULT of them."""
    generator = np.random.default_rng(0)
    left, right = (write_graph(folder, side, size, generator) for side in ("left", "right"))
    i = np.repeat(np.arange(size), 3)
    j = (i + np.tile([0, 1, 7], size)) % size
    matched = (i == j) & (i < ASKED)
    chance = np.where(matched, generator.uniform(0.5, 1, 3 * size), generator.uniform(0, 0.0199, 3 * size))
    columns = {"left": left.gather(i), "right": right.gather(j), "type": "film", "score": chance}
    matches = Matches(pl.DataFrame({**columns, "probability": chance, "matched": matched}))
    result = ResultFolder(folder / "RESULT")
    result.model_folder.mkdir(parents=True)
    write_scores(matches, result.scores_file)
    write_sssom(matches, result.matches_file)
    attributes = (AttributeMapping("title", "title"), AttributeMapping("year", "year"))
    result.schema_file.write_text(SchemaMapping((TypeMapping("film", "film"),), (), attributes).to_toml())
    card = {"left": str(folder / "left"), "right": str(folder / "right"), "read": asdict(ReadOptions())}
    result.report_file.write_text(json.dumps({"inputs": card}))
    return result


def timed(title: str, call: Callable[[], object]) -> None:
    """Call something several times and tell how long it took."""
    call()
    clock, cpu = [], []
    for _ in range(CALLS):
        before = time.perf_counter(), time.process_time()
        call()
        clock.append(1000 * (time.perf_counter() - before[0]))
        cpu.append(1000 * (time.process_time() - before[1]))
    told = [f"{statistics.median(times):6.0f} {max(times):6.0f}" for times in (clock, cpu)]
    print(f"{title:28} clock {told[0]} ms   CPU {told[1]} ms", flush=True)


def main(folder: Path, size: int) -> None:
    """Make what is not there, load it, and time every page."""
    result = ResultFolder(folder / "RESULT")
    if not result.is_result():
        write_result(folder, size)
    result.ledger_file.unlink(missing_ok=True)
    start = time.perf_counter()
    desk = Desk(load_material(result.path))
    print(f"loading {time.perf_counter() - start:.0f} s, {len(desk.material.pairs):,} pairs")
    client = TestClient(create_app(desk), base_url="http://localhost")
    found = re.search(r'name="token" value="(\w+)"', client.get("/").text)
    form = {"token": found[1] if found else ""}
    at = client.get("/next").url

    def decide() -> None:
        nonlocal at
        said = {**form, "left": at.params["left"], "right": at.params["right"], "verdict": "same"}
        at = client.post("/decide", data=said).url

    for title, path in (
        ("overview", "/"),
        ("queue", "/queue"),
        ("next, with its pair", "/next"),
        ("pair of two hubs", "/pair?left=left0000000&right=right0000000"),
        ("search, 8 hits in 1,000", "/search?q=bal"),
        ("search, no hit", "/search?q=bal+bal+xyz"),
        ("history", "/history"),
    ):
        timed(title, lambda path=path: client.get(path).raise_for_status())
    timed("decide, with the next pair", decide)
    timed("undo, with its pair", lambda: client.post("/undo", data=form).raise_for_status())


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
