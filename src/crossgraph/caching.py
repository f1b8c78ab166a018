"""Finished stages on disk, each found by what it was made of.

A run that was killed goes on behind its last finished stage or kept epoch, and a run with other settings
repeats only what they change. Arrays alone are kept, without pickles, so that a file from elsewhere cannot
run code.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BufferedWriter
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from crossgraph._space import IN_MEMORY, PassingFile, Space, let_go
from crossgraph._types import AnyArray, Vectors
from crossgraph.errors import CrossgraphError, ResultError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.description import Description
from crossgraph.preparation import Graphs, Proposed
from crossgraph.results import write_whole
from crossgraph.schema.mapping import parse_schema
from crossgraph.schema.seeds import BELIEVED, EntityPairs
from crossgraph.stages import StageCost
from crossgraph.training import NOT_KEPT, Epochs, State
from crossgraph.workings import array_text, blocked_arrays, rebuilt_blocked, text_array

Arrays: TypeAlias = dict[str, AnyArray]
T = TypeVar("T")

# Between two epochs that are kept of a training.
LEAST_SECONDS = 5.0
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, BadZipFile, CrossgraphError)


@dataclass(frozen=True)
class Form(Generic[T]):
    """How the output of a stage becomes named arrays, and is had back."""

    pack: Callable[[T], Arrays]
    unpack: Callable[[Arrays], T]


@dataclass(frozen=True)
class StageCache:
    """Outputs of stages in a folder.

    folder    where they lie; None keeps none
    made_of   what all of them depend on
    """

    folder: Path | None = None
    made_of: str = ""

    def on(self, *parts: object) -> StageCache:
        """The same folder, for stages that depend on these too: arrays, texts, numbers, frozen options."""
        if self.folder is None:
            return self
        total = hashlib.sha256(self.made_of.encode())
        for part in parts:
            if isinstance(part, np.ndarray):
                total.update(f"{part.dtype}{part.shape}".encode())
                total.update(np.ascontiguousarray(part).data)
            else:
                total.update(repr(part).encode())
            total.update(b"\0")
        return replace(self, made_of=total.hexdigest())

    def has(self, stage: str) -> bool:
        """Whether there is an output; it may turn out to be damaged."""
        file = self._file(stage)
        return file is not None and file.is_file()

    def recall(self, stage: str, make: Callable[[], T], form: Form[T], *, row: StageCost) -> T:
        """The output of a stage from disk, or else made and kept.

        row   the stage's row in the report, which tells that it was reused
        """
        file = self._file(stage)
        if file is None:
            return make()
        with suppress(*DAMAGED):
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                found = form.unpack(dict(stored))
            row["reused"] = True
            return found
        made = make()
        _store(form.pack(made), file)
        return made

    def epochs(self, stage: str, parts: int) -> tuple[Epochs, ...]:
        """Where so many parts of a stage keep their epochs until it is finished."""
        file = self._file(stage)
        if file is None:
            return (NOT_KEPT,) * parts
        return tuple(EpochFile(file.with_suffix(f".{part}.unfinished")) for part in range(parts))

    def _file(self, stage: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{stage}-{self.made_of[:32]}.npz"


NO_CACHE = StageCache()


@dataclass
class EpochFile(Epochs):
    """The last epoch of a training in a file, kept when so many seconds have passed since the one before."""

    path: Path
    since: float = field(default_factory=time.monotonic)

    def had(self) -> State | None:
        """What was kept last; nothing where that is damaged."""
        with (
            suppress(*DAMAGED),
            self.path.open("rb") as opened,
            np.load(opened, allow_pickle=False) as stored,
        ):
            arrays = dict(stored)
            found: State = _unpacked(json.loads(array_text(arrays.pop("card"))), arrays)
            return found
        return None

    def keep(self, state: Callable[[], State]) -> None:
        """Take what an epoch has led to, if the last one is long ago; a run may do without."""
        if time.monotonic() - self.since < LEAST_SECONDS:
            return
        arrays: Arrays = {}
        card = json.dumps(_packed(state(), arrays))
        with suppress(OSError):
            _write({**arrays, "card": text_array(card)}, self.path)
        self.since = time.monotonic()

    def drop(self) -> None:
        """The training has come to its end."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _packed(value: Any, arrays: Arrays) -> list[Any]:
    """What JSON can hold of nested numbers, texts and tensors, these by the names of arrays."""
    if isinstance(value, Tensor):
        name = f"tensor.{len(arrays)}"
        arrays[name] = value.detach().cpu().numpy()
        return ["tensor", name]
    if isinstance(value, dict):
        # With their own keys, which are numbers too.
        return ["dict", [[key, _packed(held, arrays)] for key, held in value.items()]]
    if isinstance(value, list | tuple):
        return ["list", [_packed(held, arrays) for held in value]]
    return ["plain", value]


def _unpacked(packed: list[Any], arrays: Arrays) -> Any:
    kind, held = packed
    if kind == "tensor":
        return torch.from_numpy(arrays[held])
    if kind == "dict":
        return {key: _unpacked(one, arrays) for key, one in held}
    return [_unpacked(one, arrays) for one in held] if kind == "list" else held


def _store(arrays: Arrays, file: Path) -> None:
    _write(arrays, file)
    for array in arrays.values():
        let_go(array)


def _write(arrays: Arrays, file: Path) -> None:
    def write(part: Path) -> None:
        with BufferedWriter(PassingFile(part, "wb")) as out:
            np.savez(out, allow_pickle=False, **arrays)

    # No more than that: a folder that somebody removed meanwhile is not made again.
    file.parent.mkdir(exist_ok=True)
    # Another run that writes the same output at this moment writes the same bytes.
    with suppress(ResultError):
        write_whole(file, write)


def proposed_form(graphs: Graphs, description: Description) -> Form[Proposed]:
    """Of a schema mapping and candidates of these graphs."""

    def pack(proposed: Proposed) -> Arrays:
        arrays, card = blocked_arrays(proposed.candidates, proposed.weighing)
        text = json.dumps({**card, "schema": proposed.schema.to_toml()}, ensure_ascii=False)
        pairs = {"unseen": proposed.unseen, "judged": proposed.judged}
        told = {name: np.stack([one.left, one.right]) for name, one in pairs.items()}
        return {**arrays, **told, "card": text_array(text)}

    def unpack(arrays: Arrays) -> Proposed:
        card = json.loads(array_text(arrays["card"]))
        schema = parse_schema(card["schema"], Path("schema.toml"))
        blocked = rebuilt_blocked(arrays, card, graphs, description, schema)
        left, right = arrays["judged"]
        judged = EntityPairs.of(left, right, BELIEVED)
        return Proposed(schema, *blocked, judged, EntityPairs.of(*arrays["unseen"]))

    return Form(pack, unpack)


def evidence_form(pairs: int, space: Space = IN_MEMORY) -> Form[EvidenceTable]:
    """Of the evidence of so many pairs, which is to lie in that space."""

    def pack(table: EvidenceTable) -> Arrays:
        blocks = {f"block.{place}": block for place, block in enumerate(table.blocks)}
        return {"names": text_array(json.dumps(table.names)), **blocks}

    def unpack(arrays: Arrays) -> EvidenceTable:
        names = tuple(json.loads(array_text(arrays.pop("names"))))
        table = EvidenceTable(names, tuple(space.held(arrays.pop(name)) for name in list(arrays)))
        if len(table) != pairs:
            raise ValueError(f"{len(table)} rows for {pairs} pairs")
        return table

    return Form(pack, unpack)


def opinions_form(pairs: int, space: Space = IN_MEMORY) -> Form[tuple[EvidenceTable, Vectors]]:
    """Of what networks say of so many pairs, and of the vectors of the entities that they saw."""
    evidence = evidence_form(pairs, space)

    def pack(heard: tuple[EvidenceTable, Vectors]) -> Arrays:
        table, vectors = heard
        seen = {
            f"vectors.{at}.{side}": own for at, both in enumerate(vectors) for side, own in enumerate(both)
        }
        return {**evidence.pack(table), **seen}

    def unpack(arrays: Arrays) -> tuple[EvidenceTable, Vectors]:
        seen = sum(name.startswith("vectors.") for name in arrays) // 2
        vectors = tuple((arrays.pop(f"vectors.{at}.0"), arrays.pop(f"vectors.{at}.1")) for at in range(seen))
        return evidence.unpack(arrays), vectors

    return Form(pack, unpack)


Module = TypeVar("Module", bound=nn.Module)


def modules_form(fresh: Callable[[], Sequence[Module]], device: str) -> Form[tuple[Module, ...]]:
    """Of trained modules; ``fresh`` makes as many of the same shapes."""

    def pack(modules: tuple[Module, ...]) -> Arrays:
        return {
            f"{number}.{name}": tensor.detach().cpu().numpy()
            for number, module in enumerate(modules)
            for name, tensor in module.state_dict().items()
        }

    def unpack(arrays: Arrays) -> tuple[Module, ...]:
        modules = tuple(fresh())
        for number, module in enumerate(modules):
            start = f"{number}."
            state = {
                name.removeprefix(start): torch.from_numpy(array)
                for name, array in arrays.items()
                if name.startswith(start)
            }
            module.load_state_dict(state)
            module.to(device).eval()
        return modules

    return Form(pack, unpack)
