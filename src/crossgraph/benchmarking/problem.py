"""What every method of a comparison is given, alike: the same graphs, candidates, labels and questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.cardinality import singles_of
from crossgraph.config import Config
from crossgraph.encoding import encoder_of
from crossgraph.errors import ConfigError, InputError
from crossgraph.graphs.content import content_keys
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.links import read_links
from crossgraph.graphs.readers import read_pair
from crossgraph.labelling import cardinalities_of
from crossgraph.labels import ContentOfBoth, Labels, label_links, label_pairs
from crossgraph.looking import looks
from crossgraph.preparation import Graphs, Known, Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.proposing import prepare
from crossgraph.schema.seeds import EntityPairs, type_codes


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Facts that the left graph loses before anything is read of it.

    type         entities of this type alone
    attributes   what they lose
    share        how many of them, in (0, 1]: the first of the sorted ids, shuffled by generator 0
    """

    type: str
    attributes: tuple[str, ...]
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ConfigError(f"hidden: share = {self.share}", hint="use a number in (0, 1]")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One data set in one setting.

    left, right          graphs; one folder may stand for both
    train, valid, test   files of known links
    pairs                instead of the three: lines of left, right, label and part (train, valid, test)
    negatives            labelled pairs that are not the same, for each match, drawn once; all where None
    share                of the training links that are known
    train_types          types whose training and validation links are known; all where empty
    test_types           types whose test links count; all where empty
    few                  training links of the other types that are known nevertheless
    hidden               facts that are hidden
    """

    name: str
    left: Path
    right: Path | None = None
    train: tuple[Path, ...] = ()
    valid: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    pairs: Path | None = None
    negatives: int | None = None
    share: float = 1.0
    train_types: tuple[str, ...] = ()
    test_types: tuple[str, ...] = ()
    few: int = 0
    hidden: tuple[Hidden, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Problem:
    """One case with one seed.

    preparation    graphs, schema mapping, candidates; made knowing the training links alone
    train, valid   labelled candidates: to learn from, and to choose an epoch or a threshold on
    asked (K)      places of the candidates that are to be scored, ascending: those of ``valid``, and those
                   that count in the test
    same (K)       which of them are the same: read by the judge alone
    total          test matches, those among them that blocking never proposed too
    config         all settings; its seed is the one of this run
    """

    name: str
    preparation: Preparation
    train: Labels
    valid: Labels
    asked: Int64
    same: Bool
    total: int
    config: Config

    @property
    def seed(self) -> int:
        """What every random choice of a method comes from."""
        return self.config.run.seed

    @property
    def candidates(self) -> Candidates:
        """The candidate pairs."""
        return self.preparation.candidates

    @property
    def judged(self) -> Bool:
        """(K) which of the asked pairs count in the test: all but those of ``valid``."""
        return ~np.isin(self.asked, self.valid.places)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method says.

    score (K)          of each asked pair; any real number, higher means more likely the same
    parameters         trained numbers outside a text embedding
    training_seconds   CPU seconds (of all threads) of learning, and of making features for it
    scoring_seconds    CPU seconds of scoring the asked pairs
    scoring_wall       seconds of it by the clock, where a method uses several cores
    """

    score: Float64
    parameters: int
    training_seconds: float
    scoring_seconds: float
    scoring_wall: float | None = None


Method: TypeAlias = Callable[[Problem], Answer]


def problems(case: Case, configs: Sequence[Config], *, progress: Progress = SILENT) -> Iterator[Problem]:
    """The problem of a case under each config; blocking is repeated only where what is known changes."""
    graphs = read_case(case)
    refuse_unknown_types(case, graphs[0])
    before: tuple[Config, Known, Preparation] | None = None
    for config in configs:
        split = _Split.of(case, graphs, config.run.seed)
        if before is None or not _prepared_alike(before[:2], (config, split.known)):
            before = config, split.known, _prepared(graphs, split, config, progress)
        yield split.problem(case, before[2], config)


def refuse_unknown_types(case: Case, left: KnowledgeGraph) -> None:
    """Raise InputError for types of links that the left graph does not have."""
    known = type_codes(left)[0]
    unknown = [name for name in (*case.train_types, *case.test_types) if name not in known]
    if unknown:
        raise InputError(
            f"{case.name}: the left graph has no type {', '.join(map(repr, unknown))}",
            hint=f"it has {', '.join(known)}",
        )


def read_case(case: Case) -> Graphs:
    """Both graphs, without what is hidden."""
    left, right = read_pair(case.left, case.right)
    for hidden in case.hidden:
        left = without_facts(left, hidden)
    return left, right


def without_facts(graph: KnowledgeGraph, hidden: Hidden) -> KnowledgeGraph:
    """The graph without some facts. Raises InputError for a type or attribute that it does not have."""
    unknown = [hidden.type] * (hidden.type not in graph.type_names)
    unknown += [name for name in hidden.attributes if name not in graph.attribute_names]
    if unknown:
        raise InputError(f"the left graph has no {', '.join(unknown)}, which is to be hidden")
    code = graph.type_names.index(hidden.type)
    ids = graph.ids.gather(np.unique(graph.typed[graph.typed[:, 1] == code, 0])).sort()
    order = np.random.default_rng(0).permutation(len(ids))[: int(hidden.share * len(ids))]
    tables = graph.tables()
    loses = pl.col("entity").is_in(ids.gather(order).implode()) & pl.col("attribute").is_in(hidden.attributes)
    return KnowledgeGraph.from_tables(GraphTables(tables.types, tables.edges, tables.facts.filter(~loses)))


@dataclass(frozen=True, eq=False)
class _Split:
    """Labelled pairs of entities: what is known, what is chosen on, what is asked.

    Each is a pair of known matches and known non-matches; of links, the non-matches are empty and follow
    from the candidates.
    """

    known: Known
    valid: Known
    test: Known
    closed: bool

    @staticmethod
    def of(case: Case, graphs: Graphs, seed: int) -> _Split:
        if case.pairs is not None:
            train, valid, test = (
                _part_of_pairs(case.pairs, name, graphs) for name in ("train", "valid", "test")
            )
            return _Split(train, valid, test, closed=False)
        names, codes = type_codes(graphs[0])
        linked, chosen, judged = (_of_links(files, graphs) for files in (case.train, case.valid, case.test))
        learnt = _of_types(linked, case.train_types, names, codes)
        rng = np.random.default_rng((seed, 1))
        if case.share < 1.0:
            learnt = learnt & (rng.permutation(len(linked)) < round(case.share * len(linked)))
        if case.few:
            others = np.flatnonzero(~_of_types(linked, case.train_types, names, codes))
            learnt[rng.choice(others, min(case.few, len(others)), replace=False)] = True
        return _Split(
            _same(linked.take(learnt)),
            _same(chosen.take(_of_types(chosen, case.train_types, names, codes))),
            _same(judged.take(_of_types(judged, case.test_types, names, codes))),
            closed=True,
        )

    def problem(self, case: Case, preparation: Preparation, config: Config) -> Problem:
        """The places of all parts among the candidates."""
        candidates, seed = preparation.candidates, config.run.seed
        left, right = preparation.graphs
        keys = content_keys(left), content_keys(right)
        train, valid = (self._labels(part, candidates, seed, keys) for part in (self.known, self.valid))
        valid = valid.take(~np.isin(valid.places, train.places))
        train = fewer(train, case.negatives, np.random.default_rng((seed, 2)))
        valid = fewer(valid, case.negatives, np.random.default_rng((seed, 3)))
        counts = self._counting(candidates)
        asked = np.union1d(valid.places, np.setdiff1d(counts, np.union1d(train.places, valid.places)))
        matches = self.test.same.and_also(self.valid.same)
        return Problem(
            name=case.name,
            preparation=preparation,
            train=train,
            valid=valid,
            asked=asked,
            same=np.isin(asked, candidates.find(matches.left, matches.right)),
            total=len(self.test.same),
            config=config,
        )

    def _labels(self, part: Known, candidates: Candidates, seed: int, keys: ContentOfBoth) -> Labels:
        if self.closed:
            none = Known.nothing().same
            return label_links(candidates, (part.same, none), none, seed=seed, keys=keys)
        both = part.pairs
        same = np.arange(len(both)) < len(part.same)
        return label_pairs(candidates, (both.left, both.right), same, seed=seed, keys=keys[0])

    def _counting(self, candidates: Candidates) -> Int64:
        """Places of the candidates that count in the test."""
        if not self.closed:
            both = self.test.pairs
            return np.unique(candidates.find(both.left, both.right))
        ends = np.isin(candidates.left, self.test.same.left) | np.isin(candidates.right, self.test.same.right)
        return np.flatnonzero(ends)


def fewer(labels: Labels, negatives: int | None, rng: np.random.Generator) -> Labels:
    """All matches, and at most so many of the others for each of them, drawn at random."""
    if negatives is None:
        return labels
    return labels.take(labels.with_negatives(negatives * int(labels.same.sum()), rng))


def _prepared(graphs: Graphs, split: _Split, config: Config, progress: Progress) -> Preparation:
    known, keep = split.known, None
    if not split.closed:
        # Labelled pairs are given, not proposed: they are the candidates.
        parts = [
            side for part in (split.known, split.valid, split.test) for side in (part.same, part.different)
        ]
        keep = parts[0]
        for part in parts[1:]:
            keep = keep.and_also(part)
    preparation = prepare(
        graphs,
        known,
        keep=keep,
        schema_options=config.schema,
        blocking=config.blocking,
        encoder=encoder_of(config.encoding),
        look=looks(config),
        singles=singles_of(cardinalities_of(graphs[0], known, config)),
        progress=progress,
    )
    if keep is None:
        return preparation
    places = np.unique(preparation.candidates.find(keep.left, keep.right))
    return replace(preparation, candidates=preparation.candidates.take(places))


def _prepared_alike(one: tuple[Config, Known], other: tuple[Config, Known]) -> bool:
    (config, known), (config2, known2) = one, other
    return (config.encoding, config.schema, config.blocking, config.decisions.partners) == (
        config2.encoding,
        config2.schema,
        config2.blocking,
        config2.decisions.partners,
    ) and all(map(np.array_equal, _ends(known), _ends(known2)))


def _ends(known: Known) -> tuple[Int32, ...]:
    return known.same.left, known.same.right, known.different.left, known.different.right


def _of_links(files: tuple[Path, ...], graphs: Graphs) -> EntityPairs:
    if not files:
        return Known.nothing().same
    pairs = read_links(*files).resolve(*graphs).positives()
    return EntityPairs.of(pairs[:, 0], pairs[:, 1])


def _same(pairs: EntityPairs) -> Known:
    return Known(pairs, Known.nothing().different)


def _of_types(pairs: EntityPairs, wanted: tuple[str, ...], names: tuple[str, ...], codes: AnyArray) -> Bool:
    if not wanted:
        return np.ones(len(pairs), dtype=bool)
    return np.isin(codes[pairs.left], [names.index(name) for name in wanted])


def _part_of_pairs(file: Path, part: str, graphs: Graphs) -> Known:
    rows = pl.read_csv(
        file,
        separator="\t",
        has_header=False,
        new_columns=["left", "right", "label", "part"],
        quote_char=None,
    ).filter(pl.col("part") == part)
    left, right = graphs[0].positions(rows["left"]), graphs[1].positions(rows["right"])
    if (left < 0).any() or (right < 0).any():
        raise InputError(f"{file} names entities that the graphs do not have")
    pairs, same = EntityPairs.of(left, right), rows["label"].to_numpy() == 1
    return Known(pairs.take(same), pairs.take(~same))
