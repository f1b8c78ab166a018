"""The review in a real browser (`make browser`): keys, reloads, a killed server, and what axe finds."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossgraph.layout import ResultFolder
from crossgraph.reviewing.ledger import Ledger
from reviewing.samples import HOSTILE, make_result

BROWSER = os.environ.get("CROSSGRAPH_BROWSER", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BROWSER, reason="no browser: `make browser` finds one and runs this"),
]
PLAIN = tuple(
    f"{first} {last}" for first in ("Amber", "River", "Night") for last in ("Garden", "Falcon", "Iron")
)
NAMES = (*PLAIN, *HOSTILE)
SIZES = {"desk": (1200, 900), "phone": (390, 844)}
PAGES = (
    "/",
    "/queue",
    "/history",
    "/agreement",
    "/learn",
    "/search?q=amber",
    "/next",
    "/next?order=conflict",
    "/nothing",
)


class Server:
    """`crossgraph review` as people run it, at one port, so that it can be killed and come back."""

    def __init__(self, result: Path) -> None:
        self.result = result
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "crossgraph", "review", str(self.result), "--name", "ann", "--quiet"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout
        assert self._process.stdout.readline().startswith(self.home)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            assert self._process.returncode == -signal.SIGKILL
            self._process = None

    def said(self) -> list[tuple[str, str]]:
        """The last part of the left identifier, and what was said, in order."""
        entries = Ledger(ResultFolder(self.result).ledger_file).entries()
        return [(entry.left.rsplit("/", 1)[-1], entry.verdict) for entry in entries]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = None if BROWSER == "1" else shutil.which(BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(make_result(tmp_path / "r", NAMES, NAMES[::-1]))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def page(chromium: Any, server: Server) -> Iterator[Any]:
    """A page that must not meet an error, nor ask anything of another host."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error {error}"))
    page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None
    )
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((server.home, "chrome-error:"))
            else problems.append(f"asked {asked.url}")
        ),
    )
    yield page
    context.close()
    assert problems == []


def press(page: Any, key: str) -> None:
    """Press a key and wait until the page that it leads to is there."""
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press(key)


def test_ten_pairs_by_keyboard_a_reload_an_undo_and_a_killed_server(page: Any, server: Server) -> None:
    page.goto(server.home)
    press(page, "n")
    for key in "arauaarnaaa":
        press(page, key)
    verdicts = [verdict for _, verdict in server.said()]
    words = {"a": "same", "r": "different", "u": "unsure"}
    assert verdicts == [words[key] for key in "arauaaraaa"], "n decides nothing"
    shown = page.url
    page.reload()
    assert page.url == shown
    last = server.said()[-1][0]
    press(page, "z")
    assert f"left%2F{last}" in page.url
    assert server.said()[-1] == (last, "undo")
    page.keyboard.press("w")
    page.keyboard.type("a and r are letters here")
    assert server.said()[-1] == (last, "undo"), "typing a reason decides nothing"
    page.keyboard.press("Escape")
    before = server.said()
    server.kill()
    assert server.said() == before
    server.start()
    press(page, "r")
    assert server.said() == [*before, (last, "different")], (
        "the page that was open decides with the new server"
    )
    entry = Ledger(ResultFolder(server.result).ledger_file).entries()[-1]
    assert (entry.who, entry.why) == ("ann", "a and r are letters here")
    page.goto(f"{server.home}/history")
    assert page.locator("tbody tr").count() == len(before) + 1
    page.goto(server.home)
    assert "10 of" in page.locator("main").inner_text()
    assert re.search(r"\d+\.\d% \(\d+\.\d to \d+\.\d%\)", page.locator(".figure").first.inner_text())


def test_a_decision_while_the_server_is_dead_is_not_shown_as_made(page: Any, server: Server) -> None:
    page.goto(f"{server.home}/next")
    page.wait_for_selector(".reasons :text('There are no reasons to show')")
    server.kill()
    with page.expect_event("requestfailed"):
        page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert "Same" not in page.content(), "the browser says that nobody answered"
    assert server.said() == []


def test_a_key_that_is_pressed_twice_decides_once(page: Any, server: Server) -> None:
    page.goto(f"{server.home}/next")
    with page.expect_navigation(wait_until="load"):
        page.evaluate(
            "() => { for (const _ of [1, 2, 3]) document.body.dispatchEvent("
            "new KeyboardEvent('keydown', {key: 'a', bubbles: true})); }"
        )
    assert len(server.said()) == 1


def test_keys_can_be_turned_off_and_stay_so(page: Any, server: Server) -> None:
    page.goto(f"{server.home}/next")
    page.get_by_role("button", name="Keys are on").click()
    page.reload()
    page.locator("body").press("a")
    assert page.get_by_role("button", name="Keys are off").get_attribute("aria-pressed") == "false"
    assert server.said() == []


def test_without_script_everything_still_works(chromium: Any, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.home}/next?order=sample")
    page.get_by_role("button", name="Different").click()
    page.get_by_role("button", name="Undo").click()
    assert [verdict for _, verdict in server.said()] == ["different", "undo"]
    page.get_by_role("link", name="Show them").click()
    assert "There are no reasons to show" in page.locator("main").inner_text()
    context.close()


def test_reasons_come_after_the_page(page: Any, server: Server) -> None:
    page.goto(f"{server.home}/next")
    page.wait_for_selector(".reasons :text('There are no reasons to show')")
    page.route("**/reasons?*", tell_reasons)
    page.reload()
    page.wait_for_selector(".reasons .bars")


def tell_reasons(route: Any) -> None:
    """Reasons as `crossgraph review` tells them where there is a model."""
    from crossgraph.explaining.page import fragment
    from explaining.samples import explanation

    route.fulfill(content_type="text/html", body=fragment(explanation()))


def test_another_site_cannot_decide(chromium: Any, server: Server, tmp_path: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.home}/next")
    token = page.locator("#decide input[name=token]").get_attribute("value")
    left = page.locator("#decide input[name=left]").get_attribute("value")
    right = page.locator("#decide input[name=right]").get_attribute("value")
    # Even with the right token: the browser says where the form comes from, and leaves the cookie at home.
    fields = {"token": token, "left": left, "right": right, "verdict": "same"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{server.home}/decide">{inputs}<button>go</button></form>',
        ),
    )
    page.goto("http://evil.example/")
    with page.expect_navigation():
        page.get_by_role("button", name="go").click()
    assert "another site" in page.locator("body").inner_text()
    assert server.said() == []
    context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit(
    chromium: Any, server: Server, tmp_path: Path, size: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    from crossgraph.explaining.answer import Answer
    from crossgraph.explaining.page import page as explanation_page
    from explaining.samples import explanation

    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{server.home}/next")
    for key in "ar":
        press(page, key)
    page.route("**/reasons?*", tell_reasons)
    (tmp_path / "why.html").write_text(explanation_page(Answer(explanation())), encoding="utf8")
    for path in (*(server.home + path for path in PAGES), (tmp_path / "why.html").as_uri()):
        page.goto(path)
        if "/next" in path:
            page.wait_for_selector(".reasons .bars")
        found = Axe().run(page)
        told = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found.response["violations"]]
        assert told == [], path
        assert len(found.response["passes"]) > 10, "axe must have looked"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
