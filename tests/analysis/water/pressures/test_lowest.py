"""How far pressure may fall is told at the hour in which the critical sensor shows least."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of, slots
from tests.analysis.water.test_pressure import CITY

BAR = 0.0980665  # of a metre of head


@pytest.mark.parametrize(
    ("peak", "verdict"), [(30.0, "possible"), (23.5, "LIMITED high would fall to 19 m"), (24.5, "possible")]
)
def test_a_tenth_of_a_days_pressure_is_more_than_of_a_reduced_night(
    ask: Callable[..., Result], peak: float, verdict: str
) -> None:
    """A valve gives 30 m by night and 60 m by day; the high sensor has 35 m, and so much by day from 18 to 21 h.

    The zone's mean is (60 + 23.5) / 2 = 41.75 m then, and 32.5 m by night: a tenth is 4.2 and 3.3 m. By the
    night's, 23.5 would fall to 20.2 m only.
    """
    times = slots("2026-02-01", "2026-03-15", 15)
    _, hour = local_hours(times, ZoneInfo("Europe/Berlin"))
    noise = np.random.default_rng(1).normal(0, 0.05, (3, len(times)))
    inlet = np.where((hour >= 23) | (hour < 5), 30.0, 60.0) + noise[0]
    high = np.where((hour >= 18) & (hour < 21), peak, 35.0) + noise[1]
    series = {"gauge": (times, inlet * BAR), "high": (times, high * BAR), "inflow": (times, 10 + noise[2])}
    city = CITY + "  high: {unit: bar, every: 15m, zone: hafen}\n"
    found = ask("water/pressure", city, series, "2026-03-02", "2026-03-14")
    (saving,) = rows_of(found, "lower_pressure")
    assert saving["verdict"] == verdict
