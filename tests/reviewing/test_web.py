"""The pages: what they show and do, and what they refuse."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from crossgraph.cli.reviewing import _reasons
from crossgraph.drawing.texts import cut
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.ledger import Ledger
from crossgraph.reviewing.material import Material, load_material
from crossgraph.reviewing.surroundings import Surroundings, surroundings
from crossgraph.reviewing.web.app import ReviewOptions, create_app
from crossgraph.reviewing.web.guard import HEADERS, GuardOptions, is_loopback
from crossgraph.reviewing.web.pages import chance, web_address
from crossgraph.reviewing.web.picture import draw
from reviewing.samples import BASE, HOSTILE, make_result

LEFT = ("Vertigo", "Alien", *HOSTILE)
RIGHT = ("Vertigo", "Aliens", *HOSTILE[::-1])
HOME = "http://localhost:8765"
PAGES = ("/", "/queue", "/history", "/agreement", "/search?q=script", "/search?q=%22%3E%3Cimg")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return load_material(make_result(tmp_path_factory.mktemp("web") / "w", LEFT, RIGHT))


@pytest.fixture
def client(material: Material) -> Iterator[TestClient]:
    material.folder.ledger_file.unlink(missing_ok=True)
    yield TestClient(create_app(Desk(material), ReviewOptions(who="ann")), base_url=HOME)
    material.folder.ledger_file.unlink(missing_ok=True)


def films(i: int, j: int | None = None) -> dict[str, str]:
    return {"left": f"{BASE}left/film{i}", "right": f"{BASE}right/film{i if j is None else j}"}


def pair_page(i: int, j: int | None = None) -> str:
    return "/pair?" + urlencode(films(i, j))


def form_of(client: TestClient) -> dict[str, str]:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get("/").text)
    assert found
    return {"token": found[1]}


def entries(material: Material):
    return Ledger(material.folder.ledger_file).entries()


def test_a_decision_is_recorded_with_the_probability_and_leads_on(
    client: TestClient, material: Material
) -> None:
    first = client.get("/next", follow_redirects=True)
    assert "is</span>" in first.text
    sent = {**form_of(client), **films(1), "verdict": "same", "why": " surely \n", "order": "sample"}
    answer = client.post("/decide", data=sent, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/next?order=sample&after=")
    (entry,) = entries(material)
    assert (entry.who, entry.pair, entry.verdict) == ("ann", tuple(films(1).values()), "same")
    assert (entry.why, entry.probability) == ("surely", pytest.approx(0.99 - 0.6 / len(LEFT)))
    assert client.get(answer.headers["location"]).url.path == "/pair"
    assert "you said: same" in client.get(pair_page(1)).text
    assert "surely" in client.get("/history").text


def test_undo_shows_the_pair_again(client: TestClient, material: Material) -> None:
    form = form_of(client)
    client.post("/decide", data={**form, **films(1), "verdict": "different"})
    again = client.post("/undo", data=form)
    assert again.url.path == "/pair"
    assert "you said" not in again.text
    assert "There is nothing to undo" in client.post("/undo", data=form).text
    assert [entry.verdict for entry in entries(material)] == ["different", "undo"]


def test_the_queue_runs_dry(client: TestClient) -> None:
    form = form_of(client)
    for _ in range(100):
        page = client.get("/next?type=Person")
        if page.url.path == "/":
            break
        pair = {side: page.url.params[side] for side in ("left", "right")}
        page = client.post("/decide", data={**form, **pair, "verdict": "same", "type": "Person"})
    assert "Nothing is open in this order" in page.text
    assert "0 open pairs" in client.get("/queue?type=Person").text
    assert "0 open pairs" not in client.get("/queue").text


def test_others_words_are_hidden_until_one_has_ones_own(client: TestClient, material: Material) -> None:
    Desk(material).decide("bob", tuple(films(1).values()), "different", why="a sequel")
    assert "a sequel" not in client.get(pair_page(1)).text
    client.post("/decide", data={**form_of(client), **films(1), "verdict": "same"})
    assert "a sequel" in client.get(pair_page(1)).text
    assert "Disputed pairs" in client.get("/agreement").text


def test_a_reviewer_may_take_another_name(client: TestClient, material: Material) -> None:
    page = client.post("/name", data={**form_of(client), "who": "  Zoë <b>  "})
    assert 'value="Zoë &lt;b&gt;"' in page.text
    client.post("/decide", data={**form_of(client), **films(0), "verdict": "unsure"})
    assert entries(material)[0].who == "Zoë <b>"
    assert client.post("/name", data={**form_of(client), "who": " \0"}).status_code == 400


def test_reasons_are_asked_for_after_the_page_and_by_a_link(client: TestClient, material: Material) -> None:
    assert "Reasons of the model" not in client.get(pair_page(0)).text
    assert client.get("/reasons?" + urlencode(films(0))).status_code == 404
    asked: list[tuple[str, str]] = []

    def reasons(left: str, right: str) -> str:
        asked.append((left, right))
        return "<p>because</p>"

    told = TestClient(create_app(Desk(material), ReviewOptions(reasons=reasons)), base_url=HOME)
    page = told.get(pair_page(0)).text
    assert "Reasons of the model" in page
    assert asked == []
    (part,) = re.findall(r'data-part="([^"]+)"', page)
    assert told.get(unescape(part)).text == "<p>because</p>"
    (link,) = re.findall(r'href="(/reasons[^"]+)"', page)
    whole = told.get(unescape(link)).text
    assert "<p>because</p>" in whole
    assert "<html" in whole
    assert asked == [tuple(films(0).values())] * 2
    assert told.get("/reasons?left=x&right=y").status_code == 404


def test_a_result_that_knows_no_reasons_says_so(material: Material) -> None:
    reasons = _reasons(material.folder.path, material)
    told = TestClient(create_app(Desk(material), ReviewOptions(reasons=reasons)), base_url=HOME)
    for _ in range(2):
        answer = told.get("/reasons?" + urlencode({**films(0), "part": 1}))
        assert answer.status_code == 200
        assert "There are no reasons to show" in answer.text
        assert "workings.npz is missing" in answer.text


def test_search_keeps_one_end_and_makes_a_pair_with_the_other(client: TestClient) -> None:
    found = client.get("/search?" + urlencode({"q": "alien", "left": films(0)["left"]})).text
    assert f'href="/pair?{urlencode(films(0, 1))}"'.replace("&", "&amp;") in found
    unscored = client.get(pair_page(1, 5)).text
    assert "probability not scored" in unscored


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/pair", 404),
        ("/pair?left=x&right=y", 404),
        ("/entity?side=left&id=x", 404),
        ("/entity?side=up&id=x", 404),
        ("/queue?page=99999999999&order=none&type=%00", 200),
        ("/next?after=-7&order=uncertain", 200),
        ("/next?after=999999", 200),
        ("/history?page=7", 200),
        ("/nothing", 404),
    ],
)
def test_odd_addresses_have_plain_answers(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "<h1>" in answer.text


CHANGES = ("/decide", "/undo", "/name", "/learn")


def test_every_address_that_changes_something_is_known_to_these_tests(material: Material) -> None:
    routes = [route for route in create_app(Desk(material)).routes if isinstance(route, Route)]
    assert {route.path for route in routes if (route.methods or set()) - {"GET", "HEAD"}} == set(CHANGES)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "forgery",
    ["no token", "wrong token", "token of another browser", "other origin", "no origin", "other site", "get"],
)
def test_no_other_site_can_decide_anything(
    client: TestClient, material: Material, path: str, forgery: str
) -> None:
    form = {**form_of(client), **films(1), "verdict": "same", "who": "eve"}
    headers = {"origin": HOME}
    match forgery:
        case "no token":
            del form["token"]
        case "wrong token":
            form["token"] = "0" * 64
        case "token of another browser":
            form |= form_of(TestClient(client.app, base_url=HOME))
        case "other origin":
            headers = {"origin": "http://localhost:8766"}
        case "no origin":
            headers = {"origin": "null"}
        case "other site":
            headers = {"sec-fetch-site": "same-site"}
    answer = (
        client.get(f"{path}?{urlencode(form)}")
        if forgery == "get"
        else client.post(path, data=form, headers=headers, follow_redirects=False)
    )
    # Learning has a page of its own at its address, which a review without a model that learns lacks.
    refused = 404 if path == "/learn" else 405
    assert answer.status_code == (refused if forgery == "get" else 403)
    assert entries(material) == []
    assert "crossgraph_reviewer" not in client.cookies
    assert client.post("/decide", data={**form_of(client), **films(1), "verdict": "same"}).status_code == 200


@pytest.mark.parametrize(
    "data", [{"verdict": "maybe"}, {"verdict": "undo"}, {"left": "x"}, {"why": "x" * 70_000}]
)
def test_forms_that_mean_nothing_are_refused(
    client: TestClient, material: Material, data: dict[str, str]
) -> None:
    sent = {**form_of(client), **films(1), "verdict": "same", **data}
    assert client.post("/decide", data=sent).status_code in (400, 404, 413)
    assert entries(material) == []
    raw = client.post("/decide", content=b"\xff\xfe", headers={"content-type": "application/json"})
    assert raw.status_code in (400, 403)


def test_a_page_that_was_open_when_the_server_ended_still_works_with_the_next(
    client: TestClient, material: Material
) -> None:
    form = form_of(client)
    second = TestClient(create_app(Desk(material)), base_url=HOME, cookies=client.cookies)
    assert second.post("/decide", data={**form, **films(1), "verdict": "same"}).status_code == 200
    assert len(entries(material)) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example:8765", "127.0.0.1.evil.example", "", "[::2]", "128.0.0.1"),
        *("127.0.0.1@evil.example", "[localhost]", "[127.0.0.1]", "::1", "[::1].evil.example", "127.1"),
    ],
)
def test_a_name_that_was_made_to_lead_here_is_not_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:1", "127.0.0.1:8765", "127.0.0.2:8765", "127.8.0.1", "LOCALHOST"),
        *("[::1]:8765", "[::1]", "[0:0:0:0:0:0:0:1]:8765"),
    ],
)
def test_this_machine_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


def test_loopback_is_told_from_the_rest() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.0.1", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))


def test_elsewhere_a_token_is_needed_once(material: Material) -> None:
    guard = GuardOptions(token="a long enough secret", loopback=False)
    client = TestClient(create_app(Desk(material), ReviewOptions(guard=guard)), base_url="http://box.example")
    for path in (*PAGES, pair_page(0), "/assets/review.js", "/?token=wrong", "/?token="):
        assert client.get(path).status_code == 401, path
    assert client.post("/decide?token=a+long+enough+secret").status_code == 401
    answer = client.get("/queue?token=a+long+enough+secret&order=sample", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?order=sample")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert "a long enough secret" not in answer.headers["set-cookie"]
    assert client.get("/").status_code == 200
    assert client.get("//evil.example/?token=a+long+enough+secret").url.host == "box.example"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e%2f%2e%2e%2fledger.py",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/..%5capp.py",
        "/assets/review.css%00.py",
        "/ledger.sqlite",
        "/assets/ledger.sqlite",
        "/report.json",
    ],
)
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def every_page(client: TestClient) -> list[str]:
    sent = {**form_of(client), **films(2), "verdict": "same", "why": HOSTILE[0]}
    client.post("/decide", data=sent)
    client.post("/decide", data={**sent, **films(3), "why": HOSTILE[1]})
    pairs = [pair_page(i, j) for i in range(len(LEFT)) for j in (i, 0)]
    ones = [f"/entity?{urlencode({'side': 'left', 'id': films(i)['left']})}" for i in range(len(LEFT))]
    searches = [
        f"/search?{urlencode({'q': name, 'left': name, 'order': name, 'type': name})}" for name in HOSTILE
    ]
    return [*PAGES, *pairs, *ones, *searches, f"/pair?{urlencode({'left': HOSTILE[0], 'right': HOSTILE[1]})}"]


def test_no_name_of_a_graph_and_no_word_of_a_reviewer_becomes_markup(client: TestClient) -> None:
    client.post("/name", data={**form_of(client), "who": HOSTILE[1][:59]})
    shown = ""
    for path in every_page(client):
        page = Elements(client.get(path).text)
        shown += " ".join(page.words)
        tags = [tag for tag, _ in page.found]
        assert tags.count("script") == 1, path
        assert {"img", "style", "iframe", "object", "base"}.isdisjoint(tags), path
        for tag, attributes in page.found:
            assert not any(name.startswith("on") or name == "style" for name in attributes), (path, tag)
            for name in ("href", "src", "action"):
                target = attributes.get(name, "/")
                local = re.match(r"/(?!/)|#", target)
                assert local or (tag == "a" and target.startswith(BASE)), (path, target)
    assert all(name in shown for name in HOSTILE if "{%" not in name), "they are shown as they are"
    assert "49" not in shown.split()


def test_every_answer_says_what_a_page_may_load_and_nothing_is_loaded_from_elsewhere(
    client: TestClient,
) -> None:
    for path in (
        *every_page(client),
        "/assets/review.css",
        "/assets/review.js",
        "/assets/icon.svg",
        "/nothing",
    ):
        answer = client.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS), path
        for tag, attributes in (
            Elements(answer.text).found if "html" in answer.headers["content-type"] else []
        ):
            if tag in ("script", "link"):
                assert (attributes.get("src") or attributes["href"]).startswith("/assets/"), path
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", client.get("/assets/review.css").text)


def test_only_web_addresses_become_links() -> None:
    assert web_address("https://www.wikidata.org/entity/Q1") == "https://www.wikidata.org/entity/Q1"
    bad = (
        "javascript:alert(1)",
        "data:text/html,x",
        "urn:x",
        "film0",
        "//evil",
        "http:",
        "http://[",
        " http://x",
    )
    assert [web_address(name) for name in bad] == [""] * len(bad)


def test_chances_are_never_rounded_to_certainty() -> None:
    assert [chance(p) for p in (0.0, 1e-9, 0.5, 1 - 1e-9, 1.0, None)] == [
        "0.000",
        "< 0.001",
        "0.500",
        "> 0.999",
        "1.000",
        "not scored",
    ]


def test_the_lower_rooms_know_nothing_of_the_web() -> None:
    code = (
        "import sys, crossgraph.reviewing.desk; print(*{'starlette', 'jinja2', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_ledger_that_cannot_be_written_says_so(client: TestClient, material: Material) -> None:
    form = form_of(client)
    Path(material.folder.ledger_file).write_text("not a ledger " * 100)
    answer = client.post("/decide", data={**form, **films(1), "verdict": "same"})
    assert answer.status_code == 500
    assert "Nothing was recorded" in answer.text


def drawn(svg: str, tag: str) -> list[dict[str, str]]:
    """The attributes of each such element of a drawing."""
    return [one.attrib for one in ElementTree.fromstring(svg).iter(tag)]


def test_what_echoes_is_drawn_side_by_side_and_no_box_covers_another(material: Material) -> None:
    makers = material.left.number(f"{BASE}left/maker0"), material.right.number(f"{BASE}right/maker0")
    picture = draw(material, makers, surroundings(material, *makers, settled={}))
    echoes = drawn(picture, "line")
    assert len(echoes) == 3
    assert all(line["y1"] == line["y2"] and float(line["x1"]) < float(line["x2"]) for line in echoes)
    boxes = [
        {key: float(box[key]) for key in ("x", "y", "width", "height")} for box in drawn(picture, "rect")
    ]
    assert len(boxes) == len(drawn(picture, "a")) == 6
    for a, b in combinations(boxes, 2):
        assert abs(a["y"] - b["y"]) >= a["height"] or abs(a["x"] - b["x"]) >= a["width"]
    width, height = (float(size) for size in drawn(picture, "svg")[0]["viewBox"].split()[2:])
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert all(box["y"] + box["height"] <= height for box in boxes)


def test_an_entity_without_neighbours_is_drawn_alone(material: Material) -> None:
    picture = draw(material, (0, 0), Surroundings((), (), (), (0, 0)))
    assert "neither has a neighbour" in picture
    assert drawn(picture, "rect") == drawn(picture, "a") == []


@pytest.mark.parametrize(
    ("text", "shown"), [("abcde", "abcde"), ("abcdef", "abcde…"), ("日本語", "日本…"), ("", "")]
)
def test_texts_are_cut_by_their_width(text: str, shown: str) -> None:
    assert cut(text, 5) == shown
