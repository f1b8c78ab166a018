"""What each stage of `crossgraph align` costs at several sizes of generated graphs, and how fast that grows.

python benchmarks/speed.py MEASURED.jsonl --sizes 10000 100000 --page docs

Each run is a line of MEASURED.jsonl; a size that has as many as --runs is not measured again. The page has a
table of the medians and a log-log picture, and compares with the committed lines by ratio. A run that was
made otherwise joins by --result ENTITIES RESULT, and the page tells --otherwise how.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

BASELINE = Path(__file__).with_name("speed.jsonl")
# What takes less says more of the clock than of the stage.
LEAST_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """One run: stage -> CPU seconds, and peak memory (MiB) up to its end, in the order of the run."""

    entities: int
    seconds: dict[str, float]
    peak: dict[str, float]

    @staticmethod
    def of(entities: int, report: dict[str, list[dict[str, float | str]]]) -> Measured:
        """From the report of a RESULT."""
        rows = report["stages"]
        return Measured(
            entities,
            {str(row["stage"]): float(row["cpu_seconds"]) for row in rows},
            {str(row["stage"]): float(row["peak_memory_mib"]) for row in rows},
        )


def measure(entities: int) -> Measured:
    """Generate a pair and align it with 1% of its links, in processes of their own."""
    with tempfile.TemporaryDirectory() as scratch:
        films, result = Path(scratch) / "films", Path(scratch) / "RESULT"
        for line in (
            ["generate", "--entities", str(entities), "--out", films],
            ["align", films, "--links", films / "train_links", "--out", result],
        ):
            subprocess.run(
                [sys.executable, "-m", "crossgraph", *map(str, line), "--quiet"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        return Measured.of(entities, json.loads((result / "report.json").read_text()))


def runs(file: Path) -> list[Measured]:
    """The lines of a file; none where there is no file."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [Measured(**json.loads(line)) for line in lines]


def read(file: Path) -> list[Measured]:
    """The medians of the runs of each size, smallest first."""
    sizes: dict[int, list[Measured]] = {}
    for one in runs(file):
        sizes.setdefault(one.entities, []).append(one)
    return [
        Measured(size, *(_medians([getattr(one, part) for one in found]) for part in ("seconds", "peak")))
        for size, found in sorted(sizes.items())
    ]


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {stage: median(one.get(stage, 0.0) for one in found) for stage in found[0]}


def exponent(sizes: list[int], seconds: list[float]) -> float | None:
    """The power of the size by which seconds grow, by least squares; None of fewer than two."""
    told = [(n, s) for n, s in zip(sizes, seconds, strict=True) if s >= LEAST_SECONDS]
    if len(told) < 2:
        return None
    slope: float = np.polyfit(*np.log(np.array(told).T), 1)[0]
    return slope


def table(measured: list[Measured], baseline: list[Measured]) -> str:
    """CPU seconds, rates, memory, growth, and the ratio to the baseline at the largest size of both."""
    sizes = [one.entities for one in measured]
    before = {one.entities: one for one in baseline}
    common = max((size for size in sizes if size in before), default=None)
    heads = [f"{size:,} a side: CPU s (entities/s, peak MiB)" for size in sizes]
    rows = [
        f"| stage | {' | '.join(heads)} | growth | over all sizes | beside the baseline |",
        "|---" * (len(sizes) + 4) + "|",
    ]
    for stage in [*measured[-1].seconds, "all"]:
        seconds = [_seconds(one, stage) for one in measured]
        cells = [_cell(one, stage) for one in measured]
        grown = [exponent(sizes[-2:], seconds[-2:]), exponent(sizes, seconds)]
        told = ["-" if one is None else f"{one:.2f}" for one in grown]
        ratio = "-"
        if common is not None and (old := _seconds(before[common], stage)) >= LEAST_SECONDS:
            ratio = f"{_seconds(measured[sizes.index(common)], stage) / old:.2f}"
        rows.append(f"| {' | '.join([stage, *cells, *told, ratio])} |")
    return "\n".join(rows)


def _seconds(one: Measured, stage: str) -> float:
    return sum(one.seconds.values()) if stage == "all" else one.seconds.get(stage, 0.0)


def _cell(one: Measured, stage: str) -> str:
    seconds = _seconds(one, stage)
    peak = max(one.peak.values()) if stage == "all" else one.peak.get(stage, 0.0)
    rate = f"{one.entities / seconds:,.0f}" if seconds >= LEAST_SECONDS else "-"
    return f"{seconds:.1f} ({rate}, {peak:,.0f})"


def draw(measured: list[Measured], file: Path) -> None:
    """CPU seconds over entities, both axes logarithmic, a line for each stage."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "crossgraph", "font.size": 9}):
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.subplots()
        for number, stage in enumerate([*measured[-1].seconds, "all"]):
            told = [(one.entities, _seconds(one, stage)) for one in measured]
            points = [(n, s) for n, s in told if s >= LEAST_SECONDS]
            if points:
                axes.plot(*zip(*points, strict=True), marker="osD^vPX"[number % 7], label=stage, linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel="entities a side", ylabel="CPU seconds")
        axes.grid(linewidth=0.4, alpha=0.6)
        figure.legend(loc="outside right upper", frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None})


def write_page(measured: list[Measured], folder: Path, made: int, otherwise: str | None) -> None:
    """speed.md and speed.svg; ``made`` runs of each size are asked for, and some were made ``otherwise``."""
    draw(measured, folder / "speed.svg")
    sizes = " ".join(str(one.entities) for one in measured)
    apart = f"Made otherwise: {otherwise}\n\n" if otherwise else ""
    (folder / "speed.md").write_text(
        f"""# Speed

What each stage of `crossgraph align` costs on [generated graphs](generating.md) with ten edges for each
entity and 1% of the links known, default settings, in CPU seconds (user and system, all threads), medians
of the runs. Growth is the power of the number of entities by which the CPU seconds grow between the two
largest sizes, and the next column is fitted to all sizes by least squares. Peak memory is that of the
process up to the end of a stage. The last column compares the largest common size with the lines of
`benchmarks/speed.jsonl`: 1 is as fast, 2 is twice as slow.

```sh
python benchmarks/speed.py measured.jsonl --sizes {sizes} --runs {made} --page docs
```

{apart}{table(measured, read(BASELINE))}

![CPU seconds of each stage over the number of entities](speed.svg)
"""
    )


def add(one: Measured, file: Path) -> None:
    """A line more."""
    with file.open("a") as out:
        out.write(json.dumps(asdict(one)) + "\n")


def main() -> None:
    """Measure what has no line yet, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--result", nargs=2, metavar=("ENTITIES", "RESULT"))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--otherwise", metavar="TEXT", help="for the page: which runs were made otherwise")
    given = parser.parse_args()
    for size in given.sizes:
        while sum(one.entities == size for one in runs(given.file)) < given.runs:
            add(measure(size), given.file)
    if given.result:
        entities, folder = int(given.result[0]), Path(given.result[1])
        add(Measured.of(entities, json.loads((folder / "report.json").read_text())), given.file)
    measured = read(given.file)
    print(table(measured, read(BASELINE)))
    if given.page:
        write_page(measured, given.page, given.runs, given.otherwise)


if __name__ == "__main__":
    main()
