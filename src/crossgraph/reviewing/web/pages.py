"""What each page shows, as plain values for its template."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from crossgraph._types import Int64, Side
from crossgraph.reviewing.book import PairIds
from crossgraph.reviewing.changes import read_changes, read_learned, told_calibration
from crossgraph.reviewing.comparison import MOST_LETTERS, compare, shorten
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.ledger import Entry
from crossgraph.reviewing.pupil import Pupil
from crossgraph.reviewing.surroundings import surroundings
from crossgraph.reviewing.web.picture import draw

PAGE = 50
MOST_CANDIDATES = 8
ORDER_NAMES = {
    "uncertain": "Most uncertain first",
    "useful": "Most useful first",
    "conflict": "Conflicts first",
    "sample": "Matches at random",
}


def overview(desk: Desk, who: str) -> dict[str, Any]:
    """Progress of a reviewer and of all."""
    counts = list(desk.queue(who).counts())
    asked, still_open = sum(row[1] for row in counts), sum(row[2] for row in counts)
    return {
        "counts": [
            {"type": name, "asked": all_of_it, "open": left, "done": all_of_it - left}
            for name, all_of_it, left in counts
        ],
        "total": {"asked": asked, "open": still_open, "done": asked - still_open},
        "precision": desk.precision(),
        "orders": ORDER_NAMES,
        "unlearned": len(desk.unlearned),
        "reviewers": sorted({entry.who for entry in desk.book.entries}),
    }


def queue(desk: Desk, rows: Int64, *, page: int) -> dict[str, Any]:
    """A page of open pairs."""
    material = desk.material
    first = page * PAGE
    shown = [_scored(desk, int(row)) for row in rows[first : first + PAGE]]
    return {
        "rows": shown,
        "count": len(rows),
        "page": page,
        "pages": (len(rows) + PAGE - 1) // PAGE,
        "orders": ORDER_NAMES,
        "types": material.pairs.type_names,
    }


def pair(desk: Desk, pair: PairIds, *, who: str) -> dict[str, Any]:
    """Everything about two entities."""
    material = desk.material
    left, right = material.left.number(pair[0]), material.right.number(pair[1])
    row = desk.row(pair)
    mine = desk.book.standing(pair).get(who)
    around = surroundings(material, left, right, settled=desk.settled)
    precision = desk.precision()
    return {
        "pair": pair,
        "row": row,
        "names": (material.left.name(left), material.right.name(right)),
        "types": (material.left.types(left), material.right.types(right)),
        "probability": float(material.pairs.probability[row]) if row >= 0 else None,
        "matched": bool(material.pairs.matched[row]) if row >= 0 else False,
        "mine": mine,
        # What others said is shown after one's own word: else their agreement would tell nothing.
        "history": [_said(desk, entry) for entry in desk.book.said(pair) if mine or entry.who == who],
        "comparison": compare(material, left, right),
        "picture": draw(material, (left, right), around),
        "hidden": around.hidden,
        "rivals": [(side, _candidates(desk, side, number, but=row)) for side, number in _ends(left, right)],
        "open": sum(left for _, _, left in desk.queue(who).counts()),
        "precision": precision,
    }


def names(desk: Desk, pair: PairIds) -> tuple[str, str]:
    """What two entities are called."""
    left, right = desk.material.left, desk.material.right
    return left.name(left.number(pair[0])), right.name(right.number(pair[1]))


def entity(desk: Desk, side: Side, number: int) -> dict[str, Any]:
    """One entity with its facts and candidates."""
    view = desk.material.view(side)
    neighbours = view.neighbours(number)[:PAGE]
    return {
        "side": side,
        "id": view.id(number),
        "name": view.name(number),
        "types": view.types(number),
        "facts": [(fact.attribute, shorten(fact.value), fact.tag) for fact in view.facts(number)[: 4 * PAGE]],
        "neighbours": [(one.relation, view.id(one.entity), view.name(one.entity)) for one in neighbours],
        "more": view.degree(number) - len(neighbours),
        "candidates": _candidates(desk, side, number, most=4 * MOST_CANDIDATES),
        f"{side}_asked": view.id(number),
    }


def search(desk: Desk, text: str, left: str, right: str) -> dict[str, Any]:
    """Entities by name; one may be kept, and then each one found on the other side makes a pair with it."""
    kept = {}
    for side, identifier in (("left", left), ("right", right)):
        view = desk.material.view("left" if side == "left" else "right")
        number = view.number(identifier)
        kept[side] = {"id": identifier, "name": view.name(number)} if number >= 0 else None
    return {
        "text": text,
        "kept": kept,
        "found": [(side, _found(desk, side, text)) for side in (("left", "right"))],
        "left_asked": left,
        "right_asked": right,
    }


def history(desk: Desk, *, page: int) -> dict[str, Any]:
    """What was said, the last first."""
    entries = desk.book.entries
    end = len(entries) - page * PAGE
    shown = entries[max(end - PAGE, 0) : max(end, 0)][::-1]
    return {
        "entries": [_said(desk, entry) for entry in shown],
        "count": len(entries),
        "page": page,
        "pages": (len(entries) + PAGE - 1) // PAGE,
    }


def agreement(desk: Desk) -> dict[str, Any]:
    """How far the reviewers agree."""
    accord = desk.accord()
    return {
        "accord": accord,
        "disputed": [
            {**_named(desk, pair), "words": [(e.who, e.verdict) for e in desk.book.standing(pair).values()]}
            for pair in accord.disputed[:PAGE]
        ],
    }


def learn(desk: Desk, pupil: Pupil) -> dict[str, Any]:
    """How far the model is with learning, and what the last time has changed."""
    folder = desk.material.folder
    learned = read_learned(folder)
    changed = read_changes(folder.changes_file)
    return {
        "state": pupil.state,
        "seconds": pupil.seconds,
        "lines": pupil.lines(),
        "new": len(desk.unlearned),
        "learned": learned,
        "calibration": told_calibration(learned["calibration"]) if learned else "",
        "flipped": changed.head(PAGE).to_dicts(),
        "turned": len(changed),
    }


def web_address(identifier: str) -> str:
    """The address of an identifier that a browser can open, otherwise empty: http and https, nothing else."""
    try:
        parts = urlsplit(identifier)
    except ValueError:
        return ""
    return identifier if identifier.startswith(("http://", "https://")) and parts.netloc else ""


def chance(probability: float | None) -> str:
    """A probability as people read it; only what is certain is 0 or 1."""
    if probability is None:
        return "not scored"
    if 0 < probability < 0.001:
        return "< 0.001"
    return "> 0.999" if 0.999 < probability < 1 else f"{probability:.3f}"


def when(at: str) -> str:
    """The time of an entry, to the second."""
    return f"{at[:10]} {at[11:19]} UTC"


def _ends(left: int, right: int) -> tuple[tuple[Side, int], tuple[Side, int]]:
    return ("left", left), ("right", right)


def _scored(desk: Desk, row: int) -> dict[str, Any]:
    pairs = desk.material.pairs
    return {
        **_named(desk, desk.material.ids(row)),
        "probability": float(pairs.probability[row]),
        "matched": bool(pairs.matched[row]),
        "type": pairs.type_names[pairs.types[row]],
    }


def _candidates(
    desk: Desk, side: Side, number: int, *, but: int = -1, most: int = MOST_CANDIDATES
) -> list[dict[str, Any]]:
    rows = [int(row) for row in desk.material.pairs.candidates(side, number)[: most + 1] if row != but]
    return [{**_scored(desk, row), "settled": desk.settled.get(row)} for row in rows[:most]]


def _named(desk: Desk, pair: PairIds) -> dict[str, Any]:
    """A pair with names; of a ledger from elsewhere the graphs may not have them."""
    names = []
    for view, identifier in zip((desk.material.left, desk.material.right), pair, strict=True):
        number = view.number(identifier)
        names.append(view.name(number) if number >= 0 else identifier)
    return {"left": pair[0], "right": pair[1], "names": [name[:MOST_LETTERS] for name in names]}


def _said(desk: Desk, entry: Entry) -> dict[str, Any]:
    return {**_named(desk, entry.pair), "entry": entry, "undone": desk.book.is_undone(entry)}


def _found(desk: Desk, side: str, text: str) -> list[dict[str, Any]]:
    view = desk.material.view("left" if side == "left" else "right")
    return [
        {"id": view.id(number), "name": view.name(number), "types": view.types(number)}
        for number in (view.search(text) if text.strip() else [])
    ]
