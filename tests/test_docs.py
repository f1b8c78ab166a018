"""The documentation against the code: commands, options, settings, links and examples.

Run as a program, it writes docs/settings.md anew.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.metadata
import io
import re
import shlex
import subprocess
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

import crossgraph
from crossgraph.cli import app
from crossgraph.config import Config
from crossgraph.exporting.files import GRAPH_FORMATS, MATCH_FORMATS, graph_format, match_format
from crossgraph.graphs import read_graph

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf8")
README = (ROOT / "README.md").read_text(encoding="utf8")
INPUTS = (ROOT / "docs" / "inputs.md").read_text(encoding="utf8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf8")
OUTPUTS = (ROOT / "docs" / "outputs.md").read_text(encoding="utf8")
SETTINGS = ROOT / "docs" / "settings.md"
EVERYWHERE = {"--quiet", "-q", "--verbose", "-v"}
FOR_EVERY_VERB = EVERYWHERE | {"--help", "-h"}

VERBS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group, not any command


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    """The part of docs/commands.md under one heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", COMMANDS, re.DOTALL | re.MULTILINE)
    assert found, f"docs/commands.md has no section {title}"
    return found[1]


def anchor_of(title: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")


def options_of(verb: str) -> set[str]:
    return {name for one in VERBS[verb].params if one.param_type_name == "option" for name in one.opts}


def documented(part: str) -> set[str]:
    """The options in the first column of the tables of a section."""
    cells = re.findall(r"^\| (`-[^|]*) \|", part.replace("\\|", "/"), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(--?[a-z][a-z-]*)", cell)}


def settings() -> dict[str, list[str]]:
    return {table: [one.name for one in fields(options)] for table, options in Config().tables().items()}


def settings_page() -> str:
    """docs/settings.md as it should be."""
    return (
        "# Settings\n\n"
        "Every setting with its default. `--config FILE` reads a file like this one; what it does not name\n"
        "keeps its default. `--set TABLE.KEY=VALUE` changes one setting and is stronger. Unknown tables and\n"
        "keys are refused. A RESULT holds the settings that it was made with as `config.toml`.\n\n"
        f"```toml\n{Config().to_toml()}```\n"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_command_is_documented_and_no_other(verb):
    assert documented(section(verb)) == options_of(verb) - EVERYWHERE


def test_the_version_is_that_of_the_package_and_the_last_in_the_changelog() -> None:
    assert importlib.metadata.version("crossgraph") == crossgraph.__version__
    first, *others = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert first == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", one) for one in others]
    assert [one and one[1] for one in released][:1] == [crossgraph.__version__]
    assert all(released)


def test_the_options_of_every_command_are_documented():
    top = COMMANDS.partition("\n## ")[0]
    assert documented(top) == EVERYWHERE
    assert all(options_of(verb) >= EVERYWHERE for verb in VERBS)


def test_every_section_is_linked_and_in_the_order_of_the_commands():
    titles = re.findall(r"^## (.+)$", COMMANDS, re.MULTILINE)
    assert titles[: len(VERBS)] == list(VERBS)
    assert all(f"](#{anchor_of(title)})" in COMMANDS for title in titles)


@pytest.mark.parametrize("verb", VERBS)
def test_required_options_are_told(verb):
    given = [one for one in VERBS[verb].params if one.param_type_name == "option"]
    told = re.findall(r"^\| `(--[a-z-]+).*Required\. \|$", section(verb), re.MULTILINE)
    assert set(told) == {one.opts[0] for one in given if one.required}


def test_the_settings_page_is_fresh():
    assert SETTINGS.read_text(encoding="utf8") == settings_page(), "run `make settings`"


def test_every_setting_has_a_meaning():
    lines = settings_page().splitlines()
    bare = [
        line for before, line in pairwise(lines) if re.match(r"\w+ = ", line) and not before.startswith("# ")
    ]
    assert bare == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_exists(page):
    known = settings()
    named = re.findall(r"`(?:--set )?([a-z]+)\.([a-z_]+)(?:=[^`]*)?`", page.read_text(encoding="utf8"))
    wrong = [f"{table}.{key}" for table, key in named if table in known and key not in (*known[table], "py")]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_a_page_use_verbs_and_options_that_exist(page):
    text = page.read_text(encoding="utf8")
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(crossgraph [a-z]+ [^`]*)`", text)
    for line in lines:
        words = shlex.split(line.partition("crossgraph ")[2])
        if line.startswith("crossgraph ") and words[0] in VERBS:
            used = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
            assert used <= options_of(words[0]) | FOR_EVERY_VERB, line
        elif line.startswith("crossgraph "):
            assert words[0] in {"--version", "--help", "VERB"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf8")):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, (
                target
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_exist(page):
    # Of links for judging, not a test.
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf8"))) - {"test_links"}
    files = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "benchmarks" / "tests").rglob("test_*.py")]
    there = {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf8"), re.M)
    }
    assert named <= there


def test_the_page_of_outputs_shows_every_form():
    lines = [line for block in blocks(OUTPUTS, "sh") for line in block.splitlines()]
    words = [shlex.split(line) for line in lines if line.startswith("crossgraph export")]
    asked = [
        (given, Path(rest[-1]), rest[1] if rest[0] == "--format" else None) for _, _, given, *rest in words
    ]
    assert {match_format(out, form) for given, out, form in asked if given == "RESULT"} == set(MATCH_FORMATS)
    merged = {graph_format(out, form) for given, out, form in asked if given == "merged.nq"}
    # N-Quads is what merge writes.
    assert merged == set(GRAPH_FORMATS) - {"nquads"}


def test_the_graph_in_memory_that_the_page_of_inputs_makes_is_read(tmp_path):
    (code,) = blocks(INPUTS, "python")
    exec(code, {"folder": tmp_path})
    assert sorted(read_graph(tmp_path).ids) == ["heat", "mann"]


def test_every_public_name_is_in_the_reference_once():
    told = re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE)
    found = [
        getattr(importlib.import_module(module), name)
        for module, _, name in (t.rpartition(".") for t in told)
    ]
    assert sorted(one.__name__ for one in found) == sorted(crossgraph.__all__)
    assert all(getattr(crossgraph, one.__name__) is one for one in found)


def test_the_site_has_every_page_and_script():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    scripts = [f"examples/{script.stem}.md" for script in (ROOT / "examples").glob("*.py")]
    named = re.findall(r"^ *- (?:[\w ]+: )?([\w/-]+\.md)$", navigation, re.MULTILINE)
    expected = {str(page) for page in pages if str(page) != "README.md"} | set(scripts)
    assert expected <= set(named)
    assert len(set(named)) == len(named)


def test_every_page_is_reached_from_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf8")
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= set(
        re.findall(r"\]\(([^)]+)\)", index)
    )


def steps(command: str) -> list[str]:
    return [" ".join(step.split()) for step in command.split("&&")]


def install_commands() -> list[str]:
    return [block for block in blocks(README, "sh") if "venv" in block]


def test_the_readme_has_two_whole_commands():
    demo, test = (steps(command) for command in install_commands())
    assert demo[0] == test[0] == "python3 -m venv .venv"
    assert demo[-1].endswith("crossgraph demo")
    assert test[-1] == "pytest --cov"
    assert all(any("pip install -c constraints.txt " in step for step in command) for command in (demo, test))


def test_make_check_runs_what_the_readme_runs():
    recipe = re.search(r"^check:\n\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    installed = next(place for place, step in enumerate(steps(install_commands()[1])) if "pip" in step)
    assert steps(recipe[1]) == steps(install_commands()[1])[installed + 1 :]
    assert steps(recipe[1])[0] == "ruff check ."


def test_ci_runs_the_test_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("this copy has no CI script")
    told = subprocess.run(["bash", str(script), "--print"], capture_output=True, text=True, check=True).stdout
    assert steps(told) == steps(install_commands()[1])


@pytest.fixture(scope="module")
def two_catalogues(tmp_path_factory):
    """Two tables of the same twelve people, half of the links between them, and the other half as gold."""
    first = [
        "Amara",
        "Bela",
        "Chidi",
        "Dora",
        "Emil",
        "Freya",
        "Goran",
        "Hana",
        "Ivo",
        "Jana",
        "Karim",
        "Lena",
    ]
    last = ["Okafor", "Kovacs", "Nwosu", "Lindgren", "Novak", "Dahl", "Ilic", "Sato", "Petrov"]
    last += ["Mraz", "Haddad", "Vogt"]
    names = [" ".join(name) for name in zip(first, last, strict=True)]
    folder = tmp_path_factory.mktemp("catalogues")
    left = [f"l{i},{name},{1950 + 3 * i}\n" for i, name in enumerate(names)]
    right = [f"r{i},{name.upper()},{1950 + 3 * i}\n" for i, name in enumerate(names)]
    links = [f"l{i}\tr{i}\n" for i in range(len(names))]
    (folder / "left.csv").write_text("id,name,born\n" + "".join(left))
    (folder / "right.csv").write_text("id,label,year\n" + "".join(right))
    (folder / "known.tsv").write_text("".join(links[::2]))
    (folder / "gold.tsv").write_text("".join(links[1::2]))
    return folder


@pytest.fixture(scope="module")
def readme_printed(two_catalogues):
    """What the Python of the README prints, and RESULT beside the two catalogues."""
    with contextlib.chdir(two_catalogues), contextlib.redirect_stdout(io.StringIO()) as printed:
        for block in blocks(README, "python"):
            exec(block, {})
    return printed.getvalue()


def test_the_python_example_of_the_readme_runs(two_catalogues, readme_printed):
    assert "recall at precision .95: 1.0" in readme_printed
    assert (two_catalogues / "merged.nq").exists()


@pytest.mark.usefixtures("readme_printed")
def test_the_example_of_the_package_runs(two_catalogues):
    found = doctest.testmod(crossgraph, extraglobs={"folder": two_catalogues})
    assert found.attempted >= 8
    assert found.failed == 0


@pytest.mark.usefixtures("readme_printed")
def test_the_files_of_a_result_are_documented(two_catalogues):
    result = two_catalogues / "RESULT"
    files = {file.relative_to(result).as_posix() for file in result.rglob("*") if file.is_file()}
    cells = re.findall(r"^\| (`.+?) \|", section("The RESULT folder"), re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == files


def test_every_example_of_a_docstring_runs():
    names = [
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for path in (ROOT / "src").rglob("*.py")
        if ">>> " in path.read_text(encoding="utf8") and path.name != "__init__.py"
    ]
    assert "crossgraph.conversions" in names
    for name in names:
        found = doctest.testmod(importlib.import_module(name))
        assert found.attempted > 0, name
        assert found.failed == 0, name


if __name__ == "__main__":
    SETTINGS.write_text(settings_page(), encoding="utf8")
