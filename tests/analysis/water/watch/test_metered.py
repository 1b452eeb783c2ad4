"""Zones whose customers are metered, where there is next to nothing to go by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.water.made import CITY

METER = "  c: {unit: m3/h, every: 1h, zone: hafen, role: consumption}\n"


def test_a_store_of_one_day_is_too_little_to_judge(ask: Callable[..., Result]) -> None:
    times = slots("2026-06-30T22:00", "2026-07-01T22:00", 15)
    flow = 10 + np.arange(len(times)) % 24
    series = {
        "hafen_inflow": (times, flow),
        "altstadt_inflow": (times, flow),
        "c": (times[::4], flow[::4] * 0.9),
    }
    found = ask("water/leaks", CITY + METER, series, "2026-07-01", "2026-07-02")
    assert [row["verdict"].split()[0] for row in rows_of(found, "zones")] == ["UNKNOWN", "UNKNOWN"]
    assert len(found.completeness.missing) == 2
    assert found.findings == []
