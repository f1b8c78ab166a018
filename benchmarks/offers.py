"""How many offers of shops find their product, where many offers have one.

python benchmarks/offers.py --products 300

A list of products, and five to sixty offers of each, whose titles have words in another order, words more,
slips of the pen and another price. Aligned with a fifth of the links; told are blocking recall, hits@1 and F1
of the others.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

FIRST = (
    *("Silver", "Walnut", "Copper", "Amber", "Quick", "Northern", "Harbour", "Zephyr"),
    *("Crimson", "Winter", "Lantern", "Falcon", "Iron", "Paper", "Garden"),
)
THINGS = (
    *("lamp", "table", "kettle", "chair", "radio", "camera", "printer", "speaker"),
    *("monitor", "heater", "drill", "saw", "mixer", "toaster", "fan"),
)
BESIDE = ("new", "used", "sale", "oem", "boxed", "pro")


def offered(name: str, drawn: random.Random) -> str:
    """The name as a shop writes it."""
    words = name.split()
    if drawn.random() < 0.3:
        drawn.shuffle(words)
    if drawn.random() < 0.3:
        words.insert(drawn.randrange(len(words)), drawn.choice(BESIDE))
    title = " ".join(words)
    if drawn.random() < 0.3:
        slip = drawn.randrange(len(title))
        title = title[:slip] + title[slip + 1 :]
    return title


def write(folder: Path, products: int, seed: int) -> None:
    """Both tables, the known links and the others."""
    drawn = random.Random(seed)
    names: dict[str, float] = {}
    while len(names) < products:
        model = f"{drawn.choice('ABCDEFGH')}{drawn.randint(100, 999)}"
        names[f"{drawn.choice(FIRST)} {drawn.choice(THINGS)} {model}"] = drawn.uniform(5, 900)
    offers = [
        (f"o{count}-{number}", f"p{number}", offered(name, drawn), price * drawn.uniform(0.85, 1.2))
        for number, (name, price) in enumerate(names.items())
        for count in range(drawn.randint(5, 60))
    ]
    with (folder / "products.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "name", "cost"))
        rows.writerows((f"p{n}", name, f"{price:.2f}") for n, (name, price) in enumerate(names.items()))
    with (folder / "offers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "title", "price"))
        rows.writerows((offer, title, f"{price:.2f}") for offer, _, title, price in offers)
    known = {offer for offer, *_ in drawn.sample(offers, len(offers) // 5)}
    for name, told in (("known", True), ("others", False)):
        links = [f"{offer}\t{product}\n" for offer, product, *_ in offers if (offer in known) == told]
        (folder / f"{name}.tsv").write_text("".join(links), encoding="utf8")


def figures(folder: Path) -> dict[str, float]:
    """What ``crossgraph evaluate`` tells of the links that were not known."""
    result = folder / "RESULT"
    tables = (folder / "offers.csv", folder / "products.csv", "--links", folder / "known.tsv")
    for line in (
        ["align", *tables, "--out", result, "--quiet"],
        ["evaluate", result, "--gold", folder / "others.tsv", "--json"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "crossgraph", *map(str, line)], check=True, capture_output=True
        )
    found: dict[str, float] = json.loads(done.stdout)
    return {name: found[name] for name in ("recall_blocking", "hits1", "f1")}


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch), options.products, options.seed)
        print(figures(Path(scratch)))


if __name__ == "__main__":
    main()
