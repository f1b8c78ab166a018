"""Whether a precision that was asked for is kept on links that nobody learned from, and what was promised.

python benchmarks/kept_precision.py DATA/movies_tmdb_imdb DATA/dbp15k_zh_en --runs 10

Each run draws other links to learn from (three in ten of all; the rest is the test), with a seed of its own.
It counts as kept if the precision on the test is at least .94 and the recall lies inside the 95% interval of
the report, which is at most .05 wide.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from crossgraph.graphs.links import read_links, split_links

ASKED, LEAST, WIDEST, KNOWN = 0.95, 0.94, 0.05, 0.3


@dataclass(frozen=True)
class Run:
    """What was promised, and what came."""

    data: str
    seed: int
    precision: float
    recall: float
    promised: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether all of it holds."""
        narrow = self.high - self.low <= WIDEST
        return self.precision >= LEAST and self.low <= self.recall <= self.high and narrow


def run(data: Path, seed: int) -> Run:
    """Align with links drawn by a seed, and judge by the others."""
    every = next(file for file in (data / "ent_links", data / "ent_links.gz") if file.exists())
    with tempfile.TemporaryDirectory() as scratch:
        out, parts = Path(scratch) / "RESULT", (Path(scratch) / "known", Path(scratch) / "test")
        for links, file in zip(
            split_links(read_links(every), (KNOWN, 1 - KNOWN), seed=seed), parts, strict=True
        ):
            rows = zip(links.left, links.right, strict=True)
            file.write_text("".join(f"{left}\t{right}\n" for left, right in rows), encoding="utf8")
        line = [
            "align",
            data,
            "--links",
            parts[0],
            "--precision",
            ASKED,
            "--seed",
            seed,
            "--out",
            out,
            "--quiet",
        ]
        subprocess.run(
            [sys.executable, "-m", "crossgraph", *map(str, line)], check=True, stdout=subprocess.DEVNULL
        )
        line = ["evaluate", out, "--gold", parts[1], "--json"]
        told = subprocess.run(
            [sys.executable, "-m", "crossgraph", *map(str, line)], check=True, capture_output=True
        )
        found, report = json.loads(told.stdout), json.loads((out / "report.json").read_text())
    promise = report["thresholds"]["*"]
    return Run(
        data.name,
        seed,
        *(found["precision"], found["recall"]),
        *(promise[name] for name in ("recall", "recall_low", "recall_high")),
    )


def main() -> None:
    """Print a line for each run, and how many were kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+", help="folders in the OpenEA layout")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("kept_precision.jsonl"), help="runs that are done")
    args = parser.parse_args()
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    done = [Run(**json.loads(line)) for line in lines]
    for data in args.data:
        for seed in range(args.runs):
            if not any((one.data, one.seed) == (data.name, seed) for one in done):
                done.append(run(data, seed))
                with args.out.open("a") as file:
                    file.write(json.dumps(asdict(done[-1])) + "\n")
        runs = [one for one in done if one.data == data.name]
        for one in runs:
            print(
                f"{one.data}, seed {one.seed}: precision {one.precision:.4f}, recall {one.recall:.4f}, "
                f"promised {one.promised:.4f} [{one.low:.4f}, {one.high:.4f}]{'' if one.kept else ' MISSED'}"
            )
        print(f"{data.name}: {sum(one.kept for one in runs)} of {len(runs)} kept", flush=True)


if __name__ == "__main__":
    main()
