"""Methods by their names, without loading more than they do."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from crossgraph.benchmarking.processes import one_line
from crossgraph.errors import InputError

if TYPE_CHECKING:
    from crossgraph.benchmarking.problem import Method


def load_method(reference: str, folder: str) -> Method:
    """The function that ``module:function`` names, looked for in a folder first.

    Raises InputError if it is no function, and whatever importing its module raises.
    """
    module, _, name = reference.partition(":")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise InputError(f"module {module} has no function {name}", hint="write module:function")
    return cast("Method", found)


def unloadable(references: Sequence[str], folder: str) -> list[tuple[str, str]]:
    """Each method that cannot be loaded, and why."""
    wrong = []
    for reference in references:
        try:
            load_method(reference, folder)
        except Exception as error:
            wrong.append((reference, one_line(error)))
    return wrong
