"""A real cluster on this machine: a head that does no work, and two nodes with a worker process each.

`make ray` runs it; the extra `ray` must be installed.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from crossgraph._types import AnyArray, Float32, Int32
from crossgraph.cluster.shares import Answer
from crossgraph.config import load_config
from crossgraph.engine import Engine
from crossgraph.errors import ClusterError, NonFiniteLossError
from crossgraph.inputs import Inputs
from crossgraph.labels import HALVES
from crossgraph.learning import LearningOptions, Lesson, heard, opinions, taught, untrained
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import ModelOptions, TrainingOptions
from crossgraph.model.seen import See
from crossgraph.pipeline import align
from crossgraph.progress import Advance, Progress, unwatched
from crossgraph.results import ResultFolder

if TYPE_CHECKING:
    from conftest import Pair, World

# Ray's own warnings are not ours to mend.
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
QUICK = TrainingOptions(steps=6, epochs=1, batch=64)


@dataclass(frozen=True)
class Machines:
    """The nodes of a cluster that work."""

    cluster: Any
    workers: list[Any]

    def be(self, count: int) -> None:
        """As many as there are to be."""
        while len(self.workers) < count:
            self.workers.append(self.cluster.add_node(num_cpus=1))
        while len(self.workers) > count:
            self.cluster.remove_node(self.workers.pop())
        self.cluster.wait_for_nodes()

    def lose_one(self) -> None:
        """End one with all its processes, as a power cut would."""
        self.cluster.remove_node(self.workers.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Machines]:
    pytest.importorskip("ray", reason="needs the extra `ray`")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_ZERO_COPY_TORCH_TENSORS", "1")
        from ray.cluster_utils import Cluster

        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        address = nodes.address
        patch.setenv("RAY_ADDRESS", address)
        try:
            yield Machines(nodes, [])
        finally:
            nodes.shutdown()
    assert processes_of(address) == []


@pytest.fixture
def machines(cluster: Machines, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Two, and shards of which small graphs have many."""
    from crossgraph.cluster import ray_engine

    monkeypatch.setattr(ray_engine, "ROWS", 20)
    monkeypatch.setattr(ray_engine, "PAIRS", 200)
    cluster.be(2)
    return cluster


def processes_of(address: str) -> list[list[str]]:
    """What still runs for a cluster half a minute after its end."""
    import psutil

    deadline = time.monotonic() + 30
    while left := [
        one.info["cmdline"]
        for one in psutil.process_iter(["cmdline"])
        if any(address in word for word in one.info["cmdline"] or ())
    ]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return left


@dataclass(frozen=True)
class Squares:
    """(number) -> (number, square), slowly; a diary tells on which machine, and when."""

    diary: Path

    def __call__(self, shard: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        import ray

        machine = ray.get_runtime_context().get_node_id()
        (self.diary / f"{machine}-{time.monotonic_ns()}").touch()
        time.sleep(0.5)
        return {"number": shard["number"], "square": shard["number"] ** 2}


def test_what_a_lost_machine_leaves_is_done_by_the_other(machines: Machines, tmp_path: Path) -> None:
    from ray import cloudpickle

    from crossgraph.cluster.ray_engine import OnRay, ray_engine

    # The workers do not know this file.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    diary, shards = tmp_path / "diary", tmp_path / "shards"
    diary.mkdir()
    before: list[str] = []

    def lose_one(_done: int) -> None:
        done = [entry.name for entry in diary.iterdir()]
        if not before and len({name.partition("-")[0] for name in done}) == 2:
            before.extend(done)
            machines.lose_one()

    numbers = np.arange(60)
    kinds = {"number": np.int64, "square": np.int64}
    with ray_engine(shards):
        made = OnRay(shards).shared(Squares(diary), {"number": numbers}, 1, kinds, lose_one)
    np.testing.assert_array_equal(made["number"], numbers)
    np.testing.assert_array_equal(made["square"], numbers**2)
    assert 2 <= len(before) < 60, "no machine was lost in the middle"
    assert list(shards.iterdir()) == []


def refuse(_shard: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    raise ValueError("a shard like this")


def test_what_no_machine_can_do_is_told(machines: Machines, tmp_path: Path) -> None:
    from ray import cloudpickle

    from crossgraph.cluster.ray_engine import OnRay, ray_engine

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    shards = tmp_path / "shards"
    with ray_engine(shards), pytest.raises(ClusterError, match="a shard like this"):
        OnRay(shards).shared(refuse, {"number": np.arange(4)}, 2, {"number": np.int64})
    assert list(shards.iterdir()) == []


def test_a_cluster_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`")
    from crossgraph.cluster.ray_engine import ray_engine

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ClusterError, match="refused"), ray_engine(tmp_path):
            pass


class Losing(Progress):
    """Loses a machine when a stage has come so far."""

    def __init__(self, machines: Machines, stage: str) -> None:
        self.machines, self.title = machines, stage
        self.done: list[int] = []
        self.total = 0

    @contextmanager
    def stage(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        def advance(count: int) -> None:
            self.done.append(count)
            if len(self.done) == 2:
                self.machines.lose_one()

        self.total = total or 0 if title == self.title else self.total
        yield advance if title == self.title else lambda _count: None


def heard_in_shards(
    networks: tuple[CollectiveNetwork, ...],
    tensors: PairTensors,
    pairs: tuple[AnyArray, AnyArray],
    folds: Int32,
    advance: Advance = unwatched,
    see: See | None = None,
) -> Float32:
    """What networks say in shards as those of a cluster, whose entities are seen by themselves.

    Matrices of other sizes round otherwise.
    """
    from crossgraph.cluster.ray_engine import PAIRS

    shards = [slice(at, at + PAIRS) for at in range(0, len(folds), PAIRS)]
    parts = [heard(networks, tensors, (pairs[0][at], pairs[1][at]), folds[at], advance) for at in shards]
    return np.concatenate(parts, axis=1)


def test_an_alignment_is_the_same_though_a_machine_is_lost_while_pairs_are_scored(
    machines: Machines, mid_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mid_pair.write(tmp_path / "graphs")
    links = tmp_path / "links.tsv"
    links.write_text("".join(f"{left}\t{right}\n" for left, right in mid_pair.truth[::3]))
    inputs = Inputs(left=folder, links=(links,))
    losing = Losing(machines, "score: network")
    # Many pairs: some shards are to be done when the machine goes, and some not.
    sets = ["training.steps=20", "blocking.least_chance=0"]
    align(inputs, tmp_path / "local", config=load_config(None, sets))
    align(inputs, tmp_path / "ray", config=load_config(None, sets, engine="ray"), progress=losing)
    monkeypatch.setattr("crossgraph.cluster.local_engine", lambda _: Engine(hear=heard_in_shards))
    align(inputs, tmp_path / "shards", config=load_config(None, sets))
    assert len(losing.done) > 4
    assert sum(losing.done) == losing.total
    assert len(machines.workers) == 1
    folders = [ResultFolder(tmp_path / name) for name in ("ray", "local", "shards")]
    matched = [pl.read_csv(one.matches_file, separator="\t", comment_prefix="#") for one in folders]
    assert len(matched[0]) > 50
    there, here, in_shards = (pl.read_parquet(one.scores_file).sort("left", "right") for one in folders)
    for one, matches in ((here, matched[1]), (in_shards, matched[2])):
        assert matched[0].select("subject_id", "object_id").equals(matches.select("subject_id", "object_id"))
        assert there.select("left", "right").equals(one.select("left", "right"))
    # Two processes teach a network each.
    np.testing.assert_array_equal(there["probability"], in_shards["probability"])
    np.testing.assert_allclose(there["probability"], here["probability"], rtol=0, atol=1e-6)


def lesson_of(world: World, training: TrainingOptions) -> tuple[list[CollectiveNetwork], Lesson]:
    """A network for each half at its start, and what they are to learn."""
    options = LearningOptions(model=ModelOptions(width=16), training=training)
    networks = [
        untrained(world.vocabulary, world.preparation.schema, options, half) for half in range(HALVES)
    ]
    return networks, Lesson.of(world.tensors, world.preparation.candidates, world.labels, options)


class InParts(nn.Module):
    """A network that computes a batch in parts, with weights of their own that are copies of its.

    The gradients of each part are summed before they are added, as those of as many learners are: sums that
    are rounded elsewhere put a pair on the other side of a bend, and another network is learnt.
    """

    def __init__(self, network: CollectiveNetwork, parts: int) -> None:
        super().__init__()
        self.network, self.parts = network, parts

    def forward(self, tensors: PairTensors, left: Tensor, right: Tensor) -> Answer:
        cuts = [len(left) * at // self.parts for at in range(self.parts + 1)]
        logits = [self.part(tensors, left[a:b], right[a:b]) for a, b in pairwise(cuts)]
        return Answer(torch.cat(logits))

    def part(self, *asked: object) -> Tensor:
        weights = {name: weight.clone() for name, weight in self.network.named_parameters()}
        logits: Tensor = functional_call(self.network, weights, asked).logits
        return logits


@dataclass(frozen=True, eq=False)
class Counted(Lesson):
    """A diary has an entry for each network that any learner begins to teach, after a pause (s)."""

    diary: Path
    pause: float

    @staticmethod
    def like(lesson: Lesson, diary: Path, pause: float = 0.0) -> Counted:
        """The same lesson, with an empty diary."""
        diary.mkdir()
        held = {one.name: getattr(lesson, one.name) for one in fields(lesson)}
        return Counted(**held, diary=diary, pause=pause)

    @property
    def begun(self) -> int:
        """How many networks were begun with, by all learners."""
        return sum(map(self.learners, range(HALVES)))

    def learners(self, half: int) -> int:
        """How many begun with the network of a half."""
        return len(list(self.diary.glob(f"{half}-*")))

    def teach(self, network: nn.Module, half: int, advance: Advance = unwatched) -> None:
        (self.diary / f"{half}-{uuid4()}").touch()
        time.sleep(self.pause)
        super().teach(network, half, advance)


def test_learners_of_a_network_each_teach_what_is_taught_here(
    machines: Machines, mid_world: World, tmp_path: Path
) -> None:
    from ray import cloudpickle

    from crossgraph.cluster.ray_engine import ray_engine

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    there, lesson = lesson_of(mid_world, QUICK)
    counted = Counted.like(lesson, tmp_path / "diary")
    with ray_engine(tmp_path / "shards") as engine:
        engine.teach(there, counted, lambda _steps: None)
    here, lesson = lesson_of(mid_world, QUICK)
    taught(here, lesson)
    assert [counted.learners(half) for half in range(HALVES)] == [1] * HALVES
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(other.state_dict(), one.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("loss", ["binary", "margin"])
def test_learners_of_one_network_learn_what_one_does_in_as_many_parts(
    machines: Machines, mid_world: World, tmp_path: Path, loss: Literal["binary", "margin"]
) -> None:
    from ray import cloudpickle

    from crossgraph.cluster.ray_engine import ray_engine

    machines.be(4)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    # A machine that has just come may be too late to learn.
    for attempt in range(5):
        there, lesson = lesson_of(mid_world, replace(QUICK, loss=loss))
        counted = Counted.like(lesson, tmp_path / f"diary-{attempt}")
        with ray_engine(tmp_path / "shards") as engine:
            engine.teach(there, counted, lambda _steps: None)
        if counted.begun > HALVES:
            break
    assert counted.begun > HALVES, "one learner for each network"
    here, lesson = lesson_of(mid_world, replace(QUICK, loss=loss))
    for half, network in enumerate(here):
        lesson.teach(InParts(network, counted.learners(half)), half)
        network.eval()
    said = [
        opinions(tuple(networks), mid_world.tensors, mid_world.preparation.candidates).values
        for networks in (here, there)
    ]
    np.testing.assert_allclose(said[1], said[0], atol=1e-5)


def test_learners_that_are_left_begin_anew_where_one_is_lost(
    machines: Machines, mid_world: World, tmp_path: Path
) -> None:
    from ray import cloudpickle

    from crossgraph.cluster.ray_engine import ray_engine

    cloudpickle.register_pickle_by_value(sys.modules[__name__])

    def lose_one() -> None:
        while watched.begun < 2:
            time.sleep(0.1)
        machines.lose_one()

    here, lesson = lesson_of(mid_world, QUICK)
    taught(here, lesson)
    there, lesson = lesson_of(mid_world, QUICK)
    watched = Counted.like(lesson, tmp_path / "diary", pause=5.0)
    watcher = threading.Thread(target=lose_one)
    watcher.start()
    with ray_engine(tmp_path / "shards") as engine:
        engine.teach(there, watched, lambda _steps: None)
    watcher.join()
    assert len(machines.workers) == 1
    assert watched.begun == 2 + 1 * HALVES, "two began, and one did all of it"
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(other.state_dict(), one.state_dict(), rtol=0, atol=0)


def test_a_loss_that_is_no_number_is_told_as_it_is_here(
    machines: Machines, mid_world: World, tmp_path: Path
) -> None:
    from crossgraph.cluster.ray_engine import ray_engine

    networks, lesson = lesson_of(mid_world, replace(QUICK, learning_rate=1e30))
    with ray_engine(tmp_path / "shards") as engine, pytest.raises(NonFiniteLossError, match="learning_rate"):
        engine.teach(networks, lesson, lambda _steps: None)
