"""The verbs that write, and the ground on which they are run and killed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossgraph.reviewing.ledger import Ledger

QUICK = [
    f"--set={setting}"
    for setting in (
        *("training.steps=2", "training.epochs=1", "training.batch=16", "model.width=16"),
        *("training.scorer_steps=4", "training.scorer_epochs=1", "training.scorer_batch=16"),
        *("blocking.per_entity=4", "scorer.hidden=8"),
    )
]
# What two equal runs tell differently, wherever it stands in a report or a line of a benchmark.
OF_THE_RUN = {"stages", "training_seconds", "scoring_seconds", "pairs_per_second", "peak_mib"}


@dataclass(frozen=True)
class Verb:
    """A command that writes.

    args      what it is called with; ``{world}`` is the folder of inputs
    outputs   what it leaves in its folder
    again     what the same command is given besides to go on after it was killed
    before    args of a command that has filled the same outputs before
    grows     what was finished stays as lines of its output, and the next run goes on behind them
    slow      takes seconds even here, so that the long form kills it a few times only
    """

    args: str
    outputs: tuple[str, ...]
    again: str = ""
    before: str = ""
    grows: bool = False
    slow: bool = False

    def line(self, world: Path, *, args: str | None = None) -> list[str]:
        return [
            word
            for given in (args or self.args).split()
            for word in (QUICK if given == "QUICK" else [given.format(world=world)])
        ]


GRAPHS = "{world}/graphs --links {world}/links.tsv"
ALIGN = f"align {GRAPHS} --out RESULT QUICK"
MERGE = "merge {world}/RESULT --out merged.nq"
# Those that make up the short form: all that takes no training.
SHORT = ("score", "merge over another", "export to a folder", "unmerge", "ask", "review, taking in")
VERBS = {
    "schema": Verb(f"schema {GRAPHS} --out schema.toml", ("schema.toml",), "--force"),
    "block": Verb(f"block {GRAPHS} --out pairs.tsv", ("pairs.tsv",)),
    "align": Verb(ALIGN, ("RESULT",), "--resume"),
    "align over another": Verb(f"{ALIGN} --force", ("RESULT",), before=f"{ALIGN} --seed 1"),
    "train": Verb(
        "train {world}/graphs --pairs {world}/pairs.tsv --out RESULT QUICK", ("RESULT",), again="--force"
    ),
    "learn": Verb("learn RESULT", ("RESULT",), before=ALIGN),
    "learn elsewhere": Verb("learn {world}/RESULT --out NEW", ("NEW",), again="--resume"),
    "update": Verb("update RESULT --left-changes {world}/changes.csv", ("RESULT",), before=ALIGN),
    "score": Verb("score {world}/RESULT --pairs {world}/pairs.tsv --out scores.tsv", ("scores.tsv",)),
    "merge": Verb(MERGE, ("merged.nq", "merged.report.json"), "--force"),
    "merge over another": Verb(
        f"{MERGE} --force", ("merged.nq", "merged.report.json"), before=f"{MERGE} --prefer right"
    ),
    "export to a file": Verb("export {world}/RESULT --out m.csv", ("m.csv",), "--force"),
    "export to a folder": Verb("export {world}/merged.nq --format neo4j --out import", ("import",)),
    "unmerge": Verb("unmerge {world}/merged.nq --out parts", ("parts",)),
    "ask": Verb("ask {world}/RESULT --count 3 --out questions.csv", ("questions.csv",), "--force"),
    "review, taking in": Verb(
        "review RESULT --import {world}/answers.csv --name ann", ("RESULT",), before=ALIGN
    ),
    "review, giving out": Verb(
        "review {world}/REVIEWED --export said.jsonl", ("said.jsonl",), again="--force"
    ),
    "explain": Verb("explain {world}/RESULT l:heat r:heat --html why.html", ("why.html",)),
    "demo": Verb("demo --out DEMO QUICK", ("DEMO",), "--force", slow=True),
    "benchmark": Verb(
        "benchmark {world}/suite.toml --data {world} --out runs",
        ("runs/suite.jsonl",),
        grows=True,
        slow=True,
    ),
}


@dataclass(frozen=True)
class Nursery:
    """Runs verbs in children that start at once, and can be made to die."""

    process: subprocess.Popen[str]
    world: Path

    def run(
        self,
        args: list[str],
        folder: Path,
        *,
        at: int | None = None,
        after: float | None = None,
        limit: int | None = None,
    ) -> Ended:
        """Run one command line.

        at      kill it just before this change of its folder (0 is the first)
        after   kill it after so many seconds
        limit   let no file grow beyond so many bytes
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        notes = self.world / "notes"
        asked = {"args": args, "folder": str(folder), "notes": str(notes)}
        asked |= {"at": at, "after": after, "bytes": limit}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        moments = notes.with_suffix(".moments")
        # Killed by the clock while it noted them, it leaves no number.
        noted = moments.read_text() if moments.exists() else ""
        return Ended(answer["code"], answer["told"], int(noted or 0))


@dataclass(frozen=True)
class Ended:
    """Exit code (-9 if it was killed), what it told, and how often the last whole run changed its folder."""

    code: int
    told: str
    moments: int


@dataclass(frozen=True)
class Ground:
    """Where verbs are run: a fresh folder each time, and what each leaves when nothing happens to it."""

    nursery: Nursery
    world: Path
    make: Callable[[], Path]
    unbroken: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    earlier: dict[str, Path] = field(default_factory=dict)

    def fresh(self, verb: Verb) -> Path:
        """A folder as the verb finds it."""
        folder = self.make()
        if not verb.before:
            return folder
        if verb.args not in self.earlier:
            earlier = self.make()
            ended = self.nursery.run(verb.line(self.world, args=verb.before), earlier)
            assert ended.code == 0, ended.told
            self.earlier[verb.args] = earlier
        shutil.copytree(self.earlier[verb.args], folder, dirs_exist_ok=True)
        return folder

    def before(self, verb: Verb) -> dict[str, Any]:
        """What a fresh folder holds of a verb's outputs."""
        return found(verb, self.earlier[verb.args]) if verb.before else dict.fromkeys(verb.outputs)

    def whole(self, verb: Verb) -> tuple[dict[str, Any], int]:
        """What an unbroken run leaves, and how many changes of its folder that takes."""
        if verb.args not in self.unbroken:
            folder = self.fresh(verb)
            ended = self.nursery.run(verb.line(self.world), folder)
            assert ended.code == 0, ended.told
            assert {path.name for path in folder.iterdir()} == places(verb)
            self.unbroken[verb.args] = found(verb, folder), ended.moments
        return self.unbroken[verb.args]


def places(verb: Verb) -> set[str]:
    """What a verb leaves directly in its folder."""
    return {Path(name).parts[0] for name in verb.outputs}


def found(verb: Verb, folder: Path) -> dict[str, Any]:
    """The rights of each output, and what it holds; None where it is not there."""
    paths = {name: folder / name for name in verb.outputs}
    return {
        name: (path.stat().st_mode & 0o777, content(path)) if path.exists() else None
        for name, path in paths.items()
    }


def content(path: Path) -> Any:
    """All that a file or folder holds, less what a run tells of itself."""
    if path.is_dir():
        # SQLite keeps a journal beside a ledger until the next one who opens it has looked.
        files = [
            file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix != ".sqlite-journal"
        ]
        held = {str(file.relative_to(path)): content(file) for file in files}
        # A ledger without entries is as none.
        return {name: value for name, value in held.items() if value != []}
    if path.suffix == ".sqlite":
        return [(one.who, *one.pair, one.verdict, one.probability) for one in Ledger(path).entries()]
    if path.suffix == ".jsonl":
        # What follows the last line end was never finished.
        return [without(json.loads(line)) for line in path.read_text().split("\n")[:-1]]
    return without(json.loads(path.read_text())) if path.suffix == ".json" else path.read_bytes()


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without(one) for key, one in value.items() if key not in OF_THE_RUN}
    return [without(one) for one in value] if isinstance(value, list) else value
