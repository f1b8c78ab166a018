"""How hard generated pairs are: names alone and PARIS on the same candidates, judged on the links not known.

python benchmarks/difficulty.py FOLDER, where FOLDER was written by `crossgraph generate`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from baselines.paris import paris

from crossgraph.benchmarking.methods import names_alone
from crossgraph.benchmarking.problem import Case, problems
from crossgraph.config import Config
from crossgraph.metrics import pr_auc


def main(folder: Path) -> None:
    """Print a row for each baseline."""
    case = Case(name=folder.name, left=folder, train=(folder / "train_links",), test=(folder / "test_links",))
    (problem,) = problems(case, [Config()])
    same, total = problem.same, problem.total
    print(f"blocking recall {same.sum() / total:.4f} of {total:,} links")
    for name, method in (("names alone", names_alone), ("PARIS", paris)):
        prauc = pr_auc(method(problem).score, same, total=total)
        print(f"{name}: PRAUC {prauc:.4f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
