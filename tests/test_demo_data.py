"""The demo data: complete, free of standard codes, licensed, and what its script makes."""

import gzip
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path

import pytest

from crossgraph.demo import demo_folder

SCRIPT = Path(__file__).parents[1] / "scripts" / "build_demo.py"
FILES = (
    "types_1",
    "types_2",
    "rel_triples_1",
    "rel_triples_2",
    "attr_triples_1",
    "attr_triples_2",
    "ent_links",
)
COUNTERPARTS = {
    "city": "город",
    "continent": "регион",
    "country": "страна",
    "currency": "валюта",
    "language": "язык",
}
CODES = {
    "two letters": r"[A-Z]{2}|[a-z]{2}",
    "three letters": r"[A-Z]{3}",
    "subdivision": r"[A-Z]{2}[-.][A-Z0-9]{1,3}",
    "language tag": r"[a-z]{2,3}[-_][A-Z]{2,3}",
    "time zone": r"[A-Z][A-Za-z]+/[A-Z][A-Za-z_/-]+",
    "top-level domain": r"\.[a-z]{2}",
    "M49": r"0\d\d",
}


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in text(demo_folder() / f"{name}.gz").splitlines()]


def text(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode("utf-8")


def test_both_sides_have_their_types() -> None:
    left, right = (Counter(kind for _, kind in rows(f"types_{side}")) for side in "12")
    assert left == {"city": 1156, "language": 281, "country": 252, "currency": 155, "continent": 7}
    assert right == {
        "язык": 554,
        "город": 399,
        "валюта": 280,
        "страна": 257,
        "часовой пояс": 136,
        "письменность": 56,
        "регион": 33,
    }


def test_the_gold_pairs_entities_of_corresponding_types_once() -> None:
    left, right = (dict(rows(f"types_{side}")) for side in "12")
    gold = rows("ent_links")
    assert Counter(kind for _, _, kind in gold) == {
        "city": 272,
        "country": 250,
        "language": 226,
        "currency": 153,
        "continent": 6,
    }
    assert all(left[a] == kind and right[b] == COUNTERPARTS[kind] for a, b, kind in gold)
    assert len({a for a, _, _ in gold}) == len({b for _, b, _ in gold}) == len(gold)
    assert len(gold) < min(len(left), len(right))


@pytest.mark.parametrize("side", ["1", "2"])
def test_every_row_speaks_of_typed_entities_once(side: str) -> None:
    entities = {entity for entity, _ in rows(f"types_{side}")}
    edges, facts = rows(f"rel_triples_{side}"), rows(f"attr_triples_{side}")
    assert {entity for head, _, tail in edges for entity in (head, tail)} <= entities
    assert {entity for entity, _, _ in facts} <= entities
    for table in (edges, facts):
        assert len({tuple(row) for row in table}) == len(table)
    name = {"1": "name", "2": "название"}[side]
    assert {entity for entity, attribute, _ in facts if attribute == name} == entities


@pytest.mark.parametrize("side", ["1", "2"])
@pytest.mark.parametrize("kind", CODES)
def test_no_fact_is_a_standard_code(side: str, kind: str) -> None:
    found = [row for row in rows(f"attr_triples_{side}") if re.fullmatch(CODES[kind], row[2])]
    assert found == []


def test_identifiers_are_opaque() -> None:
    for side, pattern in (("1", r"g[0-9a-f]{5}"), ("2", r"c[0-9a-f]{5}")):
        types = dict(rows(f"types_{side}"))
        assert all(re.fullmatch(pattern, entity) for entity in types)
        in_order = [types[entity] for entity in sorted(types)]
        changes = sum(a != b for a, b in pairwise(in_order))
        assert changes > len(types) / 3, "types come in blocks"
    gold = rows("ent_links")
    right = sorted(b for _, b, _ in gold)
    agreeing = sum(b == other for (_, b, _), other in zip(gold, right, strict=True))
    assert agreeing < 10, "both sides are numbered in the same order"


def test_names_alone_do_not_tell_currencies_apart() -> None:
    names = {entity: value for entity, attribute, value in rows("attr_triples_1") if attribute == "name"}
    currencies = Counter(names[a] for a, _, kind in rows("ent_links") if kind == "currency")
    assert currencies["Dollar"] > 20
    assert currencies["Franc"] > 8


def test_the_licences_go_with_the_data() -> None:
    terms = (demo_folder().parent / "LICENSES.md").read_text(encoding="utf-8")
    assert "UNICODE LICENSE V3" in terms
    assert "THE DATA FILES AND SOFTWARE ARE PROVIDED" in terms
    assert "https://creativecommons.org/licenses/by/4.0/" in terms
    assert "Changes made" in terms
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert "src/crossgraph/demo/LICENSES.md" in project


def test_the_data_is_small() -> None:
    assert {path.name for path in demo_folder().iterdir()} == {f"{name}.gz" for name in FILES}
    assert sum(path.stat().st_size for path in demo_folder().iterdir()) < 200_000


def test_the_script_makes_the_same_data(tmp_path: Path) -> None:
    """The text is compared: compressed bytes differ between versions of zlib."""
    spec = spec_from_file_location("build_demo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    sys.modules["build_demo"] = script
    spec.loader.exec_module(script)
    for package, wanted in script.SOURCES.items():
        if installed(package) != wanted:
            pytest.skip(f"needs {package} {wanted}, a source of the demo data")
    script.write(tmp_path)
    for name in FILES:
        assert text(tmp_path / f"{name}.gz") == text(demo_folder() / f"{name}.gz")


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
