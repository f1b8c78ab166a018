"""How hard generated pairs are: names alone and PARIS on the same candidates, judged on the links not known.

python benchmarks/difficulty.py FOLDER, where FOLDER was written by `crossgraph generate`. With --paris only
PARIS, by all pairs that it finds: it needs no candidates, which take longer to find than it does.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from baselines.paris import align, paris
from baselines.paris_facts import facts_of

from crossgraph.benchmarking.methods import names_alone
from crossgraph.benchmarking.problem import Case, problems
from crossgraph.blocking.candidates import pair_keys
from crossgraph.blocking.combine import BlockingOptions
from crossgraph.config import Config
from crossgraph.graphs.links import read_links
from crossgraph.graphs.readers import read_pair
from crossgraph.metrics import pr_auc


def on_candidates(folder: Path) -> None:
    """Print a row for each baseline."""
    case = Case(name=folder.name, left=folder, train=(folder / "train_links",), test=(folder / "test_links",))
    # Shares and looks leave out namesakes: how hard pairs are is not for them to decide.
    blocking = BlockingOptions(looks=0, least_chance=0.0)
    (problem,) = problems(case, [replace(Config(), blocking=blocking)])
    same, total = problem.same, problem.total
    print(f"blocking recall {same.sum() / total:.4f} of {total:,} links")
    for name, method in (("names alone", names_alone), ("PARIS", paris)):
        prauc = pr_auc(method(problem).score, same, total=total)
        print(f"{name}: PRAUC {prauc:.4f}", flush=True)


def on_whole_graphs(folder: Path) -> None:
    """Print what PARIS reaches by the pairs that it finds of entities with a link that is not known."""
    graphs = read_pair(folder, None)
    links = read_links(folder / "test_links").resolve(*graphs).positives()
    found = align(*facts_of(graphs))
    left = np.flatnonzero(found.forth >= 0)
    right = found.forth[left]
    same = np.isin(pair_keys(left, right), pair_keys(links[:, 0], links[:, 1]))
    judged = np.isin(left, links[:, 0]) | np.isin(right, links[:, 1])
    print(
        f"PARIS: {judged.sum():,} pairs for {len(links):,} links, of which {same[judged].sum():,} are right"
    )
    print(f"PARIS: PRAUC {pr_auc(found.evidence[left][judged], same[judged], total=len(links)):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--paris", action="store_true")
    given = parser.parse_args()
    (on_whole_graphs if given.paris else on_candidates)(given.folder)
