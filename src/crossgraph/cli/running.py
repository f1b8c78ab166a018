"""How a verb runs: what is logged, what is hushed, and how each way to fail ends."""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from crossgraph.cli.console import ConsoleProgress
from crossgraph.errors import CrossgraphError

FAILED, INTERRUPTED = 1, 130


@contextmanager
def session(*, quiet: bool, verbose: bool) -> Iterator[ConsoleProgress]:
    """Run a verb's work: yields its console and turns every error into a message and an exit code.

    Warnings of Python stay unseen (in the log with ``verbose``). Raises typer.Exit for whatever fails, and
    lets typer.BadParameter through, which the command line tells as an error of usage.
    """
    console = ConsoleProgress(quiet=quiet)
    with _logging(console, verbose=verbose):
        try:
            yield console
            sys.stdout.flush()
        except (typer.Exit, typer.BadParameter):
            raise
        except BrokenPipeError:
            _close_pipe()
            raise typer.Exit(FAILED) from None
        except (Exception, KeyboardInterrupt) as error:
            if verbose and not isinstance(error, CrossgraphError | KeyboardInterrupt):
                console.err.print(traceback.format_exc(), soft_wrap=True)
            raise typer.Exit(_tell(error, console)) from None


@contextmanager
def loading() -> Iterator[None]:
    """Load libraries within it: what they make stays, so nobody looks through it for what could go.

    To look takes a seventh of the time of loading. What is there at the end is not looked through any more.
    """
    gc.disable()
    try:
        yield
    finally:
        # Once: of a process that runs many verbs, what the earlier ones left may go.
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


def _tell(error: BaseException, console: ConsoleProgress) -> int:
    """Tell an error in the words of its kind; the exit code."""
    match error:
        case CrossgraphError():
            console.error(error.problem, hint=error.hint)
        case KeyboardInterrupt():
            console.error("interrupted; nothing was left half written")
            return INTERRUPTED
        case MemoryError():
            console.error("the memory is not enough", hint="--dry-run tells how much a run needs")
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            console.error(f"{where}{error.strerror or error}")
        case _:
            told = f"{type(error).__name__}: {error}".removesuffix(": ")
            hint = "run the same command with --verbose, and report what it shows"
            console.error(f"this is a bug in crossgraph: {told}", hint=hint)
    return FAILED


@contextmanager
def _logging(console: ConsoleProgress, *, verbose: bool) -> Iterator[None]:
    """Send the package's log to the console: its warnings as notes, all of it with ``verbose``."""
    handler = _Lines(console, verbose=verbose)
    package, root, caught = (logging.getLogger(name) for name in ("crossgraph", None, "py.warnings"))
    # Without any handler, Python prints warnings of other packages to stderr.
    hushed = logging.NullHandler()
    before = package.level
    package.setLevel(logging.DEBUG if verbose else logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("default" if verbose else "ignore")
        logging.captureWarnings(verbose)
        package.addHandler(handler)
        caught.addHandler(handler)
        root.addHandler(hushed)
        try:
            yield
        finally:
            package.removeHandler(handler)
            caught.removeHandler(handler)
            root.removeHandler(hushed)
            logging.captureWarnings(False)
            package.setLevel(before)


class _Lines(logging.Handler):
    """Log records as lines of the console, so that they do not break the bars."""

    def __init__(self, console: ConsoleProgress, *, verbose: bool) -> None:
        super().__init__(logging.DEBUG if verbose else logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and record.name != "py.warnings":
            self._console.note(record.getMessage())
        else:
            self._console.say(f"{record.levelname.lower()} {record.name}: {record.getMessage()}")


def _close_pipe() -> None:
    """Let the interpreter's last flush go nowhere: whoever read our output has left."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
