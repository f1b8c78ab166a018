"""Hidden places beside an output to write in: one run at a time has each, and starts with it empty.

Nobody but their owner may look into them: what is half done is nobody's business, and must not be replaced.

A run that is killed leaves its place behind, without the lock that the system takes from the dead; the next
run to the same output finds it, and starts with it empty.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from crossgraph.errors import ResultError

# The mask of rights is the whole process's, and can only be read by being changed.
_UMASK = Lock()


def hidden(target: Path) -> Path:
    """Where an output is written before it is put in place."""
    return target.with_name(f".{target.name}.crossgraph")


@contextmanager
def claimed_folder(target: Path, *, keep: bool = False) -> Iterator[Path]:
    """An empty hidden folder beside ``target``, made with the folders above it, and removed at the end.

    Who renames it away keeps it, and keeps the claim until the block ends.

    keep     take over what a run before left, and leave it when the block raises
    raises   ResultError if another run has it
    """
    made = _make_parents(target)
    place = hidden(target)
    number = _claim(place, target, folder=True)
    try:
        if not keep:
            _empty(place)
        yield place
    except BaseException:
        if not keep:
            _remove(place, number)
        raise
    else:
        _remove(place, number)
    finally:
        os.close(number)
        for folder in made:
            # Only what is empty goes: a run that ends well has put its output there.
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def claimed_file(target: Path) -> Iterator[Path]:
    """A hidden file beside ``target``, removed at the end unless it was renamed away.

    Raises ResultError if another run has it.
    """
    place = hidden(target)
    number = _claim(place, target, folder=False)
    try:
        yield place
    finally:
        _remove(place, number)
        os.close(number)


def give_usual_rights(place: Path) -> None:
    """Give what is whole the rights that a new file or folder has here."""
    # What other threads make meanwhile may only be too private.
    with _UMASK:
        mask = os.umask(0o077)
        os.umask(mask)
    place.chmod((0o777 if place.is_dir() else 0o666) & ~mask)


def _claim(place: Path, target: Path, *, folder: bool) -> int:
    """Open a place and lock it. Its number; the lock ends when that is closed, or the process dies."""
    while True:
        number = _open(place, folder=folder)
        if number is None:
            continue
        try:
            _lock(number, target)
            if _is_at(place, number):
                place.chmod(0o700 if folder else 0o600)
                return number
        except BaseException:
            os.close(number)
            raise
        # The run that had it put it in place, or removed it, between our opening and our locking.
        os.close(number)


def _open(place: Path, *, folder: bool) -> int | None:
    """Make a place, if need be, and open it. None if another run removed it meanwhile."""
    if not folder:
        return os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # A run that failed may just have taken the folders above away, which both runs had found missing.
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(place, os.O_RDONLY)
    except FileNotFoundError:
        return None


def _lock(number: int, target: Path) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ResultError(
            f"{target} is being written by another run",
            hint="wait until it has ended, or choose another --out",
        ) from None
    except OSError:
        # Some network file systems know no locks: there, people keep their runs apart themselves.
        return


def _is_at(place: Path, number: int) -> bool:
    try:
        return os.path.samestat(place.stat(), os.fstat(number))
    except FileNotFoundError:
        return False


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove(place: Path, number: int) -> None:
    if not _is_at(place, number):
        return
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _make_parents(target: Path) -> list[Path]:
    """Make the folders above; those that were not there, the innermost first."""
    missing = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    return missing
