"""How many firms are found that are called otherwise on the other side, by the share that has a phone number.

python benchmarks/other_names.py --phones 0.3 0.5 0.95

Two generated lists of 3,000 firms each less one in seven. A third of the names are acronyms on the right, a
third have another legal form, a third are cut short; town, year and phone number are the same where both have
them. Aligned without links, and with three in ten of them; told are blocking recall, hits@1 and F1 of the
others.
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

FIRMS = 3_000
SYLLABLES = (
    *("ka", "lo", "mi", "ter", "ran", "bo", "vis", "cor", "da", "nex", "pol", "mar", "tin", "sol"),
    *("gra", "hul", "fen", "dor", "bri", "ack", "son", "wel", "lyn", "qua"),
)
TRADES = (
    *("Foods", "Systems", "Logistics", "Partners", "Energy"),
    *("Motors", "Capital", "Media", "Textiles", "Pharma"),
)
FORMS = ("GmbH", "Ltd", "Inc.", "AG", "LLC", "S.A.", "plc")

Record = dict[str, str]


def firm(number: int, words: list[str], drawn: random.Random, phones: float) -> tuple[Record, Record]:
    """A firm as both lists have it."""
    own = [*(drawn.choice(words) for _ in range(drawn.randint(1, 3))), drawn.choice(TRADES)]
    acronym = "".join(word[0] for word in own)
    cut = f"{own[0]} {own[-1][:4]}."
    called = drawn.choice([acronym, " ".join([*own, drawn.choice(FORMS)]), cut])
    phone = f"+{drawn.randint(10, 99)} {drawn.randint(100, 999)} {drawn.randint(100_000, 999_999)}"
    town, year = f"{drawn.choice(words[:120])}ville", str(drawn.randint(1900, 2020))

    def told(value: str, share: float) -> str:
        return value if drawn.random() < share else ""

    year = told(year, 0.6)
    left = {
        "id": f"a{number}",
        "name": " ".join([*own, drawn.choice(FORMS)]),
        "phone": told(phone, phones),
        "city": town,
        "founded": year,
    }
    right = {
        "id": f"b{number}",
        "title": called,
        "tel": told(phone.replace(" ", "-"), phones),
        "town": told(town, 0.8),
        "year": told(year, 0.8),
    }
    return left, right


def write(folder: Path, phones: float, seed: int) -> None:
    """``left.csv``, ``right.csv``, and the links: ``train.tsv`` and ``test.tsv``."""
    drawn = random.Random(seed)
    words = ["".join(drawn.choices(SYLLABLES, k=drawn.randint(2, 4))).capitalize() for _ in range(1_500)]
    sides: tuple[list[Record], list[Record]] = ([], [])
    links = []
    for number in range(FIRMS):
        both = firm(number, words, drawn, phones)
        there = drawn.choices([(0, 1), (0,), (1,)], weights=[70, 15, 15])[0]
        for side in there:
            sides[side].append(both[side])
        if len(there) == 2:
            links.append(f"a{number}\tb{number}\n")
    for name, rows in zip(("left", "right"), sides, strict=True):
        drawn.shuffle(rows)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf8") as out:
            table = csv.DictWriter(out, rows[0])
            table.writeheader()
            table.writerows(rows)
    drawn.shuffle(links)
    known = len(links) * 3 // 10
    for name, part in (("train", links[:known]), ("test", links[known:])):
        (folder / f"{name}.tsv").write_text("".join(part), encoding="utf8")


def measured(folder: Path, *more: str) -> dict[str, float]:
    """What ``crossgraph evaluate`` says of an alignment."""
    out = folder / "RESULT"
    graphs = [str(folder / f"{side}.csv") for side in ("left", "right")]
    command = [sys.executable, "-m", "crossgraph"]
    align = [*command, "align", *graphs, *more, "--out", str(out), "--force", "--quiet"]
    subprocess.run(align, check=True, stdout=subprocess.DEVNULL)
    evaluate = [*command, "evaluate", str(out), "--gold", str(folder / "test.tsv"), "--json"]
    told: dict[str, float] = json.loads(subprocess.run(evaluate, check=True, capture_output=True).stdout)
    return told


def main() -> None:
    """Print a row for each share, without links and with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=float, nargs="+", default=[0.3, 0.5, 0.95])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for share in options.phones:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write(folder, share, options.seed)
            for name, more in (("no links", ()), ("30% links", ("--links", str(folder / "train.tsv")))):
                told = measured(folder, *more)
                figures = ", ".join(f"{key} {told[key]:.4f}" for key in ("recall_blocking", "hits1", "f1"))
                print(f"phones {share:g}, {name}: {figures}", flush=True)


if __name__ == "__main__":
    main()
