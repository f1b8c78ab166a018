"""A suite and the files that it leaves: finished runs, page and figure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crossgraph._claims import claimed_file
from crossgraph.benchmarking.figure import draw
from crossgraph.benchmarking.page import page_of
from crossgraph.benchmarking.processes import Ended
from crossgraph.benchmarking.reading import read_suite
from crossgraph.benchmarking.records import Record, append_record, read_records
from crossgraph.benchmarking.runner import Run, chosen, pending, plan, refuse_missing, run_all
from crossgraph.benchmarking.suite import Suite
from crossgraph.benchmarking.table import Row, rows_of
from crossgraph.errors import InputError, MissingExtraError
from crossgraph.progress import SILENT, Progress
from crossgraph.results import write_whole


@dataclass(frozen=True)
class Study:
    """A suite, and the folder that its files are in."""

    suite: Suite
    out: Path

    @staticmethod
    def of(file: Path, out: Path) -> Study:
        """Read the suite and make the folder. Raises InputError for a faulty suite, or a file in the way."""
        suite = read_suite(file)
        if out.exists() and not out.is_dir():
            raise InputError(f"{out} is a file, and a folder is needed", hint="choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        return Study(suite, out)

    @property
    def lines(self) -> Path:
        """Finished runs, a line of JSON for each."""
        return self._file("jsonl")

    @property
    def page(self) -> Path:
        """What people read."""
        return self._file("md")

    @property
    def figure(self) -> Path:
        """What the page shows."""
        return self._file("svg")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other run of this suite add to the same lines. Raises ResultError if one does."""
        with claimed_file(self.lines):
            yield

    def to_run(self, *, only: Sequence[str] = (), seeds: Collection[int] = ()) -> list[Run]:
        """The runs that are wanted and not finished. Raises InputError if a beginning or seed is unknown."""
        return pending(chosen(plan(self.suite), only=only, seeds=seeds), read_records(self.lines))

    def run(
        self, runs: Sequence[Run], data: Path | None, *, jobs: int = 1, progress: Progress = SILENT
    ) -> Iterator[Ended[Run]]:
        """Run them; each line is on disk before its run is told.

        Raises InputError without a folder of data, and FaultsError with every file and method that is
        missing, both before the first run.
        """
        if data is None:
            raise InputError(
                f"{len(runs):,} runs need data",
                hint="--data FOLDER, or the variable CROSSGRAPH_DATA, names them",
            )
        refuse_missing(runs, data=data, folder=self.suite.folder)
        for ended in run_all(runs, data=data, folder=self.suite.folder, jobs=jobs, progress=progress):
            if isinstance(ended.result, Record):
                append_record(self.lines, ended.result)
            yield ended

    def write(self, *, progress: Progress = SILENT) -> list[Row]:
        """Write page and figure of what is there; its rows. Without matplotlib, a note and no figure."""
        records = read_records(self.lines)
        rows, plan_of_figure = rows_of(self.suite, records), self.suite.figure
        drawn = False
        if plan_of_figure is not None and rows:
            try:
                write_whole(self.figure, lambda file: draw(rows, plan_of_figure, file))
                drawn = True
            except MissingExtraError as error:
                progress.note(f"no figure: {error.problem}; {error.hint}")
        text = page_of(self.suite, records, figure=self.figure.name if drawn else None)
        write_whole(self.page, lambda file: file.write_text(text, encoding="utf8"))
        return rows

    def _file(self, suffix: str) -> Path:
        return self.out / f"{self.suite.stem}.{suffix}"
