"""Encoders by the settings: each text is encoded once, in this run and the next; a model keeps its own."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from crossgraph.cli import app
from crossgraph.config import load_config
from crossgraph.encoding import EncodingOptions, encoder_of
from crossgraph.encoding.finding import found_model
from crossgraph.errors import CheckpointError, ConfigError, InputError, MissingExtraError
from crossgraph.explaining.answer import explain
from crossgraph.explaining.reopening import reopen
from crossgraph.graphs.changes import Changes
from crossgraph.graphs.links import Pairs
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs, align, scores_of
from crossgraph.results import read_scores
from crossgraph.serving.aligning import Aligner
from crossgraph.serving.asking import Asker
from crossgraph.serving.records import Record
from crossgraph.serving.served import Served
from crossgraph.updating.update import ChangeFiles, update
from encoding.toys import WORDS, Toy, install

if TYPE_CHECKING:
    from conftest import Pair

TOY = EncodingOptions(encoder="toy")
TEXTS = [f"{one} {other}" for one in WORDS for other in WORDS] + ["sun"] * 3
QUICK = [
    *("training.steps=2", "training.epochs=1", "training.batch=16", "model.width=16", "scorer.hidden=8"),
    *("training.scorer_steps=4", "training.scorer_epochs=1", "training.scorer_batch=16"),
    "blocking.per_entity=4",
]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy()
    install(made, monkeypatch)
    return made


def test_a_text_has_one_vector_whatever_stands_beside_it(toy):
    told: list[int] = []
    whole = encoder_of(TOY).encode(TEXTS, told.append)
    assert sorted(toy.asked) == sorted(set(TEXTS))
    assert sum(told) == len(set(TEXTS))
    assert np.linalg.norm(whole, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-3)
    order = random.Random(0).sample(range(len(TEXTS)), 20)
    some = encoder_of(EncodingOptions(encoder="toy", batch=3)).encode([TEXTS[at] for at in order])
    assert np.array_equal(some, whole[order])
    assert encoder_of(TOY).encode([]).shape[0] == 0


def test_what_is_on_disk_is_not_encoded_again(toy, tmp_path):
    whole = encoder_of(TOY, keep=tmp_path).encode(TEXTS)
    toy.asked.clear()
    assert np.array_equal(encoder_of(TOY, known=(tmp_path,)).encode(TEXTS[::-1]), whole[::-1])
    assert toy.asked == []
    kept = encoder_of(TOY, keep=tmp_path)
    kept.encode(["new", *TEXTS])
    kept.encode(["new", "sun"])
    assert toy.asked == ["new"]
    # Another model, and another prefix, are known by other names.
    encoder_of(EncodingOptions(encoder="toy", prefix="query: "), keep=tmp_path).encode(["sun"])
    assert toy.asked == ["new", "query: sun"]


def test_damaged_vectors_are_made_anew(toy, tmp_path):
    whole = encoder_of(TOY, keep=tmp_path).encode(TEXTS)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no numbers"):
        file.write_bytes(damaged)
        toy.asked.clear()
        assert np.array_equal(encoder_of(TOY, known=(tmp_path,)).encode(TEXTS), whole)
        assert len(toy.asked) == len(set(TEXTS))
    np.savez(file, keys=np.arange(2, dtype=np.uint64), vectors=np.full((2, 3), np.nan, np.float16))
    assert np.array_equal(encoder_of(TOY, known=(tmp_path,)).encode(TEXTS), whole)


def test_vectors_that_are_none_are_refused(toy, monkeypatch):
    for vectors in (np.full((1, 4), np.nan), np.zeros(4), np.zeros((2, 4))):
        monkeypatch.setattr(toy, "vectors", lambda _texts, vectors=vectors: vectors)
        with pytest.raises(InputError, match="gave no vector"):
            encoder_of(TOY).encode(["sun"])


def static_folder(folder: Path) -> Path:
    """The files of a model of static token vectors, as far as it is looked at before it is read."""
    folder.mkdir(parents=True)
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {}}}')
    (folder / "config.json").write_text("{}")
    return folder


def test_a_model_is_known_by_what_its_files_hold(tmp_path):
    one = found_model(str(static_folder(tmp_path / "one")))
    assert one.kind == "static"
    two = tmp_path / "deep" / "two"
    shutil.copytree(one.folder, two)
    (two / "README.md").write_text("hello")
    (two / ".cache").mkdir()
    (two / ".cache" / "x.json").write_text("{}")
    assert found_model(str(two)).fingerprint("") == one.fingerprint("")
    assert one.fingerprint("query: ") != one.fingerprint("")
    (two / "config.json").write_text('{"a": 1}')
    assert found_model(str(two)).fingerprint("") != one.fingerprint("")


def touched(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"model": {}}')
    return str(folder)


def test_folders_are_told_apart_by_their_files(tmp_path):
    sentences = ("modules.json", "model.safetensors", "tokenizer.json")
    for number, (names, kind, weights) in enumerate(
        (
            (("onnx/model.onnx", "tokenizer.json"), "onnx", "onnx/model.onnx"),
            (("own.onnx", "my_tokenizer.json"), "onnx", "own.onnx"),
            ((*sentences, "onnx/model.onnx"), "sentence-transformers", "model.safetensors"),
            (("modules.json", "tokenizer.json", "model.onnx"), "onnx", "model.onnx"),
        )
    ):
        folder = touched(tmp_path / str(number), *names)
        found = found_model(folder)
        assert (found.kind, found.weights) == (kind, Path(folder) / weights)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), "holds no model"),
        (("a.onnx", "b.onnx"), "holds no model"),
        (("model.onnx",), "lacks tokenizer.json"),
        (("model.onnx", "tokenizer_config.txt"), "lacks tokenizer.json"),
        (("modules.json", "model.safetensors"), "lacks tokenizer.json"),
        (("modules.json", "tokenizer.json"), "lacks model.safetensors"),
        (("modules.json", "tokenizer.json", "pytorch_model.bin"), "pickles"),
    ],
)
def test_what_a_folder_lacks_is_told(names, problem, tmp_path):
    with pytest.raises(ConfigError, match=problem) as told:
        found_model(touched(tmp_path / "model", *names) if names else str(tmp_path))
    assert told.value.hint


def test_what_is_no_model_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        found_model(str(tmp_path / "file"))
    for name in ("sentence-transformers/LaBSE", "no-such-package-at-all", "../nowhere"):
        with pytest.raises(ConfigError, match="no package of this name") as told:
            found_model(name)
        assert "never downloaded" in told.value.hint
    with pytest.raises(ConfigError, match="brings no model"):
        found_model("numpy")
    for wrong in ({"encoder": " "}, {"batch": 0}):
        with pytest.raises(ConfigError):
            EncodingOptions(**wrong)
    assert encoder_of(EncodingOptions()) is None


def test_a_library_that_is_missing_is_told_with_the_pip_line(tmp_path, monkeypatch):
    monkeypatch.setattr("crossgraph.errors.find_spec", lambda name: None)
    encoder = encoder_of(EncodingOptions(encoder=str(static_folder(tmp_path / "model"))))
    with pytest.raises(MissingExtraError) as told:
        encoder.encode(["sun"])
    assert told.value.hint == "pip install 'crossgraph[encoders]'"


@pytest.fixture(scope="module")
def installed() -> Iterator[Toy]:
    with pytest.MonkeyPatch.context() as patched:
        made = Toy()
        install(made, patched)
        yield made


@pytest.fixture(scope="module")
def inputs(tiny_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("encoded")
    (folder / "links.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in tiny_pair.truth[:9]))
    return Inputs(left=tiny_pair.write(folder / "graphs"), links=(folder / "links.tsv",))


@pytest.fixture(scope="module")
def result(inputs: Inputs, installed: Toy) -> ResultFolder:
    config = load_config(None, QUICK, encoder="toy")
    found = ResultFolder(align(inputs, inputs.left.parent / "R", config=config).path)
    assert len(installed.asked) == len(set(installed.asked)) > 0
    return found


def test_a_result_opens_again_without_encoding(result, installed):
    installed.asked.clear()
    scores, opened = read_scores(result.scores_file), reopen(result.path)
    assert opened.model.encoder == opened.preparation.description.texts.encoder != ""
    assert any(name.endswith(":meaning") for name in opened.model.rounds[0].columns)
    left, right, score = scores.select("left", "right", "score").row(0)
    assert explain(result.path, left, right).explanation.score == pytest.approx(score, abs=1e-4)
    assert len(scores_of(result.path, Pairs.of(scores["left"], scores["right"]))) == len(scores)
    assert installed.asked == []


def test_a_second_run_encodes_nothing_and_changes_nothing(result, inputs, installed, tmp_path):
    config = load_config(None, QUICK, encoder="toy")
    for name in ("one", "two"):
        installed.asked.clear()
        other = align(inputs, tmp_path / name, config=config, cache=tmp_path / "cache").path
        assert (len(installed.asked) > 0) == (name == "one")
        assert (other / "scores.parquet").read_bytes() == result.scores_file.read_bytes()


def test_an_update_encodes_what_is_new(result, installed, tmp_path):
    same = update(result.path, ChangeFiles(), tmp_path / "same").path
    assert read_scores(same / "scores.parquet").equals(read_scores(result.scores_file))
    row = reopen(result.path).preparation.graphs[0].tables().facts.row(0, named=True)
    old = {"kind": "fact", "entity": row["entity"], "name": row["attribute"], "tag": row["tag"]}
    new = [{**old, "value": "бог щёчка"}]
    none = pl.DataFrame(new).select("kind", "entity", "name", "value", "tag")
    Changes(none, none.clear()).rows().write_csv(tmp_path / "left.csv")
    installed.asked.clear()
    updated = update(result.path, ChangeFiles(tmp_path / "left.csv"), tmp_path / "new").path
    assert installed.asked == ["бог щёчка"]
    installed.asked.clear()
    reopen(updated)
    assert installed.asked == []


def test_a_service_asks_by_meaning(result, inputs, installed):
    served = Served.open(result.path, "right")
    assert Aligner(result.path).align(served.opened.preparation.graphs)["candidates"] > 0
    name = served.called[1][0]
    installed.asked.clear()
    asked = Asker(served).ask([Record(name, (), ())])
    assert set(installed.asked) <= {name}
    assert 0 in asked.named.entity
    assert asked.named.near.max() == pytest.approx(1, abs=1e-3)


def test_a_model_wants_the_encoder_that_it_was_trained_with(result, inputs, installed, monkeypatch, tmp_path):
    # Without another word its own is taken, and the new RESULT says so.
    plain, applied = load_config(None, QUICK), Inputs(left=inputs.left, model=result.path)
    other = ResultFolder(align(applied, tmp_path / "applied", config=plain).path)
    assert load_config(other.config_file).encoding == TOY
    monkeypatch.setattr(installed, "name", "changed")
    for attempt in (
        lambda: align(applied, tmp_path / "no", config=plain),
        lambda: reopen(result.path),
        lambda: update(result.path, ChangeFiles(), tmp_path / "no"),
        lambda: scores_of(result.path, Pairs.of(pl.Series(["a"]), pl.Series(["b"]))),
    ):
        with pytest.raises(CheckpointError, match="was trained with the encoder"):
            attempt()
    assert not (tmp_path / "no").exists()


def test_a_model_without_an_encoder_wants_none(inputs, installed, tmp_path):
    plain = align(inputs, tmp_path / "plain", config=load_config(None, QUICK)).path
    assert "encoder" not in json.loads((plain / "model" / "model.json").read_text())
    assert not ResultFolder(plain).vectors_folder.exists()
    config = load_config(None, QUICK, encoder="toy")
    with pytest.raises(CheckpointError, match="was trained without an encoder"):
        align(Inputs(left=inputs.left, model=plain), tmp_path / "no", config=config)


def test_a_result_whose_encoder_is_gone_says_where_to_tell(result, monkeypatch):
    monkeypatch.setattr("crossgraph.encoding.encoder.found_model", found_model)
    with pytest.raises(ConfigError, match="no package") as told:
        reopen(result.path)
    assert "config.toml" in told.value.hint


def test_a_folder_is_remembered_from_anywhere(tmp_path, monkeypatch):
    static_folder(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    assert load_config(None, encoder="model").encoding.encoder == str(tmp_path / "model")
    assert load_config(None, ["encoding.encoder=model"]).encoding.encoder == str(tmp_path / "model")
    # What stands for none stays that, whatever lies around.
    (tmp_path / "builtin").mkdir()
    assert load_config(None).encoding == EncodingOptions()


def test_the_command_line_tells_what_is_wrong(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("crossgraph.encoding.encoder.found_model", found_model)
    arguments = ["align", str(inputs.left), "--out", str(tmp_path / "R"), "--encoder", "no-such/model"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 1
    assert "no-such/model" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "R").exists()
