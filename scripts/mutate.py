"""Mutation testing: change a module in one place at a time, and see whether its tests notice.

    python scripts/mutate.py crossgraph.metrics tests/test_metrics.py [MORE_TESTS...] [--sample N]

Comparisons, arithmetic, logic, constants and defaults are changed. Libraries and tests are loaded once; each
mutant is a fork that runs the tests until the first failure, so a mutant costs what its tests cost and no
imports. Prints each survivor with its line, and the score at the end; --sample tries so many mutants
only, always the same. Mutants that take a minute of CPU time count as killed. Linux and macOS only.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import os
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 60
SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.USub: (ast.UAdd,),
    ast.Invert: (ast.UAdd,),
}


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    for kind in SWAPS.get(type(node), ()):
        yield kind()
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield inner
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(-value if value else -1)


def places(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Each place that can hold another node: its parent, the field, the position in it, and the node.

    Types are no places: nothing follows from them when the module runs.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        parent = waiting.pop(0)
        for name, value in ast.iter_fields(parent):
            if name in ("annotation", "returns"):
                continue
            for at, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AnnAssign | ast.JoinedStr) or not isinstance(node, ast.AST):
                    continue
                waiting.append(node)
                yield parent, name, at, node


def put(parent: ast.AST, name: str, at: int | None, node: ast.AST) -> None:
    """Put a node in its place."""
    if at is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[at] = node


def mutants(source: str) -> Iterator[tuple[int, str, ast.Module]]:
    """Line, what changed, and the changed module."""
    tree = ast.parse(source)
    for parent, name, at, node in list(places(tree)):
        line = getattr(node, "lineno", getattr(parent, "lineno", 0))
        for other in changed(node):
            put(parent, name, at, ast.copy_location(other, parent if not hasattr(node, "lineno") else node))
            yield line, f"{ast.unparse(parent)[:90]}", ast.fix_missing_locations(tree)
            put(parent, name, at, node)


def survives(name: str, tree: ast.Module, path: str, tests: list[str]) -> bool:
    """Whether the tests pass with the changed module, in a fork."""
    code = compile(tree, path, "exec")
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        result = 1
        with contextlib.suppress(BaseException):
            exec(code, importlib.import_module(name).__dict__)
            result = int(
                pytest.main(
                    [
                        "-x",
                        "-q",
                        "-n0",
                        "-p",
                        "no:cacheprovider",
                        "-W",
                        "ignore::pytest.PytestAssertRewriteWarning",
                        *tests,
                    ]
                )
            )
        os._exit(result != 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def chosen(source: str, sample: int | None) -> Iterator[tuple[int, str, ast.Module]]:
    """All mutants, or some that chance draws."""
    count = sum(1 for _ in mutants(source))
    kept = set(random.Random(0).sample(range(count), min(sample or count, count)))
    return (mutant for number, mutant in enumerate(mutants(source)) if number in kept)


def main(name: str, tests: list[str], sample: int | None) -> None:
    """Try the mutants of one module."""
    module = importlib.import_module(name)
    for place in ("tests", "."):
        sys.path.insert(0, place)
    for test in tests:
        # Only for what it loads; each fork collects it anew, bound to the changed module.
        spec = importlib.util.spec_from_file_location(f"loaded_{Path(test).stem}", test)
        assert spec
        assert spec.loader
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[loaded.__name__] = loaded  # where dataclasses look for their module
        spec.loader.exec_module(loaded)
    path = str(module.__file__)
    source = Path(path).read_text(encoding="utf8")
    assert survives(name, ast.parse(source), path, tests), "the tests fail without any change"
    count = killed = 0
    for line, what, tree in chosen(source, sample):
        count += 1
        if survives(name, tree, path, tests):
            print(f"{path}:{line}: {what}", flush=True)
        else:
            killed += 1
    print(f"{killed} of {count} mutants killed ({killed / max(count, 1):.1%})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int)
    given = parser.parse_args()
    main(given.module, given.tests, given.sample)
