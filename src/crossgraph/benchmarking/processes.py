"""Work in fresh processes, so that memory and threads of one piece are its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from crossgraph.errors import CrossgraphError, InputError

_Name = TypeVar("_Name")


@dataclass(frozen=True, eq=False)
class Task(Generic[_Name]):
    """A piece of work: ``work(*given)``, all of which can be pickled. ``name`` stays here."""

    name: _Name
    work: Callable[..., Any]
    given: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Ended(Generic[_Name]):
    """What became of a task: its result, or in one line why there is none."""

    name: _Name
    result: Any = None
    error: str = ""


def in_processes(tasks: Iterator[Task[_Name]], *, at_once: int = 1) -> Iterator[Ended[_Name]]:
    """Run each task in a process of its own, some of them at once; what ends first comes first.

    A task is taken from the iterator when there is room for it. Processes that run are ended if the
    caller stops, and end themselves if it is killed.
    """
    running: dict[Connection, tuple[_Name, Any]] = {}
    try:
        while True:
            while len(running) < at_once and (task := next(tasks, None)) is not None:
                connection, process = _started(task)
                running[connection] = (task.name, process)
            if not running:
                return
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                yield _ended(ready, *running.pop(ready))
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def refuse(reason: str) -> None:
    """A task that cannot even start. Raises InputError."""
    raise InputError(reason)


def one_line(error: BaseException) -> str:
    """An error in one line, as a person needs it."""
    text = error.problem if isinstance(error, CrossgraphError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _started(task: Task[_Name]) -> tuple[Connection, Any]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, task.work, task.given))
    process.start()
    # Only the child holds its end now, so that its death is seen here as the end of the pipe.
    there.close()
    return here, process


def _child(connection: Connection, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    # Standard output is for what was asked for, and a library may print.
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        connection.send((work(*given), ""))
    except KeyboardInterrupt:
        return
    except Exception as error:
        connection.send((None, one_line(error)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _ended(connection: Connection, name: _Name, process: Any) -> Ended[_Name]:
    try:
        result, error = connection.recv()
    except EOFError:
        process.join()
        result, error = None, f"its process ended with exit code {process.exitcode}"
    connection.close()
    process.join()
    return Ended(name, result, error)
