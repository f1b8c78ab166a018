"""How right the proposed schema mappings are, beside what people who read both schemas wrote down.

python benchmarks/schema_accuracy.py DATA

For each data set with a schema of which people can say: the share of the proposed correspondences that are
right (weighed alike), and the share of the expected ones that are proposed; without links, and with 30%.
A correspondence that is right but not to be expected (a title and an alternative name) counts for the first
share only. Where both graphs have one schema (WordNet) each name corresponds to itself.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from crossgraph.config import Config
from crossgraph.graphs import read_pair
from crossgraph.pipeline import Inputs, propose_schema
from crossgraph.schema.mapping import SchemaMapping

TABLES = ("types", "relations", "attributes")
Rows = frozenset[tuple[str, str]]


def rows(text: str) -> Rows:
    """Of "left~right left~^right"; ``^`` where the right relation runs the other way round."""
    return frozenset((left, right) for left, _, right in (one.partition("~") for one in text.split()))


@dataclass(frozen=True)
class Expected:
    """What corresponds: by table what is to be found, and what is right too."""

    found: dict[str, Rows]
    fine: Rows = field(default_factory=frozenset)


# Relations of WordNet that hold both ways.
SYMMETRIC = ("also", "antonym", "attribute", "derivation", "similar", "verb_group")

EXPECTED = {
    "movies_tmdb_imdb": Expected(
        {
            "types": rows("movie~title person~person company~company keyword~keyword genre~genre"),
            "relations": rows(
                "cast~^performerIn director~^directed genre~genre keyword~keyword "
                "production_company~productionCompany"
            ),
            "attributes": rows(
                "name~name title~name release_year~year release_date~datePublished overview~abstract "
                "runtime~duration"
            ),
        },
        rows(
            "title~alternateName name~alternateName release_date~year release_year~datePublished "
            "tagline~abstract director~^wrote"
        ),
    ),
    "airports_openflights_ourairports": Expected(
        {
            "types": rows("airport~airport city~city country~country"),
            "relations": rows("country~in_country city~serves"),
            "attributes": rows(
                "name~name longitude~longitude_deg latitude~latitude_deg altitude~elevation_ft"
            ),
        },
        rows("alias~name"),
    ),
    "countries_en_en": Expected(
        {
            "types": rows("country~country city~city language~language currency~currency continent~region"),
            "relations": rows(
                "language~speaks neighbour~borders neighbour~^borders continent~region currency~usesCurrency "
                "capital~hasCapital"
            ),
            "attributes": rows("name~label population~population areakm2~area longitude~lon latitude~lat"),
        },
        rows("name~altSpelling name~nativeName name~demonym continent~subregion"),
    ),
}


def told(mapping: SchemaMapping) -> dict[str, Rows]:
    """The correspondences of a mapping, by table."""
    return {
        "types": frozenset((row.left, row.right) for row in mapping.types),
        "relations": frozenset((row.left, "^" * row.inverse + row.right) for row in mapping.relations),
        "attributes": frozenset((row.left, row.right) for row in mapping.attributes),
    }


def itself(folder: Path) -> Expected:
    """Each name that both graphs have corresponds to itself."""
    left, right = read_pair(folder)
    names = {
        "types": (left.type_names, right.type_names),
        "relations": (left.relation_names, right.relation_names),
        "attributes": (left.attribute_names, right.attribute_names),
    }
    return Expected(
        {table: frozenset((one, one) for one in set(a) & set(b)) for table, (a, b) in names.items()},
        # What is also seen, is similar, or is an antonym is so both ways.
        frozenset((one, "^" + one) for one in SYMMETRIC),
    )


def judged(mapping: SchemaMapping, expected: Expected) -> list[tuple[str, int, int, int, int]]:
    """Of each table: proposed, right ones of them, expected, found ones of them."""
    said = told(mapping)
    return [
        (
            name,
            len(said[name]),
            len(said[name] & (expected.found[name] | expected.fine)),
            len(expected.found[name]),
            len(said[name] & expected.found[name]),
        )
        for name in TABLES
    ]


def known_links(folder: Path) -> tuple[Path, ...]:
    """Those of the training and validation parts, as they lie beside a data set."""
    parts = [folder / "721_5fold" / "1" / f"{part}_links" for part in ("train", "valid")]
    return tuple(part for part in parts if part.exists())


def main() -> None:
    """Print a line for each table of each data set, and the proposals that are not right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds the data sets")
    given = parser.parse_args()
    print("| data set | links | table | proposed | right | expected | found |")
    print("|---|---|---|---|---|---|---|")
    for name in (*EXPECTED, "wordnet30_31"):
        folder = given.data / name
        for links in ((), known_links(folder)):
            mapping = propose_schema(Inputs(left=folder, links=links), config=Config())
            expected = EXPECTED.get(name) or itself(folder)
            said = "30%" if links else "none"
            for table, proposed, right, wanted, found in judged(mapping, expected):
                print(
                    f"| {name} | {said} | {table} | {proposed} | {right} | {wanted} | {found} |", flush=True
                )
                wrong = told(mapping)[table] - expected.found[table] - expected.fine
                missed = expected.found[table] - told(mapping)[table]
                for what, which in (("not right", wrong), ("not found", missed)):
                    if which:
                        print(f"  {what}: {', '.join(f'{a}~{b}' for a, b in sorted(which))}")


if __name__ == "__main__":
    main()
