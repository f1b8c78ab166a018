"""What a run knew of each candidate when it scored it: enough to score a pair again with other facts.

Kept in a RESULT, so that reasons need neither blocking nor scoring again. Numbers only, no code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import Weighing, type_members
from crossgraph.blocking.prior import ValueTest, Weigher
from crossgraph.errors import ResultError
from crossgraph.features.closeness import random_distances
from crossgraph.features.description import Description, column_of
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.mapping import SchemaMapping

FORMAT = 5
PAIRS = ("left", "right", "name", "structure", "prior", "proposed")
MATCHED = "matched.npy"


@dataclass(frozen=True, eq=False)
class Workings:
    """What is kept of the candidates of a run.

    candidates, weighing   of blocking
    said (9, P)            what the networks say of each pair, as scorers heard it, see ``model.options.SAID``
    raw, score (R, P)      score of each round before calibration, and its log-odds
    folds (P)              the fold of a labelled pair; -1 for the others
    matched (P)            which are called the same
    """

    candidates: Candidates
    weighing: Weighing
    said: Float32
    raw: Float32
    score: Float64
    folds: Int32
    matched: Bool

    def save(self, file: Path, graphs: tuple[KnowledgeGraph, KnowledgeGraph]) -> None:
        """Write them; ``graphs`` are those whose entities the candidates number."""
        blocked, weighers = blocked_arrays(self.candidates, self.weighing)
        card = {"format": FORMAT, "graphs": [graph.fingerprint() for graph in graphs], **weighers}
        arrays: dict[str, AnyArray] = {
            **blocked,
            "said": self.said,
            "raw": self.raw,
            "score": self.score,
            "folds": self.folds.astype(np.int8),
            "card": text_array(json.dumps(card, ensure_ascii=False)),
        }
        # Not compressed: that would take longer than all else that is written.
        with file.open("wb") as out:
            np.savez(out, allow_pickle=False, **arrays)
        store_matched(self.matched, file)

    @staticmethod
    def load(
        file: Path,
        graphs: tuple[KnowledgeGraph, KnowledgeGraph],
        description: Description,
        schema: SchemaMapping,
    ) -> Workings:
        """Read what ``save`` wrote.

        Raises ResultError where the file is missing or damaged, or of other graphs than these.
        """
        arrays, card = read_arrays(file)
        try:
            _refuse_others(file, card["graphs"], graphs)
            matched = np.load(file.with_name(MATCHED), allow_pickle=False)
            return _rebuilt(arrays | {"matched": matched}, card, graphs, description, schema)
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ResultError):
                raise
            raise ResultError(f"{file} cannot be read: {error}", hint="align again") from error


def store_matched(matched: Bool, file: Path) -> None:
    """Write which candidates are called the same, beside the workings, which no threshold changes."""
    with file.with_name(MATCHED).open("wb") as out:
        np.save(out, matched, allow_pickle=False)


def read_arrays(file: Path) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """The arrays that ``Workings.save`` wrote, and the card about them.

    Raises ResultError where the file is missing or damaged.
    """
    require_workings(file)
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            arrays = dict(stored)
        card = json.loads(array_text(arrays["card"]))
        if card["format"] != FORMAT:
            raise ResultError(
                f"{file} is of format {card['format']!r}; this version reads {FORMAT}", hint="align again"
            )
        return arrays, card
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        if isinstance(error, ResultError):
            raise
        raise ResultError(f"{file} cannot be read: {error}", hint="align again") from error


def text_array(text: str) -> AnyArray:
    """A text as bytes, for a file of arrays."""
    return np.frombuffer(text.encode(), dtype=np.uint8)


def array_text(array: AnyArray) -> str:
    """The text of ``text_array``."""
    return array.tobytes().decode()


def blocked_arrays(candidates: Candidates, weighing: Weighing) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """Candidates and what weighed them, as arrays and as a card for JSON; ``rebuilt_blocked`` undoes it."""
    alike = weighing.similarity.tocsr()
    arrays = {
        **{name: getattr(candidates, name) for name in PAIRS},
        "alike": alike.data,
        "alike_right": alike.indices,
        "alike_starts": alike.indptr,
        "left_lengths": weighing.lengths[0],
        "right_lengths": weighing.lengths[1],
    }
    pools = [_card_of(weigher) for _, weigher in weighing.pools]
    asked = None if weighing.asked is None else _card_of(weighing.asked)
    return arrays, {"anyhow": weighing.anyhow, "pools": pools, "asked": asked}


def rebuilt_blocked(
    arrays: dict[str, AnyArray],
    card: dict[str, Any],
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    description: Description,
    schema: SchemaMapping,
) -> tuple[Candidates, Weighing]:
    """What ``blocked_arrays`` took apart. Raises KeyError, TypeError or ValueError where it does not fit."""
    shape = len(graphs[0]), len(graphs[1])
    count = len(arrays["left"])
    if any(arrays[name].shape != (count,) for name in PAIRS):
        raise ValueError("its columns are of different lengths")
    alike = sparse.csr_matrix((arrays["alike"], arrays["alike_right"], arrays["alike_starts"]), shape=shape)
    members = [sides for _, sides in type_members(*graphs, schema)]
    weighers = [weigher_from(one, description) for one in card["pools"]]
    weighing = Weighing(
        similarity=alike,
        anyhow=float(card["anyhow"]),
        lengths=(arrays["left_lengths"], arrays["right_lengths"]),
        pools=tuple(zip(members, weighers, strict=True)),
        asked=None if card["asked"] is None else weigher_from(card["asked"], description),
    )
    return Candidates(*(arrays[name] for name in PAIRS)), weighing


def require_workings(file: Path) -> None:
    """Raise ResultError where a RESULT keeps nothing for reasons."""
    if not file.is_file():
        raise ResultError(f"{file} is missing: the RESULT cannot be explained", hint="align again")


def refuse_changed(file: Path, graphs: tuple[KnowledgeGraph, KnowledgeGraph], *, hint: str) -> None:
    """Raise ResultError, with a way out, where graphs are others than those that a run was of.

    The workings need not be there, nor be of this version; raises ResultError where they are damaged.
    """
    if not file.is_file():
        return
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            made_of = json.loads(array_text(stored["card"]))["graphs"]
        _refuse_others(file, made_of, graphs, hint=hint)
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        if isinstance(error, ResultError):
            raise
        raise ResultError(f"{file} cannot be read: {error}", hint="align again") from error


def _refuse_others(
    file: Path,
    made_of: list[str],
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    *,
    hint: str = "put the old one back, or align again",
) -> None:
    for side, graph, one in zip(("left", "right"), graphs, made_of, strict=True):
        if graph.fingerprint() != one:
            raise ResultError(
                f"the {side} graph has changed since {file.parent.parent} was made of it", hint=hint
            )


def _rebuilt(
    arrays: dict[str, AnyArray],
    card: dict[str, Any],
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    description: Description,
    schema: SchemaMapping,
) -> Workings:
    count = len(arrays["left"])
    if any(arrays[name].shape[-1:] != (count,) for name in ("said", "raw", "score", "folds", "matched")):
        raise ValueError("its columns are of different lengths")
    candidates, weighing = rebuilt_blocked(arrays, card, graphs, description, schema)
    return Workings(
        candidates=candidates,
        weighing=weighing,
        said=arrays["said"],
        raw=arrays["raw"],
        score=arrays["score"],
        folds=arrays["folds"].astype(np.int32),
        matched=arrays["matched"],
    )


def _card_of(weigher: Weigher) -> dict[str, Any]:
    tests = [
        {"left": test.left.name, "right": test.right.name, "weights": test.weights.tolist()}
        for test in weigher.tests
    ]
    return {"slope": weigher.slope, "middle": weigher.middle, "tests": tests}


def weigher_from(card: dict[str, Any], description: Description) -> Weigher:
    """What weighed pairs, from its card. Raises ValueError where the description lacks an attribute of it."""
    tests = []
    for one in card["tests"]:
        left = column_of(description.left, one["left"])
        right = column_of(description.right, one["right"])
        if left is None or right is None:
            raise ValueError(f"no attributes {one['left']!r} and {one['right']!r}")
        tests.append(ValueTest(left, right, random_distances(left, right), np.array(one["weights"])))
    return Weigher(tuple(tests), float(card["slope"]), float(card["middle"]))
