"""The files that a run reads, and how a RESULT tells which they were."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossgraph.errors import ResultError
from crossgraph.graphs import ReadOptions, TableOptions
from crossgraph.graphs.readers import is_rdf
from crossgraph.layout import ResultFolder


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a run reads.

    left, right   graphs; one folder may stand for both
    links         files of known links
    schema        an edited schema mapping
    model         a RESULT whose model is to be applied
    verb, pairs   the command, and the labelled pairs that it learned from
    rdf           whether the graphs came from RDF, where their files do not tell any more
    """

    left: Path
    right: Path | None = None
    links: tuple[Path, ...] = ()
    schema: Path | None = None
    model: Path | None = None
    verb: str = "align"
    pairs: tuple[Path, ...] = ()
    read: ReadOptions = field(default_factory=ReadOptions)
    rdf: tuple[bool, bool] | None = None

    def are_rdf(self) -> tuple[bool, bool]:
        """Whether the left and the right graph came from RDF."""
        return self.rdf or (is_rdf(self.left), is_rdf(self.right or self.left))


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 over the contents of files, and of the files in folders (by name), in the given order."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(file.name.encode())
            with file.open("rb") as content:
                total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


def inputs_of(folder: ResultFolder) -> Inputs:
    """The graphs that a RESULT was made of, with its schema mapping."""
    try:
        card = folder.read_report()["inputs"]
        tables, from_iri = _table_options(card["read"]["tables"]), card["read"]["names_from_iri"]
        declarations = bool(card["read"].get("declarations"))
        read = ReadOptions(
            tables=tables, names_from_iri=from_iri, declarations=declarations, all_columns=False
        )
        # Graphs that an update has left lie in the RESULT, and are told from there.
        right = folder.path / card["right"] if card["right"] else None
        left, rdf = folder.path / card["left"], card.get("rdf")
        told = None if rdf is None else (bool(rdf[0]), bool(rdf[1]))
        return Inputs(left=left, right=right, schema=folder.schema_file, read=read, rdf=told)
    except (ResultError, ValueError, LookupError, TypeError) as error:
        if folder.pairs_folder.is_dir():
            raise ResultError(
                f"{folder.path} is of more than two graphs",
                hint=f"give a pair of them, such as {folder.pairs_folder / '1-2'}",
            ) from error
        raise ResultError(
            f"{folder.report_file} does not tell what graphs the result is of: {error}",
            hint="name them with --graphs LEFT RIGHT",
        ) from error


def _table_options(told: dict[str, Any]) -> TableOptions:
    """Options as a report tells them; one of an earlier version has at most one ``id_column``."""
    ids = told["id_columns"] if "id_columns" in told else filter(None, [told["id_column"]])
    rest = {name: told[name] for name in ("split", "type_name")}
    return TableOptions(id_columns=tuple(ids), entity_columns=tuple(told["entity_columns"]), **rest)
