"""The evaluation protocol as plain loops: slow, obvious, and sharing nothing with the package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

Pair = tuple[str, str]


def curve(scores: Sequence[float], is_match: Sequence[bool], total: int) -> list[tuple[float, float]]:
    points = []
    for threshold in sorted(set(scores), reverse=True):
        chosen = [hit for score, hit in zip(scores, is_match, strict=True) if score >= threshold]
        points.append((sum(chosen) / len(chosen), sum(chosen) / total if total else 0.0))
    return points


def of_curve(scores: Sequence[float], is_match: Sequence[bool], total: int) -> dict[str, float]:
    points = curve(scores, is_match, total)
    area, before = 0.0, 0.0
    for precision, recall in points:
        area += (recall - before) * precision
        before = recall
    return {
        "prauc": area,
        "f1_best": max((2 * p * r / (p + r) for p, r in points if p + r > 0), default=0.0),
        "r_at_p95": max((r for p, r in points if p >= 0.95), default=0.0),
    }


def ranks(rows: Iterable[tuple[object, float, bool]]) -> list[float]:
    candidates = defaultdict(list)
    for group, score, hit in rows:
        candidates[group].append((score, hit))
    found = []
    for group in sorted(candidates):
        true = [score for score, hit in candidates[group] if hit]
        if true:
            above = sum(score > max(true) for score, _ in candidates[group])
            tied = sum(score == max(true) for score, _ in candidates[group])
            # The mean of the places above + 1 ... above + tied.
            found.append(sum(range(above + 1, above + tied + 1)) / tied)
    return found


def of_result(scored: dict[Pair, float], matched: Iterable[Pair], gold: Iterable[Pair]) -> dict[str, float]:
    gold = set(gold)
    lefts, rights = {left for left, _ in gold}, {right for _, right in gold}
    rows = [(pair, p) for pair, p in scored.items() if pair[0] in lefts or pair[1] in rights]
    hits = [pair in gold for pair, _ in rows]
    figures = {"recall_blocking": sum(hits) / len(gold)}
    figures |= of_curve([p for _, p in rows], hits, len(gold))
    places = ranks((pair[0], p, hit) for (pair, p), hit in zip(rows, hits, strict=True) if pair[0] in lefts)
    figures["hits1"] = sum(place <= 1 for place in places) / len(lefts)
    figures["hits10"] = sum(place <= 10 for place in places) / len(lefts)
    figures["mrr"] = sum(1 / place for place in places) / len(lefts)
    said = {pair for pair in matched if pair[0] in lefts or pair[1] in rights}
    right = len(said & gold)
    figures["precision"] = right / len(said) if said else 0.0
    figures["recall"] = right / len(gold)
    figures["f1"] = 2 * right / (len(said) + len(gold))
    return figures
