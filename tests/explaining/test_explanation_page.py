"""What people are shown: every bar and line, and nothing that a name of a graph could do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from crossgraph.cli.explaining import _print
from crossgraph.drawing.texts import plain
from crossgraph.explaining.answer import Answer
from crossgraph.explaining.contrast import contrast
from crossgraph.explaining.page import fragment, page
from crossgraph.explaining.wording import signed, told, turning, waterfall
from explaining.samples import explanation

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</title></style></svg><iframe src='https://evil.example/'>",
    "{style} %s &lt;b&gt; ${x}",
    "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u202c \x9b2J",
    "' style='background:url(https://evil.example/a.png)' x='",
]
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "ul", "ol", "li"),
    *("span", "b", "small", "i", "svg", "g", "line", "path", "text", "rect"),
    *("div", "table", "thead", "tbody", "tr", "th", "td"),
}


class Reader(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def shown(name: str = "Solaris") -> str:
    pair, other = explanation(name), explanation(name, score=1.0)
    return page(Answer(pair, contrast(pair, other, shared="left")))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_leave_its_place_in_the_page(name):
    plainly, hostile = Reader(shown()), Reader(shown(name))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plainly.tags]
    assert {tag for tag, _ in hostile.tags} <= TAGS
    for tag, attributes in hostile.tags:
        names = set(attributes)
        assert not names & {"src", "href", "srcdoc", "action", "xlink:href"}, tag
        assert not any(one.startswith("on") for one in names), tag
        assert "url(" not in (attributes.get("style") or ""), tag
    # The name itself is to be read, as text.
    assert any(plain(name)[:12] in text for text in hostile.texts)
    part, usual = Reader(fragment(explanation(name))), Reader(fragment(explanation()))
    assert [tag for tag, _ in part.tags] == [tag for tag, _ in usual.tags]
    # The pages that it becomes a part of allow no style in their tags.
    assert not any("style" in attributes for _, attributes in part.tags)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_steer_a_terminal(name, capsys):
    pair = explanation(name)
    _print(pair, contrast(pair, explanation(name, score=1.0), shared="left"))
    out = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out)
    assert "score" in out


def test_the_page_needs_nothing_but_itself():
    text = shown()
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|@import|url\(|<script|<link", text)
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_the_bars_lead_from_nothing_to_the_score():
    found = explanation()
    steps = waterfall(found)
    assert steps[0].start == 0.0
    assert steps[0].gain == pytest.approx(found.rest)
    assert all(a.end == b.start for a, b in pairwise(steps))
    assert steps[-1].end == pytest.approx(found.score)
    assert steps[-1].label == "1 weaker reason"
    few = waterfall(found, most=2)
    assert len(few) == 4
    assert few[-1].end == pytest.approx(found.score)


def test_echoed_neighbours_are_linked_and_weights_are_widths():
    lines = [
        attributes for tag, attributes in Reader(page(Answer(explanation()))).tags if tag in ("line", "path")
    ]
    echoes = [one for one in lines if "echo" in (one["class"] or "")]
    edges = [one for one in lines if "edge" in (one["class"] or "")]
    assert len(echoes) == 1
    assert float(echoes[0]["stroke-width"] or 0) == pytest.approx(0.8 + 6 * 0.9, abs=0.05)
    # Two for the echo, one on the right alone, one for the hundred others on the left.
    assert len(edges) == 4
    widths = [float(one["stroke-width"] or 0) for one in edges]
    assert widths[0] == pytest.approx(0.8 + 7 * 0.9, abs=0.05)
    assert widths[0] > widths[1] > widths[2]
    assert ["unseen" in (one["class"] or "") for one in edges] == [False, False, True, True]


def test_what_would_turn_it_is_told():
    found = explanation()
    assert found.turning == (found.reasons[1],)
    assert turning(found) == [f"Without {told(found.reasons[1].clue)} it would be decided otherwise: -1.00."]


def test_a_contrast_sums_to_the_gap_of_the_scores():
    pair, other = explanation(), explanation("Stalker", score=-2.0)
    for shared in ("left", "right"):
        found = contrast(pair, other, shared=shared)
        assert sum(row.difference for row in found.differences) == pytest.approx(5.0)
    mirrored = contrast(other, pair, shared="left")
    gaps = {(row.by, row.shown): row.difference for row in mirrored.differences}
    for row in contrast(pair, other, shared="left").differences:
        assert gaps[row.by, row.shown] == pytest.approx(-row.difference)


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "+1.23"), (-0.5, "-0.50"), (0.001, "0.00"), (-0.004, "0.00")]
)
def test_log_odds_have_a_sign_unless_they_are_nothing(value, text):
    assert signed(value) == text
