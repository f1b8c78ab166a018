"""The rival of `measure.py`'s tables: boosted trees on string similarities of the cells, F1 on test.

python benchmarks/boosted_tables.py DATA/tables_dblp_acm DATA/tables_amazon_google

The threshold is the one that is best on the valid pairs, as for ours.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import polars as pl
from measure import f1_from
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler, Levenshtein
from sklearn.ensemble import HistGradientBoostingClassifier

from crossgraph.features.text import TextTable, normalise
from crossgraph.features.values import numbers

MEASURES = (
    *(fuzz.ratio, fuzz.partial_ratio, fuzz.token_sort_ratio, fuzz.token_set_ratio),
    *(Levenshtein.normalized_similarity, JaroWinkler.normalized_similarity),
)


# To trees a number like others; columns of nothing else are what scikit-learn cannot take as unknown.
MISSING = -1.0


def main() -> None:
    """Learn and judge, three seeds each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", type=Path, nargs="+", help="folders with tableA, tableB, train, valid and test"
    )
    for data in parser.parse_args().data:
        found = [f1(data, seed) for seed in range(3)]
        print(
            f"{data.name}: F1 {mean(found):.4f} ±{stdev(found):.4f} ({', '.join(f'{x:.4f}' for x in found)})"
        )


def f1(data: Path, seed: int) -> float:
    """F1 on the test pairs of trees that learned from the train pairs."""
    parts = {name: compared(data, name) for name in ("train", "valid", "test")}
    trees = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
    trees.fit(*parts["train"])
    said = {name: trees.predict_proba(values)[:, 1] for name, (values, _) in parts.items()}
    judged = said["valid"], parts["valid"][1]
    threshold = max(np.unique(said["valid"]), key=lambda one: f1_from(one, *judged))
    return f1_from(threshold, said["test"], parts["test"][1])


def compared(data: Path, part: str) -> tuple[Any, Any]:
    """(P, features) similarities of cells, ``MISSING`` where one is empty; and the labels (P)."""
    left, right = (pl.read_csv(data / f"table{side}.csv", infer_schema=False) for side in "AB")
    pairs = pl.read_csv(data / f"{part}.csv")
    rows = [
        pl.DataFrame({"id": pairs[f"{side}table_id"].cast(pl.String)}).join(
            table, on="id", how="left", maintain_order="left"
        )
        for side, table in (("l", left), ("r", right))
    ]
    columns = [of_column(rows[0][name], rows[1][name]) for name in left.columns if name != "id"]
    return np.concatenate(columns, axis=1), pairs["label"].to_numpy() == 1


def of_column(first: pl.Series, second: pl.Series) -> Any:
    """(P, 9) of two columns of cells: edit and token similarities, the cosine of n-grams, two of numbers."""
    plain = normalise(first.fill_null("")), normalise(second.fill_null(""))
    texts = [one.to_list() for one in plain]
    measured = [process.cpdist(*texts, scorer=scorer, workers=1) for scorer in MEASURES]
    table = TextTable.of(*plain)
    cosine = table.cosines(table.numbers(plain[0]), table.numbers(plain[1]))
    a, b = (numbers(one.fill_null("")).fill_null(float("nan")).to_numpy() for one in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(a - b)
        share = apart / np.maximum(np.abs(a), np.abs(b))
    said = ((plain[0] != "") & (plain[1] != "")).to_numpy()
    values = np.stack([*measured, cosine, apart, share], axis=1).astype(np.float64)
    return np.where(said[:, None] & ~np.isnan(values), values, MISSING)


if __name__ == "__main__":
    main()
