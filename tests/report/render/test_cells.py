from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cityctl.report.render.cells import clean, keys_of, local_time, prose, settled, shown, text_width
from cityctl.result import Column, Table

NUMBER = Column("n", "N", kind="number", digits=1)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None),
        (math.nan, None),
        (-math.inf, None),
        (pd.NaT, None),
        (True, True),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.array([1.0, math.nan]), [1.0, None]),
        (Decimal("1.25"), 1.25),
        (b"\x01\xff", "01ff"),
        ({"a": 1, "b": None}, "a: 1, b: -"),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)),
        (
            datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
        (date(2026, 1, 1), date(2026, 1, 1)),
        ((1, "x", None), [1, "x", None]),
    ],
)
def test_a_cell_of_any_library_becomes_a_plain_one(cell: object, expected: object) -> None:
    plain = settled(cell)
    assert plain == expected
    assert type(plain) is type(expected)


@pytest.mark.parametrize(
    ("cell", "column", "expected"),
    [
        (18.66, NUMBER, "18.7"),
        (-0.04, NUMBER, "0.0"),  # rounds to zero, and zero has no sign
        (-0.06, NUMBER, "-0.1"),
        (math.nan, NUMBER, "-"),
        (0.9946, Column("s", "S", kind="share", digits=1), "99.5"),
        (3.0, Column("i", "I", kind="integer"), "3"),
        (2.5, Column("i", "I", kind="integer"), "2"),  # IEEE rounding, half to even
        (True, Column("t", "T"), "yes"),
        ("", Column("t", "T"), "-"),
        ([1.0, None], Column("t", "T", kind="spark"), "1.0,-"),
        (date(2026, 11, 19), Column("d", "D", kind="date"), "2026-11-19"),
        ("a\x1b[0mb", Column("t", "T"), r"a\x1b[0mb"),
    ],
)
def test_a_cell_as_people_read_it(cell: object, column: Column, expected: str) -> None:
    assert shown(cell, column, UTC) == expected


def test_thousands_stand_apart() -> None:
    assert shown(-123456.78, NUMBER, UTC, group=" ") == "-123 456.8"
    assert shown(1234.5, NUMBER, UTC, group=" ") == "1 234.5"
    assert shown(2026, Column("i", "I", kind="integer"), UTC, group=" ") == "2026"
    assert shown(20260, Column("i", "I", kind="integer"), UTC, group=" ") == "20 260"
    assert shown(123456.78, NUMBER, UTC) == "123456.8"


def test_the_hour_that_comes_twice_names_its_offset(berlin) -> None:
    # 25 Oct 2026: Berlin's clocks go from 03:00 back to 02:00 at 01:00 UTC.
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local_time(first, berlin) == "2026-10-25 02:30 +02:00"
    assert local_time(first + timedelta(hours=1), berlin) == "2026-10-25 02:30 +01:00"
    assert local_time(first + timedelta(hours=2), berlin) == "2026-10-25 03:30"
    assert local_time(first + timedelta(hours=2, seconds=5), berlin) == "2026-10-25 03:30:05"


def test_nothing_in_a_text_steers_a_terminal_or_a_reader() -> None:
    assert clean("\x1b[31m\x9b0m\x7f\u202eabc\ud800") == r"\x1b[31m\x9b0m\x7f\u202eabc\ud800"
    assert clean("µ³ Straße 水道") == "µ³ Straße 水道"
    assert prose(" two\n lines\t") == "two lines"


def test_columns_of_one_key_get_keys_of_their_own() -> None:
    columns = [Column("a", "A"), Column("a", "A"), Column("a_2", "A"), Column("a", "A")]
    keys = keys_of(Table("t", "", columns, []))
    assert keys[0] == "a"
    assert len(set(keys)) == 4


def test_wide_signs_take_two_cells_of_a_terminal() -> None:
    assert text_width("abc") == 3
    assert text_width("水道") == 4
    assert text_width("e\u0301") == 1
