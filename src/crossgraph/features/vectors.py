"""Vectors of texts on disk, found by what made them and by the text: no text is encoded twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from crossgraph._claims import claimed_file, give_usual_rights
from crossgraph._types import AnyArray, Bool, UInt64
from crossgraph.errors import ResultError

_DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)


@dataclass(frozen=True, eq=False)
class VectorStore:
    """The vectors that one encoder gave.

    fingerprint   of the encoder
    folders       where vectors may be
    keep          where new ones go; None keeps none
    """

    fingerprint: str
    folders: tuple[Path, ...] = ()
    keep: Path | None = None
    _parts: list[tuple[UInt64, AnyArray]] = field(default_factory=list, repr=False)

    def recall(self, texts: Sequence[str]) -> tuple[Bool, AnyArray]:
        """(N) which texts are known, and the (K, d) float16 vectors of those."""
        keys, vectors = self._known()
        asked = _keys(texts)
        at = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
        found = keys[at] == asked if len(keys) else np.zeros(len(asked), dtype=bool)
        return found, vectors[at[found]]

    def add(self, texts: Sequence[str], vectors: AnyArray) -> None:
        """Keep the (N, d) vectors of texts that are not known yet."""
        if self.keep is None:
            return
        fresh = np.flatnonzero(~self.recall(texts)[0])
        if len(fresh):
            texts, vectors = [texts[at] for at in fresh.tolist()], vectors[fresh].astype(np.float16)
            # No more than that: a folder that somebody removed meanwhile is not made again.
            self.keep.mkdir(exist_ok=True)
            keys = _keys(texts)
            part = hashlib.sha256(keys.tobytes()).hexdigest()[:16]
            # Another run that writes the same vectors at this moment writes the same file.
            with suppress(ResultError):
                _write(self.keep / f"{self._stem}-{part}.npz", keys, vectors)
            self._parts.append(_checked(keys, vectors))

    @property
    def _stem(self) -> str:
        return f"vectors-{self.fingerprint[:32]}"

    def _known(self) -> tuple[UInt64, AnyArray]:
        """Ascending keys and their vectors."""
        parts = self._parts or self._read()
        widths = {vectors.shape[1] for _, vectors in parts}
        if len(widths) != 1:
            return np.zeros(0, dtype=np.uint64), np.zeros((0, 0), dtype=np.float16)
        if len(parts) > 1:
            keys, first = np.unique(np.concatenate([one for one, _ in parts]), return_index=True)
            parts = [(keys, np.concatenate([vectors for _, vectors in parts])[first])]
        self._parts[:] = parts
        return parts[0]

    def _read(self) -> list[tuple[UInt64, AnyArray]]:
        parts: list[tuple[UInt64, AnyArray]] = []
        for folder in dict.fromkeys((*self.folders, *([self.keep] if self.keep else []))):
            for file in sorted(folder.glob(f"{self._stem}-*.npz")):
                # What is damaged is made anew.
                with (
                    suppress(*_DAMAGED),
                    file.open("rb") as opened,
                    np.load(opened, allow_pickle=False) as stored,
                ):
                    parts.append(_checked(stored["keys"], stored["vectors"]))
        return parts


def _keys(texts: Sequence[str]) -> UInt64:
    """(N) 64 bits of each text: among a million texts two share them once in 37 million runs."""
    digests = b"".join(
        hashlib.blake2b(text.encode("utf8", "surrogatepass"), digest_size=8).digest() for text in texts
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _checked(keys: AnyArray, vectors: AnyArray) -> tuple[UInt64, AnyArray]:
    fits = keys.dtype == np.uint64 and vectors.dtype == np.float16 and vectors.shape[:-1] == keys.shape
    if not fits or not np.isfinite(vectors).all():
        raise ValueError("no keys with their vectors")
    order = np.argsort(keys)
    return keys[order], vectors[order]


def _write(file: Path, keys: UInt64, vectors: AnyArray) -> None:
    with claimed_file(file) as part:
        with part.open("wb") as out:
            np.savez(out, allow_pickle=False, keys=keys, vectors=vectors)
        give_usual_rights(part)
        part.replace(file)
