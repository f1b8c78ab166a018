"""Magellan: a random forest on string similarities that are chosen by the type of each column."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import Jaro, JaroWinkler, Levenshtein
from sklearn.ensemble import RandomForestClassifier

from baselines.records import Column, Pairs, RecordOptions, Records, distinct_pairs, records
from baselines.words import Tokens, gram_sets, tokens, word_sets
from crossgraph._types import Bool, Float32, Float64, Int32, Int64
from crossgraph.benchmarking.problem import Answer, Problem
from crossgraph.features.closeness import best_of_pairs
from crossgraph.features.description import combinations
from crossgraph.features.text import TextTable, unit_rows
from crossgraph.metrics import pr_auc

_Measure = Callable[["Strings", Pairs], Float32]


@dataclass(frozen=True, kw_only=True)
class MagellanOptions:
    """Settings of the forest.

    trees    of it
    leaves   fewest training pairs in a leaf: the choice that is best on the validation pairs is taken
    """

    trees: int = 100
    leaves: tuple[int, ...] = (1, 3, 10)
    records: RecordOptions = field(default_factory=RecordOptions)


@dataclass(frozen=True, eq=False)
class Strings:
    """Cells as strings, and as sets of words and of 3-grams.

    sizes   how many members each set has
    """

    texts: pl.Series
    held: Tokens
    words: TextTable
    grams: TextTable
    sizes: tuple[Float64, Float64]

    @staticmethod
    def of(texts: pl.Series) -> Strings:
        """Split every cell once."""
        held = tokens(texts)
        sets = word_sets(held), gram_sets(texts, 3)
        sizes = tuple(np.diff(one.indptr).astype(np.float64) for one in sets)
        words, grams = (TextTable(texts, unit_rows(one)) for one in sets)
        return Strings(texts, held, words, grams, (sizes[0], sizes[1]))

    def compared(self, scorer: Callable[..., float], pairs: Pairs) -> Float32:
        """(P) a measure of rapidfuzz."""
        return _compared(scorer, self.texts, pairs)


def magellan(problem: Problem, options: MagellanOptions | None = None) -> Answer:
    """Learn a forest from the labelled pairs, then score. Parameters are the nodes of its trees.

    Konda et al., "Magellan: Toward Building Entity Matching Management Systems", VLDB 2016.

    Raises ValueError where matches or non-matches to learn from are missing.
    """
    options = options or MagellanOptions()
    start = time.process_time()
    if not problem.train.same.any() or problem.train.same.all():
        raise ValueError("the forest learns from matches and from non-matches: one of the two is missing")
    view = records(problem, options.records)
    strings = Strings.of(view.texts)
    learnt = features(problem, view, strings, problem.train.places)
    # As Magellan's guides do: a missing similarity is the mean of the column, over the training pairs.
    means = np.nan_to_num(np.nanmean(np.vstack([learnt, np.zeros_like(learnt[:1])]), axis=0))
    forest = _chosen(problem, options, (learnt, means), lambda at: features(problem, view, strings, at))
    trained = time.process_time()
    asked = features(problem, view, strings, problem.asked)
    score = forest.predict_proba(_imputed(asked, means))[:, 1]
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    return Answer(score, nodes, trained - start, time.process_time() - trained)


def _chosen(
    problem: Problem,
    options: MagellanOptions,
    learnt: tuple[Float32, Float32],
    make: Callable[[Int64], Float32],
) -> RandomForestClassifier:
    """The forest that ranks the validation pairs best; the first where there are none."""
    values, means = learnt
    valid, best, kept = problem.valid, -1.0, None
    judged = _imputed(make(valid.places), means) if valid.same.any() else None
    for leaf in options.leaves:
        forest = RandomForestClassifier(
            options.trees, min_samples_leaf=leaf, random_state=problem.seed, n_jobs=1
        ).fit(_imputed(values, means), problem.train.same)
        if judged is None:
            return forest
        found = pr_auc(forest.predict_proba(judged)[:, 1], valid.same, total=int(valid.same.sum()))
        if kept is None or found > best:
            best, kept = found, forest
    assert kept is not None
    return kept


def _imputed(values: Float32, means: Float32) -> Float32:
    return np.where(np.isnan(values), means, values).astype(np.float32)


def features(problem: Problem, view: Records, strings: Strings, places: Int64) -> Float32:
    """(P, features) of some candidates; NaN where either cell is empty."""
    left, right = problem.candidates.left[places], problem.candidates.right[places]
    columns = [_column_features(column, strings, (left, right)) for column in view.columns]
    return np.concatenate([np.zeros((len(places), 0), dtype=np.float32), *columns], axis=1)


def _column_features(column: Column, strings: Strings, pairs: Pairs) -> Float32:
    first, second = column.left[pairs[0]], column.right[pairs[1]]
    said = (first > 0) & (second > 0)
    distinct, back = distinct_pairs(first[said], second[said])
    measured = [measure(strings, distinct) for measure in _measures(column, strings)]
    out = np.full((len(said), len(measured)), np.nan, dtype=np.float32)
    out[said] = np.stack(measured, axis=1)[back]
    if column.kind == "text":
        return out
    numbers = column.numbers[0][pairs[0]], column.numbers[1][pairs[1]]
    return np.concatenate([out, _numeric(numbers[0], numbers[1])], axis=1)


def _numeric(first: Float64, second: Float64) -> Float32:
    """(P, 2) absolute difference, and 1 less its share of the larger of the two."""
    difference, larger = np.abs(first - second), np.maximum(np.abs(first), np.abs(second))
    share = np.divide(difference, larger, out=np.zeros_like(larger), where=larger > 0)
    # Beyond float32 a difference is as large as any.
    bounded = np.minimum(difference, np.finfo(np.float32).max)
    return np.stack([bounded, np.where(np.isnan(difference), np.nan, 1.0 - share)], axis=1).astype(np.float32)


def _measures(column: Column, strings: Strings) -> list[_Measure]:
    """Magellan's table of features: by the mean count of words of a column."""
    if column.kind != "text":
        return [_exact, _edits, _edit_similarity]
    cells = np.concatenate([column.left[column.left > 0], column.right[column.right > 0]])
    mean = strings.sizes[0][cells].mean()
    if mean <= 1.0:
        return [_edits, _edit_similarity, _jaro, _jaro_winkler, _exact, _gram_jaccard]
    if mean <= 5.0:
        few = [_gram_jaccard, _word_cosine, _word_jaccard, _monge_elkan, _edits, _edit_similarity]
        return [*few, _jaro_winkler, _exact]
    if mean <= 10.0:
        return [_gram_jaccard, _word_cosine, _monge_elkan, _edits, _edit_similarity]
    return [_gram_jaccard, _word_cosine]


def _exact(strings: Strings, pairs: Pairs) -> Float32:
    equal: Float32 = (pairs[0] == pairs[1]).astype(np.float32)
    return equal


def _edits(strings: Strings, pairs: Pairs) -> Float32:
    return strings.compared(Levenshtein.distance, pairs)


def _edit_similarity(strings: Strings, pairs: Pairs) -> Float32:
    return strings.compared(Levenshtein.normalized_similarity, pairs)


def _jaro(strings: Strings, pairs: Pairs) -> Float32:
    return strings.compared(Jaro.similarity, pairs)


def _jaro_winkler(strings: Strings, pairs: Pairs) -> Float32:
    return strings.compared(JaroWinkler.similarity, pairs)


def _word_cosine(strings: Strings, pairs: Pairs) -> Float32:
    return strings.words.cosines(*pairs)


def _word_jaccard(strings: Strings, pairs: Pairs) -> Float32:
    return _jaccard(strings.words.cosines(*pairs), strings.sizes[0], pairs)


def _gram_jaccard(strings: Strings, pairs: Pairs) -> Float32:
    return _jaccard(strings.grams.cosines(*pairs), strings.sizes[1], pairs)


def _jaccard(cosine: Float32, sizes: Float64, pairs: Pairs) -> Float32:
    """|A n B| / |A u B| from the cosine of two sets, |A n B| / sqrt(|A| |B|)."""
    a, b = sizes[pairs[0]], sizes[pairs[1]]
    shared = cosine * np.sqrt(a * b)
    return (shared / np.maximum(a + b - shared, 1.0)).astype(np.float32)


def _monge_elkan(strings: Strings, pairs: Pairs) -> Float32:
    """(P) mean over the left words of the best Jaro-Winkler similarity to a right word."""
    held = strings.held
    number, left, right = combinations(held.indptr, held.indptr, pairs)
    if not len(number):
        return np.zeros(len(pairs[0]), dtype=np.float32)
    distinct, back = distinct_pairs(held.rows[left], held.rows[right])
    near = _compared(JaroWinkler.similarity, held.words, distinct)[back]
    # A left word of a pair is one run of combinations.
    new = np.flatnonzero(np.r_[True, (np.diff(number) != 0) | (np.diff(left) != 0)])
    run = np.cumsum(_marks(new, len(number))) - 1
    best = best_of_pairs(len(new), run, near)
    words = np.bincount(number[new], minlength=len(pairs[0]))
    sums = np.bincount(number[new], weights=best, minlength=len(pairs[0]))
    return (sums / np.maximum(words, 1)).astype(np.float32)


def _marks(places: Int64, size: int) -> Bool:
    out = np.zeros(size, dtype=bool)
    out[places] = True
    return out


def _compared(scorer: Callable[..., float], texts: pl.Series, pairs: tuple[Int32, Int32]) -> Float32:
    first, second = (texts.gather(side.astype(np.int64)).to_list() for side in pairs)
    near: Float32 = process.cpdist(first, second, scorer=scorer, dtype=np.float32)
    return near
