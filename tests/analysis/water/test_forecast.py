"""Demand forecasts: of a made zone whose demand is known, and of five real areas against two rivals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.demand_model import forecast, outlook
from cityctl.result import Result
from tests.analysis.conftest import rows_of, utc
from tests.analysis.water.areas import areas
from tests.analysis.water.made import CITY, inflow

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
    assert [row["zone"] for row in rows_of(result, "zones")] == ["Altstadt"]


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
    """A forecast each tenth day at midnight: better than both rivals in every area, and the interval holds."""
    table = areas(shared)
    count = len(table) // 24
    hours = table.to_numpy()[: count * 24].T.reshape(len(table.columns), count, 24)
    kinds = table.index[::24].day_of_week.to_numpy()[:count].astype(np.int64)
    errors, inside = [], []
    rivals: dict[str, list[Any]] = {"naive week": [], "same weekdays": []}
    for day in range(140, count - 8, 10):
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
    assert np.mean(inside) > 0.88


def _mean(values: Any, axes: tuple[int, ...]) -> Any:
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(axis=axes) / np.where(
        known.any(axis=axes), known.sum(axis=axes), np.nan
    )
