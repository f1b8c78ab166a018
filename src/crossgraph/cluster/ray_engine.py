"""An engine on Ray: shards are Parquet files, and Ray Data and Ray Train do the rest."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import torch
from scipy import sparse
from torch import distributed, nn

from crossgraph._types import AnyArray, Float32, Int32
from crossgraph.blocking.products import Found, nearest_rows
from crossgraph.cluster.shares import (
    Columns,
    Logits,
    NearestRows,
    Opinions,
    Scores,
    SharedNetwork,
    Work,
    joined,
)
from crossgraph.engine import LOCAL, Engine
from crossgraph.errors import ClusterError, NonFiniteLossError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.labels import HALVES
from crossgraph.learning import NONE_KEPT, Lesson
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import SAID
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.model.seen import See
from crossgraph.progress import Advance, unwatched

# How much goes into one shard, and what fits into one is done here: asking rows of a product, and pairs.
ROWS, PAIRS = 20_000, 100_000
# Processes that teach, at most: of more than eight for a network each would have too little of every batch.
MOST_TEACHING = HALVES * 8
# Who has taught a network waits for those of the other one: for many hours, where links are millions.
SECONDS_TO_WAIT = 30 * 24 * 3600
# Training that a lost machine ended begins anew so many times, with the processes that are left.
RETRIES = 3
# Machines that join are of use to scoring; training would have to begin anew for them.
NEVER = 1e9
SECONDS_TO_ANSWER = 10.0


@contextmanager
def ray_engine(folder: Path) -> Iterator[Engine]:
    """An engine on the cluster that ``RAY_ADDRESS`` names, or on Ray on this machine, which ends with it.

    folder   where shards lie meanwhile; all machines must see it under this name

    Raises ClusterError where Ray cannot be reached.
    """
    # Read when Ray is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_ZERO_COPY_TORCH_TENSORS", "1")
    import ray
    from ray.exceptions import RayError

    ours = not ray.is_initialized()
    if ours:
        try:
            _knock(os.environ.get("RAY_ADDRESS", ""))
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, RayError) as error:
            raise ClusterError(
                f"Ray cannot be reached: {error}",
                hint="see `ray status`; one with a token wants RAY_AUTH_MODE=token and ~/.ray/auth_token; "
                "RAY_ADDRESS=local starts Ray on this machine",
            ) from error
    try:
        on_ray = OnRay(folder)
        yield Engine(nearest=on_ray.nearest, teach=on_ray.teach, hear=on_ray.hear, score=on_ray.score)
    finally:
        if ours:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at ``host:port``: Ray itself tries for many minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()


@dataclass(frozen=True)
class OnRay:
    """The pieces of work of an ``Engine``; what makes a single shard is done here.

    folder   for shards
    """

    folder: Path

    def nearest(self, asking: sparse.csr_matrix, turned: sparse.csr_matrix, top: int) -> Found:
        """``nearest_rows``, in shards of asking rows."""
        rows = np.arange(asking.shape[0])
        if len(rows) <= ROWS:
            return nearest_rows(asking, turned, top)
        work = NearestRows(asking, turned, top)
        kinds = {"row": np.int64, "found": np.int64, "product": np.float32}
        found = self.shared(work, {"row": rows}, ROWS, kinds)
        return found["row"], found["found"], found["product"]

    def hear(
        self,
        networks: tuple[CollectiveNetwork, ...],
        tensors: PairTensors,
        pairs: tuple[AnyArray, AnyArray],
        folds: Int32,
        advance: Advance = unwatched,
        see: See | None = None,
    ) -> Float32:
        """``heard``, in shards of pairs; who hears a shard sees its entities by itself."""
        if len(folds) <= PAIRS:
            return LOCAL.hear(networks, tensors, pairs, folds, advance, see)
        told = self.shared(
            Opinions(networks, tensors),
            {"left": pairs[0], "right": pairs[1], "fold": folds},
            PAIRS,
            dict.fromkeys(SAID, np.float32),
            lambda count: advance(len(networks) * count),
        )
        return np.stack([told[name] for name in SAID])

    def score(self, scorers: tuple[EvidenceScorer, ...], evidence: EvidenceTable, folds: Int32) -> Float32:
        """``scored_by_folds``, in shards of pairs."""
        if len(folds) <= PAIRS:
            return LOCAL.score(scorers, evidence, folds)
        columns = {"fold": folds, **dict(zip(evidence.names, evidence.values.T, strict=True))}
        work = Scores(scorers, evidence.names)
        return self.shared(work, columns, PAIRS, {"score": np.float32})["score"]

    def teach(
        self, networks: Sequence[CollectiveNetwork], lesson: Lesson, advance: Advance = unwatched
    ) -> None:
        """``taught``: each network by processes of its own, of which each learns from a share of every batch.

        Two processes teach a network each, as ``taught`` does: what they teach is the same to the last bit.
        Nothing is kept of their epochs: a folder of this machine may not be there on others.
        """
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer

        held = _put((tuple(networks), replace(lesson, kept=NONE_KEPT)))
        processes = max(1, min(int(ray.cluster_resources().get("CPU", 1)), MOST_TEACHING))
        with self._scratch() as folder:
            trainer = TorchTrainer(
                _learn,
                train_loop_config={"held": held},
                scaling_config=ScalingConfig(
                    num_workers=(1, processes) if processes > 1 else 1,
                    elastic_resize_monitor_interval_s=NEVER,
                ),
                torch_config=TorchConfig(backend="gloo", timeout_s=SECONDS_TO_WAIT),
                run_config=RunConfig(
                    storage_path=str(folder), failure_config=FailureConfig(max_failures=RETRIES)
                ),
            )
            with _troubles_told():
                learned = trainer.fit().return_value
        if isinstance(learned, NonFiniteLossError):
            raise learned
        for network, state in zip(networks, learned, strict=True):
            network.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
            network.eval()
        advance(lesson.steps)

    def shared(
        self,
        work: Work,
        columns: Columns,
        each: int,
        kinds: Mapping[str, type],
        advance: Advance = unwatched,
    ) -> Columns:
        """What a piece of work makes of all rows, in their order.

        each    rows in a shard
        kinds   the columns that the work makes
        """
        import ray.data

        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        held, parts = _put(work), []
        with self._scratch() as folder, _troubles_told():
            files = _write_shards(columns, each, folder)
            # Ray's own reader packs files together by their bytes, and it is by their work that they are cut.
            listed = ray.data.from_items(files, override_num_blocks=len(files))
            done = listed.map_batches(_work, batch_size=1, batch_format="numpy", fn_kwargs={"held": held})
            for part in done.iter_batches(batch_size=None, batch_format="numpy"):
                parts.append(part)
                advance(len(part[next(iter(kinds))]))
        return joined(parts, kinds)

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        self.folder.mkdir(exist_ok=True)
        return tempfile.TemporaryDirectory(dir=self.folder, prefix="shards-", ignore_cleanup_errors=True)


def _write_shards(columns: Columns, each: int, folder: str) -> list[str]:
    files = []
    for number, shard in enumerate(pl.DataFrame(columns).iter_slices(each)):
        files.append(str(Path(folder) / f"{number:08}.parquet"))
        shard.write_parquet(files[-1], compression="lz4")
    return files


def _put(value: object) -> Any:
    """Into the object store, from where each machine has it once; tensors without a copy for each process."""
    import ray

    with warnings.catch_warnings():
        # That such tensors must not be written: those of graphs never are, and learners copy their networks.
        warnings.simplefilter("ignore")
        return ray.put(value)


def _work(listed: Columns, held: Any) -> Columns:
    import ray

    work: Work = ray.get(held)
    (file,) = listed["item"]
    return work({column.name: column.to_numpy(writable=True) for column in pl.read_parquet(file)})


_State: TypeAlias = dict[str, AnyArray]


def _learn(config: dict[str, Any]) -> list[_State] | NonFiniteLossError:
    """What every learner does: it teaches its networks, and hears from the others what theirs have learnt."""
    import ray

    networks, lesson = deepcopy(ray.get(config["held"])[0]), ray.get(config["held"])[1]
    # As ``taught`` does; sums are rounded otherwise with more.
    torch.set_num_threads(1)
    told: list[dict[int, _State] | NonFiniteLossError] = []
    try:
        told.append({half: _state(one) for half, one in _taught_here(networks, lesson)})
    except NonFiniteLossError as error:
        # All learners of a network meet it at the same step: it is an answer, not a loss of one of them.
        told.append(error)
    if (processes := ray.train.get_context().get_world_size()) > 1:
        heard: list[Any] = [None] * processes
        distributed.all_gather_object(heard, told[0])
        told = heard
    states: dict[int, _State] = {}
    for one in told:
        if isinstance(one, NonFiniteLossError):
            return one
        states |= one
    return [states[half] for half in range(len(networks))]


def _taught_here(
    networks: Sequence[CollectiveNetwork], lesson: Lesson
) -> Iterator[tuple[int, CollectiveNetwork]]:
    """Teach, in place, the networks that are this learner's, and tell which."""
    import ray
    from ray.train.torch import prepare_model

    context = ray.train.get_context()
    processes, rank = context.get_world_size(), context.get_world_rank()
    for half, network in enumerate(networks):
        mine = learners(half, processes)
        if rank not in mine:
            continue
        learner: nn.Module = network
        if len(mine) > 1:
            wait = timedelta(seconds=SECONDS_TO_WAIT)
            group = distributed.new_group(list(mine), timeout=wait, use_local_synchronization=True)
            # An option of the model may leave a weight unused.
            shared = {"find_unused_parameters": True, "process_group": group}
            learner = SharedNetwork(prepare_model(Logits(network), parallel_strategy_kwargs=shared), group)
        lesson.teach(learner, half)
        yield half, network


def learners(half: int, processes: int) -> range:
    """The processes that teach the network of a half: as many for each; one does it for all by itself."""
    return range(half % processes, max(1, processes // HALVES * HALVES), HALVES)


def _state(network: CollectiveNetwork) -> _State:
    """Ray hands numpy arrays back, but no tensors."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


@contextmanager
def _troubles_told() -> Iterator[None]:
    """What Ray could not mend, in words."""
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    try:
        yield
    except (RayError, TrainingFailedError) as error:
        # Ray wraps what failed first, and tells it first.
        first = str(error).partition("\nThe above exception was the direct cause")[0]
        reason = first.strip().splitlines()[-1]
        raise ClusterError(
            f"the cluster could not finish the work: {reason}",
            hint="every machine needs the same crossgraph[ray], and the folder of --out under the same name",
        ) from error
