"""Loggers that write pressure by the second: how large a surge was, and noise that is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.water.test_pressure import CITY

BAR = 0.0980665  # of a metre of head
SPAN = ("2026-03-02", "2026-03-03")


@pytest.mark.parametrize(
    ("noise", "rise", "steps"),
    [
        (0.05, None, 0),
        (1.5, None, 0),  # from one second to the next it moves by 5 m and more in one of 50: by chance alone
        (0.05, 1, 2),
        (0.05, 5, 2),
        (0.05, 20, 2),  # no second of it moves by more than 1 m
    ],
)
def test_a_surge_is_told_with_its_size_however_fast_it_comes(
    ask: Callable[..., Result], noise: float, rise: int | None, steps: int
) -> None:
    """20 m within `rise` seconds, which stay for five minutes and go as they came: a step up and one down."""
    second = np.arange(6 * 3600)
    times = np.datetime64("2026-03-02T06:00", "s") + second.astype("timedelta64[s]")
    head = 40 + np.random.default_rng(1).normal(0, noise, len(second))
    if rise is not None:
        head += 20 * np.interp(second, [7000, 7000 + rise, 7300, 7300 + rise], [0, 1, 1, 0])
    flow = slots("2026-03-01", "2026-03-03", 15)
    series = {"gauge": (times, head * BAR), "inflow": (flow, np.full(len(flow), 10.0))}
    city = CITY.replace("gauge: {unit: bar, every: 15m", "gauge: {unit: bar, every: 1s")
    (sensor,) = rows_of(ask("water/pressure", city, series, *SPAN, history="1d", most_pressure=90), "sensors")
    assert sensor["transients"] == steps
    if rise is None:
        assert sensor["verdict"] == "normal"
    else:
        assert sensor["largest_step"] == pytest.approx(20.0, rel=0.05)
        assert sensor["verdict"].startswith("STEPS 2 of 5 m or more, the largest")
    assert sensor["head_most"] == pytest.approx(head.max(), rel=1e-6)  # readings as they are


def test_a_quarter_hour_is_held_against_the_one_before(ask: Callable[..., Result]) -> None:
    """Steps of 6 m up and down, three times: six, as they were told before seconds were looked at."""
    times = slots("2026-03-02", "2026-03-03", 15)
    head = 40 + 6.0 * np.isin(np.arange(len(times)), [20, 21, 40, 41, 60, 61])
    series = {"gauge": (times, head * BAR), "inflow": (times, np.full(len(times), 10.0))}
    (sensor,) = rows_of(ask("water/pressure", CITY, series, *SPAN, history="1d"), "sensors")
    assert (sensor["transients"], round(sensor["largest_step"], 6)) == (6, 6.0)
