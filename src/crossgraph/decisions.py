"""Which assigned pairs are called the same: thresholds for each type, from held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal

import numpy as np

from crossgraph._types import AnyArray, Bool, Float64, Int64
from crossgraph.cardinality import ANY_TYPE, CARDINALITIES, Cardinality
from crossgraph.errors import ConfigError

SAMPLES = 200
# At most so many thresholds are tried, evenly spread over the held-out pairs.
THRESHOLDS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionOptions:
    """How pairs are decided.

    precision        floor of the precision, in [0, 1]; 0 chooses the best expected F1
    cardinality      how many partners an entity may have; many-to-one: a left entity one, a right one any
                     number; free: any number; auto: what the known links show, one-to-one without enough
    cardinality_of   the same for single types of left entities, as "type = many-to-one"
    must_agree       left attributes: two entities that both have a value of one, but none in common, are
                     never the same
    apart            types whose entities are never the same, as "left type = right type"
    least_links      known links that a type needs for a threshold of its own (count)
    """

    precision: float = 0.0
    cardinality: Literal["auto", "one-to-one", "many-to-one", "one-to-many", "free"] = "auto"
    cardinality_of: tuple[str, ...] = ()
    must_agree: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    least_links: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.precision <= 1:
            raise ConfigError(f"[decisions] precision = {self.precision}", hint="use a number in [0, 1]")
        if self.cardinality not in ("auto", *CARDINALITIES):
            known = f"auto, {', '.join(CARDINALITIES)}"
            raise ConfigError(f"[decisions] cardinality = {self.cardinality!r}", hint=f"use one of {known}")
        self.types_apart()
        self.cardinalities({})

    def but_thresholds(self) -> DecisionOptions:
        """What pairs are scored and assigned by: the same for all choices of thresholds."""
        return replace(self, precision=DecisionOptions().precision, least_links=DecisionOptions().least_links)

    @property
    def partners(self) -> tuple[str, tuple[str, ...]]:
        """What says how many partners entities may have: all that blocking asks of decisions."""
        return self.cardinality, self.cardinality_of

    def types_apart(self) -> list[tuple[str, str]]:
        """Pairs of a left and a right type. Raises ConfigError for a text that is none."""
        return [_halves("apart", text, "left type = right type") for text in self.apart]

    def cardinalities(self, observed: Mapping[str, Cardinality]) -> dict[str, Cardinality]:
        """How many partners entities of each type may have, where nothing else is said as it was observed.

        Raises ConfigError for a text that is no type with its cardinality.
        """
        found = dict(observed) if self.cardinality == "auto" else {ANY_TYPE: self.cardinality}
        for text in self.cardinality_of:
            name, kind = _halves("cardinality_of", text, "type = many-to-one")
            if kind not in CARDINALITIES:
                hint = f"use one of {', '.join(CARDINALITIES)}"
                raise ConfigError(f"[decisions] cardinality_of: {kind!r} in {text!r}", hint=hint)
            found[name] = kind
        return found


def _halves(key: str, text: str, form: str) -> tuple[str, str]:
    left, middle, right = text.rpartition("=")
    if not (middle and left.strip() and right.strip()):
        raise ConfigError(f"[decisions] {key}: {text!r}", hint=f"write {form!r}")
    return left.strip(), right.strip()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A least probability, and what held-out pairs say it brings.

    Intervals hold 95% (bootstrap, Wilson): of what comes of the pairs that nobody labelled, so few of them
    make an interval wide as few held-out pairs do.
    """

    probability: float
    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float
    matches: int

    def as_dict(self) -> dict[str, float | None]:
        """For ``report.json``; what cannot be told is None."""
        return {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class Lone:
    """Whom entities without a counterpart would be taken for.

    places (K)        candidates, the best one of each left entity whose match is taken to be not there
    probability (K)   what would be thought of them
    share             how many such entities there are for each one with a counterpart
    half              the probability, among entities with a counterpart, of a pair that is as likely as not
                      among all
    """

    places: Int64
    probability: Float64
    share: float
    half: float

    @staticmethod
    def nobody() -> Lone:
        """There are none, as far as one knows."""
        return Lone(np.zeros(0, dtype=np.int64), np.zeros(0), 0.0, 0.5)

    @staticmethod
    def of(places: Int64, probability: Float64, share: AnyArray, half: AnyArray) -> Lone:
        """From arrays as they were stored."""
        return Lone(places, probability, float(share), float(half))

    def take(self, kept: Bool) -> Lone:
        """Some of them."""
        return Lone(self.places[kept], self.probability[kept], self.share, self.half)


LONE = tuple(field.name for field in fields(Lone))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Assigned pairs whose label is known and was not learned from.

    probability, same (K)    of each pair
    groups (K)               the pairs that a bootstrap draws together (those of one left entity)
    matches                  all known matches, found or not
    weight (K)               for how many pairs each stands; 1 if not given
    half                     the probability of a pair that is as likely as not
    others                   how many matches are expected among the pairs that nobody labelled; infinite, or
                             0, for intervals of the expectation itself
    """

    probability: Float64
    same: Bool
    groups: Int64
    matches: int
    weight: Float64 | None = None
    half: float = 0.5
    others: float = math.inf

    @property
    def weights(self) -> Float64:
        """(K) for how many pairs each stands."""
        return np.ones(len(self.same)) if self.weight is None else self.weight


def choose_threshold(held_out: HeldOut, *, precision: float, seed: int) -> Threshold:
    """The probability above which to call a pair the same.

    Of the thresholds whose F1 is within one standard error (by bootstrap over left entities) of the best,
    the one nearest to ``half``: calibrated probabilities say more than the accidents of few held-out
    pairs. With a floor only thresholds count whose lower bound of precision (the lower of the bootstrap's
    2.5% and Wilson's) reaches it. Where pairs are too few for that, the bootstrap's bound alone decides, and
    if that is out of reach too, the most precise threshold is taken; the reported interval tells. The floor
    is for the expected precision: among few other pairs it may be missed, as their wider interval tells.
    """
    order = np.argsort(-held_out.probability, kind="stable")
    probability, same = held_out.probability[order], held_out.same[order]
    ends = np.flatnonzero(np.r_[np.diff(probability) != 0, True]) if len(order) else np.zeros(0, dtype=int)
    ends = ends[:: 1 + len(ends) // THRESHOLDS]
    if not len(ends) or not same.any():
        nan = float("nan")
        return Threshold(held_out.half, nan, nan, nan, nan, nan, nan, held_out.matches)
    weight = held_out.weights[order]
    pairs = same, weight, held_out.groups[order]
    precisions, recalls = _bootstrap(pairs, ends, held_out.matches, seed)
    f1 = 2 * precisions * recalls / np.maximum(precisions + recalls, 1e-12)
    right, said = np.cumsum(weight * same)[ends], np.cumsum(weight)[ends]
    allowed = _reaching(precision, np.quantile(precisions[1:], 0.025, axis=0), _wilson(right, said)[0])
    best = int(np.argmax(np.where(allowed, f1[0], -1.0)))
    allowed &= f1[0] >= f1[0, best] - f1[1:, best].std()
    chosen, least = _nearest(held_out.half, probability, ends, allowed)
    counts = float(right[chosen]), float(said[chosen])
    return _measured(least, (precisions[:, chosen], recalls[:, chosen]), counts, held_out)


def _reaching(floor: float, bootstrap: Float64, wilson: Float64) -> Bool:
    """The thresholds whose lower bound of precision reaches a floor, or come nearest to it."""
    # The bootstrap alone is sure of five right pairs in five.
    sure = np.minimum(bootstrap, wilson) >= floor
    if sure.any():
        return sure
    hoped = bootstrap >= floor
    return hoped if hoped.any() else bootstrap == bootstrap.max()


def _measured(
    probability: float, samples: tuple[Float64, Float64], counts: tuple[float, float], held_out: HeldOut
) -> Threshold:
    """A threshold with its intervals; counts are the right and all of the pairs above it."""
    precisions, recalls = samples
    right, said = counts
    matches, others = held_out.matches, held_out.others
    precision_low, precision_high = _interval(precisions, right, said, others)
    recall_low, recall_high = _interval(recalls, right, max(matches, right), others)
    return Threshold(
        probability=probability,
        precision=float(precisions[0]),
        precision_low=precision_low,
        precision_high=precision_high,
        recall=float(recalls[0]),
        recall_low=recall_low,
        recall_high=recall_high,
        matches=matches,
    )


def _nearest(half: float, probability: Float64, ends: Int64, allowed: Bool) -> tuple[int, float]:
    """The allowed cut that can lie nearest to ``half``, and where: anywhere down to the next pair."""
    high = probability[ends]
    after = np.minimum(ends + 1, len(probability) - 1)
    low = np.where(ends + 1 < len(probability), np.nextafter(probability[after], 1.0), 0.0)
    nearest = np.clip(half, low, high)
    off = np.where(allowed, np.abs(nearest - half), np.inf)
    chosen = int(np.argmin(off))
    return chosen, float(nearest[chosen])


def _interval(samples: Float64, right: float, total: float, others: float) -> tuple[float, float]:
    """95% of the bootstrap, and at least Wilson's interval, which knows how little few pairs say.

    The share among ``others`` strays from what is expected as the held-out one does: both variances add up.

    samples   the share itself, and bootstrapped
    """
    # Where everybody is labelled, the interval is that of the expectation.
    both = 1.0 + (total / others if others > 0 else 0.0)
    low, high = _wilson(np.array([right / both]), np.array([total / both]))
    drawn = samples[0] + np.sqrt(both) * (samples[1:] - samples[0])
    return (
        float(max(min(np.quantile(drawn, 0.025), low[0]), 0.0)),
        float(min(max(np.quantile(drawn, 0.975), high[0]), 1.0)),
    )


def _wilson(right: AnyArray, total: AnyArray) -> tuple[Float64, Float64]:
    """95% interval of a share (Wilson, 1927)."""
    z = 1.959964
    share = right / total
    centre = share + z * z / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    scale = 1 + z * z / total
    return np.maximum((centre - half) / scale, 0.0), np.minimum((centre + half) / scale, 1.0)


def _bootstrap(
    pairs: tuple[Bool, Float64, Int64], ends: Int64, matches: int, seed: int
) -> tuple[Float64, Float64]:
    """(1 + SAMPLES, thresholds) precision and recall; the first row is the data itself.

    pairs   label, weight and group of each, the surest first
    """
    rng = np.random.default_rng(seed)
    same, weights, groups = pairs
    groups, back = np.unique(groups, return_inverse=True)
    # Known matches that were not assigned are groups of their own in the recall's denominator.
    missed = max(0.0, matches - float((weights * same).sum()))
    precisions, recalls = [], []
    for sample in range(1 + SAMPLES):
        times = np.ones(len(groups)) if sample == 0 else rng.poisson(1.0, len(groups)).astype(float)
        lost = missed if sample == 0 else rng.poisson(missed)
        weight = times[back] * weights
        right, all_pairs = np.cumsum(weight * same)[ends], np.cumsum(weight)[ends]
        precisions.append(right / np.maximum(all_pairs, 1e-12))
        recalls.append(right / max((weight * same).sum() + lost, 1e-12))
    return np.array(precisions), np.array(recalls)


def thresholds_by_type(
    held_out: dict[str, HeldOut], *, options: DecisionOptions, seed: int
) -> dict[str, Threshold]:
    """A threshold for each type with enough known links, and ``*`` (from all pairs) for the others."""
    chosen = {
        name: choose_threshold(part, precision=options.precision, seed=seed)
        for name, part in held_out.items()
        if part.matches >= options.least_links
    }
    parts = list(held_out.values())
    if parts:
        together = HeldOut(
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.same for part in parts]),
            np.concatenate([part.groups for part in parts]),
            sum(part.matches for part in parts),
            np.concatenate([part.weights for part in parts]),
            parts[0].half,
            sum(part.others for part in parts),
        )
        chosen[ANY_TYPE] = choose_threshold(together, precision=options.precision, seed=seed)
    return chosen
