"""A burst of the small hours: the morning after it is no leak yet, and not normal either."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow


def asked(ask: Callable[..., Result], until: str, *leaks: Leak) -> Result:
    series = {
        "hafen_inflow": inflow("2025-12-01", "2026-03-04", leaks=leaks),
        "altstadt_inflow": inflow("2025-12-01", "2026-03-04", seed=2),
    }
    return ask("water/leaks", CITY, series, "2026-02-20", until)


def test_what_a_burst_began_in_the_small_hours_is_said_the_same_morning(ask: Callable[..., Result]) -> None:
    """20 m³/h from 23:00 on: the evening does not bear it out, the next night does. Truth: what was put in."""
    burst = Leak("2026-02-28T22:00", 20.0)
    found = asked(ask, "2026-03-02", burst)
    hafen, altstadt = rows_of(found, "zones")
    assert hafen["verdict"].startswith("UNUSUAL last night ")
    assert float(hafen["verdict"].split()[3]) == pytest.approx(20.0, rel=0.05)
    assert altstadt["verdict"] == "normal"
    (night,) = found.findings
    assert (night.kind, night.subject, night.severity) == ("night", "Hafen", "warning")
    assert night.evidence["beyond_m3h"] == pytest.approx(20.0, rel=0.05)
    assert not rows_of(found, "events")
    after = asked(ask, "2026-03-03", burst)
    assert [one.kind for one in after.findings] == ["leak"]
    assert rows_of(after, "zones")[0]["verdict"] == "LEAK since Sat 28 Feb"


def test_a_leak_that_runs_does_not_hide_it(ask: Callable[..., Result]) -> None:
    found = asked(ask, "2026-03-02", Leak("2026-02-10", 3.0), Leak("2026-02-28T22:00", 20.0))
    verdict = rows_of(found, "zones")[0]["verdict"]
    assert verdict.startswith("LEAK since Mon 9 Feb; last night ")
    assert sorted(one.kind for one in found.findings) == ["leak", "night"]


def test_a_zone_that_is_known_for_such_nights_is_not_unusual(ask: Callable[..., Result]) -> None:
    """Mains flushed with 20 m³/h for four hours of the night, a month before and in the last night."""
    flushed = [Leak(f"{day}T23:30", 20.0, end=f"{night}T03:30") for day, night in
               (("2026-01-27", "2026-01-28"), ("2026-02-28", "2026-03-01"))]  # fmt: skip
    found = asked(ask, "2026-03-02", *flushed)
    assert rows_of(found, "zones")[0]["verdict"] == "normal"
    assert not found.findings
