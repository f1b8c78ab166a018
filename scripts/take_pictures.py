"""Take the pictures of docs/images: `python scripts/take_pictures.py FOLDER [PICTURES]`.

FOLDER gets a copy of the demo's RESULT (made if it is not there). Pairs are reviewed by keyboard as its gold
answers, and the model learns from them in the app, so the pictures show what a reviewer sees. Needs the
extras `review`, `browser` and `benchmark` (for Pillow), and CROSSGRAPH_BROWSER or a chromium in PATH. Look
at every picture.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from crossgraph.graphs.links import read_links

ANSWERS = 40
# American Samoa.
PAIR = {"left": "gf81be", "right": "c1b94c"}
COLOURS = 64
DESK = {"viewport": {"width": 1200, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
PATIENCE = 600_000
COMMAND = (sys.executable, "-m", "crossgraph")


@contextmanager
def reviewing(result: Path) -> Iterator[str]:
    """The address of a review of RESULT."""
    command = [*COMMAND, "review", str(result), "--name", "ann", "--quiet", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().split()[0].rstrip("/")
        server.terminate()


@contextmanager
def opened(browser: Browser, **how: Any) -> Iterator[Page]:
    """A page of a browser of its own."""
    context = browser.new_context(**how)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def keep(page: Page, file: Path) -> None:
    """A picture of the whole page, in few colours."""
    seen = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def answer(page: Page, home: str, gold: set[tuple[str, str]]) -> None:
    """Review the most useful pairs by keyboard, as the gold says."""
    page.goto(f"{home}/next?order=useful")
    for _ in range(ANSWERS):
        asked = parse_qs(urlsplit(page.url).query)
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press("a" if (asked["left"][0], asked["right"][0]) in gold else "r")


def learn(page: Page, home: str) -> None:
    """Let the model learn from the answers, and wait until it has."""
    page.goto(f"{home}/learn")
    page.get_by_role("button", name="Learn from").click()
    page.wait_for_selector("text=What it learned last")


def take(browser: Browser, result: Path, pictures: Path) -> None:
    """All pictures of the review."""
    pair = f"/pair?left={PAIR['left']}&right={PAIR['right']}"
    links = read_links(result / "test_links.tsv")
    gold = set(zip(links.left, links.right, strict=True))
    with reviewing(result) as home, opened(browser, **DESK) as page, opened(browser, **PHONE) as phone:
        for one, name in ((page, "review-pair"), (phone, "review-phone")):
            one.goto(home + pair)
            one.wait_for_selector(".reasons .bars")
            keep(one, pictures / f"{name}.png")
        answer(page, home, gold)
        page.goto(home)
        keep(page, pictures / "review-overview.png")
        learn(page, home)
        keep(page, pictures / "review-learn.png")


def explain(browser: Browser, result: Path, pictures: Path) -> None:
    """The page of `crossgraph explain`."""
    why = result.with_name("why.html")
    why.unlink(missing_ok=True)
    subprocess.run([*COMMAND, "explain", str(result), *PAIR.values(), "--html", str(why)], check=True)
    with opened(browser, **DESK) as page:
        page.goto(why.as_uri())
        keep(page, pictures / "explain.png")


def main(folder: Path, pictures: Path) -> None:
    """Make the RESULT that is not there, and take the pictures from a copy."""
    made, result = folder / "demo", folder / "RESULT"
    if not made.exists():
        subprocess.run([*COMMAND, "demo", "--out", str(made)], check=True)
    shutil.rmtree(result, ignore_errors=True)
    shutil.copytree(made, result)
    path = shutil.which(os.environ.get("CROSSGRAPH_BROWSER", "chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        explain(browser, result, pictures)
        take(browser, result, pictures)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images").absolute())
