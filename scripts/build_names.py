"""Make the word lists of `crossgraph generate`: python scripts/build_names.py NAMES WONDERWORDS.

NAMES and WONDERWORDS are the folders of the unpacked PyPI packages names 0.3.0 and wonderwords 3.0.1; see
src/crossgraph/generating/LICENSES.md.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import polars as pl

OUT = Path(__file__).parents[1] / "src" / "crossgraph" / "generating" / "data" / "words.tsv.gz"
# Per cent; the census gives rarer surnames as 0.000.
LEAST_SURNAME = 0.001
# Zipf and Mandelbrot: a word's weight is 1 / (rank + SHIFT).
SHIFT = 200


def census(file: Path) -> pl.DataFrame:
    """Names with their share of the people, in per cent."""
    rows = [line.split()[:2] for line in file.read_text().splitlines()]
    return pl.DataFrame(
        {"word": [name.capitalize() for name, _ in rows], "weight": [float(share) for _, share in rows]}
    )


def words(folder: Path, name: str) -> pl.DataFrame:
    """Words without offensive ones; the shorter, the commoner (Zipf's law of brevity)."""
    offensive = set((folder / "profanitylist.txt").read_text().split("\n"))
    found = {word for word in (folder / name).read_text().split("\n") if word.isalpha() and word.islower()}
    ranked = sorted(found - offensive, key=lambda word: (len(word), word))
    weights = [1.0 / (rank + SHIFT) for rank in range(len(ranked))]
    return pl.DataFrame({"word": [word.capitalize() for word in ranked], "weight": weights})


def main(names: Path, assets: Path) -> None:
    """Write the table: list, word, weight."""
    first = pl.concat([census(names / f"dist.{sex}.first") for sex in ("female", "male")])
    lists = {
        "given": first.group_by("word").agg(pl.col("weight").sum() / 2),
        "surname": census(names / "dist.all.last").filter(pl.col("weight") >= LEAST_SURNAME),
        "noun": words(assets, "nounlist.txt"),
        "adjective": words(assets, "adjectivelist.txt"),
    }
    table = pl.concat(
        [part.select(pl.lit(name).alias("list"), "word", "weight") for name, part in lists.items()]
    )
    table = table.with_columns(pl.col("weight").round(6)).sort(
        ["list", "weight", "word"], descending=[False, True, False]
    )
    OUT.write_bytes(gzip.compress(table.write_csv(separator="\t").encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "names", Path(sys.argv[2]) / "wonderwords" / "assets")
