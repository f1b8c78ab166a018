"""The RESULT folder: what lies in it, and how it is written so that it appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl

from crossgraph import __version__
from crossgraph._claims import claimed_file, claimed_folder, give_usual_rights
from crossgraph._types import Float32
from crossgraph.errors import Fault, FaultsError, ResultError
from crossgraph.graphs._reading import PARQUET_ERRORS, read_text
from crossgraph.graphs.parquet import store_parquet
from crossgraph.graphs.sssom_format import (
    TOOL,
    Header,
    expand_id,
    header_lines,
    parse_header,
    parse_rows,
    prefix_map,
    write_ids,
)
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches

SCORE_COLUMNS = ("left", "right", "type", "score", "probability")
NAME_COLUMN = "name"
Predicate: TypeAlias = Literal["skos:exactMatch", "owl:sameAs"]

# Several kinds of signs together decided, which is what SEMAPV calls a composite matching process.
_JUSTIFICATION = "semapv:CompositeMatching"


@dataclass(frozen=True, kw_only=True, slots=True)
class SssomOptions:
    """What the SSSOM file says beside its pairs.

    predicate        skos:exactMatch, or owl:sameAs where the entities are individuals
    license          the IRI of a licence
    mapping_set_id   the IRI of the set; "" takes a UUID of the content, the same for the same matches
    mapping_date     a date like 2026-01-31; "" leaves it out, so that equal runs give equal bytes
    """

    predicate: Predicate = "skos:exactMatch"
    license: str = "https://w3id.org/sssom/license/unspecified"
    mapping_set_id: str = ""
    mapping_date: str = ""


def prepare_result(path: Path | str, *, force: bool, resume: bool | None = None) -> ResultFolder:
    """The RESULT folder at ``path``, checked to be writable; nothing is created or removed yet.

    resume   go on with a RESULT that is there; None where the caller cannot

    Raises ResultError if it exists and neither ``force`` (replace it) nor ``resume`` is given; if both are;
    if it is a file, or a folder of something else, which not even ``force`` replaces; if the folder around
    it cannot be written; or if another run is putting a RESULT there. A RESULT that a run which died had
    moved out of the way is put back first.
    """
    folder = ResultFolder(Path(path))
    if force and resume:
        raise ResultError("--force and --resume exclude each other", hint="give one of them")
    parent = next(above for above in folder.path.absolute().parents if above.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ResultError(
            f"{folder.path} cannot be written: {parent} is no writable folder", hint="choose another --out"
        )
    put_back(folder.path)
    if _occupied(folder.path):
        _refuse_foreign(folder)
        if not (force or resume):
            going_on = "" if resume is None else "--resume goes on with it, "
            raise ResultError(
                f"{folder.path} holds a result already",
                hint=f"--force replaces it, {going_on}or choose another --out",
            )
    return folder


def existing_result(path: Path | str) -> ResultFolder:
    """The RESULT at ``path``. Raises ResultError where there is none."""
    folder = ResultFolder(Path(path))
    if not folder.is_result():
        raise ResultError(f"{folder.path} is no RESULT", hint="give a folder of crossgraph align")
    return folder


def put_back(path: Path | str) -> None:
    """Put a RESULT back that a run which died had moved out of the way; without one, nothing is done.

    Raises ResultError if another run is putting a RESULT there.
    """
    target = Path(path).absolute()
    if _old(target).exists():
        with claimed_folder(target):
            _put_back(target)


@contextmanager
def staging(path: Path | str, *, replace: bool = False, resumable: bool = False) -> Iterator[ResultFolder]:
    """A hidden folder beside ``path`` to write a whole RESULT into; it is renamed to ``path`` at the end.

    If the block raises or the process dies, ``path`` is as it was before; what a process that died left
    hidden goes with the next run. Only one run at a time can stage the same ``path``.

    replace     an existing RESULT at ``path`` is exchanged for the new one, at the end; what people decided
                about it, and files that no run wrote, go over into the new one
    resumable   what stages a run before had finished (``stages_folder``) is there, and stays when the block
                raises
    raises      ResultError if ``path`` is occupied and not ``replace``, or is not a RESULT, or if another run
                is staging it
    """
    target = Path(path).absolute()
    _refuse_occupied(target, replace)
    with claimed_folder(target, keep=resumable) as stage:
        _put_back(target)
        if resumable:
            _keep_stages(ResultFolder(stage))
        yield ResultFolder(stage)
        _refuse_occupied(target, replace)
        shutil.rmtree(ResultFolder(stage).stages_folder, ignore_errors=True)
        _publish(stage, target)


def write_whole(path: Path | str, writer: Callable[[Path], object]) -> None:
    """Let ``writer`` write a hidden file beside ``path``, and put it in place when it is whole and on disk.

    If the writer raises, ``path`` is as it was before. Raises what the writer raises, OSError, and
    ResultError if another run is writing ``path``.
    """
    write_together({Path(path): writer})


def write_together(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write several files that belong together; none is put in place before all are whole and on disk.

    The later ones are about the first, so they never stand beside another one than theirs: at any moment the
    first is there, old or new, with its own or without. Raises as ``write_whole``.
    """
    with ExitStack() as claims:
        parts = {target: claims.enter_context(claimed_file(target)) for target in writers}
        for target, part in parts.items():
            writers[target](part)
            give_usual_rights(part)
            _sync(part)
        for target in list(parts)[1:]:
            target.unlink(missing_ok=True)
        for target, part in parts.items():
            part.replace(target)
    for folder in {target.parent for target in writers}:
        _sync(folder)


def write_scores(matches: Matches, path: Path | str, *, names: Float32 | None = None) -> None:
    """Every scored pair as Parquet: left, right, type, score, probability, highest probability first.

    names (P)   cosine of the names of each row of ``matches``, kept as a column ``name``: the baseline
                that every evaluation prints beside the result
    """
    kept = matches if names is None else Matches(matches.table.with_columns(name=pl.Series(names)))
    columns = SCORE_COLUMNS if names is None else (*SCORE_COLUMNS, NAME_COLUMN)
    table = kept.ranked().select(columns)
    write_whole(path, lambda part: store_parquet(table, part))


def read_name_scores(path: Path | str) -> pl.DataFrame | None:
    """What names alone would say: left, right, type and their cosine as probability; None where not kept."""
    table = pl.read_parquet(path)
    if NAME_COLUMN not in table.columns:
        return None
    return table.select("left", "right", "type", probability=pl.col(NAME_COLUMN).cast(pl.Float64))


def read_scores(path: Path | str) -> pl.DataFrame:
    """The table that ``write_scores`` wrote. Raises ResultError if it is missing or not such a table."""
    try:
        return pl.read_parquet(path).select(SCORE_COLUMNS)
    except FileNotFoundError:
        raise ResultError(f"{path} is missing", hint="give a RESULT folder of crossgraph align") from None
    except PARQUET_ERRORS as error:
        raise ResultError(
            f"{path} is no table of scores: {error}", hint="run crossgraph align again"
        ) from error


def write_sssom(matches: Matches, path: Path | str, *, options: SssomOptions | None = None) -> None:
    """The decided pairs as an SSSOM TSV, highest probability first; confidence is the probability in full.

    Identifiers that are IRIs or CURIEs stand as they are, others as ``left:`` or ``right:`` and the
    percent-encoded identifier; every prefix is in the file's prefix map. ``read_matches`` undoes it.
    Source: https://mapping-commons.github.io/sssom/
    """
    chosen = options or SssomOptions()
    decided = Matches(matches.decided()).ranked()
    left, right = write_ids(decided["left"], "left"), write_ids(decided["right"], "right")
    rows = decided.select(
        subject_id=left,
        predicate_id=pl.lit(chosen.predicate),
        object_id=right,
        mapping_justification=pl.lit(_JUSTIFICATION),
        confidence="probability",
    )
    # Written identifiers have no character that would want quotes.
    body = rows.write_csv(separator="\t", quote_style="never")
    used = pl.concat([left, right, pl.Series([chosen.predicate, _JUSTIFICATION])])
    text = "".join(f"{line}\n" for line in header_lines(_header(used, body, options=chosen))) + body
    write_whole(path, lambda part: part.write_bytes(text.encode()))


def read_matches(path: Path | str) -> pl.DataFrame:
    """The pairs of an SSSOM file with the graphs' own identifiers: left, right, probability.

    A row without a confidence has a null probability. Raises ResultError if the file cannot be read, and
    FaultsError naming the lines that hold no pair.
    """
    text, problems = read_text(Path(path))
    if problems:
        raise ResultError(str(problems[0]), hint="give a RESULT folder of crossgraph align")
    header = parse_header(line for line in text.split("\n") if line.startswith("#"))
    table, faults = parse_rows(text, Path(path))
    if faults:
        raise FaultsError("the matches cannot be read", faults)
    names = table[0][1] if table else []
    if not {"subject_id", "object_id"} <= set(names):
        raise ResultError(f"{path} is no SSSOM file: it has no subject_id and object_id")
    return _pairs_of(table[1:], names, header=header, path=Path(path))


def _pairs_of(
    rows: Sequence[tuple[int, list[str]]], names: Sequence[str], *, header: Header, path: Path
) -> pl.DataFrame:
    found: list[tuple[str, str, float | None]] = []
    faults: list[Fault] = []
    for number, cells in rows:
        row = dict(zip(names, cells, strict=False))
        try:
            confidence = float(row["confidence"]) if row.get("confidence") else None
            found.append(
                (expand_id(row["subject_id"], header), expand_id(row["object_id"], header), confidence)
            )
        except (KeyError, ValueError):
            faults.append(
                Fault(str(path), number, f"holds no pair with a confidence: {' '.join(cells)[:80]!r}")
            )
    if faults:
        raise FaultsError("the matches cannot be read", faults)
    return pl.DataFrame(
        found, schema={"left": pl.String, "right": pl.String, "probability": pl.Float64}, orient="row"
    )


def _header(used: pl.Series, body: str, *, options: SssomOptions) -> Header:
    values = {
        "mapping_set_id": options.mapping_set_id or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, body)}",
        "license": options.license,
        "mapping_tool": TOOL,
        "mapping_tool_version": __version__,
    }
    if options.mapping_date:
        values["mapping_date"] = options.mapping_date
    return Header(values, prefix_map(used))


def _occupied(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _refuse_occupied(path: Path, replace: bool) -> None:
    if not _occupied(path):
        return
    if not replace:
        raise ResultError(f"{path} exists already", hint="--force replaces it, or choose another --out")
    _refuse_foreign(ResultFolder(path))


def _refuse_foreign(folder: ResultFolder) -> None:
    if not folder.is_result():
        what = "is a file" if folder.path.is_file() else "holds other files, no result of crossgraph"
        raise ResultError(f"{folder.path} {what}, and is left alone", hint="choose another --out")


def _publish(stage: Path, target: Path) -> None:
    for file in stage.rglob("*"):
        if file.is_file():
            _sync(file)
    give_usual_rights(stage)
    old = _old(target)
    if target.exists():
        _keep_what_is_of_people(target, stage)
        target.rename(old)
    try:
        stage.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _keep_stages(folder: ResultFolder) -> None:
    """Remove what a run that died had begun to write of its RESULT."""
    for path in folder.path.iterdir():
        if path.is_dir() and path != folder.stages_folder:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def _keep_what_is_of_people(target: Path, stage: Path) -> None:
    """Give the new folder what no run wrote into the old one: the ledger and files of users.

    As second names of the same files: at no moment are the decisions gone, and what a review that goes on
    meanwhile still writes is not lost either.
    """
    pairs, new = ResultFolder(target).pairs_folder, ResultFolder(stage).pairs_folder
    for pair in new.iterdir() if new.is_dir() else ():
        if (pairs / pair.name).is_dir():
            _keep_what_is_of_people(pairs / pair.name, pair)
    written = {path.name for path in ResultFolder(target).of_run()}
    for path in target.iterdir():
        if path.name in written or (stage / path.name).exists():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, stage / path.name, symlinks=True, copy_function=name_again)
        else:
            name_again(path, stage / path.name)


def name_again(file: str | Path, name: str | Path) -> None:
    """A second name of a file, or a copy where a file system has none."""
    try:
        os.link(file, name, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without second names
        shutil.copy2(file, name, follow_symlinks=False)
        if not Path(name).is_symlink():
            _sync(Path(name))


def _old(target: Path) -> Path:
    """Where a RESULT waits while a new one takes its place."""
    return target.with_name(f".{target.name}.crossgraph-old")


def _put_back(target: Path) -> None:
    """Undo what a run did that died while it put its RESULT in place; only who has claimed it may."""
    old = _old(target)
    if not ResultFolder(old).is_result():
        return
    if target.exists():
        shutil.rmtree(old)
    else:
        old.rename(target)


def _sync(path: Path) -> None:
    # Windows cannot open a folder, and a file only for writing can be synced there.
    if os.name != "posix" and path.is_dir():
        return
    number = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
