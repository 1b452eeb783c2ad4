"""A series is in order where each of its steps goes the same way, however its readings come in parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.collect.doors import Doors
from cityctl.collect.order import Order, grouped

NAMES = ["a", "b", "c"]
PARTS = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-3, 30)), min_size=1, max_size=12), max_size=5
)


@given(PARTS)
def test_unordered_are_the_series_that_do_not_run_strictly_one_way(
    parts: list[list[tuple[int, int]]],
) -> None:
    order = Order()
    for part in parts:
        codes = np.array([code for code, _ in part], np.int32)
        order.watch(NAMES, codes, np.array([time for _, time in part], np.int64), grouped(codes))
    runs = {name: [time for part in parts for code, time in part if NAMES[code] == name] for name in NAMES}
    one_way = {
        name for name, run in runs.items() if run in (sorted(set(run)), sorted(set(run), reverse=True))
    }
    assert order.unordered == set(NAMES) - one_way


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_a_register_falls_where_it_falls_in_however_many_parts(parts: int) -> None:
    """By hand: `a` falls from 3 to 2 at its fourth reading; `b` is read backward and never falls."""
    values = {0: [1.0, 2.0, 3.0, 2.0, 4.0, 5.0, 6.0], 1: [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]}
    doors, found = Doors(), []
    for at in np.array_split(np.arange(7), parts):
        codes = np.repeat(np.array([0, 1], np.int32), len(at))
        times = np.concatenate((at, 100 - at)) * 3_600_000_000
        read = np.array([values[0][i] for i in at] + [values[1][i] for i in at])
        places = np.concatenate((at, at + 50))
        doubtful = doors.judge(NAMES, ["counter"] * 3, codes, times, read, places, grouped(codes))
        found += places[doubtful].tolist()
    assert found == [3]
    assert [(one.series, one.kind, one.places) for one in doors.doubts.values()] == [
        ("a", "falling counter", [3])
    ]
