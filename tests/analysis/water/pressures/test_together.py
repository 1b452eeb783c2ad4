"""The pressure of a zone of which not every sensor tells, or can be believed, each night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.pressures.together import Night, believed, heads_of
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones: {hafen: {name: Hafen, network: water, kind: dma, inflow: in, night_use: 1 m3/h}}
points:
  in: {unit: m3/h, every: 15m, zone: hafen}
  low: {unit: bar, every: 15m, zone: hafen}
  other: {unit: bar, every: 15m, zone: hafen}
"""
BAR = 0.0980665  # of a metre of head
DAYS = [date(2026, 3, 1) + timedelta(days=step) for step in range(12)]


def nights(*heads: float, still: bool = False) -> dict[date, Night]:
    return {day: Night(head, still) for day, head in zip(DAYS, heads, strict=False)}


def test_a_sensor_that_is_silent_changes_no_pressure() -> None:
    """One at 40 m, one 30 m below it: 55 m together, of which the pressure falls by 4 m in the last two nights."""
    low = dict(zip(DAYS, [40.0, 40, 40, 40, 36, 36], strict=False))
    high = {day: head + 30 for day, head in low.items()}
    whole = [55.0, 55, 55, 55, 51, 51]
    assert [*heads_of([low, high]).values()] == pytest.approx(whole)
    for silent in (DAYS[0], DAYS[4]):
        some = {day: head for day, head in high.items() if day != silent}
        assert [*heads_of([low, some]).values()] == pytest.approx(whole)
    assert heads_of([{}, {}]) == {}


def test_what_is_no_pressure_is_left_out() -> None:
    assert believed(nights(0.0, -2.0, 40.0, 301.0)) == {DAYS[2]: 40.0}


def test_stands_are_left_out_but_those_that_a_sensor_is_known_for() -> None:
    moving, still = nights(40, 41, 42), nights(*[43] * 12, still=True)
    assert [*believed({**still, **moving}).values()] == [40, 41, 42]
    # Two nights at one value, four times: a coarse sensor behind a steady valve.
    coarse = nights(40, 40, 41, 41, 40, 40, 41, 41, still=True)
    assert len(believed(coarse)) == 8


def made() -> tuple[Any, Any, Any]:
    """56 days: every fortnight another pressure, of 30 to 40 m; leakage 9 m³/h at 40 m with an N1 of 1."""
    times = slots("2026-03-01", "2026-04-26", 15)
    rng = np.random.default_rng(2)
    day = (times - times[0]) // np.timedelta64(1, "D")
    head = np.array([40.0, 34, 38, 30])[day // 14] + rng.normal(0, 0.1, len(times))
    use = np.where(times - times.astype("datetime64[D]") < np.timedelta64(6, "h"), 1, 12)
    return times, head, 9 * head / 40 + use + rng.normal(0, 0.05, len(times))


@pytest.mark.parametrize(
    "showed",
    [
        lambda head, day: np.zeros(len(head)),  # dead
        lambda head, day: head * 98.0665,  # kPa taken for bar
        lambda head, day: np.where(day >= 20, 41.0, head),  # frozen
        lambda head, day: np.where((day >= 10) & (day < 35), 41.0, head),  # frozen, and repaired
        lambda head, day: np.where(np.arange(len(head)) % 97 == 0, 0.0, head),  # one reading a day is zero
    ],
)
def test_a_sensor_that_fails_moves_neither_pressure_nor_exponent(
    ask: Callable[..., Result], showed: Callable[[Any, Any], Any]
) -> None:
    """By hand: the last fortnight's 30 m, and N1 = 1 as the leakage was made."""
    times, head, flow = made()
    other = showed(head, (times - times[0]) // np.timedelta64(1, "D"))
    series = {"in": (times, flow), "low": (times, head * BAR), "other": (times, other * BAR)}
    found = ask("water/pressure", CITY, series, "2026-04-13", "2026-04-26", history="42d", lower="10 %")
    (row,) = rows_of(found, "lower_pressure")
    assert row["head_night"] == pytest.approx(30.0, abs=0.2)
    assert row["n1"] == pytest.approx(1.0, abs=0.04)
    assert row["n1_from"].startswith("data")
    assert row["verdict"] == "possible"
    assert row["saved_m3_day"] == pytest.approx(0.1 * 24 * 9 * 30 / 40, rel=0.03)
