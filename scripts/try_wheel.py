"""Try a wheel where nothing else is: `python scripts/try_wheel.py WHEEL PYTHON [PYTHON ...]`.

For each Python (a name or a path) makes an empty environment in a temporary folder, installs the wheel and
what it requires there (in the versions of constraints.txt, if that is in the current folder), and runs the
installed `crossgraph`: its version, the demo, a merge of that, and both inputs back. Prints a line for each
step, and ends with 1 if one failed. Builds nothing; pip asks the package index that it always asks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

BIN, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
CONSTRAINTS = Path("constraints.txt")
# What each verb is told, and what it has to leave in the folder.
VERBS = (
    (("demo", "--out", "demo"), "demo/matches.sssom.tsv"),
    (("merge", "demo", "--out", "merged.nq"), "merged.nq"),
    (("unmerge", "merged.nq", "--out", "parts"), "parts"),
)
LINES_OF_A_FAILURE = 10


def tried(wheel: Path, python: str) -> bool:
    """Whether the wheel works with a Python; tells each step, up to the first that fails."""
    found = shutil.which(python)
    if found is None:
        return _told(python, "is not there", 0.0, fault="no such program")
    with TemporaryDirectory() as name:
        folder = Path(name)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["-c", str(CONSTRAINTS.resolve())] if CONSTRAINTS.is_file() else []
        env = folder / "env" / BIN
        return (
            _runs(python, "environment", [found, "-m", "venv", "env"], folder)
            and _runs(python, "install", [str(env / f"python{EXE}"), *install, str(wheel.resolve())], folder)
            and works(python, env / f"crossgraph{EXE}", version_of(wheel), folder)
        )


def works(python: str, program: Path, version: str, folder: Path) -> bool:
    """Whether an installed crossgraph is of a version and does its work, in a folder; tells each step."""
    if not _runs(python, "--version", [str(program), "--version"], folder, says=f"crossgraph {version}\n"):
        return False
    return all(_runs(python, words[0], [str(program), *words], folder, makes=made) for words, made in VERBS)


def version_of(wheel: Path) -> str:
    """The version in the name of a wheel."""
    return wheel.name.split("-")[1]


def _runs(
    python: str, what: str, command: list[str], folder: Path, *, says: str = "", makes: str = ""
) -> bool:
    """Whether a command ends well, says what it should, and leaves what it should."""
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=dict(_variables()), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-LINES_OF_A_FAILURE:])
        return _told(python, what, seconds, fault=f"exit code {done.returncode}\n{last}")
    if says and done.stdout != says:
        return _told(python, what, seconds, fault=f"says {done.stdout!r} and not {says!r}")
    if not (folder / makes).exists():
        return _told(python, what, seconds, fault=f"leaves no {makes}")
    return _told(python, what, seconds)


def _variables() -> Iterator[tuple[str, str]]:
    """The environment, less what leads to another crossgraph."""
    return ((name, text) for name, text in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME"))


def _told(python: str, what: str, seconds: float, *, fault: str = "") -> bool:
    print(f"{python}  {what:12}  {seconds:6.1f} s  {fault or 'ok'}", flush=True)
    return not fault


def main() -> int:
    """Try all, tell, end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    given = parser.parse_args()
    if not given.wheel.is_file():
        parser.error(f"{given.wheel} is not there")
    # Each is tried, whatever became of those before.
    done = [tried(given.wheel, python) for python in given.pythons]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
