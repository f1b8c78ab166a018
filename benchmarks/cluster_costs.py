"""What the work costs that `--engine ray` shares out, and what the head keeps, as docs/cluster.md states it.

python benchmarks/cluster_costs.py --sizes 10000 20000 40000

Aligns generated graphs of each size in this process with an engine that counts, and prints a table: CPU
seconds and memory, how they grow with the number of entities a side from the last size but one to the last,
and what they would be at a size that cannot be measured here if they went on growing so, or in proportion
where they grew less.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from speed import exponent

from crossgraph.cluster.ray_engine import PAIRS
from crossgraph.cluster.shares import Opinions
from crossgraph.config import Config
from crossgraph.engine import LOCAL, Engine
from crossgraph.inputs import Inputs, known_links
from crossgraph.labelling import labels_for
from crossgraph.progress import SILENT, unwatched
from crossgraph.session import Session
from crossgraph.stages import StageClock, peak_memory_mib

FAR = 10**8
IDLE = peak_memory_mib()
HOUR, GIB = 3600.0, 2**30


@dataclass
class Counted:
    """One size: CPU seconds of the pieces of work, and bytes of what is held."""

    entities: int
    seconds: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The work, its seconds added up under a name."""

        def run(*given: Any) -> Any:
            start = time.process_time()
            done = work(*given)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
            return done

        return run

    @property
    def engine(self) -> Engine:
        """The local engine, counted."""
        return Engine(
            nearest=self.timed("blocking: products", self._nearest),
            teach=self.timed("training: networks", LOCAL.teach),
            hear=self._hear,
            score=self.timed("scoring: scorers", self._score),
        )

    def _nearest(self, asking: Any, turned: Any, top: int) -> Any:
        large = max(self.held.get("each machine: largest product", 0.0), _bytes(asking) + _bytes(turned))
        self.held["each machine: largest product"] = large
        return LOCAL.nearest(asking, turned, top)

    def _hear(
        self, networks: Any, tensors: Any, pairs: Any, folds: Any, advance: Any = unwatched, see: Any = None
    ) -> Any:
        whole = self.timed("scoring: networks, in one piece", LOCAL.hear)
        work = self.timed("scoring: networks, in shards", Opinions(networks, tensors))
        for start in range(0, len(folds), PAIRS):
            rows = slice(start, start + PAIRS)
            work({"left": pairs[0][rows], "right": pairs[1][rows], "fold": folds[rows]})
        self.held["each machine: graphs as tensors"] = _bytes(tensors)
        return whole(networks, tensors, pairs, folds, advance, see)

    def _score(self, scorers: Any, evidence: Any, folds: Any) -> Any:
        self.held["shards: evidence of pairs"] = sum(block.nbytes for block in evidence.blocks)
        return LOCAL.score(scorers, evidence, folds)


def _bytes(value: Any) -> float:
    """Of all arrays and tensors in a value."""
    if isinstance(value, torch.Tensor):
        return float(value.numel() * value.element_size())
    if hasattr(value, "indptr"):
        return float(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)
    if value is None or isinstance(value, int):
        return 0.0
    return sum(_bytes(getattr(value, one.name)) for one in fields(value))


def count(entities: int) -> Counted:
    """Generate a pair, and align it with 1% of its links."""
    counted = Counted(entities)
    with tempfile.TemporaryDirectory() as scratch:
        films = Path(scratch) / "films"
        line = ["generate", "--entities", str(entities), "--out", str(films), "--quiet"]
        subprocess.run([sys.executable, "-m", "crossgraph", *line], check=True, stdout=subprocess.DEVNULL)
        session = Session(Config(), StageClock(), SILENT, engine=counted.engine)
        inputs = Inputs(left=films, links=(films / "train_links",))
        start = time.process_time()
        graphs = session.read(inputs)
        known = known_links(inputs.links, graphs, SILENT)
        preparation, evidence = session.prepare(graphs, known, keep=known.same, inputs=inputs)
        labels = labels_for(preparation, known, session.config)
        session.learn(preparation, evidence, known, labels)
        every = time.process_time() - start
    shared = sum(counted.seconds.values())
    counted.seconds["head: all else"] = every - shared
    counted.held["head: peak of the process, beyond that of an idle one"] = 2**20 * (peak_memory_mib() - IDLE)
    return counted


def table(counted: list[Counted]) -> str:
    """A row for each piece of work and each thing held; the last column is no measurement."""
    sizes = [one.entities for one in counted]
    heads = " | ".join(f"{size:,} a side" for size in sizes)
    lines = [f"| | {heads} | growth | at {FAR:,} a side |", "|---" * (len(sizes) + 3) + "|"]
    for kind, unit, far in (("seconds", "s", HOUR), ("held", "MiB", GIB)):
        for name in getattr(counted[-1], kind):
            values = [getattr(one, kind)[name] for one in counted]
            growth = exponent(sizes[-2:], values[-2:]) or 1.0
            cells = [f"{value / (1 if unit == 's' else 2**20):,.1f} {unit}" for value in values]
            expected = values[-1] * (FAR / sizes[-1]) ** max(growth, 1.0) / far
            told = f"{expected:,.0f} {'CPU hours' if unit == 's' else 'GiB'}"
            lines.append(f"| {name} | {' | '.join(cells)} | {round(growth, 2) + 0.0:.2f} | {told} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="what a cluster is sized by")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    torch.set_num_threads(1)
    print(table([count(size) for size in sorted(parser.parse_args().sizes)]))


if __name__ == "__main__":
    main()
