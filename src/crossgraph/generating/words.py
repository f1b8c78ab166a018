"""Words that names are made of, with how common each is; LICENSES.md tells where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import Float64


@dataclass(frozen=True, eq=False)
class WordList:
    """Words, and the sum of the shares of each and all before it."""

    words: pl.Series
    cumulative: Float64

    def pick(self, uniform: Float64) -> pl.Series:
        """The words that numbers in [0, 1) stand for."""
        places = np.searchsorted(self.cumulative, uniform * self.cumulative[-1], side="right")
        return self.words.gather(np.minimum(places, len(self.words) - 1))


@dataclass(frozen=True, eq=False)
class Words:
    """Given names and surnames of the census of the United States, nouns, adjectives."""

    given: WordList
    surname: WordList
    noun: WordList
    adjective: WordList

    @staticmethod
    def load() -> Words:
        """The lists that come along."""
        table = pl.read_csv(Path(str(files(__package__))) / "data" / "words.tsv.gz", separator="\t")
        lists = {}
        for name in Words.__dataclass_fields__:
            part = table.filter(pl.col("list") == name)
            lists[name] = WordList(part["word"], np.cumsum(part["weight"].to_numpy()))
        return Words(**lists)
