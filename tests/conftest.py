"""Two pairs of graphs with known truth: a tiny hand-drawn one, and a generated one of about 200 entities."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Small matrices and tables gain nothing from threads, and suffer where other programs use the cores.
# Libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from crossgraph.graphs import GraphTables, KnowledgeGraph

if TYPE_CHECKING:
    from crossgraph.evidence.table import EvidenceTable
    from crossgraph.labels import Labels
    from crossgraph.model.inputs import PairTensors
    from crossgraph.preparation import Preparation
    from crossgraph.schema.vocabulary import Vocabulary

# Every law is tried on a few examples each time, and on many by `make long`.
settings.register_profile("crossgraph", deadline=None, max_examples=10)
settings.register_profile("long", deadline=None, max_examples=300)
settings.load_profile("crossgraph")

# The files that take longest: begun first, no worker has one of them left at the end while the other waits.
LONGEST = (
    "test_benchmark_verb.py",
    "test_cut_short.py",
    "test_pipeline.py",
    "test_demonstration.py",
    "test_many.py",
    "test_docs.py",
    "test_training.py",
    "test_reasons.py",
    "test_examples.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


Rows = list[tuple[str, str, str]]


@dataclass(frozen=True)
class Pair:
    """Two graphs and which left entity is which right one, as identifiers."""

    left: KnowledgeGraph
    right: KnowledgeGraph
    truth: tuple[tuple[str, str], ...]

    @property
    def graphs(self) -> tuple[KnowledgeGraph, KnowledgeGraph]:
        return self.left, self.right

    def write(self, folder: Path) -> Path:
        """Both graphs in the OpenEA layout, without gold."""
        folder.mkdir(parents=True)
        for side, graph in enumerate(self.graphs, start=1):
            tables = graph.tables()
            for stem, table in (
                ("rel_triples", tables.edges),
                ("attr_triples", tables.facts.drop("tag")),
                ("types", tables.types),
            ):
                table.write_csv(
                    folder / f"{stem}_{side}", separator="\t", include_header=False, quote_style="never"
                )
        return folder


@dataclass(frozen=True)
class World:
    """A pair made ready for learning, with a share of its truth known."""

    pair: Pair
    preparation: Preparation
    evidence: EvidenceTable
    labels: Labels
    vocabulary: Vocabulary
    tensors: PairTensors

    def numbers(self, pairs: tuple[tuple[str, str], ...]) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of identifiers as entity numbers."""
        left, right = (pl.Series(list(column)) for column in zip(*pairs, strict=True))
        return self.pair.left.positions(left), self.pair.right.positions(right)


def world_of(pair: Pair, *, share: float = 1.0, seed: int = 0) -> World:
    """Run everything that comes before learning."""
    # Imported here, so that tests that need no torch do not wait for it.
    from crossgraph.blocking.combine import BlockingOptions
    from crossgraph.comparing import gather_evidence
    from crossgraph.labels import label_links
    from crossgraph.preparation import Known
    from crossgraph.proposing import prepare
    from crossgraph.sampling import SamplingOptions
    from crossgraph.schema.estimate import SchemaOptions
    from crossgraph.schema.seeds import EntityPairs
    from crossgraph.schema.vocabulary import build_vocabulary
    from crossgraph.scoring import pair_tensors, sample_both

    shuffled = random.Random(seed).sample(pair.truth, round(share * len(pair.truth)))
    left = pair.left.positions(pl.Series([a for a, _ in shuffled], dtype=pl.String))
    right = pair.right.positions(pl.Series([b for _, b in shuffled], dtype=pl.String))
    nothing = Known.nothing().different
    known = Known(EntityPairs.of(left, right), nothing)
    preparation = prepare(
        pair.graphs,
        known,
        keep=known.same,
        schema_options=SchemaOptions(),
        # All pairs that look alike: what is chance shows only among many.
        blocking=BlockingOptions(least_chance=0.0),
    )
    labels = label_links(preparation.candidates, (known.same, nothing), nothing, seed=seed)
    vocabulary = build_vocabulary(*pair.graphs, preparation.schema)
    around = sample_both(preparation, sampling=SamplingOptions(), seed=seed)
    tensors = pair_tensors(preparation, vocabulary, around, device="cpu")
    return World(pair, preparation, gather_evidence(preparation), labels, vocabulary, tensors)


@pytest.fixture(scope="session")
def make_world() -> Callable[..., World]:
    """``world_of``, for tests with graphs of their own."""
    return world_of


@pytest.fixture(scope="session")
def make_graph() -> Callable[..., KnowledgeGraph]:
    """``graph_of``, for tests with graphs of their own."""
    return graph_of


@pytest.fixture(scope="session")
def mid_world(mid_pair: Pair) -> World:
    """The generated pair with 35% of its truth known."""
    return world_of(mid_pair, share=0.35)


def graph_of(types: list[tuple[str, str]], edges: Rows, facts: Rows) -> KnowledgeGraph:
    """A graph from rows of texts."""
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(types, schema={"entity": pl.String, "type": pl.String}, orient="row"),
            edges=pl.DataFrame(
                edges, schema=dict.fromkeys(("head", "relation", "tail"), pl.String), orient="row"
            ),
            facts=pl.DataFrame(
                facts, schema=dict.fromkeys(("entity", "attribute", "value"), pl.String), orient="row"
            ).with_columns(tag=pl.lit("")),
        )
    )


@pytest.fixture(scope="session")
def tiny_pair() -> Pair:
    """Twelve entities a side: films and people, one of both types, an isolated one, one without facts.

    Heat is tied to Mann twice (directed and wrote) and to Pacino in both directions.
    """
    people = {
        "mann": "Michael Mann",
        "pacino": "Al Pacino",
        "niro": "Robert De Niro",
        "scott": "Ridley Scott",
    }
    films = {
        "heat": ("Heat", "1995"),
        "ali": ("Ali", "2001"),
        "ronin": ("Ronin", "1998"),
        "alien": ("Alien", "1979"),
    }
    left = graph_of(
        [
            *((f"l:{key}", "film") for key in films),
            *((f"l:{key}", "person") for key in people),
            ("l:mann", "studio"),
            ("l:warner", "studio"),
            ("l:alone", "film"),
            ("l:hidden", "person"),
            ("l:lost", "studio"),
        ],
        [
            ("l:heat", "directed_by", "l:mann"),
            ("l:heat", "written_by", "l:mann"),
            ("l:heat", "stars", "l:pacino"),
            ("l:pacino", "known_for", "l:heat"),
            ("l:heat", "stars", "l:niro"),
            ("l:ronin", "stars", "l:niro"),
            ("l:ronin", "stars", "l:hidden"),
            ("l:ali", "directed_by", "l:mann"),
            ("l:alien", "directed_by", "l:scott"),
            ("l:heat", "made_by", "l:warner"),
            ("l:alien", "made_by", "l:lost"),
        ],
        [
            *((f"l:{key}", "title", title) for key, (title, _) in films.items()),
            *((f"l:{key}", "year", year) for key, (_, year) in films.items()),
            *((f"l:{key}", "name", name) for key, name in people.items()),
            ("l:warner", "name", "Warner Brothers"),
            ("l:lost", "name", "Brandywine"),
            ("l:alone", "title", "Manhunter"),
        ],
    )
    right = graph_of(
        [
            *((f"r:{key}", "Movie") for key in films),
            *((f"r:{key}", "Human") for key in people),
            ("r:warner", "Company"),
            ("r:alone", "Movie"),
            ("r:hidden", "Human"),
            ("r:lost", "Company"),
        ],
        [
            ("r:mann", "director_of", "r:heat"),
            ("r:mann", "writer_of", "r:heat"),
            ("r:heat", "cast", "r:pacino"),
            ("r:heat", "cast", "r:niro"),
            ("r:ronin", "cast", "r:niro"),
            ("r:ronin", "cast", "r:hidden"),
            ("r:mann", "director_of", "r:ali"),
            ("r:scott", "director_of", "r:alien"),
            ("r:heat", "company", "r:warner"),
            ("r:alien", "company", "r:lost"),
        ],
        [
            *((f"r:{key}", "label", title) for key, (title, _) in films.items()),
            *((f"r:{key}", "release", year) for key, (_, year) in films.items()),
            *((f"r:{key}", "called", name) for key, name in people.items()),
            ("r:warner", "called", "Warner Bros."),
            ("r:lost", "called", "Brandywine Productions"),
            ("r:alone", "label", "Manhunter"),
        ],
    )
    names = [*films, *people, "warner", "alone", "hidden", "lost"]
    return Pair(left, right, tuple((f"l:{name}", f"r:{name}") for name in names))


@pytest.fixture(scope="session")
def mid_pair() -> Pair:
    """About 200 entities a side, of four types; see ``generated``."""
    return generated(seed=7)


FIRST = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karin")
LAST = ("Adler", "Brandt", "Castor", "Duval", "Engel", "Fischer", "Galanis", "Horvat", "Ivanov", "Jansen")
WORDS = (
    *("Amber", "River", "Night", "Garden", "Silent", "Winter", "Crimson"),
    *("Harbour", "Glass", "Falcon", "Paper", "Summer", "Iron", "Lantern"),
)
KINDS = ("Drama", "Comedy", "Thriller", "Western", "Musical", "Horror")


def generated(*, seed: int) -> Pair:
    """Films, people, studios and genres; the right graph has another schema, worse names and gaps.

    Names come from small pools, so that there are namesakes, and what tells them apart are years and
    neighbours. Identifiers carry no signal. One film in eight is missing on either side.
    """
    rng = random.Random(seed)
    people = {
        f"p{i}": (f"{rng.choice(FIRST)} {rng.choice(LAST)}", str(rng.randint(1920, 1990))) for i in range(80)
    }
    films = {
        f"f{i}": (" ".join(rng.sample(WORDS, rng.choice([1, 2, 2]))), str(rng.randint(1950, 2015)))
        for i in range(110)
    }
    studios = {f"s{i}": f"{rng.choice(LAST)} {word} Pictures" for i, word in enumerate(WORDS[:12])}
    genres = {f"g{i}": name for i, name in enumerate(KINDS)}
    edges: Rows = []
    for film in films:
        edges.append((film, "directed_by", rng.choice(list(people))))
        edges += [(film, "stars", actor) for actor in rng.sample(list(people), rng.randint(2, 4))]
        edges.append((film, "made_by", rng.choice(list(studios))))
        edges.append((film, "genre", rng.choice(list(genres))))
    gone = {key: rng.choice(("left", "right")) for key in films if rng.random() < 0.25}
    numbers = rng.sample(range(10_000), len(films) + len(people) + len(studios) + len(genres))
    others = rng.sample(range(10_000), len(numbers))
    every = [*films, *people, *studios, *genres]
    left_id = {key: f"m{number}" for key, number in zip(every, numbers, strict=True)}
    right_id = {key: f"q{number}" for key, number in zip(every, others, strict=True)}
    kinds = {"f": "film", "p": "person", "s": "studio", "g": "genre"}
    left = graph_of(
        [(left_id[key], kinds[key[0]]) for key in every if gone.get(key) != "left"],
        [(left_id[h], r, left_id[t]) for h, r, t in edges if gone.get(h) != "left"],
        [
            *((left_id[key], "title", title) for key, (title, _) in films.items() if gone.get(key) != "left"),
            *((left_id[key], "year", year) for key, (_, year) in films.items() if gone.get(key) != "left"),
            *((left_id[key], "name", name) for key, (name, _) in people.items()),
            *((left_id[key], "born", born) for key, (_, born) in people.items()),
            *((left_id[key], "name", name) for key, name in {**studios, **genres}.items()),
        ],
    )
    kinds = {"f": "Movie", "p": "Human", "s": "Company", "g": "Category"}
    renamed = {"directed_by": "director_of", "stars": "cast", "made_by": "company", "genre": "category"}
    kept = [(h, renamed[r], t) for h, r, t in edges if gone.get(h) != "right" and rng.random() < 0.85]
    right = graph_of(
        [(right_id[key], kinds[key[0]]) for key in every if gone.get(key) != "right"],
        [
            (right_id[t], r, right_id[h]) if r == "director_of" else (right_id[h], r, right_id[t])
            for h, r, t in kept
        ],
        [
            *(
                (right_id[key], "label", _worse(title, rng))
                for key, (title, _) in films.items()
                if gone.get(key) != "right"
            ),
            *(
                (right_id[key], "release", year)
                for key, (_, year) in films.items()
                if gone.get(key) != "right" and rng.random() < 0.7
            ),
            *((right_id[key], "called", _worse(name, rng)) for key, (name, _) in people.items()),
            *((right_id[key], "birth", born) for key, (_, born) in people.items() if rng.random() < 0.6),
            *((right_id[key], "called", _worse(name, rng)) for key, name in {**studios, **genres}.items()),
        ],
    )
    truth = tuple((left_id[key], right_id[key]) for key in every if key not in gone)
    return Pair(left, right, truth)


def _worse(name: str, rng: random.Random) -> str:
    """A name as another catalogue might have it: turned round, an initial, a slip, or the same."""
    words = name.split()
    match rng.randrange(5):
        case 0:
            return ", ".join(reversed(words))
        case 1 if len(words) > 1:
            return f"{words[0][0]}. {words[-1]}"
        case 2:
            at = rng.randrange(1, len(name))
            return name[: at - 1] + name[at:]
    return name


@pytest.fixture(scope="session")
def make_pair() -> Callable[..., Pair]:
    """``generated``, for tests that need other graphs of the same kind."""
    return generated
