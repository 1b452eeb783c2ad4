"""Demand forecasts: of a made zone whose demand is known, and of five real areas against two rivals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from cityctl.analysis.water.forecast import DAYS, begin_of, places, volume_of
from cityctl.analysis.water.forecasts.intervals import conformal
from cityctl.analysis.water.forecasts.model import forecast, outlook
from cityctl.clock import midnight
from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of, slots, utc
from tests.analysis.water.areas import areas
from tests.analysis.water.made import BERLIN, CITY, inflow

SPAN = ("2026-06-01", "2026-11-23")


def asked(ask: Callable[..., Result], **made: Any) -> Result:
    series = {"hafen_inflow": inflow(*SPAN, **made), "altstadt_inflow": inflow(*SPAN, seed=2)}
    return ask("water/forecast", CITY, series, "2026-11-18", "2026-11-19")


def test_the_next_week_of_a_made_zone(ask: Callable[..., Result]) -> None:
    result = asked(ask)
    hours = [row for row in rows_of(result, "hours") if row["zone"] == "Hafen"]
    assert len(hours) == 168
    assert hours[0]["time"] == utc("2026-11-18T23:00")  # midnight in Berlin
    times, flow = inflow(*SPAN)
    came = flow[times >= np.datetime64("2026-11-18T23:00")][: 4 * 96].reshape(-1, 4).mean(axis=1)
    told = np.array([row["forecast"] for row in hours[:96]])
    assert np.abs(told - came).mean() / came.mean() < 0.05
    inside = [
        row["forecast_low"] <= flow <= row["forecast_high"] for row, flow in zip(hours, came, strict=False)
    ]
    assert np.mean(inside) > 0.85
    (hafen, _) = rows_of(result, "zones")
    assert hafen["next_day"] == pytest.approx(told[:24].sum())
    assert hafen["next_day_low"] < hafen["next_day"] < hafen["next_day_high"]
    assert hafen["error"] < 0.03  # the readings of an hour scatter by 2 %
    assert result.completeness.complete


def test_a_short_history_is_said(ask: Callable[..., Result]) -> None:
    times, flow = inflow(*SPAN)
    late = times >= np.datetime64("2026-11-10")
    series = {"hafen_inflow": (times[late], flow[late]), "altstadt_inflow": inflow(*SPAN, seed=2)}
    result = ask("water/forecast", CITY, series, "2026-11-18", "2026-11-19")
    assert [one.what for one in result.completeness.missing] == ["Hafen"]
    (row, _) = rows_of(result, "zones")
    assert (row["zone"], row["next_day_low"], row["error"]) == ("Hafen", None, None)
    assert row["next_day"] == pytest.approx(_volume(times, flow, "2026-11-18T23:00", 24), rel=0.05)


def test_less_than_a_week_is_no_history(ask: Callable[..., Result]) -> None:
    times, flow = inflow(*SPAN)
    late = times >= np.datetime64("2026-11-14")
    series = {"hafen_inflow": (times[late], flow[late]), "altstadt_inflow": inflow(*SPAN, seed=2)}
    result = ask("water/forecast", CITY, series, "2026-11-18", "2026-11-19")
    assert [row["zone"] for row in rows_of(result, "zones")] == ["Altstadt"]


def test_a_zone_that_fell_silent_is_named(ask: Callable[..., Result]) -> None:
    times, flow = inflow(*SPAN)
    early = times < np.datetime64("2026-11-13")
    series = {"hafen_inflow": (times[early], flow[early]), "altstadt_inflow": inflow(*SPAN, seed=2)}
    result = ask("water/forecast", CITY, series, "2026-11-18", "2026-11-19")
    (missing,) = result.completeness.missing
    assert (missing.what, missing.why) == ("Hafen", "silent for 6 days: forecast from what was before")


def made_in(
    zone: str, since: str, until: str, *, every: int = 15, weekend: tuple[int, ...] = (5, 6)
) -> tuple[Any, Any, Any]:
    """(stamps in UTC, flow [m³/h], local days): a peak at 7, on the weekend a lower one at 10, 2 % of noise."""
    times = slots(since, until, every)
    day, hour = local_hours(times, ZoneInfo(zone))
    free = np.isin((day.astype(int) + 3) % 7, weekend)
    peak = np.where(free, 14 * np.exp(-(((hour - 10) / 2.2) ** 2)), 20 * np.exp(-(((hour - 7) / 1.1) ** 2)))
    return times, (10 + peak) * np.random.default_rng(1).normal(1, 0.02, len(times)), day


def off(result: Result, times: Any, flow: Any) -> float:
    """Mean absolute error of the hours told, of what came in each hour [m³/h]."""
    missed = []
    for row in rows_of(result, "hours"):
        begin = np.datetime64(row["time"].replace(tzinfo=None))
        inside = (times >= begin) & (times < begin + np.timedelta64(1, "h"))
        missed.append(abs(row["forecast"] - flow[inside].mean()))
    return float(np.mean(missed))


@pytest.mark.parametrize(
    ("zone", "day", "most"),
    [
        ("Asia/Kathmandu", "2026-02-10", 0.2),  # 05:45 ahead: hours lay a quarter off, by 0.7 m³/h
        (
            "Australia/Lord_Howe",
            "2026-04-02",
            0.5,
        ),  # clocks go back by half an hour on the 5th: they lay 1.4 off
        ("Australia/Lord_Howe", "2026-04-07", 0.2),
    ],
)
def test_hours_of_other_clocks(ask: Callable[..., Result], zone: str, day: str, most: float) -> None:
    times, flow, _ = made_in(zone, "2025-12-20", "2026-04-20")
    city = CITY.replace("Europe/Berlin", zone).replace("country: DE\n", "")
    begin = midnight(date.fromisoformat(day), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    before = times < np.datetime64(begin)
    last = str(date.fromisoformat(day) - timedelta(days=1))
    result = ask(
        "water/forecast", city, {"hafen_inflow": (times[before], flow[before])}, last, day, zones="hafen"
    )
    assert off(result, times, flow) < most


def test_hours_that_were_counted_across_those_of_the_clock(ask: Callable[..., Result]) -> None:
    """A meter of UTC's hours in Kolkata, 05:30 ahead: its forecast lay half an hour off, by 0.8 m³/h in the mean."""
    zone, day = "Asia/Kolkata", "2026-02-10"
    times, flow, _ = made_in(zone, "2025-12-20", "2026-02-20")
    hours, counted = times[::4], flow.reshape(-1, 4).mean(axis=1)
    city = CITY.replace("Europe/Berlin", zone).replace("country: DE\n", "")
    city = city.replace(
        "hafen_inflow: {unit: m3/h, every: 15m", "hafen_inflow: {unit: m3, kind: interval, every: 1h"
    )
    before = hours < np.datetime64("2026-02-09T18:30")
    series = {"hafen_inflow": (hours[before], counted[before])}
    result = ask("water/forecast", city, series, "2026-02-09", day, zones="hafen")
    # Two halves of such hours blur a narrow peak, by 0.3 m³/h in the mean.
    assert off(result, times, flow) < 0.4


def test_holidays_where_the_weekend_is_friday_and_saturday(ask: Callable[..., Result]) -> None:
    """23 July 2026, a Thursday, is Egypt's Revolution Day: its peak is at 10, as on Saturdays."""
    times, flow, day = made_in("Africa/Cairo", "2026-03-20", "2026-07-30", weekend=(4, 5))
    free = [np.datetime64(one) for one in country_holidays("EG", years=2026)]
    hour = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h") + 3
    quiet = np.isin(day, free)
    flow = np.where(quiet, 10 + 14 * np.exp(-(((hour % 24 - 10) / 2.2) ** 2)), flow)
    city = CITY.replace("Europe/Berlin", "Africa/Cairo").replace("country: DE", "country: EG")
    before = times < np.datetime64("2026-07-21T21:00")
    series = {"hafen_inflow": (times[before], flow[before])}
    result = ask("water/forecast", city, series, "2026-07-21", "2026-07-22", zones="hafen")
    assert off(result, times, flow) < 0.3


@pytest.mark.parametrize("factor", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("ago", [9, 20, 40])
def test_what_a_zone_drew_on_another_level_is_forgotten(factor: float, ago: int) -> None:
    """A zone that was shut, parted or joined to another is told about as well as one that was left as it was.

    After nine days each weekday is known once or twice: its noise alone makes 1.4 times the error.
    """
    rng = np.random.default_rng(4)
    week = np.where(np.arange(160) % 7 >= 5, 1.1, 1.0)[:, None] * (
        20 + 10 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    )
    hours = np.array([week * rng.normal(1, 0.03, week.shape) for _ in range(3)])
    hours[:2, 140 - ago :] *= factor
    told = outlook(hours[:, :141], (np.arange(160) % 7).astype(np.int64), 140, 0, 7, 0.95)
    came = hours[:, 140:147]
    missed = np.abs(told.flow - came).mean(axis=(1, 2))
    assert (missed[:2] <= 1.7 * factor * missed[2]).all()
    assert ((came >= told.low) & (came <= told.high)).mean() > 0.9
    assert (told.low >= 0).all()


def test_one_quiet_week_is_no_other_level() -> None:
    rng = np.random.default_rng(5)
    hours = 20 * rng.normal(1, 0.03, (1, 141, 24))
    hours[:, 100:106] *= 0.5  # six days of holidays
    kinds = (np.arange(150) % 7).astype(np.int64)
    told = outlook(hours, kinds, 140, 0, 7, 0.95)
    assert np.array_equal(told.flow, forecast(hours, kinds, 140, 0, 7))


def test_a_zone_that_stands_still_is_asked_about(ask: Callable[..., Result]) -> None:
    times, flow = inflow(*SPAN)
    flow = np.where(times >= np.datetime64("2026-11-15T23:00"), 0.0, flow)
    result = ask(
        "water/forecast", CITY, {"hafen_inflow": (times, flow)}, "2026-11-18", "2026-11-19", zones="hafen"
    )
    (missing,) = result.completeness.missing
    assert missing.why.startswith("has drawn nothing for 3 days: shut?")
    (row,) = rows_of(result, "zones")
    assert row["next_day_low"] >= 0


@pytest.mark.parametrize("hours", [4, 24])
def test_readings_that_are_too_rare_are_said_to_be(ask: Callable[..., Result], hours: int) -> None:
    times, flow = inflow(*SPAN)
    rare = slice(None, None, 4 * hours)
    city = CITY.replace("15m", f"{hours}h")
    series = {"hafen_inflow": (times[rare], flow[rare])}
    result = ask("water/forecast", city, series, "2026-11-18", "2026-11-19", zones="hafen")
    assert [one.why for one in result.completeness.missing] == ["read less often than by the hour"]


def test_readings_that_no_zone_draws_move_no_forecast() -> None:
    hours = 20 * np.random.default_rng(6).normal(1, 0.03, (1, 141, 24))
    wrong = hours.copy()
    wrong[0, [60, 139], [5, 20]] = 65535, -65535
    kinds = (np.arange(150) % 7).astype(np.int64)
    right, told = (outlook(one, kinds, 140, 0, 7, 0.95) for one in (hours, wrong))
    assert np.abs(right.flow - told.flow).max() < 0.5
    assert np.nanmax(told.high - told.low) < 1.1 * np.nanmax(right.high - right.low)


def test_the_first_day_of_a_kind_says_nothing_of_others() -> None:
    """Eight days from a Monday on, the weekend half as high: the second week is told as the first was."""
    week = np.where(np.arange(20) % 7 >= 5, 10.0, 20.0)
    hours = np.tile(week[None, :8, None], (1, 1, 24))
    told = forecast(hours, (np.arange(20) % 7).astype(np.int64), 8, 0, 7)
    assert told[0].mean(axis=1) == pytest.approx(week[8:15])


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        # Berlin, 29 March 2026: 02:00 is left out. 25 October: 02:00 comes twice.
        ("2026-03-29", [0, 1, 3, 4]),
        ("2026-10-25", [0, 1, 2, 2, 3]),
    ],
)
def test_a_day_of_23_or_25_hours(day: str, hours: list[int]) -> None:
    begin = begin_of(date.fromisoformat(day), 0, BERLIN)
    stamps = [begin + timedelta(hours=at) for at in range(168)]
    told = places(stamps, BERLIN)
    assert told[: len(hours)] == hours
    assert told[-1] == 7 * 24 + (
        0 if hours[2] == 3 else -2
    )  # a week of 168 hours ends an hour later, or earlier
    assert max(told) < DAYS * 24


def test_what_the_last_days_drew_more_is_carried_on() -> None:
    """Ten units more in every hour of the last three days: most of it is expected tomorrow, less in a week."""
    hours = np.tile(20 + np.arange(24.0), (1, 80, 1))
    hours[:, 77:] += 10
    told = forecast(hours, (np.arange(90) % 7).astype(np.int64), 80, 0, 7)
    more = (told - (20 + np.arange(24.0))).mean(axis=2)[0]
    # By the weights: yesterday's level 0.42, three days' 0.36, three weeks' 0.12 x (10 + 9 + 8.1) / 8.9 and the like.
    assert 8 < more[0] < 10
    assert 2 < more[-1] < more[0]


def test_one_odd_day_moves_no_usual_course() -> None:
    hours = np.tile(20 + np.arange(24.0), (1, 80, 1)) + np.random.default_rng(1).normal(0, 0.1, (1, 80, 24))
    odd = hours.copy()
    odd[:, 50] *= 5  # the same weekday as the one told, and older than the four weeks that are carried on
    kinds = (np.arange(90) % 7).astype(np.int64)
    before, after = (forecast(one, kinds, 80, 0, 7)[0, 5] for one in (hours, odd))
    assert np.abs(after - before).max() < 0.5


@given(st.floats(0.5, 0.999), st.integers(1, 500))
def test_fewer_errors_make_a_wider_interval(share: float, tries: int) -> None:
    """The (n + 1) share-th smallest of n errors, where there are so many: Vovk et al. (2005)."""
    wide, narrow = float(conformal(share, tries)), float(conformal(share, 10 * tries))
    assert share <= narrow <= wide <= 1
    assert float(conformal(1 - share, tries)) == pytest.approx(1 - wide)


@pytest.mark.parametrize("certainty", [0.5, 0.8, 0.9, 0.95])
def test_the_interval_of_a_day_holds_where_few_days_lie_far_off(certainty: float) -> None:
    """2 000 times 56 days' errors of Student's t with 3 degrees of freedom: hot days, and filled pools."""
    off = np.random.default_rng(5).standard_t(3, (2000, 57)) / 24
    flow = np.full(24, 10.0)
    held = []
    for errors in off:
        _, low, high = volume_of(flow, np.repeat(errors[:56, None], 24, axis=1), certainty, 0.0)
        assert low is not None
        assert high is not None
        held.append(low <= 240 + 24 * errors[56] <= high)
    assert np.mean(held) == pytest.approx(certainty, abs=0.025)


def test_nothing_after_the_begin_is_looked_at() -> None:
    rng = np.random.default_rng(3)
    hours = 10 + rng.random((2, 90, 24))
    kinds = (np.arange(100) % 7).astype(np.int64)
    changed = hours.copy()
    changed[:, 80, 6:] += 100
    changed[:, 81:] += 100
    assert np.array_equal(
        forecast(hours, kinds, 80, 6, 8), forecast(changed, kinds, 80, 6, 8), equal_nan=True
    )


@pytest.mark.slow
def test_real_areas_against_naive_week_and_same_weekdays(shared: Path) -> None:
    """A forecast each twentieth day at midnight: better than both rivals in every area, and the interval holds."""
    table = areas(shared)
    count = len(table) // 24
    hours = table.to_numpy()[: count * 24].T.reshape(len(table.columns), count, 24)
    kinds = table.index[::24].day_of_week.to_numpy()[:count].astype(np.int64)
    errors, inside = [], []
    rivals: dict[str, list[Any]] = {"naive week": [], "same weekdays": []}
    for day in range(140, count - 8, 20):
        told = outlook(hours, kinds, day, 0, 7, 0.95)
        came = hours[:, day : day + 7]
        errors.append(_mean(np.abs(came - told.flow), (1, 2)))
        for name in rivals:
            rivals[name].append(_mean(np.abs(told.rivals[name]), (0, 2, 3)))
        known = np.isfinite(came) & np.isfinite(told.low)
        inside.append((known & (came >= told.low) & (came <= told.high)).sum() / known.sum())
    own = np.nanmean(errors, axis=0)
    print("forecast", own.round(2), {name: np.nanmean(rows, axis=0).round(2) for name, rows in rivals.items()},
          f"{np.mean(inside):.1%} inside")  # fmt: skip
    for rows in rivals.values():
        assert (own < np.nanmean(rows, axis=0)).all()
    assert 0.93 < np.mean(inside) < 0.97


def _volume(times: Any, flow: Any, since: str, hours: int) -> float:
    """What flowed in so many hours [m³], of readings of 15 minutes."""
    begin = int(np.searchsorted(times, np.datetime64(since)))
    return float(flow[begin : begin + 4 * hours].sum() / 4)


def _mean(values: Any, axes: tuple[int, ...]) -> Any:
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(axis=axes) / np.where(
        known.any(axis=axes), known.sum(axis=axes), np.nan
    )
