"""The encoder that the settings name: what it is asked for, in which batches, and what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossgraph._types import AnyArray, Float32
from crossgraph.encoding.finding import Found, found_model
from crossgraph.encoding.models import Model, loaded
from crossgraph.errors import CheckpointError, ConfigError, InputError
from crossgraph.features.meaning import TextEncoder
from crossgraph.features.vectors import VectorStore
from crossgraph.progress import Advance, unwatched

BUILT_IN = "builtin"
# Texts that are encoded between two times that vectors are put on disk.
SPAN = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodingOptions:
    """Who says what texts mean, beside the n-grams that always count.

    encoder   builtin (n-grams alone), the folder of a model, or an installed package that brings one
    prefix    what a model wants to be put before each text, such as "query: " for E5
    batch     texts encoded at once, at most (count)
    """

    encoder: str = BUILT_IN
    prefix: str = ""
    batch: int = 64

    def __post_init__(self) -> None:
        if not self.encoder.strip():
            raise ConfigError("[encoding] encoder is empty", hint="use builtin, a folder or a package")
        if self.batch < 1:
            raise ConfigError(f"[encoding] batch = {self.batch}", hint="use 1 or more")


def encoder_of(
    options: EncodingOptions, *, known: tuple[Path, ...] = (), keep: Path | None = None
) -> TextEncoder | None:
    """The encoder of the settings; None for the built-in n-grams.

    Its files are only looked for and summed up: they are read when there is a text that is not known.

    known    folders with vectors of texts that were encoded before
    keep     where vectors of others go; they are known to the next run

    Raises ConfigError where there is no such model, or files of it are missing, and MissingExtraError where a
    library that reads it is.
    """
    if options.encoder == BUILT_IN:
        return None
    found = found_model(options.encoder)
    return _Encoder(found, options, VectorStore(found.fingerprint(options.prefix), known, keep))


def require_encoder(encoder: TextEncoder | None, fingerprint: str, what: str) -> None:
    """Raise CheckpointError unless texts are encoded as a model knows them.

    fingerprint   of the encoder of the model; empty for n-grams alone
    what          is to be read with it
    """
    given = "" if encoder is None else encoder.fingerprint
    if given == fingerprint:
        return
    if not fingerprint:
        raise CheckpointError(
            f"{what} was trained without an encoder", hint="leave --encoder out, or train it with one"
        )
    raise CheckpointError(
        f"{what} was trained with the encoder {fingerprint[:12]}, and this one is {given[:12] or BUILT_IN}: "
        "its vectors would not mean the same",
        hint="name the folder or package that it was trained with, with the same files, or train again",
    )


@dataclass(frozen=True, eq=False)
class _Encoder:
    """Encodes distinct texts, those of a length together, unless their vectors are known."""

    found: Found
    options: EncodingOptions
    store: VectorStore

    @property
    def fingerprint(self) -> str:
        """Of the files of the model, and of what is put before texts."""
        return self.store.fingerprint

    def encode(self, texts: Sequence[str], advance: Advance = unwatched) -> Float32:
        """See ``TextEncoder``."""
        # A batch of one length has hardly any padding, and is the same whatever the order of texts was.
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        known, vectors = self.store.recall(distinct)
        advance(int(known.sum()))
        parts = [vectors]
        fresh = [text for text, there in zip(distinct, known.tolist(), strict=True) if not there]
        for start in range(0, len(fresh), SPAN):
            span = fresh[start : start + SPAN]
            parts.append(self._encoded(loaded(self.found), span, advance))
            self.store.add(span, parts[-1])
        wide = [part for part in parts if len(part)]
        if not wide:
            return np.zeros((len(texts), 1), dtype=np.float32)
        rows = np.empty(len(distinct), dtype=np.int64)
        rows[np.flatnonzero(known)] = np.arange(known.sum())
        rows[np.flatnonzero(~known)] = np.arange(known.sum(), len(distinct))
        number = {text: int(row) for text, row in zip(distinct, rows.tolist(), strict=True)}
        return np.concatenate(wide)[[number[text] for text in texts]].astype(np.float32)

    def _encoded(self, model: Model, texts: Sequence[str], advance: Advance) -> AnyArray:
        parts = []
        for start in range(0, len(texts), self.options.batch):
            batch = [self.options.prefix + text for text in texts[start : start + self.options.batch]]
            vectors = np.asarray(model.vectors(batch), dtype=np.float32)
            if vectors.ndim != 2 or len(vectors) != len(batch) or not np.isfinite(vectors).all():
                raise InputError(
                    f"the encoder {self.options.encoder} gave no vector, or none of numbers, for one of "
                    f"{len(batch)} texts that begin with {batch[0][:40]!r}",
                    hint="use another model",
                )
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            # Half precision, as vectors are kept: whether one was remembered must make no difference.
            parts.append(np.divide(vectors, lengths, out=vectors, where=lengths > 0).astype(np.float16))
            advance(len(batch))
        return np.concatenate(parts)
