"""How fast pairs are scored and neighbourhoods are sampled, beside what this machine could do at best.

python benchmarks/rates.py --entities 100000

Scoring: the networks of a cross-fitted model, one after the other on all threads, hear all candidates of a
generated pair of graphs. What is counted are pairs heard by a network, of two hops, ten neighbours and a
width of 100.
The roofline of a pair is the larger of two times on the same threads: to fetch what it reads at the measured
bandwidth of a gather of such rows, and to do its sums at the measured rate of products of matrices. All three
are measured in turn, and the share is the median of the turns.

Sampling: the neighbourhoods of all entities of a generated graph.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from crossgraph._threads import threads
from crossgraph.config import Config, load_config
from crossgraph.fitting import learning_options, network_input
from crossgraph.graphs import read_pair
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.inputs import Inputs, known_links
from crossgraph.labels import HALVES
from crossgraph.learning import heard, side_by_side, untrained
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.preparation import Preparation
from crossgraph.progress import SILENT
from crossgraph.sampling import SamplingOptions, sample_neighbourhoods
from crossgraph.session import Session
from crossgraph.stages import StageClock

TIMES = 5
# Rows of the table that gathers are measured on: far more than the caches hold.
ROWS, GATHERED, SQUARE = 500_000, 200_000, 1_024
# Times that the machine does such work in a turn.
AGAIN = 9


def seconds(*works: Callable[[], object], times: int = TIMES) -> list[list[float]]:
    """How long each of some pieces of work takes, again and again in turn, after a turn that warms up.

    What else runs on the machine comes and goes: works that are measured minutes apart say nothing of each
    other.
    """
    measured: list[list[float]] = [[] for _ in works]
    for turn in range(times + 1):
        for work, own in zip(works, measured, strict=True):
            start = time.perf_counter()
            work()
            if turn:
                own.append(time.perf_counter() - start)
    return measured


def gathering(width: int) -> tuple[Callable[[], object], float]:
    """Random rows of so many float32, fetched by all threads some times, and how many bytes these are."""
    table = torch.randn(ROWS, width)
    places = [torch.randint(0, ROWS, (GATHERED,)) for _ in range(threads())]

    def fetch(at: int) -> None:
        for _ in range(AGAIN):
            table[places[at]]

    return lambda: side_by_side(fetch, range(threads())), float(AGAIN * threads() * GATHERED * width * 4)


def multiplying() -> tuple[Callable[[], object], float]:
    """Products of matrices on all threads, and how many multiplications and additions these are."""
    ones = [torch.randn(SQUARE, SQUARE) for _ in range(threads())]

    def multiply(at: int) -> None:
        for _ in range(AGAIN):
            ones[at] @ ones[at]

    return lambda: side_by_side(multiply, range(threads())), float(AGAIN * threads() * 2 * SQUARE**3)


def read_by_a_pair(network: CollectiveNetwork, tensors: PairTensors) -> int:
    """Bytes of what the last layer fetches of both entities."""
    some = torch.arange(2)
    total = 0
    for side in (tensors.left, tensors.right):
        prepared = network.prepare(side, tensors.sketch, some)
        total += sum(getattr(prepared, one.name)[0].nbytes for one in fields(prepared))
    return total


def sums_of_a_pair(network: CollectiveNetwork, neighbours: int) -> int:
    """Multiplications and additions of the last layer and the head."""
    half = network.options.width // 2
    affinities, messages = neighbours * neighbours * half, 2 * neighbours * half
    head = sum(one.weight.numel() for one in network.head.modules() if isinstance(one, torch.nn.Linear))
    return 2 * (affinities + messages + head)


def prepared_pair(entities: int, config: Config, scratch: Path) -> Preparation:
    """Candidates of a generated pair of graphs."""
    films = scratch / "films"
    line = ["generate", "--entities", str(entities), "--out", str(films), "--quiet"]
    subprocess.run([sys.executable, "-m", "crossgraph", *line], check=True, stdout=subprocess.DEVNULL)
    inputs = Inputs(left=films, links=(films / "train_links",))
    session = Session(config, StageClock(), SILENT)
    graphs = session.read(inputs)
    known = known_links(inputs.links, graphs, SILENT)
    return session.prepare(graphs, known, keep=known.same, inputs=inputs, evidence=False)[0]


def scoring(entities: int) -> None:
    """Print the rate of scoring and its roofline."""
    config = load_config(None, ("model.width=100", "sampling.neighbours=10"))
    with tempfile.TemporaryDirectory() as scratch:
        preparation = prepared_pair(entities, config, Path(scratch))
    vocabulary, tensors = network_input(preparation, config)
    options = learning_options(config)
    networks = tuple(
        untrained(vocabulary, preparation.schema, options, half).eval() for half in range(HALVES)
    )
    pairs = preparation.candidates.left, preparation.candidates.right
    nobody = np.full(len(pairs[0]), -1, dtype=np.int32)
    fetched, sums = read_by_a_pair(networks[0], tensors), sums_of_a_pair(networks[0], 10)
    (gather, gathered), (multiply, multiplied) = gathering(config.model.width // 2), multiplying()
    told = np.array(seconds(lambda: heard(networks, tensors, pairs, nobody), gather, multiply))
    rates = np.array([[len(networks) * len(nobody)], [gathered], [multiplied]]) / told
    best = 1.0 / np.maximum(fetched / rates[1], sums / rates[2])
    rate, gathers, products = np.median(rates, axis=1)
    print(f"{len(nobody):,} candidates, {len(networks)} networks, {threads()} threads")
    print(f"scoring      {rate:,.0f} pairs/s")
    print(f"a pair       {fetched:,} bytes, {sums:,} multiplications and additions")
    print(f"the machine  {gathers / 2**30:.1f} GiB/s gathered, {products / 1e9:.1f} GFLOP/s")
    shares = rates[0] / best
    print(f"roofline     {np.median(best):,.0f} pairs/s, of which scoring reaches {np.median(shares):.0%}")
    print(f"             by turn: {', '.join(f'{share:.0%}' for share in shares)}")


def sampling(folder: Path) -> None:
    """Print how long it takes to sample the neighbourhoods of the left graph."""
    graph = read_pair(folder)[0]
    adjacency = Adjacency.of(graph)
    for neighbours in (10, 20):
        options = replace(SamplingOptions(), neighbours=neighbours)
        graph.fingerprint()
        took = median(
            seconds(lambda options=options: sample_neighbourhoods(graph, adjacency, options=options, seed=0))[
                0
            ]
        )
        print(f"sampling     {neighbours} neighbours of {len(graph):,} entities: {took:.2f} s")


def main() -> None:
    """Measure scoring on a generated pair, or sampling on one that is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entities", type=int, default=100_000, help="of the graphs whose pairs are scored")
    parser.add_argument("--sampling", type=Path, help="a generated folder whose neighbourhoods are sampled")
    args = parser.parse_args()
    if args.sampling:
        sampling(args.sampling)
    else:
        scoring(args.entities)


if __name__ == "__main__":
    main()
