"""What is done to a shard, and to a share of a batch, without Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from typer.testing import CliRunner

from crossgraph.blocking.products import nearest_rows, turned_rows
from crossgraph.cli import app
from crossgraph.cluster import engine_of, shares
from crossgraph.cluster.ray_engine import learners
from crossgraph.cluster.shares import Columns, NearestRows, Opinions, Scores, SharedNetwork, Work, joined
from crossgraph.config import load_config
from crossgraph.engine import LOCAL
from crossgraph.errors import ConfigError
from crossgraph.labels import FOLDS, HALVES
from crossgraph.learning import LearningOptions, heard, scored_by_folds, untrained
from crossgraph.model.options import SAID, ModelOptions, ScorerOptions
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.training import margin_loss

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import World


def in_shards(work: Work, columns: Columns, each: int) -> list[Columns]:
    """What the work makes of each shard."""
    rows = len(next(iter(columns.values())))
    return [
        work({name: column[start : start + each] for name, column in columns.items()})
        for start in range(0, rows, each)
    ]


def frozen(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The matrix as an object store hands it out."""
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


@pytest.mark.parametrize("each", [1, 7, 50])
def test_the_nearest_of_shards_are_those_of_all_rows(each):
    rng = np.random.default_rng(0)
    asking, known = (
        sparse.random(rows, 30, 0.2, format="csr", dtype=np.float32, random_state=rng) for rows in (40, 60)
    )
    turned = turned_rows(known)
    whole = nearest_rows(asking, turned, 5)
    parts = in_shards(NearestRows(frozen(asking), frozen(turned), 5), {"row": np.arange(40)}, each)
    made = joined(parts, {"row": np.int64, "found": np.int64, "product": np.float32})
    for column, expected in zip(made.values(), whole, strict=True):
        np.testing.assert_array_equal(column, expected)
    assert not asking.data.flags.writeable


def test_no_shard_is_a_table_without_rows():
    made = joined([], {"row": np.int64, "score": np.float32})
    assert {name: (len(column), column.dtype) for name, column in made.items()} == {
        "row": (0, np.int64),
        "score": (0, np.float32),
    }


def test_networks_say_of_shards_what_they_say_of_all(mid_world: World) -> None:
    options = LearningOptions(model=ModelOptions(width=16))
    networks = tuple(
        untrained(mid_world.vocabulary, mid_world.preparation.schema, options, half) for half in range(HALVES)
    )
    candidates = mid_world.preparation.candidates
    folds = mid_world.labels.fold_of_each(len(candidates))
    columns = {"left": candidates.left, "right": candidates.right, "fold": folds}
    parts = in_shards(Opinions(networks, mid_world.tensors), columns, 700)
    assert len(parts) > 2
    made = joined(parts, dict.fromkeys(SAID, np.float32))
    whole = heard(networks, mid_world.tensors, (candidates.left, candidates.right), folds)
    np.testing.assert_allclose(np.stack([made[name] for name in SAID]), whole, atol=1e-5)


def test_scorers_say_of_shards_what_they_say_of_all(mid_world: World) -> None:
    evidence = mid_world.evidence
    scorers = tuple(EvidenceScorer(len(evidence.names), ScorerOptions(), seed=fold) for fold in range(FOLDS))
    for scorer in scorers:
        scorer.fit_edges(evidence.values[mid_world.labels.places], mid_world.labels.same)
    folds = mid_world.labels.fold_of_each(len(evidence.values))
    columns = {"fold": folds, **dict(zip(evidence.names, evidence.values.T, strict=True))}
    made = joined(in_shards(Scores(scorers, evidence.names), columns, 700), {"score": np.float32})["score"]
    np.testing.assert_allclose(made, scored_by_folds(scorers, evidence, folds), atol=1e-5)


@dataclass
class Process:
    """One of several: all have computed the same logits but for the share of this one."""

    rank: int
    processes: int
    logits: Tensor

    def get_rank(self, group: None) -> int:
        return self.rank

    def get_world_size(self, group: None) -> int:
        return self.processes

    def all_reduce(self, share: Tensor, group: None) -> None:
        """Adds what the others have; the share of this one must be right, and nothing beside it."""
        start, stop = (len(share) * at // self.processes for at in (self.rank, self.rank + 1))
        inside = torch.zeros(len(share), dtype=torch.bool)
        inside[start:stop] = True
        torch.testing.assert_close(share, torch.where(inside, self.logits, 0.0))
        share.copy_(self.logits)


class Product(nn.Module):
    """A stand-in for a network: pairs of vectors, multiplied by weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-1.0, 1.0, 4))

    def forward(self, table: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Logits (P)."""
        return (table[left] * table[right]) @ self.weights


def binary(logits: Tensor, same: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, same.float())


def margin(logits: Tensor, same: Tensor) -> Tensor:
    return margin_loss(logits, same, torch.ones(len(same)), margin=1.0)


@pytest.mark.parametrize("loss", [binary, margin])
@pytest.mark.parametrize(("processes", "pairs"), [(1, 9), (2, 9), (3, 10), (4, 3)])
def test_the_average_gradient_of_all_processes_is_that_of_the_whole_batch(
    monkeypatch: pytest.MonkeyPatch,
    loss: Callable[[Tensor, Tensor], Tensor],
    processes: int,
    pairs: int,
) -> None:
    rng = torch.Generator().manual_seed(0)
    table = torch.randn(20, 4, generator=rng)
    left, right = torch.randint(20, (2, pairs), generator=rng)
    same = torch.arange(pairs) % 3 == 0
    network = Product()
    logits = network(table, left, right)
    wanted = loss(logits, same)
    wanted.backward()
    gradients = []
    for rank in range(processes):
        monkeypatch.setattr(shares, "distributed", Process(rank, processes, logits.detach()))
        share = Product()
        told = loss(SharedNetwork(share)(table, left, right).logits, same)
        torch.testing.assert_close(told, wanted)
        told.backward()
        gradients.append(share.weights.grad)
    torch.testing.assert_close(torch.stack(gradients).mean(dim=0), network.weights.grad)


@pytest.mark.parametrize("processes", range(1, 20))
def test_each_network_has_as_many_learners(processes: int) -> None:
    teaching = [learners(half, processes) for half in range(HALVES)]
    assert len({len(one) for one in teaching}) == 1
    told = [rank for one in teaching for rank in one]
    assert all(rank < processes for rank in told)
    if processes == 1:
        assert told == [0] * HALVES
    else:
        assert len(set(told)) == len(told) == processes // HALVES * HALVES


def test_the_local_engine_is_what_there_was(tmp_path: Path) -> None:
    with engine_of("local", tmp_path, device="cuda") as engine:
        assert engine is LOCAL


def test_the_local_engine_of_a_small_budget_prepares_no_side_as_a_whole(tmp_path: Path) -> None:
    with engine_of("local", tmp_path, device="cpu", budget=1000) as engine:
        assert isinstance(engine.hear, partial)
        assert engine.hear.func is LOCAL.hear
        assert engine.hear.keywords == {"room": 50}


def test_ray_on_another_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="device 'cuda'"), engine_of("ray", tmp_path, device="cuda"):
        pass


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match=r"engine = 'spark'.*\n.*local or ray"):
        load_config(None, ["run.engine=spark"])


def test_without_the_extra_the_way_out_is_told(
    tiny_pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossgraph.errors.find_spec", lambda _name: None)
    folder = tiny_pair.write(tmp_path / "graphs")
    done = CliRunner().invoke(
        app, ["align", str(folder), "--out", str(tmp_path / "RESULT"), "--engine", "ray", "--quiet"]
    )
    assert done.exit_code == 1
    assert "pip install 'crossgraph[ray]'" in " ".join(done.stderr.split())
    assert [entry.name for entry in tmp_path.iterdir()] == ["graphs"]
