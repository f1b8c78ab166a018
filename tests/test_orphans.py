from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossgraph.blocking.candidates import Candidates
from crossgraph.calibration import Calibration
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import Around, Pool, fit_rounds
from crossgraph.labels import Labels, label_links
from crossgraph.orphans import MOST, Missing, Orphans, orphans_for_each
from crossgraph.preparation import Known
from crossgraph.progress import SILENT
from crossgraph.schema.seeds import NO_PAIRS, EntityPairs
from crossgraph.stages import StageClock
from features.plain import ints


def labels_of(candidates: Candidates, same: np.ndarray) -> Labels:
    links = EntityPairs.of(candidates.left[same], candidates.right[same])
    return label_links(candidates, (links, NO_PAIRS), NO_PAIRS, seed=0)


def test_rivals_lead_where_the_match_is_not_there():
    """Entity 0 with its match and two rivals, entity 1 with its match alone, entity 2 not labelled."""
    pairs = Candidates.of_pairs(ints(0, 0, 0, 1, 2), ints(0, 1, 2, 3, 1))
    prior = np.array([9, 4, 1, 7, 5], dtype=np.float32)
    evidence = EvidenceTable.of(
        {
            "echo:shared": np.arange(5, dtype=np.float32),
            **lead_columns("prior", (pairs.left, pairs.right), prior),
        }
    )
    labels = labels_of(pairs, np.array([True, False, False, True, False]))
    values = evidence.rows(labels.places)
    found = Orphans.of(evidence.names, values, labels, pairs)
    assert found.labels.places.tolist() == [1]
    assert found.matches.tolist() == [0, 3]
    expected = {
        "echo:shared": 1,
        "prior:value": 4,
        "prior:lead among left's": 3,
        "prior:lead among right's": -1,
    }
    assert dict(zip(evidence.names, found.values[0].tolist(), strict=True)) == expected
    both, told = found.beside(values, labels)
    np.testing.assert_array_equal(both, np.r_[values, found.values])
    assert len(told) == len(labels) + 1
    assert not told.same[-1]
    without = found.standing(prior, np.array([6], dtype=np.float32), pairs)
    assert without.raw.tolist() == [9, 6, 1, 7, 5]
    assert without.leads[1] == (6 - 1) + (6 - 5)


def test_a_rival_that_is_left_alone_has_no_lead():
    pairs = Candidates.of_pairs(ints(0, 0), ints(0, 1))
    columns = lead_columns("prior", (pairs.left, pairs.right), np.array([2, 1], dtype=np.float32))
    evidence = EvidenceTable.of(columns)
    labels = labels_of(pairs, np.array([True, False]))
    found = Orphans.of(evidence.names, evidence.values, labels, pairs)
    assert len(found) == 1
    assert np.isnan(found.values[0, evidence.names.index("prior:lead among left's")])


def test_without_matches_there_are_no_orphans():
    pairs = Candidates.of_pairs(ints(0, 0), ints(0, 1))
    evidence = EvidenceTable.of(
        lead_columns("prior", (pairs.left, pairs.right), np.ones(2, dtype=np.float32))
    )
    different = label_links(pairs, (NO_PAIRS, EntityPairs.of(ints(0), ints(1))), NO_PAIRS, seed=0)
    assert not len(Orphans.of(evidence.names, evidence.rows(different.places), different, pairs))


def test_how_many_have_no_counterpart_is_told_by_those_whom_nobody_labelled():
    # Of a hundred entities twenty are linked; of the others three in four have a partner. Another type, none
    # of whom is linked, has none.
    size = 120
    pairs = Candidates.of_pairs(np.repeat(np.arange(size), 2), np.arange(2 * size))
    kinds = (pairs.left >= 100).astype(np.int32)
    best = np.arange(len(pairs)) % 2 == 0
    labels = labels_of(pairs, best & (pairs.left < 20))
    probability = np.where(best & (pairs.left % 4 != 0) & (kinds == 0), 1.0, 0.0)
    nobody, none = labels.take(np.zeros(len(labels), dtype=bool)), np.zeros(0)

    def share(thought, labels=labels, lonely=none, orphans=nobody, kept=slice(None)):
        own = pairs.take(np.arange(len(pairs))[kept])
        return orphans_for_each(thought[kept], lonely, orphans, own, labels, kinds[kept])

    # Five of the twenty whose match is known are not found either: as many of the others are missed.
    assert share(probability) == pytest.approx(0.0)
    found = np.where(best & (pairs.left < 20), 1.0, probability)
    assert share(found) == pytest.approx(20 / 60)
    assert share(np.where(pairs.left < 20, found, 0.0)) == MOST
    # Those whose match is not there look like one in five: two in three of the others are more than that.
    orphans = labels.take(~labels.same)
    assert share(np.where(found > 0, 1.0, 0.2), lonely=np.full(len(orphans), 0.2), orphans=orphans) == (
        pytest.approx(20 / 60)
    )
    # Nobody tells them apart: who is in doubt has none.
    alike = np.full(len(orphans), 1.0)
    assert share(found, lonely=alike, orphans=orphans) == pytest.approx(20 / 60)
    few = pairs.left < 60
    labels = labels_of(pairs.take(few), (best & (pairs.left < 20))[few])
    assert share(found, labels, kept=few) == 0.0
    unknown = replace(labels, known=np.zeros(len(labels), dtype=bool))
    assert share(found, unknown, kept=few) == 0.0


def test_pairs_that_are_not_there_stand_as_in_a_contest_without_them():
    rng = np.random.default_rng(0)
    pairs = Candidates.of_pairs(rng.integers(0, 12, 60), rng.integers(0, 12, 60))
    same = pairs.left == pairs.right
    labels = labels_of(pairs, same)
    links = EntityPairs.of(pairs.left[same], pairs.right[same])
    every = np.ones(len(pairs), dtype=bool)
    contest = Contest(pairs, Known(links, NO_PAIRS), (every, every), ~every, labels.fold_of_each(len(pairs)))
    score, absent = rng.normal(size=len(pairs)), np.flatnonzero(same)
    found = contest.standings_without(absent, score)
    for fold in range(4):
        gone = np.isin(np.arange(len(pairs)), absent[contest.folds[absent] == fold])
        rest = Contest(
            pairs.take(~gone),
            Known(links.take(~np.isin(pairs.find(links.left, links.right), np.flatnonzero(gone))), NO_PAIRS),
            (every[~gone], every[~gone]),
            ~every[~gone],
            contest.folds[~gone],
        )
        here = (contest.folds == fold) & ~gone
        slow = rest.standings(score[~gone])[rest.folds == fold]
        np.testing.assert_allclose(found[here], slow, atol=1e-6)


@pytest.mark.parametrize("taught", [True, False])
def test_who_has_no_counterpart_is_called_nobody_s_only_if_that_is_taught(taught, monkeypatch):
    """Four hundred entities with four candidates; a match is clearly nearer, and a third have none."""
    if not taught:
        monkeypatch.setattr("crossgraph.orphans.BY", ())
    rng, size = np.random.default_rng(0), 400
    left = np.repeat(np.arange(size), 4)
    pairs = Candidates.of_pairs(left, (left + np.tile(np.arange(4), size) * 101) % (2 * size))
    lone = pairs.left % 3 == 0
    same = (pairs.left == pairs.right) & ~lone
    near = rng.normal(np.where(same, 4.0, 0.0), 0.7).astype(np.float32)
    columns = [lead_columns(name, (pairs.left, pairs.right), near) for name in ("prior", "collective")]
    evidence = EvidenceTable.of({name: values for one in columns for name, values in one.items()})
    labels = labels_of(pairs, same & (pairs.left < 120))
    every, folds = np.ones(len(pairs), dtype=bool), labels.fold_of_each(len(pairs))
    contest = Contest(pairs, Known.nothing(), (every, every), ~every, folds)
    kinds = np.zeros(len(pairs), dtype=np.int32)
    pool = Pool(evidence, contest, kinds, lambda probability: EvidenceTable.none(len(probability)))
    _, scored = fit_rounds(pool, labels, Config(), Around(StageClock(), SILENT))
    free, called = folds < 0, scored.probability > 0.5
    wrong = len(np.unique(pairs.left[free & lone & called])) / len(np.unique(pairs.left[free & lone]))
    assert called[free & same].mean() > 0.95
    assert wrong < 0.05 if taught else wrong > 0.2


def test_lone_entities_are_counted_from_what_is_thought_and_taken_for_their_best_rival():
    """Three hundred entities, a third of them without a counterpart, ninety of the others linked."""
    rng, size = np.random.default_rng(1), 300
    pairs = Candidates.of_pairs(np.repeat(np.arange(size), 3), np.arange(3 * size))
    first = np.arange(3 * size) % 3 == 0
    same = first & (pairs.left % 3 != 0)
    labels = labels_of(pairs, same & (pairs.left < 135))
    raw = rng.normal(np.where(same, 4.0, 0.0), 1.0).astype(np.float32)
    columns = lead_columns("prior", (pairs.left, pairs.right), raw)
    evidence = EvidenceTable.of(columns)
    orphans = Orphans.of(evidence.names, evidence.rows(labels.places), labels, pairs)
    own = raw[orphans.labels.places]
    kinds = np.zeros(len(pairs), dtype=np.int32)
    missing = Missing.of(orphans, own, raw, labels, pairs, kinds)
    assert missing is not None
    # A third of all, but of those whom nobody labelled there are more.
    free = ~np.isin(pairs.left, pairs.left[labels.places])
    true = len(np.unique(pairs.left[free & (pairs.left % 3 == 0)])) / (free & same).sum()
    assert missing.share == pytest.approx(true, abs=0.15)
    lone = missing.taken_for(own.astype(np.float64), half=0.0)
    assert sorted(pairs.left[lone.places]) == sorted(pairs.left[labels.places[labels.same]])
    assert not same[lone.places].any()
    assert (lone.share, lone.half) == (missing.share, 0.5)
    seeds = replace(labels, known=np.zeros(len(labels), dtype=bool))
    assert Missing.of(orphans, own, raw, seeds, pairs, kinds) is None


def test_one_calibration_after_another_is_one():
    first, second = Calibration(0.5, 0.2, -1.0), Calibration(2.0, 0.7, 0.3)
    scores, standings = np.array([1.0, 2.0]), np.array([-1.0, 3.0])
    expected = second.scores(first.scores(scores, standings), np.zeros(2))
    np.testing.assert_allclose(first.then(second).scores(scores, standings), expected)
