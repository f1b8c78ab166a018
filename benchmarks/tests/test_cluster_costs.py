"""What a cluster is sized by: growth between the two largest sizes, carried on, never below proportion."""

from __future__ import annotations

import cluster_costs
import pytest
from cluster_costs import Counted


def counted(entities: int, seconds: float, held: float) -> Counted:
    return Counted(entities, {"products": seconds}, {"matrices": held * 2**20})


def test_costs_are_carried_on_as_they_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_costs, "FAR", 400)
    rows = cluster_costs.table(
        [counted(1, 900.0, 1.0), counted(100, 900.0, 10.0), counted(200, 3600.0, 10.0)]
    )
    products, matrices = rows.splitlines()[2:]
    assert products == "| products | 900.0 s | 900.0 s | 3,600.0 s | 2.00 | 4 CPU hours |"
    assert matrices.startswith("| matrices | 1.0 MiB | 10.0 MiB | 10.0 MiB | 0.00 | ")


def test_work_is_counted_under_its_name():
    one = Counted(10)
    assert one.timed("work", lambda a, b: a + b)(1, 2) == 3
    assert list(one.seconds) == ["work"]
    assert one.seconds["work"] >= 0.0
