"""Settings of stages as TOML: one table for each stage, its options dataclass says what may stand in it."""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from crossgraph._toml import toml_tables
from crossgraph.errors import ConfigError

Options: TypeAlias = Any
"""A frozen dataclass. Its fields are bool, int, float, str, Literal or tuples of these, and may be None."""

_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_DOC_LINE = re.compile(r"(?P<names>\w+(?:, \w+)*) {2,}(?P<meaning>\S.*)")


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting as it was written; ``place`` tells where."""

    place: str
    table: str
    key: str
    value: object


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return self.text + (f" ({self.hint})" if self.hint else "")


class _MisfitError(Exception):
    """A value that is not of the annotated kind."""


def read_toml(path: Path | str) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError if there is none, or if it is no TOML."""
    try:
        return toml_tables(Path(path).read_text(encoding="utf8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"{path} cannot be read: {reason}", hint="give --config a file of settings"
        ) from None
    except ValueError as error:
        hint = "settings stand in tables: [blocking], then per_entity = 20 on a line of its own"
        raise ConfigError(f"{path} is no TOML: {error}", hint=hint) from None


def with_overrides(
    options_by_table: Mapping[str, Options], toml: Mapping[str, Any], sets: Sequence[str] = ()
) -> dict[str, Options]:
    """The options of each table, changed by what a TOML file says and then by ``table.key=value`` texts.

    A value in ``sets`` is TOML; what is no TOML is taken as a text. Later ones win. A key that may be None
    is None where it is left out.

    Raises ConfigError with everything that is wrong, each with its value and what is allowed: unknown tables
    and keys, values of the wrong kind, and what the dataclasses themselves refuse.
    """
    problems: list[_Problem] = []
    changes: dict[str, dict[str, object]] = {table: {} for table in options_by_table}
    written = [*_of_file(toml, options_by_table, problems), *_of_sets(sets, options_by_table, problems)]
    for setting in written:
        problem = _unknown(setting, options_by_table) or _take(setting, options_by_table, changes)
        if problem:
            problems.append(problem)
    result = {
        table: _changed(table, options, changes[table], problems)
        for table, options in options_by_table.items()
    }
    _refuse(problems)
    return result


def to_toml(options_by_table: Mapping[str, Options], *, comments: bool = True) -> str:
    """All settings as TOML that ``with_overrides`` reads back; a None is a comment.

    comments   the meaning of each, as its dataclass's docstring tells it in lines of ``name    meaning``

    Raises ValueError for a None where the default is something else, because TOML cannot say it.
    """
    blocks = [
        "\n".join([f"[{table}]", *_lines(table, options, comments=comments)])
        for table, options in options_by_table.items()
    ]
    return "\n\n".join(blocks) + "\n"


def read_record(kind: Any, content: Mapping[str, Any]) -> tuple[Options | None, list[tuple[str, str]]]:
    """One dataclass filled from the keys of one table, or None and what is wrong: problems with hints.

    Told are unknown keys, values of the wrong kind, missing keys, and what the class itself refuses.
    """
    kinds = {one.name: get_type_hints(kind)[one.name] for one in fields(kind) if one.init}
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    problems = [_Problem(f"there is no key {key!r}", _near(key, kinds)) for key in content.keys() - kinds]
    problems += [
        _Problem(f"{key} is missing", f"it must be {_allowed(kinds[key])}")
        for key in needed
        if key not in content
    ]
    given: dict[str, object] = {}
    for key in (key for key in kinds if key in content):
        try:
            given[key] = _converted(content[key], kinds[key])
        except _MisfitError:
            problems.append(_Problem(f"{key} = {_told(content[key])}", f"it must be {_allowed(kinds[key])}"))
    found = None
    if not problems:
        try:
            found = kind(**given)
        except ConfigError as error:
            problems.append(_Problem(error.problem, error.hint))
    return found, sorted((one.text, one.hint) for one in problems)


def meanings(kind: type) -> dict[str, str]:
    """What the docstring of an options class says of each field, one line each."""
    found: dict[str, str] = {}
    current: list[str] = []
    for line in inspect.cleandoc(kind.__doc__ or "").splitlines():
        match = _DOC_LINE.fullmatch(line)
        if match:
            current = match["names"].split(", ")
            found.update(dict.fromkeys(current, match["meaning"]))
        elif line.startswith(" "):
            found.update({name: f"{found[name]} {line.strip()}" for name in current})
        else:
            current = []
    return {field.name: found[field.name] for field in fields(kind) if field.name in found}


def _of_file(
    toml: Mapping[str, Any], tables: Mapping[str, Options], problems: list[_Problem]
) -> Iterator[_Setting]:
    for table, content in toml.items():
        if isinstance(content, Mapping):
            if table not in tables:
                problems.append(_Problem(f"there is no table [{table}]", _near(table, tables)))
                continue
            yield from (_Setting("", table, key, value) for key, value in content.items())
        elif table in tables:
            problems.append(_Problem(f"{table} = {_told(content)} is no table", f"write [{table}]"))
        else:
            problems.append(_Problem(f"{table} = {_told(content)} stands in no table", _home(table, tables)))


def _of_sets(
    sets: Sequence[str], tables: Mapping[str, Options], problems: list[_Problem]
) -> Iterator[_Setting]:
    for text in sets:
        name, equals, value = text.partition("=")
        table, dot, key = name.strip().partition(".")
        place = f"--set {text}: "
        if not (equals and dot and key):
            hint = _home(name.strip(), tables) or "write table.key=value, like blocking.per_entity=30"
            problems.append(_Problem(f"{place}names no table and key with a value", hint))
        elif table not in tables:
            problems.append(_Problem(f"{place}there is no table [{table}]", _near(table, tables)))
        else:
            yield _Setting(place, table, key, _parsed(value.strip()))


def _parsed(text: str) -> object:
    try:
        tables = toml_tables(f"value = {text}")
    except ValueError:
        return text
    return tables["value"] if set(tables) == {"value"} else text


def _unknown(setting: _Setting, tables: Mapping[str, Options]) -> _Problem | None:
    known = _names(tables[setting.table])
    if setting.key in known:
        return None
    text = f"{setting.place}[{setting.table}] has no setting {setting.key!r}"
    return _Problem(text, _home(setting.key, tables) or _near(setting.key, known))


def _take(
    setting: _Setting, tables: Mapping[str, Options], changes: dict[str, dict[str, object]]
) -> _Problem | None:
    kind = get_type_hints(type(tables[setting.table]))[setting.key]
    try:
        changes[setting.table][setting.key] = _converted(setting.value, kind)
    except _MisfitError:
        text = f"{setting.place}[{setting.table}] {setting.key} = {_told(setting.value)}"
        return _Problem(text, f"it must be {_allowed(kind)}")
    return None


def _changed(table: str, options: Options, changes: dict[str, object], problems: list[_Problem]) -> Options:
    try:
        return replace(options, **changes)
    except ConfigError as error:
        problems.append(_Problem(error.problem, error.hint))
    except ValueError as error:
        problems.append(_Problem(f"[{table}] {error}"))
    return options


def _refuse(problems: Sequence[_Problem]) -> None:
    if len(problems) == 1:
        raise ConfigError(problems[0].text, hint=problems[0].hint)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(f"{len(problems)} settings cannot be used\n{listed}")


def _names(options: Options) -> list[str]:
    return [field.name for field in fields(options) if field.init]


def _home(key: str, tables: Mapping[str, Options]) -> str:
    """Where a key is at home, if it stands somewhere else."""
    homes = [table for table, options in tables.items() if key in _names(options)]
    return f"{key} belongs to [{homes[0]}]" if homes else ""


def _near(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else f"known: {', '.join(known)}"


def _converted(value: object, kind: Any) -> object:
    """A TOML value as the annotation wants it. Raises _MisfitError."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _first_fit(value, args)
    if origin is tuple and isinstance(value, list | tuple):
        return _as_tuple(value, args)
    if origin is Literal and any(type(value) is type(choice) and value == choice for choice in args):
        return value
    if kind is float and type(value) is int:
        return _as_float(value)
    # A NaN is a float and still no setting: it compares with nothing.
    if kind in _PLAIN and type(value) is kind and value == value:
        return value
    raise _MisfitError


def _first_fit(value: object, kinds: Sequence[Any]) -> object:
    for kind in kinds:
        try:
            return _converted(value, kind)
        except _MisfitError:
            continue
    raise _MisfitError


def _as_tuple(values: Sequence[object], kinds: Sequence[Any]) -> tuple[object, ...]:
    wanted = [kinds[0]] * len(values) if kinds[-1] is Ellipsis else list(kinds)
    if len(wanted) != len(values):
        raise _MisfitError
    return tuple(_converted(value, kind) for value, kind in zip(values, wanted, strict=True))


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _MisfitError from None


def _allowed(kind: Any) -> str:
    """An annotation in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        some = " or ".join(_allowed(one) for one in args if one is not NoneType)
        return f"{some}, or be left out" if NoneType in args else some
    if origin is Literal:
        return "one of " + ", ".join(literal(choice) for choice in args)
    if origin is tuple and args[-1] is Ellipsis:
        return f"an array, each element {_allowed(args[0])}"
    if origin is tuple:
        return f"an array of {len(args)}: " + ", ".join(_allowed(one) for one in args)
    if kind not in _PLAIN:
        raise TypeError(f"settings cannot be of kind {kind!r}")
    return _PLAIN[kind]


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _lines(table: str, options: Options, *, comments: bool) -> Iterator[str]:
    told = meanings(type(options)) if comments else {}
    for field in fields(options):
        if not field.init:
            continue
        if field.name in told:
            yield f"# {told[field.name]}"
        value = getattr(options, field.name)
        if value is None and field.default is not None:
            raise ValueError(f"[{table}] {field.name} is None, and TOML cannot say so: make that the default")
        yield f"# {field.name} is not set" if value is None else f"{field.name} = {literal(value)}"


def literal(value: object) -> str:
    """A value as TOML writes it. Raises TypeError for what settings cannot hold."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # JSON texts are TOML texts, but for the one control character that JSON lets through.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return "[" + ", ".join(literal(one) for one in value) + "]"
    raise TypeError(f"settings cannot hold {value!r}")
