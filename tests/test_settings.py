from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import ConfigError
from crossgraph.settings import meanings, read_toml, to_toml, with_overrides


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockOptions:
    """How many pairs to propose.

    per_entity     candidates kept for each entity (count)
    share, floor   two shares in [0, 1];
                   the second is the smaller

    Nothing of this    is a setting.
    """

    per_entity: int = 20
    share: float = 0.5
    floor: float = 0.1
    undocumented: bool = False

    def __post_init__(self) -> None:
        if self.per_entity < 1:
            raise ConfigError(f"[block] per_entity = {self.per_entity}", hint="use 1 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingOptions:
    """id_column   the column that names the entities
    kind        what the graph is
    """

    id_column: str | None = None
    kind: Literal["rdf", "table", 3] = "rdf"
    columns: tuple[str, ...] = ()
    weights: tuple[float, int] = (1.0, 2)
    limit: int | float | None = None
    fixed: int = field(default=7, init=False)

    def __post_init__(self) -> None:
        if self.id_column == "":
            raise ValueError("id_column must not be empty")


TABLES: dict[str, Any] = {"block": BlockOptions(), "read": ReadingOptions()}

texts = st.text(st.characters(exclude_categories=["Cs"]))
finite = st.floats(allow_nan=False)
blocks = st.builds(
    BlockOptions, per_entity=st.integers(1), share=finite, floor=finite, undocumented=st.booleans()
)
readings = st.builds(
    ReadingOptions,
    id_column=st.none() | texts.filter(bool),
    kind=st.sampled_from(["rdf", "table", 3]),
    columns=st.lists(texts).map(tuple),
    weights=st.tuples(finite, st.integers()),
    limit=st.none() | st.integers() | finite,
)


@given(blocks, readings, st.booleans())
def test_settings_come_back_as_they_were_written(
    block: BlockOptions, reading: ReadingOptions, comments: bool
) -> None:
    options = {"block": block, "read": reading}
    text = to_toml(options, comments=comments)
    assert with_overrides(TABLES, tomllib.loads(text), ()) == options


@given(blocks)
def test_a_set_says_what_a_file_says(block: BlockOptions) -> None:
    written = tomllib.loads(to_toml({"block": block}, comments=False))["block"]
    lines = [line for line in to_toml({"block": block}, comments=False).splitlines()[1:] if line]
    assert len(lines) == len(written)
    assert with_overrides(TABLES, {}, [f"block.{line}" for line in lines])["block"] == block


def test_nothing_said_changes_nothing() -> None:
    assert with_overrides(TABLES, {}, ()) == TABLES


def test_sets_win_over_the_file_and_later_sets_over_earlier() -> None:
    found = with_overrides(
        TABLES, {"block": {"per_entity": 2, "share": 1}}, ["block.per_entity=3", "block.per_entity = 4"]
    )
    assert found["block"] == BlockOptions(per_entity=4, share=1.0)
    assert type(found["block"].share) is float


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a word", "a word"),
        ('"quoted"', "quoted"),
        ("", None),
        ("x\nkind = 3", "x\nkind = 3"),
        ("a=b", "a=b"),
    ],
)
def test_a_bare_word_is_a_text(text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(ConfigError, match=r"\[read\] id_column must not be empty"):
            with_overrides(TABLES, {}, [f"read.id_column={text}"])
    else:
        assert with_overrides(TABLES, {}, [f"read.id_column={text}"])["read"].id_column == value


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("block.per_entity", "true", "a whole number"),
        ("block.per_entity", "2.0", "a whole number"),
        ("block.share", "true", "a number"),
        ("block.share", "nan", "a number"),
        ("block.share", "1" + "0" * 400, "a number"),
        ("block.undocumented", "1", "true or false"),
        ("read.id_column", "5", "a text, or be left out"),
        ("read.kind", "rdff", 'one of "rdf", "table", 3'),
        ("read.kind", "3.0", 'one of "rdf", "table", 3'),
        ("read.columns", "name", "an array, each element a text"),
        ("read.columns", "[1]", "an array, each element a text"),
        ("read.weights", "[1, 2, 3]", "an array of 2: a number, a whole number"),
        ("read.limit", "2026-01-01", "a whole number or a number, or be left out"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_is_allowed(key: str, value: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_overrides(TABLES, {}, [f"{key}={value}"])
    table, name = key.split(".")
    assert f"--set {key}={value}: [{table}] {name} = " in caught.value.problem
    assert caught.value.hint == f"it must be {allowed}"


@pytest.mark.parametrize(
    ("toml", "sets", "problem", "hint"),
    [
        ({"blok": {"per_entity": 2}}, (), "there is no table [blok]", "did you mean 'block'?"),
        ({"zzzz": {}}, (), "there is no table [zzzz]", "known: block, read"),
        (
            {"block": {"per_entty": 2}},
            (),
            "[block] has no setting 'per_entty'",
            "did you mean 'per_entity'?",
        ),
        ({"block": {"kind": "rdf"}}, (), "[block] has no setting 'kind'", "kind belongs to [read]"),
        ({"read": {"fixed": 1}}, (), "[read] has no setting 'fixed'", "known: id_column, kind"),
        ({"block": 3}, (), "block = 3 is no table", "write [block]"),
        ({"per_entity": 3}, (), "per_entity = 3 stands in no table", "per_entity belongs to [block]"),
        ({"block": {"per_entity": 0}}, (), "[block] per_entity = 0", "use 1 or more"),
        ({}, ["per_entity=3"], "--set per_entity=3: names no table", "per_entity belongs to [block]"),
        ({}, ["block.per_entity"], "--set block.per_entity: names no table", "write table.key=value"),
        ({}, ["blok.x=1"], "--set blok.x=1: there is no table [blok]", "did you mean 'block'?"),
    ],
)
def test_what_is_unknown_is_refused_with_the_way_out(
    toml: dict[str, Any], sets: list[str], problem: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        with_overrides(TABLES, toml, sets)
    assert problem in caught.value.problem
    assert hint in caught.value.hint


def test_all_faults_are_told_at_once() -> None:
    toml = {"blok": {}, "block": {"per_entity": 0, "share": "x"}, "read": {"kind": "y"}}
    with pytest.raises(ConfigError) as caught:
        with_overrides(TABLES, toml, ["read.colums=[]"])
    told = caught.value.problem
    assert told.startswith("5 settings cannot be used\n")
    for part in ("[blok]", "per_entity = 0 (use 1 or more)", "share = 'x'", "kind = 'y'", "'columns'?"):
        assert part in told


def test_meanings_are_the_lines_of_the_docstring() -> None:
    assert meanings(BlockOptions) == {
        "per_entity": "candidates kept for each entity (count)",
        "share": "two shares in [0, 1]; the second is the smaller",
        "floor": "two shares in [0, 1]; the second is the smaller",
    }
    assert meanings(ReadingOptions)["kind"] == "what the graph is"


def test_each_field_is_written_with_its_meaning() -> None:
    text = to_toml(TABLES)
    assert "[block]\n# candidates kept for each entity (count)\nper_entity = 20\n" in text
    assert "# the column that names the entities\n# id_column is not set\n" in text
    assert "fixed" not in text
    assert "#" not in to_toml({"block": BlockOptions()}, comments=False)


def test_a_none_that_toml_cannot_say_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        limit: int | None = 3

    with pytest.raises(ValueError, match=r"\[odd\] limit is None"):
        to_toml({"odd": replace(Odd(), limit=None)})


def test_kinds_that_settings_cannot_have_are_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        names: dict[str, str] = field(default_factory=dict)

    with pytest.raises(TypeError, match="settings cannot hold"):
        to_toml({"odd": Odd()})
    assert [one.name for one in fields(Odd)] == ["names"]


def test_infinity_is_a_number() -> None:
    assert math.isinf(with_overrides(TABLES, {}, ["block.share=inf"])["block"].share)


def test_a_toml_file_is_read_or_told_why_not(tmp_path: Path) -> None:
    good, bad, coded = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "coded.toml"
    good.write_text("[block]\nper_entity = 3\n")
    bad.write_text("[block]\nper_entity: 3\n")
    coded.write_bytes(b"name = '\xff'")
    assert read_toml(good) == {"block": {"per_entity": 3}}
    with pytest.raises(ConfigError, match=r"bad\.toml is no TOML: .*line 2"):
        read_toml(bad)
    with pytest.raises(ConfigError, match=r"coded\.toml cannot be read: it is not UTF-8"):
        read_toml(coded)
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read: No such file"):
        read_toml(tmp_path / "absent.toml")
