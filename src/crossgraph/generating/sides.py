"""What each of the two graphs tells of the world, in a schema of its own, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Int64
from crossgraph.generating.draws import Draws
from crossgraph.generating.naming import Naming
from crossgraph.generating.world import COMPANY, FILM, GENRE, GENRES, KEYWORD, PERSON, ROLES, Edges
from crossgraph.generating.writing import (
    Ways,
    companies_written,
    keywords_written,
    people_written,
    titles_written,
)

Facts = dict[str, pl.Series]
"""Attribute -> values, null where the graph has none."""

# An edge is the likelier told, the earlier it stands in its film's list.
KEPT_FIRST, KEPT_LOSS, KEPT_LEAST = 0.9, 0.02, 0.4
# The first of a cast are leads, where a graph tells them apart.
LEADS = 3


@dataclass(frozen=True)
class Relation:
    """What a graph calls an edge; a turned one leads to the film."""

    name: str
    turned: bool = False


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one graph tells.

    number          0 for left, 1 for right
    types (5)       what it calls each kind
    relations (7)   of leads, then of the roles of ``world.ROLES`` in their order
    facts           its attributes of entities of one kind
    """

    number: int
    types: tuple[str, ...]
    relations: tuple[Relation, ...]
    facts: Callable[[Naming, int, Int64], Facts]

    def edges(self, naming: Naming, films: Int64) -> pl.DataFrame:
        """head, relation, tail: what this graph tells of some of its films, as entities of the world."""
        world = naming.world
        edges = world.edges(films)
        chance = np.maximum(KEPT_LEAST, KEPT_FIRST - KEPT_LOSS * edges.slot)
        kept = naming.draws.uniform(f"kept {self.number}", edges.film, edges.role, edges.slot) < chance
        edges = edges.take(np.flatnonzero(kept & world.present[self.number, edges.tail]))
        numbers = world.numbers[self.number]
        edges = edges.take(np.lexsort((edges.role, numbers[edges.tail], numbers[edges.film])))
        codes = _relation_codes(edges)
        turned = np.array([relation.turned for relation in self.relations])[codes]
        names = pl.Series([relation.name for relation in self.relations])
        return pl.DataFrame(
            {
                "head": np.where(turned, edges.tail, edges.film),
                "relation": names.gather(codes),
                "tail": np.where(turned, edges.film, edges.tail),
            }
        )


def _relation_codes(edges: Edges) -> Int64:
    leads = (edges.role == list(ROLES).index("cast")) & (edges.slot < LEADS)
    codes: Int64 = np.where(leads, 0, edges.role + 1).astype(np.int64)
    return codes


def _left_facts(naming: Naming, kind: int, entities: Int64) -> Facts:
    draws = naming.draws
    if kind == FILM:
        titles = titles_written(naming, entities, 0, LEFT_FILMS)
        title = titles.select(
            pl.when(pl.col("subtitle").is_null())
            .then("main")
            .otherwise(pl.col("main") + ": " + pl.col("subtitle"))
        ).to_series()
        dates = _dates(draws, "released", _years(naming, entities), entities)
        return {
            "title": title,
            "release_date": _some(dates, 0.6, draws, "left released", entities),
            "release_year": _some(dates.str.slice(0, 4), 0.9, draws, "left year", entities),
            "runtime": _some(_runtimes(draws, entities), 0.8, draws, "left runtime", entities),
        }
    if kind == PERSON:
        born = _dates(draws, "born", _births(draws, entities), entities)
        return {
            "name": people_written(naming, entities, 0, LEFT_PEOPLE),
            "born": _some(born, 0.4, draws, "left born", entities),
        }
    if kind == COMPANY:
        founded = _founded(draws, entities)
        return {
            "name": companies_written(naming, entities, 0, LEFT_COMPANIES),
            "founded": _some(founded, 0.5, draws, "left founded", entities),
        }
    if kind == KEYWORD:
        return {"name": keywords_written(naming, entities, 0, LEFT_KEYWORDS)}
    return {"name": _genres(naming, entities)}


def _right_facts(naming: Naming, kind: int, entities: Int64) -> Facts:
    draws = naming.draws
    if kind == FILM:
        titles = titles_written(naming, entities, 1, RIGHT_FILMS)
        slip = np.where(draws.uniform("late", entities) < 0.06, 1, 0)
        years = pl.Series(_years(naming, entities) + slip).cast(pl.String)
        cut = draws.below(9, "cut", entities) * (draws.uniform("is cut", entities) < 0.3)
        minutes = (_runtimes(draws, entities).cast(pl.Int64) + pl.Series(cut)).cast(pl.String)
        return {
            "label": titles["main"],
            "subtitle": titles["subtitle"],
            "year": _some(years, 0.8, draws, "right year", entities),
            "minutes": _some(minutes, 0.6, draws, "right minutes", entities),
        }
    if kind == PERSON:
        born = _dates(draws, "born", _births(draws, entities), entities)
        known = 0.4, draws, "right born", entities
        return {
            "label": people_written(naming, entities, 1, RIGHT_PEOPLE),
            "birth_year": _some(born.str.slice(0, 4), *known),
            "birthday": _some(born.str.slice(5), *known),
        }
    if kind == COMPANY:
        founded = _founded(draws, entities)
        return {
            "label": companies_written(naming, entities, 1, RIGHT_COMPANIES),
            "since": _some(founded, 0.4, draws, "right founded", entities),
        }
    if kind == KEYWORD:
        return {"label": keywords_written(naming, entities, 1, RIGHT_KEYWORDS)}
    return {"label": _genres(naming, entities).replace(RENAMED)}


# Shares of ways to write a name; what is left of 1 is written in full.
LEFT_FILMS: Ways = {"short": 0.05, "slip": 0.03, "missing": 0.06}
RIGHT_FILMS: Ways = {"turned": 0.05, "short": 0.05, "slip": 0.06, "other": 0.15, "missing": 0.08}
LEFT_PEOPLE: Ways = {"bare": 0.15, "slip": 0.02}
RIGHT_PEOPLE: Ways = {"bare": 0.3, "initial": 0.12, "turned": 0.08, "slip": 0.06, "other": 0.1}
LEFT_COMPANIES: Ways = {"bare": 0.05, "slip": 0.02}
RIGHT_COMPANIES: Ways = {"bare": 0.15, "short": 0.1, "legal": 0.2, "slip": 0.05}
LEFT_KEYWORDS: Ways = {"slip": 0.01}
RIGHT_KEYWORDS: Ways = {"other": 0.15, "slip": 0.03}
RENAMED = {
    "Science Fiction": "Sci-Fi",
    "Documentary": "Non-fiction",
    "Romance": "Love",
    "Biography": "Biopic",
}

LEFT = Side(
    number=0,
    types=("film", "person", "company", "keyword", "genre"),
    relations=(
        Relation("cast"),
        Relation("cast"),
        Relation("directed_by"),
        Relation("written_by"),
        Relation("produced_by"),
        Relation("genre"),
        Relation("about"),
    ),
    facts=_left_facts,
)
RIGHT = Side(
    number=1,
    types=("Title", "Contributor", "Studio", "Tag", "Category"),
    relations=(
        Relation("leadIn", turned=True),
        Relation("appearsIn", turned=True),
        Relation("filmmakerOf", turned=True),
        Relation("wrote", turned=True),
        Relation("studio"),
        Relation("category"),
        Relation("tag"),
    ),
    facts=_right_facts,
)
SIDES = (LEFT, RIGHT)


def _some(values: pl.Series, share: float, draws: Draws, purpose: str, entities: Int64) -> pl.Series:
    """The values of some entities; the others have none."""
    told = pl.Series(draws.uniform(purpose, entities) < share)
    return pl.select(pl.when(told).then(values)).to_series()


def _years(naming: Naming, films: Int64) -> Int64:
    """The year of each film: the later, the more films; a sequel comes some years after the first."""
    first = naming.world.first_of(films)
    start = 1920 + (100 * np.sqrt(naming.draws.uniform("year", first))).astype(np.int64)
    return start + np.where(first == films, 0, 2 * (films - first) + naming.draws.below(2, "later", films))


def _births(draws: Draws, people: Int64) -> Int64:
    return 1880 + (125 * np.sqrt(draws.uniform("birth", people))).astype(np.int64)


def _dates(draws: Draws, purpose: str, years: Int64, entities: Int64) -> pl.Series:
    """ISO dates in given years."""
    month = pl.Series(1 + draws.below(12, f"{purpose} month", entities)).cast(pl.String).str.zfill(2)
    day = pl.Series(1 + draws.below(28, f"{purpose} day", entities)).cast(pl.String).str.zfill(2)
    return pl.Series(years).cast(pl.String) + "-" + month + "-" + day


def _runtimes(draws: Draws, films: Int64) -> pl.Series:
    return pl.Series(70 + draws.below(40, "runtime", films) + draws.below(40, "longer", films)).cast(
        pl.String
    )


def _founded(draws: Draws, companies: Int64) -> pl.Series:
    return pl.Series(1910 + draws.below(110, "founded", companies)).cast(pl.String)


def _genres(naming: Naming, genres: Int64) -> pl.Series:
    return pl.Series(GENRES).gather(genres - naming.world.starts[GENRE])
