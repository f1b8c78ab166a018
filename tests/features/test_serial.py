from __future__ import annotations

import pytest

from crossgraph.features.description import describe
from crossgraph.features.serial import FEWEST, is_serial
from features.plain import graph_of


def serial(values: list[str]) -> bool:
    graph = graph_of(facts=[(f"e{at:04}", "code", value) for at, value in enumerate(values)])
    description = describe(graph, graph_of())
    return is_serial(description.left[0], description.texts)


@pytest.mark.parametrize("form", ["C-{:04}", "Record no. {}", "http://cat.example/{}/about"])
def test_numbers_that_run_on_are_serial_in_any_order_and_with_gaps(form):
    numbers = [n for n in range(1, 61) if n % 3]
    assert serial([form.format(n) for n in sorted(numbers, key=lambda n: n * 37 % 61)])


def test_a_number_that_the_world_gives_is_not_serial():
    assert not serial([f"ISBN {9_780_000_000_000 + 7_919 * n}" for n in range(60)])


def test_numbers_in_several_forms_or_with_words_that_differ_are_not_serial():
    assert not serial([f"C-{n}" if n % 2 else f"D-{n}" for n in range(60)])
    assert not serial([f"ocean's {n} x" if n else "heat" for n in range(60)])
    assert not serial([f"{'abcdef'[n % 6]}-{n}" for n in range(60)])


def test_a_number_that_others_share_is_not_serial():
    assert not serial([f"room {n // 2}" for n in range(60)])


def test_too_few_do_not_tell():
    assert not serial([f"C-{n}" for n in range(FEWEST - 1)])
    assert serial([f"C-{n}" for n in range(FEWEST)])
