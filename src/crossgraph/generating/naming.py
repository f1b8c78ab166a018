"""What everything in the world is really called, in parts; versions are other names of the same thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Float64, Int64
from crossgraph.generating.draws import Draws
from crossgraph.generating.words import WordList, Words
from crossgraph.generating.world import BLOCK, REMAKES, World

# The share of people with a second given name, and of sequels with a subtitle.
MIDDLE, SUBTITLED = 0.4, 0.5
_TITLES = (
    ("noun", 0.14),
    ("the noun", 0.12),
    ("adjective noun", 0.20),
    ("the adjective noun", 0.22),
    ("noun of noun", 0.14),
    ("noun and noun", 0.10),
    ("given and the noun", 0.08),
)
KINDS_OF_COMPANY = ("Pictures", "Films", "Productions", "Entertainment", "Studios", "Media")


@dataclass(frozen=True, eq=False)
class Naming:
    """The names of a world."""

    world: World
    words: Words

    @property
    def draws(self) -> Draws:
        """The world's random numbers."""
        return self.world.draws

    def people(self, people: Int64, version: str = "") -> pl.DataFrame:
        """given, middle (empty for most), surname."""
        middle = self._word(self.words.given, f"middle{version}", people)
        has = self.draws.uniform(f"has middle{version}", people) < MIDDLE
        return pl.DataFrame(
            {
                "given": self._word(self.words.given, f"given{version}", people),
                "middle": pl.select(pl.when(pl.Series(has)).then(middle).otherwise(pl.lit(""))).to_series(),
                "surname": self._word(self.words.surname, f"surname{version}", people),
            }
        )

    def titles(self, films: Int64, version: str = "") -> pl.DataFrame:
        """main, part (number of a sequel, 0 for none), subtitle (empty for most)."""
        first = self.world.first_of(films)
        again = films - films % BLOCK
        # A remake has the title of another film, and nothing else of it.
        named = np.where(self.draws.uniform("remake", films) < REMAKES, again, first)
        part = np.where(first != films, films - first + 1, 0)
        has = (first != films) & (self.draws.uniform("subtitled", films) < SUBTITLED)
        subtitle = "The " + self._word(self.words.noun, f"subtitle{version}", films)
        return pl.DataFrame(
            {
                "main": self._title(named, version),
                "part": part,
                "subtitle": pl.select(
                    pl.when(pl.Series(has)).then(subtitle).otherwise(pl.lit(""))
                ).to_series(),
            }
        )

    def companies(self, companies: Int64, version: str = "") -> pl.DataFrame:
        """own, what (Pictures, Films, ...)."""
        family = self._word(self.words.surname, f"family{version}", companies)
        adjective = self._word(self.words.adjective, f"company adjective{version}", companies)
        noun = self._word(self.words.noun, f"company noun{version}", companies)
        by_family = pl.Series(self.draws.uniform(f"by family{version}", companies) < 0.4)
        what = self.draws.below(len(KINDS_OF_COMPANY), f"what{version}", companies)
        return pl.DataFrame(
            {
                "own": pl.select(
                    pl.when(by_family).then(family).otherwise(adjective + " " + noun)
                ).to_series(),
                "what": pl.Series(KINDS_OF_COMPANY).gather(what),
            }
        )

    def keywords(self, keywords: Int64, version: str = "") -> pl.Series:
        """Two words in small letters."""
        adjective = self._word(self.words.adjective, f"keyword adjective{version}", keywords)
        noun = self._word(self.words.noun, f"keyword noun{version}", keywords)
        return (adjective + " " + noun).str.to_lowercase()

    def _title(self, films: Int64, version: str) -> pl.Series:
        names, shares = zip(*_TITLES, strict=True)
        uniform: Float64 = self.draws.uniform(f"title{version}", films)
        form = pl.Series(names).gather(np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right"))
        noun = self._word(self.words.noun, f"title noun{version}", films)
        other = self._word(self.words.noun, f"title other{version}", films)
        adjective = self._word(self.words.adjective, f"title adjective{version}", films)
        given = self._word(self.words.given, f"title given{version}", films)
        frame = pl.DataFrame(
            {
                "form": form,
                "noun": noun,
                "the noun": "The " + noun,
                "adjective noun": adjective + " " + noun,
                "the adjective noun": "The " + adjective + " " + noun,
                "noun of noun": noun + " of " + other,
                "noun and noun": noun + " and " + other,
                "given and the noun": given + " and the " + noun,
            }
        )
        chosen = [pl.when(pl.col("form") == name).then(pl.col(name)) for name in names]
        return frame.select(pl.coalesce(chosen)).to_series()

    def _word(self, words: WordList, purpose: str, numbers: Int64) -> pl.Series:
        return words.pick(self.draws.uniform(purpose, numbers))
