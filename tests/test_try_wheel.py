"""The script that tries a wheel, with programs in the place of an installed crossgraph."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "try_wheel.py"
# Does what the verbs leave behind.
PROGRAM = """#!{python}
import os, sys
from pathlib import Path
words = sys.argv[1:]
assert "PYTHONPATH" not in os.environ
if words == ["--version"]:
    print("crossgraph 1.2.3")
elif words[0] == "{broken}":
    sys.exit("it broke")
elif words[0] != "{idle}":
    out = Path(words[-1])
    out.mkdir()
    (out / "matches.sssom.tsv").write_text("")
"""


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("try_wheel", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "broken", "idle", "told"),
    [
        ("1.2.3", "", "", ["--version", "demo", "merge", "unmerge"]),
        ("1.2.4", "", "", ["says 'crossgraph 1.2.3\\n' and not 'crossgraph 1.2.4\\n'"]),
        ("1.2.3", "unmerge", "", ["--version", "demo", "merge", "exit code 1", "it broke"]),
        ("1.2.3", "", "merge", ["--version", "demo", "leaves no merged.nq"]),
    ],
)
def test_a_wheel_that_does_not_work_is_told_by_the_step(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: str,
    broken: str,
    idle: str,
    told: list[str],
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = tmp_path / "crossgraph"
    program.write_text(PROGRAM.format(python=sys.executable, broken=broken, idle=idle))
    program.chmod(0o755)
    works = script.works("py", program, version, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert works == (not broken and not idle and version == "1.2.3")
    assert [one in line for one, line in zip(told, lines, strict=True)] == [True] * len(told)
    assert sum(line.endswith(" ok") for line in lines) == (4 if works else len(told) - 1 - bool(broken))


def test_a_python_that_is_not_there_is_told(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not script.tried(tmp_path / "crossgraph-1.2.3-py3-none-any.whl", "no-such-python")
    assert "no such program" in capsys.readouterr().out
