from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.values import are_of_many_sizes, days, kinds_of, numbers, reads_day_first


def number(text: str) -> float | None:
    return numbers(pl.Series([text])).item()


def day(text: str) -> float | None:
    return days(pl.Series([text])).item()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        (" -3.5 ", -3.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1,234,567.5", 1234567.5),
        ("$5.00", 5.0),
        ("€ 7", 7.0),
        ("12 kg", 12.0),
        ("40%", 40.0),
        ("3:45", 225.0),
        ("1:02:03", 3723.0),
        ("PT2H30M", 9000.0),
        ("PT45S", 45.0),
    ],
)
def test_numbers_by_hand(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "12 parsecs", "1,23", "1.2.3", "NaN", "inf", "-inf", "1e999", "PT", "+", "1999-12-31"],
)
def test_what_is_no_finite_number_is_null(text):
    assert number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_comes_back(value):
    assert number(repr(value)) == value


@given(st.integers(-(10**12), 10**12))
def test_grouped_digits_are_the_number(value):
    assert number(f"{value:,}") == value


@given(st.dates())
def test_iso_dates_are_days_since_1970_in_every_year(when):
    wanted = (when - date(1970, 1, 1)) / timedelta(days=1)
    assert day(when.isoformat()) == wanted
    assert day(f"{when.isoformat()}T23:59:59Z") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "4-Jul-1976",
        "4-Jul-76",
        "July 4, 1976",
        "Jul 4 1976",
        "4 July 1976",
        "4  Jul  1976",
        "07/04/1976",
        "04.07.1976",
        "1976/07/04",
        "1976-07-04Z",
        "1976-07-04+02:00",
        "1976年7月4日",
        "1976년 07월 04일",
    ],
)
def test_one_day_in_many_spellings(text):
    assert day(text) == (date(1976, 7, 4) - date(1970, 1, 1)).days


def test_the_day_may_stand_first_where_it_cannot_be_a_month():
    assert day("13/02/1999") == day("1999-02-13")


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["04/07/1976", "13/07/1976"], True),
        (["04-07-1976", "31-12-1976 00:00"], True),
        (["04/07/76", "31/12/76"], True),
        (["99/12/1976", "45-11-1976", "13/12-1976"], False),
        (["04/07/1976", "07/13/1976"], False),
        (["04/07/1976", "05/06/1976"], False),
        (["1976-07-13", "13.07.1976", "July 13, 1976"], False),
        (["13/07/1976", "07/13/1976", "07/14/1976"], False),
        ([], False),
    ],
)
def test_the_day_comes_first_where_more_dates_say_so(texts, first):
    assert reads_day_first(pl.Series(texts, dtype=pl.String)) is first


def test_codes_of_numbers_and_dashes_are_no_dates():
    codes = [f"{a}-{b}-{c}" for a in range(1, 8) for b in range(1, 8) for c in range(1, 8)]
    assert kinds_of([pl.Series(codes)]) == ["text"]
    assert day("13-07-76") is day("1-2-3") is None


def test_a_time_behind_a_date_is_left_out():
    assert day("07-04-1976 10:00") == day("07/04/1976T10:00:00") == day("07/04/76") == day("1976-07-04")


def test_dates_of_a_column_are_read_alike():
    texts = pl.Series(["04/07/1976", "04-07-1976", "13/07/1976", "07/13/1976"])
    fourth, thirteenth = (day(text) for text in ("1976-07-04", "1976-07-13"))
    assert days(texts, day_first=True).to_list() == [fourth, fourth, thirteenth, thirteenth]
    seventh = day("1976-04-07")
    assert days(texts).to_list() == [seventh, seventh, thirteenth, thirteenth]


def test_a_bare_year_is_its_middle():
    assert day("1999") == day("1999.0") == day("1999-07-01")
    assert day("1066") is None
    assert day("2500") is None


@pytest.mark.parametrize(("text", "wanted"), [("1066-10-14", -329893), ("2999-01-01", 375835)])
def test_days_beyond_the_nanosecond_range(text, wanted):
    assert day(text) == wanted


@pytest.mark.parametrize("text", ["", "2001-02-30", "1999-13-01", "yesterday", "12", "1999-12"])
def test_what_is_no_day_is_null(text):
    assert day(text) is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "text"),
        (["Heat", "Alien"], "text"),
        (["1995", "1979"], "date"),
        (["1995-01-01", "May 5, 1979"], "date"),
        (["12", "1,300", "7 kg"], "number"),
        (["1995", "12", "13", "14"], "number"),
        (["", ""], "text"),
    ],
)
def test_kinds_by_hand(values, kind):
    assert kinds_of([pl.Series(values, dtype=pl.String)]) == [kind]


def test_a_few_strays_do_not_change_the_kind_and_repetitions_do_not_vote():
    mostly = pl.Series([*map(str, range(100, 190)), *["unknown"] * 500])
    partly = pl.Series([*map(str, range(100, 180)), *(f"name {i}" for i in range(20))])
    dates = pl.Series([f"2001-02-{day:02}" for day in range(1, 29)])
    assert kinds_of([mostly, partly, partly.clear(), dates]) == ["number", "text", "text", "date"]
    assert kinds_of([]) == []


def test_slips_of_the_pen_do_not_change_the_kind_of_few_values():
    years = [str(year) for year in range(1960, 2000) for _ in range(50)]
    slips = [f"19{digit}{letter}" for digit in range(10) for letter in "aeinrst"]
    names = [f"name {number}" for number in range(300)]
    told = [pl.Series([*years, *slips]), pl.Series([*slips, *years, *names])]
    assert kinds_of(told) == ["date", "text"]


@pytest.mark.parametrize(
    ("values", "many"),
    [
        ([10.0 * 3**at for at in range(10)], True),
        ([0.0] * 8 + [5.0, 7.0], True),
        ([1900.0 + at for at in range(100)], False),
        ([-10.0 * 3**at for at in range(10)], False),
        ([float("nan")] * 3, False),
        ([], False),
        ([0.0] * 10, False),
    ],
)
def test_which_numbers_are_of_many_sizes(values, many):
    assert are_of_many_sizes(np.array(values)) is many
