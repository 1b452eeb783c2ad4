"""Axes, thinning and drawing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.report.render.as_html.plot import plot_html
from cityctl.report.render.as_html.thin import present, thin
from cityctl.report.render.as_html.ticks import time_ticks, value_scale
from cityctl.result import Line, Plot

BERLIN = ZoneInfo("Europe/Berlin")
POINTS = st.lists(
    st.tuples(st.integers(0, 100_000).map(float), st.none() | st.floats(-1e6, 1e6)), min_size=1, max_size=300
).map(lambda points: sorted(points, key=lambda point: point[0]))


@given(low=st.floats(-1e9, 1e9), span=st.floats(0, 1e9), from_zero=st.booleans())
def test_a_value_axis_holds_its_values_between_even_ticks(low, span, from_zero) -> None:
    high = low + span
    scale = value_scale(low, high, from_zero=from_zero)
    slack = 1e-6 * (scale.high - scale.low)
    assert scale.low - slack <= low
    assert high <= scale.high + slack
    assert 2 <= len(scale.ticks) <= 9
    steps = [later - earlier for earlier, later in pairwise(scale.ticks)]
    assert max(steps) - min(steps) <= slack
    if from_zero:
        assert scale.low <= 0 <= scale.high


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 34.0, ["0", "10", "20", "30", "40"]),
        (8.1, 9.9, ["8.0", "8.5", "9.0", "9.5", "10.0"]),
        (0.0, 52_000.0, ["0", "20\u202f000", "40\u202f000", "60\u202f000"]),
        (-0.2, 0.2, ["-0.2", "-0.1", "0.0", "0.1", "0.2"]),
        (5.0, 5.0, ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"]),
    ],
)
def test_value_ticks_are_round(low, high, labels) -> None:
    scale = value_scale(low, high)
    assert [scale.written(tick) for tick in scale.ticks] == labels


def labels(since: str, until: str, most: int = 9) -> list[str]:
    start, end = (
        datetime.fromisoformat(word).replace(tzinfo=BERLIN).astimezone(UTC) for word in (since, until)
    )
    return [label for _, label in time_ticks(start, end, BERLIN, most)]


def test_time_ticks_are_round_in_local_time() -> None:
    assert labels("2026-11-15", "2026-11-22") == [
        "15 Nov", "16 Nov", "17 Nov", "18 Nov", "19 Nov", "20 Nov", "21 Nov", "22 Nov",
    ]  # fmt: skip
    assert labels("2026-11-19T22:00", "2026-11-20T02:00") == [
        "22:00", "22:30", "23:00", "23:30", "Fri 20 Nov", "00:30", "01:00", "01:30", "02:00",
    ]  # fmt: skip
    assert labels("2026-01-01", "2027-01-01") == ["Jan 2026", "Mar", "May", "Jul", "Sep", "Nov", "Jan 2027"]
    assert labels("2010-01-01", "2027-01-01") == [
        "2010",
        "2012",
        "2014",
        "2016",
        "2018",
        "2020",
        "2022",
        "2024",
        "2026",
    ]


def test_time_ticks_pass_the_days_on_which_clocks_change() -> None:
    # 29 Mar 2026: 02:00 to 03:00 is skipped in Berlin; 25 Oct 2026: it comes twice.
    spring = time_ticks(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC), BERLIN)
    assert [label for _, label in spring] == ["Sun 29 Mar", "01:00", "03:00", "04:00", "05:00", "06:00"]
    gaps = {later - earlier for (earlier, _), (later, _) in pairwise(spring)}
    assert gaps == {timedelta(hours=1)}
    assert labels("2026-10-24", "2026-10-27")[0] == "Sat 24 Oct"


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    length=st.floats(60, 3e9),
)
def test_time_ticks_are_few_and_inside(start, length) -> None:
    end = start + timedelta(seconds=length)
    found = time_ticks(start, end, BERLIN)
    assert len(found) <= 11
    assert all(start <= moment <= end for moment, _ in found)
    if length > 300:
        assert found


@given(points=POINTS, columns=st.integers(1, 50))
def test_thinning_keeps_extremes_ends_and_order(points, columns) -> None:
    start, end = points[0][0], points[-1][0]
    segments = thin(points, start, end, columns)
    known = [value for _, value in points if value is not None]
    kept = [value for segment in segments for _, value in segment]
    assert sum(map(len, segments)) <= 4 * (columns + 1)
    assert all(segments)
    if not known:
        assert segments == []
        return
    assert (min(kept), max(kept)) == (min(known), max(known))
    assert (kept[0], kept[-1]) == (known[0], known[-1])
    columns_seen = [x for segment in segments for x, _ in segment]
    assert columns_seen == sorted(columns_seen)


def test_a_gap_breaks_the_line_and_a_pause_in_the_readings_does_too() -> None:
    even = [(float(at), 1.0) for at in range(100)]
    assert len(thin(even, 0, 99, 99)) == 1
    missing = [(at, None if 40 <= at < 45 else value) for at, value in even]
    assert [segment[0][0] for segment in thin(missing, 0, 99, 99)] == [0, 45]
    absent = [(at, value) for at, value in even if not 40 <= at < 45]
    assert [segment[0][0] for segment in thin(absent, 0, 99, 99)] == [0, 45]
    assert len(thin(missing, 0, 99, 10)) == 1  # a gap below a pixel does not shatter the line


def test_points_are_put_in_order_and_what_is_no_number_is_a_gap() -> None:
    assert present([2.0, 1.0], [math.nan, 3.0]) == [(1.0, 3.0), (2.0, None)]


def plot(*lines: Line, marks: list[tuple[datetime, str]] | None = None) -> str:
    return plot_html(Plot("p", "P", "m3/h", list(lines), marks or []), BERLIN)


START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [START + timedelta(hours=step) for step in range(4)]


def test_two_bands_are_the_edges_of_one() -> None:
    drawn = plot(
        Line("low", TIMES, [0.0, 0.0, 0.0, 0.0], "band"),
        Line("usual", TIMES, [10.0, 10.0, 10.0, 10.0], "band"),
        Line("flow", TIMES, [5.0, 5.0, 5.0, 5.0]),
    )
    assert drawn.count(" band") == 2  # the area and its entry in the legend
    assert "M0 0L333 0L667 0L1000 0L1000 1000L667 1000L333 1000L0 1000Z" in drawn
    assert ">low<" not in drawn
    assert ">usual<" in drawn


def test_bars_stand_on_zero_and_have_the_width_of_their_step() -> None:
    drawn = plot(Line("kWh", TIMES, [10.0, -10.0, None, 5.0], "bars"))
    # Four hours over 1000 units: a bar takes 0.82 of 250; zero lies in the middle of -10 to 10.
    assert "M0 500V0H205V500Z" in drawn
    assert "M250 500V1000H455V500Z" in drawn
    assert "M750 500V250H955V500Z" in drawn


def test_marks_near_the_readings_are_drawn_and_far_ones_do_not_squeeze_them() -> None:
    near, far = START + timedelta(hours=1), START + timedelta(days=90)
    drawn = plot(Line("flow", TIMES, [1.0, 2.0, 3.0, 4.0]), marks=[(near, "valve"), (far, "next year")])
    assert ">valve<" in drawn
    assert "next year" not in drawn
    assert "M333 0V1000" in drawn


def test_a_plot_without_a_value_says_so() -> None:
    assert "no readings in this interval" in plot(Line("flow", TIMES, [None, math.nan, None, None]))
    assert "no readings in this interval" in plot()


def test_one_reading_is_a_dot() -> None:
    assert "h0" in plot(Line("flow", TIMES[:1], [3.0]))
