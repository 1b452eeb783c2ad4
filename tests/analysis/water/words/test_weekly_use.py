"""A works that runs day and night from Monday to Saturday: how it is told, and when."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.analysis.water.words.telling import mornings
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

MONDAYS = np.arange(np.datetime64("2026-04-06"), np.datetime64("2026-06-22"), 7)
SHIFTS = [Leak(f"{monday}T04:00", 4.0, end=f"{monday + 5}T04:00") for monday in MONDAYS]


def test_days_are_named() -> None:
    assert mornings([0.0, 1.0, 1.0, 0.0, 0.0, 2.0, 0.0]) == "Tue, Wed and Sat"
    assert mornings([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]) == "Sun"


def asked(ask: Callable[..., Result], until: str) -> Result:
    series = {
        "hafen_inflow": inflow("2025-12-01", "2026-06-20", leaks=SHIFTS),
        "altstadt_inflow": inflow("2025-12-01", "2026-06-20", seed=2),
    }
    return ask("water/leaks", CITY, series, "2026-03-25", until)


def test_it_reads_leak_until_the_week_has_shown_itself(ask: Callable[..., Result]) -> None:
    """4 m³/h on five nights of each week from 6 April on. Truth: what was put in."""
    early = asked(ask, "2026-04-10")
    assert rows_of(early, "zones")[0]["verdict"].startswith("LEAK since ")
    found = asked(ask, "2026-06-13")
    assert rows_of(found, "zones")[0]["verdict"] == "normal, night use on Tue, Wed, Thu, Fri and Sat"
    events = rows_of(found, "events")
    assert 1 <= len(events) <= 3
    assert {(event["state"], event["volume_m3"]) for event in events} == {("weekly", 0.0)}
    assert {one.severity for one in found.findings} == {"note"}
    assert early.findings[0].id in {one.id for one in found.findings}
    said = found.findings[0].text
    assert "nights that end on Tue, Wed, Thu, Fri and Sat take" in said
    assert float(said.split(" take ")[1].split()[0]) == pytest.approx(4.0, abs=0.5)
    leakage = [row["leakage_m3h"] for row in rows_of(found, "daily") if row["zone"] == "Hafen"]
    assert max(value for value in leakage if value is not None) == 0
