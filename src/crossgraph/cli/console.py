"""What people see: progress bars, notes and errors on stderr, what they asked for on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from crossgraph.progress import Advance, Progress

_PIPED_WIDTH = 160
# Control characters (ESC begins commands to the terminal), and those that turn the direction of what follows.
_COMMANDS = dict.fromkeys(
    [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "\N{REPLACEMENT CHARACTER}",
)


class SafeConsole(Console):
    """A console on which nothing that stands in a graph can command the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is to be written, with the commands that are in texts made visible."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(segment.text.translate(_COMMANDS), segment.style)


@dataclass
class _Count:
    """How much of a stage is done."""

    done: int = 0


class ConsoleProgress(Progress):
    """Stages as bars on a terminal, and as one line each when they end.

    quiet   only errors and what was asked for are shown
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.err = SafeConsole(stderr=True, highlight=False, markup=False, emoji=False)
        self.notes: list[str] = []
        self._bars: Bars | None = None

    @contextmanager
    def stage(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        """Run a stage; its line is written when it ends well."""
        start, count = time.perf_counter(), _Count()
        with self._bar(title, total, unit) as draw:

            def advance(by: int) -> None:
                count.done += by
                draw(by)

            yield advance
        self.say(_stage_line(title, count.done, unit, seconds=time.perf_counter() - start))

    def note(self, message: str) -> None:
        """Tell one line that stays."""
        self.notes.append(message)
        self.say(f"Note: {message}")

    def say(self, line: str) -> None:
        """A line on stderr, unless quiet."""
        if not self.quiet:
            self.err.print(line, soft_wrap=True)

    def error(self, problem: str, *, hint: str = "") -> None:
        """A problem and the way out on stderr, also if quiet."""
        self.err.print(Text.assemble(("Error: ", "bold red"), problem), soft_wrap=True)
        if hint:
            self.err.print(Text.assemble(("  Try: ", "bold"), hint), soft_wrap=True)

    def rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values in two columns on stderr, unless quiet."""
        if not self.quiet:
            self.err.print(two_columns(rows))

    @contextmanager
    def _bar(self, title: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Draw a bar while the block runs; stages within stages share one drawing."""
        if self.quiet or not self.err.is_terminal:
            yield lambda _count: None
            return
        outermost = self._bars is None
        bars = self._bars = self._bars or _new_bars(self.err)
        if outermost:
            bars.start()
        task = bars.add_task(title, total=total, unit=unit)
        try:
            yield lambda count: bars.advance(task, count)
        finally:
            bars.remove_task(task)
            if outermost:
                bars.stop()
                self._bars = None


def output() -> Console:
    """The console for what was asked for. A pipe has no width, so tables get room there."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return SafeConsole(highlight=False, markup=False, emoji=False, width=width)


def print_out(shown: RenderableType) -> None:
    """Something that was asked for, on stdout."""
    output().print(shown)


def print_text(text: str) -> None:
    """A text that was asked for, to the letter, on stdout."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def print_json(value: object) -> None:
    """A value as JSON on stdout; numbers that JSON does not know are null."""
    print_text(json.dumps(_finite(value), ensure_ascii=False, indent=2))


def two_columns(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values under each other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def duration(seconds: float) -> str:
    """Seconds as people say them: 0.4 s, 75 s, 12 min 5 s."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _stage_line(title: str, done: int, unit: str, *, seconds: float) -> str:
    if not done:
        return f"{title}: {duration(seconds)}"
    rate = f", {_rate(done / max(seconds, 1e-9))}/s" if seconds >= 1 else ""
    return f"{title}: {done:,}{' ' + unit if unit else ''} in {duration(seconds)}{rate}"


def _rate(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def _finite(value: object) -> object:
    match value:
        case dict():
            return {key: _finite(one) for key, one in value.items()}
        case list() | tuple():
            return [_finite(one) for one in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
    return value


def _new_bars(console: Console) -> Bars:
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        _KnownBar(),
        _Done(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        refresh_per_second=5,
    )


class _KnownBar(ProgressColumn):
    """A bar where the total is known; nothing otherwise, the spinner is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = BarColumn(bar_width=30)

    def render(self, task: Task) -> RenderableType:
        return Text("") if task.total is None else self._bar.render(task)


class _Done(ProgressColumn):
    """How much is done, of how much, and how fast."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        known = "" if task.total is None else f"/{task.total:,.0f}"
        done = f"{task.completed:,.0f}{known} {unit}".rstrip() if task.total or task.completed else ""
        return Text(done + (f"  {_rate(task.speed)}/s" if task.speed else ""))
