"""Meters that send what flows, and nothing while water stands still."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots, utc
from tests.analysis.water.test_customer_leaks import HEAD, POINT, household

CITY = HEAD + POINT % ("hourly", "L", "interval", "1h") + POINT % ("pulses", "L", "interval", "1m")


def test_an_hour_that_was_not_sent_stood_still(ask: Callable[..., Result]) -> None:
    """3 L/h for 48 hours from the second day on: told with its end, where the hours that lack are pauses."""
    litres = household()
    litres[24:72] += 3
    hours = slots("2026-03-01", "2026-03-07", 60)
    sent = litres > 0
    pulses = np.repeat(hours[sent], 2) + np.tile([5, 40], sent.sum()).astype("timedelta64[m]")
    series = {
        "hourly": (hours[sent], litres[sent] / 1000),
        "pulses": (pulses, np.repeat(litres[sent] / 2000, 2)),
    }
    asked = (CITY, series, "2026-03-01", "2026-03-07")
    found = ask("water/customer_leaks", *asked, unsent=True, running=False)
    rows = {row["meter"]: row for row in rows_of(found, "customer_leaks")}
    assert set(rows) == {"hourly", "pulses"}
    for row in rows.values():
        assert row["verdict"] == "ended"
        assert row["leak_until"] == utc("2026-03-04")
        assert row["leak_days"] == pytest.approx(48 / 24, abs=0.3)
    assert rows["hourly"]["leak_rate"] == pytest.approx(3.0)
    assert not found.completeness.missing
    # As before, where nothing says what silence means: neither has an end.
    silent = ask("water/customer_leaks", *asked)
    assert {row["verdict"] for row in rows_of(silent, "customer_leaks")} == {"RUNS"}
