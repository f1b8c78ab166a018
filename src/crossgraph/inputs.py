"""What a run reads, and what its RESULT remembers of it, so that it can be gone on with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._types import Bool, Int32
from crossgraph.config import Config, load_config
from crossgraph.encoding import encoder_of, require_encoder
from crossgraph.errors import ConfigError, InputError, ResultError
from crossgraph.features.meaning import TextEncoder
from crossgraph.graphs.links import Links, read_links, read_pairs
from crossgraph.graphs.parquet import store_parquet
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs, Known
from crossgraph.progress import Progress
from crossgraph.schema.seeds import EntityPairs
from crossgraph.sources import Inputs, digest, inputs_of

__all__ = [
    "Inputs",
    "config_of",
    "digest",
    "encoder_for",
    "finished_report",
    "inputs_card",
    "inputs_of",
    "known_links",
    "labelled_pairs",
    "links_known",
    "read_card",
    "store_known",
    "store_links",
    "stored_known",
    "stored_links",
]


def inputs_card(inputs: Inputs) -> dict[str, Any]:
    """The inputs for ``report.json``: absolute paths, and a digest of what they hold."""
    model = ResultFolder(inputs.model).model_files if inputs.model else ()
    files = (inputs.left, inputs.right, *inputs.links, *inputs.pairs, inputs.schema, *model)
    return {
        "verb": inputs.verb,
        "digest": digest([path for path in files if path is not None]),
        "pairs": [str(path.absolute()) for path in inputs.pairs],
        "left": str(inputs.left.absolute()),
        "right": str(inputs.right.absolute()) if inputs.right else None,
        "links": [str(path.absolute()) for path in inputs.links],
        "schema": str(inputs.schema.absolute()) if inputs.schema else None,
        "model": str(inputs.model.absolute()) if inputs.model else None,
        "read": asdict(inputs.read),
        "rdf": list(inputs.are_rdf()),
    }


def finished_report(folder: ResultFolder, inputs: Inputs, config: Config) -> dict[str, Any] | None:
    """The report of a RESULT that is there already; None where there is none.

    Raises ResultError where it is of other inputs or settings.
    """
    if not folder.is_result():
        return None
    try:
        report = folder.read_report()
    except ResultError as error:
        raise ResultError(
            f"{folder.path} has no report that can be read", hint="--force makes it anew"
        ) from error
    same = report.get("inputs") == json.loads(json.dumps(inputs_card(inputs)))
    if not same or config_of(folder) != config:
        what = "settings" if same else "inputs"
        raise ResultError(
            f"{folder.path} was made with other {what}", hint="--force replaces it, or choose another --out"
        )
    return report


def read_card(folder: ResultFolder) -> dict[str, Any]:
    """What a RESULT's report says of its inputs. Raises ResultError where it says nothing."""
    try:
        card: dict[str, Any] = folder.read_report()["inputs"]
    except (ResultError, KeyError) as error:
        raise ResultError(f"{folder.report_file} does not tell what the result is of: {error}") from error
    return card


def config_of(folder: ResultFolder) -> Config:
    """The settings that a RESULT was made with. Raises ResultError where it is none."""
    if not folder.config_file.is_file():
        raise ResultError(f"{folder.path} is no RESULT: it has no {folder.config_file.name}")
    return load_config(folder.config_file)


def encoder_for(folder: ResultFolder, config: Config, fingerprint: str) -> TextEncoder | None:
    """The encoder that a RESULT was made with, with the vectors that it keeps.

    fingerprint   of the encoder by which its model knows texts

    Raises ConfigError where there is no such encoder any more, and CheckpointError where it is another one.
    """
    try:
        encoder = encoder_of(config.encoding, known=(folder.vectors_folder,))
    except ConfigError as error:
        hint = f"put it back, or say under [encoding] in {folder.config_file} where it is now"
        raise ConfigError(error.problem, hint=hint) from error
    require_encoder(encoder, fingerprint, f"the model of {folder.path}")
    return encoder


def store_known(known: Known, graphs: Graphs, stage: ResultFolder) -> None:
    """Keep what was known, as identifiers, beside the model."""
    _store(known, graphs, stage.known_file)


def store_links(links: Known, graphs: Graphs, stage: ResultFolder) -> None:
    """Keep what was known before anybody answered, so that an answer may be taken back."""
    _store(links, graphs, stage.linked_file)


def _store(known: Known, graphs: Graphs, file: Path) -> None:
    pairs = known.pairs
    table = pl.DataFrame(
        {
            "left": graphs[0].ids.gather(pairs.left.astype(np.int64)),
            "right": graphs[1].ids.gather(pairs.right.astype(np.int64)),
            "same": np.arange(len(pairs)) < len(known.same),
        }
    )
    store_parquet(table, file)


def stored_known(folder: ResultFolder, graphs: Graphs) -> Known:
    """What a RESULT's run knew, as numbers of these graphs."""
    return _stored(folder.known_file, graphs)


def stored_links(folder: ResultFolder, graphs: Graphs) -> Known:
    """What a RESULT's run knew, without what people answered about it."""
    return _stored(folder.linked_file if folder.linked_file.is_file() else folder.known_file, graphs)


def _stored(file: Path, graphs: Graphs) -> Known:
    if not file.is_file():
        return Known.nothing()
    table = pl.read_parquet(file)
    left, right = graphs[0].positions(table["left"]), graphs[1].positions(table["right"])
    pairs = EntityPairs.of(left, right)
    there, same = (left >= 0) & (right >= 0), table["same"].to_numpy()
    return Known(pairs.take(there & same), pairs.take(there & ~same))


def known_links(files: tuple[Path, ...], graphs: Graphs, progress: Progress) -> Known:
    """Read link files and find their entities; no files mean nothing is known."""
    return links_known(read_links(*files), graphs, progress) if files else Known.nothing()


def links_known(links: Links, graphs: Graphs, progress: Progress) -> Known:
    """Find the entities of links. Raises LinksError naming all that are in no graph."""
    resolved = links.resolve(*graphs)
    for note in resolved.notes:
        progress.note(note)
    same, different = resolved.positives(), resolved.negatives()
    return Known(EntityPairs.of(same[:, 0], same[:, 1]), EntityPairs.of(different[:, 0], different[:, 1]))


def labelled_pairs(files: tuple[Path, ...], graphs: Graphs, progress: Progress) -> tuple[Int32, Int32, Bool]:
    """(P) left, (P) right, (P) label of files of labelled pairs, as numbers of these graphs.

    Raises InputError where labels are missing, contradict each other, or are all alike.
    """
    left, right, same = [], [], []
    for file in files:
        pairs = read_pairs(file)
        if pairs.label is None:
            raise InputError(f"{file} has no labels", hint="add a third column with 0 or 1 in every row")
        places = pairs.resolve(*graphs)
        for note in places.notes:
            progress.note(note)
        left.append(places.left)
        right.append(places.right)
        same.append(pairs.label)
    ends, label = (np.concatenate(left), np.concatenate(right)), np.concatenate(same)
    _refuse_labels(files, ends, label)
    return (*ends, label)


def _refuse_labels(files: tuple[Path, ...], ends: tuple[Int32, Int32], label: Bool) -> None:
    """Refuse labels that teach nothing, or that contradict each other."""
    what = " and ".join(map(str, files))
    if label.all() or not label.any():
        missing, given = ("0", "1") if label.all() else ("1", "0")
        raise InputError(
            f"all {len(label):,} labels of {what} are {given}", hint=f"add pairs that are labelled {missing}"
        )
    keys = ends[0].astype(np.int64) << 32 | ends[1]
    both = np.intersect1d(keys[label], keys[~label])
    if len(both):
        raise InputError(
            f"{len(both):,} pairs of {what} are labelled both 0 and 1", hint="keep one label for each pair"
        )
