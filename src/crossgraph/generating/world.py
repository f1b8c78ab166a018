"""The world that both graphs tell of: films, people, companies, keywords and genres, and who made what.

Nothing of it is held but who is where and under which number; all else is drawn when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import AnyArray, Bool, Int32, Int64
from crossgraph.errors import ConfigError
from crossgraph.generating.draws import Draws, pareto, zipf

FILM, PERSON, COMPANY, KEYWORD, GENRE = range(5)
# Of the entities of one side, but for genres, which all films share.
SHARES = (0.44, 0.45, 0.06, 0.05)
GENRES = (
    *("Drama", "Comedy", "Documentary", "Thriller", "Action", "Romance", "Horror", "Crime", "Adventure"),
    *("Family", "Animation", "Fantasy", "Mystery", "Science Fiction", "History", "Music", "War", "Western"),
    *("Biography", "Sport", "Musical", "News", "Short", "Experimental"),
)
LEAST_ENTITIES = 100
# Films of one circle share many of their people and companies; of one block, some are sequels of the first.
CIRCLE, BLOCK = 40, 8
SEQUELS, REMAKES, INHERITED, FROM_CIRCLE = 0.10, 0.05, 0.5, 0.5


@dataclass(frozen=True)
class Role:
    """An edge from films.

    kind                 of what it leads to
    least, tail, most    how many a film has: a power law
    skew, shift          how popular those are that it leads to: a power law of their ranks
    circle               how many of a circle take turns in it; 0 for none
    """

    kind: int
    least: int
    tail: float
    most: int
    skew: float
    shift: float
    circle: int = 0


ROLES = {
    "cast": Role(PERSON, least=15, tail=1.7, most=100, skew=0.7, shift=200.0, circle=60),
    "director": Role(PERSON, least=1, tail=3.0, most=4, skew=0.6, shift=100.0, circle=6),
    "writer": Role(PERSON, least=1, tail=2.0, most=6, skew=0.6, shift=100.0, circle=10),
    "company": Role(COMPANY, least=1, tail=1.4, most=8, skew=0.8, shift=5.0, circle=5),
    "genre": Role(GENRE, least=1, tail=1.6, most=4, skew=0.8, shift=3.0),
    "keyword": Role(KEYWORD, least=5, tail=1.6, most=40, skew=0.85, shift=10.0),
}


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of films: film, tail (T) of the world, role (T), slot (T) the place in the film's list."""

    film: Int64
    role: Int32
    slot: Int64
    tail: Int64

    def take(self, rows: AnyArray) -> Edges:
        """Some of the edges."""
        return Edges(self.film[rows], self.role[rows], self.slot[rows], self.tail[rows])


@dataclass(frozen=True, eq=False)
class World:
    """Who is there.

    starts (6)       entities of kind k are those from starts[k] to starts[k + 1], the most popular first
    present (2, W)   which are in the left and in the right graph
    numbers (2, W)   what the identifier of each is made of in either graph; random, so that they tell nothing
    """

    draws: Draws
    starts: Int64
    present: Bool
    numbers: Int64

    @staticmethod
    def of(entities: int, seed: int) -> World:
        """About so many entities a side, one in three of them without a counterpart.

        Raises ConfigError for fewer than 100.
        """
        if entities < LEAST_ENTITIES:
            raise ConfigError(f"{entities} entities are too few", hint=f"ask for {LEAST_ENTITIES} or more")
        draws = Draws(seed)
        # Of three in the world, two are on each side, and half of all are on both.
        counts = [round(4 / 3 * share * (entities - len(GENRES))) for share in SHARES]
        starts = np.cumsum([0, *counts, len(GENRES)])
        present = np.ones((2, starts[-1]), dtype=bool)
        for kind, count in enumerate(counts):
            lone = starts[kind] + draws.permutation(count, f"lone {kind}")[: count // 2]
            present[0, lone[::2]] = present[1, lone[1::2]] = False
        numbers = np.stack([draws.permutation(len(present[0]), f"numbers {side}") for side in range(2)])
        return World(draws, starts, present, numbers)

    def of_kind(self, kind: int, side: int) -> Int64:
        """The entities of one kind on one side, in the order of their numbers there."""
        members = np.arange(self.starts[kind], self.starts[kind + 1])
        members = members[self.present[side, members]]
        ordered: Int64 = members[np.argsort(self.numbers[side, members])]
        return ordered

    def first_of(self, films: Int64) -> Int64:
        """The film that each is a sequel of; itself if it is none."""
        first = films - films % BLOCK
        sequel = self.draws.uniform("sequel", films) < SEQUELS
        origin: Int64 = np.where(sequel, first, films)
        return origin

    def edges(self, films: Int64) -> Edges:
        """All edges of some films, each once."""
        parts = [self._edges(films, code, role) for code, role in enumerate(ROLES.values())]
        together = Edges(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("film", "role", "slot", "tail")
            )
        )
        keys = (together.film * len(ROLES) + together.role) * len(self.numbers[0]) + together.tail
        return together.take(np.unique(keys, return_index=True)[1])

    def _edges(self, films: Int64, code: int, role: Role) -> Edges:
        draws = self.draws
        sizes = pareto(draws.uniform("size", films, code), least=role.least, tail=role.tail, most=role.most)
        film = np.repeat(films, sizes)
        slot = np.arange(len(film)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        inherited = draws.uniform("inherited", film, code, slot) < INHERITED
        source = np.where(inherited, self.first_of(film), film)
        drawn = draws.uniform("tail", source, code, slot)
        if role.circle:
            member = draws.below(role.circle, "member", source, code, slot)
            known = draws.uniform("of circle", source // CIRCLE, code, member)
            drawn = np.where(draws.uniform("from circle", source, code, slot) < FROM_CIRCLE, known, drawn)
        count = int(self.starts[role.kind + 1] - self.starts[role.kind])
        tail = self.starts[role.kind] + zipf(drawn, count, skew=role.skew, shift=role.shift)
        return Edges(film, np.full(len(film), code, dtype=np.int32), slot, tail)
