"""A training step asks its device for nothing, so that a GPU never waits for the processor.

The stand-in for a GPU is torch's `meta` device: its tensors have shapes and no values, so whatever depends
on a value, or would bring one back, is an error there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from crossgraph import training
from crossgraph.blocking.candidates import Candidates
from crossgraph.labels import Labels
from crossgraph.learning import told
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import ModelOptions, TrainingOptions
from crossgraph.training import train_network
from model.samples import BOTH, LAST, all_pairs, compare_all, some_network, some_pair

META = torch.device("meta")
EPOCHS, BATCHES = 2, 2
KINDS = {
    "last": LAST,
    "last, plain": replace(LAST, type_projection=False, attribute_attention=False),
    "last, distance": replace(LAST, head="distance", self_attention=False, known_likeness=False),
    "three layers": replace(LAST, layers=3),
    "both": BOTH,
    "both, plain": replace(BOTH, type_projection=False, attribute_attention=False, cross_attention=False),
}
ASKING: dict[str, Callable[[torch.Tensor], object]] = {
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "bool": lambda x: bool((x > 0).any()),
    "equal": lambda x: torch.equal(x, x),
    "cpu": lambda x: x.cpu(),
    "numpy": lambda x: x.numpy(),
    "nonzero": lambda x: x.nonzero(),
    "unique": torch.unique,
    "unique, inverse": lambda x: torch.unique(x, return_inverse=True),
    "bincount": torch.bincount,
    "a mask": lambda x: x[x > 0],
    "a mask of rows": lambda x: torch.ones(3, 2, device=x.device)[x > 0],
    "masked_select": lambda x: torch.masked_select(x, x > 0),
    "a mask to write at": lambda x: torch.ones(3, device=x.device).index_put_((x > 0,), x[:2].float()),
    "repeat": torch.repeat_interleave,
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_the_stand_in_tells_nobody_a_value(ask: Callable[[torch.Tensor], object]) -> None:
    held = torch.tensor([2, 0, 1])
    ask(held)
    with pytest.raises((RuntimeError, TypeError)), Watched(META):
        ask(held.to(META))


class Watched(TorchDispatchMode):
    """Counts the operations that make something on a device, those of the backward pass among them.

    It refuses the one that `meta` grants although a GPU would have to count: to write where a mask is true.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device, self.seen = device, Counter[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(func.overloadpacket).startswith("aten.index_put") and any(
            at is not None and at.dtype == torch.bool for at in args[1]
        ):
            raise RuntimeError("how many are to be written is known to the device alone")
        made = func(*args, **(kwargs or {}))
        if any(isinstance(one, torch.Tensor) and one.device == self.device for one in tree_leaves(made)):
            self.seen[str(func.overloadpacket)] += 1
        return made


def on(tensors: PairTensors, device: torch.device) -> PairTensors:
    """The same with facts and sketch on a device; what steps are planned by stays here."""
    facts = "attributes", "texts", "numbers", "tokens"
    left, right = (
        replace(side, **{name: getattr(side, name).to(device) for name in facts}) for side in tensors.sides
    )
    return replace(tensors, left=left, right=right, sketch=tensors.sketch.to(device))


def lesson(tensors: PairTensors) -> tuple[Candidates, Labels]:
    """Every pair is a candidate; entities of one number are the same."""
    left, right = (side.numpy().astype(np.int32) for side in all_pairs(tensors))
    whole = np.ones(len(left), dtype=bool)
    labels = Labels(
        places=np.arange(len(left)),
        same=left == right,
        weight=np.linspace(0.5, 1.0, len(left), dtype=np.float32),
        folds=np.zeros(len(left), dtype=np.int32),
        known=whole,
        judging=whole,
        typical=whole,
        found=whole,
        matches=int((left == right).sum()),
    )
    return Candidates.of_pairs(left, right), labels


def taught(network: CollectiveNetwork, tensors: PairTensors, loss: Literal["binary", "margin"]) -> None:
    options = TrainingOptions(
        loss=loss, epochs=EPOCHS, steps=1, batch=13, negatives_from="mixed", farther=2, negatives=4
    )
    candidates, labels = lesson(tensors)
    rng = np.random.default_rng(0)
    train_network(network, tensors, candidates, labels, options=options, rng=rng)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many losses are looked at in each epoch, where values are asked for; here they are not."""
    seen: list[int] = []
    monkeypatch.setattr(training, "_refuse_not_finite", lambda losses: seen.append(len(losses)))
    return seen


@pytest.mark.parametrize("loss", ["binary", "margin"])
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_training_asks_its_device_for_nothing(
    options: ModelOptions,
    loss: Literal["binary", "margin"],
    looks: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Torch has no fused steps for `meta`; those for GPUs read nothing back, as the test below holds.
    monkeypatch.setattr(torch.optim, "AdamW", plain(torch.optim.AdamW))
    network = some_network(0, options).to(META)
    with Watched(META) as watched:
        taught(network, on(some_pair(0), META), loss)
    steps = sum(looks)
    assert len(looks) == EPOCHS
    assert steps >= EPOCHS * BATCHES
    assert watched.seen.total() > 300 * steps
    for one in ("_embedding_bag", "index_put", "_embedding_bag_backward", "leaky_relu_backward", "addcdiv_"):
        assert watched.seen[f"aten.{one}"] >= steps, one


def plain(optimiser: Any) -> Any:
    """An optimiser without fused steps."""
    return lambda *given, fused, **rest: optimiser(*given, **rest)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_scoring_asks_its_device_only_for_answers(options: ModelOptions) -> None:
    tensors, network = some_pair(0), some_network(0, options).to(META)
    with Watched(META) as watched:
        said = [told(out) for out in compare_all(network, on(tensors, META), *all_pairs(tensors))]
    assert sum(one.shape[1] for one in said) == 30
    assert watched.seen.total() > 100


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("loss", ["binary", "margin"])
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_a_gpu_is_never_waited_for_and_learns_the_same(
    options: ModelOptions, loss: Literal["binary", "margin"], looks: list[int]
) -> None:
    tensors, gpu = some_pair(0), torch.device("cuda:0")
    here, there = some_network(0, options), some_network(0, options).to(gpu)
    moved = on(tensors, gpu)
    torch.cuda.set_sync_debug_mode("error")
    try:
        taught(there, moved, loss)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    taught(here, tensors, loss)
    for name, weight in here.state_dict().items():
        torch.testing.assert_close(there.state_dict()[name].cpu(), weight, atol=1e-3, rtol=1e-3, msg=name)
