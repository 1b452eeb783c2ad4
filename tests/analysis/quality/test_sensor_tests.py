"""Sensors whose faults were put in by hand, and the verdict on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.errors import UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots, utc

POINT = "  {name}: {{unit: {unit}, every: 1h, zone: hafen{more}}}\n"
HEAD = "name: Made\ntime_zone: UTC\nnetworks: {water: {kind: water}}\nzones: {hafen: {network: water}}\npoints:\n"
HOURS = slots("2026-03-01", "2026-03-31", 60)


def living(seed: int = 1) -> Any:
    """A flow by day and night that never stays the same."""
    hour = np.arange(len(HOURS)) % 24
    return 20 + 8 * np.sin(hour / 24 * 2 * np.pi) + np.random.default_rng(seed).normal(0, 0.5, len(HOURS))


def run(
    ask: Callable[..., Result], series: dict[str, Any], units: dict[str, str] | None = None, **given: Any
) -> Result:
    text = HEAD + "".join(
        POINT.format(name=name, unit=(units or {}).get(name, "m3/h"), more="") for name in series
    )
    named = {
        name: (HOURS, values) if not isinstance(values, tuple) else values for name, values in series.items()
    }
    return ask("quality/sensor_tests", text, named, "2026-03-01", "2026-03-31", **given)


def verdicts(result: Result) -> dict[str, str]:
    return {row["point"]: row["verdict"] for row in rows_of(result, "sensors")}


def test_each_fault_is_named_and_a_sound_sensor_is_not(ask: Callable[..., Result]) -> None:
    frozen, spiky, holed = living(2), living(3), living(4)
    frozen[300:360] = 17.5
    spiky[[100, 250, 400]] += 400
    kept = np.ones(len(HOURS), bool)
    kept[200:230] = False
    result = run(
        ask, {"sound": living(), "frozen": frozen, "spiky": spiky, "holed": (HOURS[kept], holed[kept])}
    )
    told = verdicts(result)
    assert told["sound"] == "normal"
    assert told["frozen"] == "FROZEN at 17.5 for 2d11h since Fri 13 Mar 12:00"
    assert told["spiky"].startswith("SUSPECT spike 3")
    assert told["holed"] == "SUSPECT gap 1"
    gap = next(row for row in rows_of(result, "stretches") if row["test_name"] == "gap")
    assert (gap["since"], gap["until"]) == (utc("2026-03-09T08:00"), utc("2026-03-10T14:00"))
    flat = next(row for row in rows_of(result, "stretches") if row["test_name"] == "flat")
    assert (flat["since"], flat["until"]) == (utc("2026-03-13T12:00"), utc("2026-03-15T23:00"))
    assert [(one.subject, one.since) for one in result.findings] == [("frozen", utc("2026-03-13T12:00"))]


def test_a_sensor_at_zero_for_long_is_not_assessable(ask: Callable[..., Result]) -> None:
    """Chlorine that reads next to nothing for a month is a dead sensor or an emergency: neither good nor bad."""
    trace = np.random.default_rng(5).uniform(0, 0.03, len(HOURS))
    result = run(ask, {"chlorine": trace, "other": 0.4 + trace}, {"chlorine": "mg/L", "other": "mg/L"})
    told = verdicts(result)
    assert told["chlorine"].startswith("NOT ASSESSABLE at zero for 29d23h")
    assert told["other"] == "normal"
    assert [one.what for one in result.completeness.missing] == ["chlorine"]
    assert result.findings == []


def test_what_rests_at_night_or_is_switched_is_sound(ask: Callable[..., Result]) -> None:
    hour = np.arange(len(HOURS)) % 24
    noise = np.random.default_rng(6).normal(0, 1, len(HOURS))
    sun = np.where((hour > 8) & (hour < 16), 300 + 40 * np.sin(hour) + noise, 0.0)
    pump = np.where((hour < 5) | (hour == 13), 44 + 0.1 * noise, 0.0)
    told = verdicts(run(ask, {"sun": sun, "pump": pump}, {"sun": "kW"}))
    assert told == {"sun": "normal", "pump": "normal"}


def test_a_pump_that_stands_for_days_is_suspect_and_does_not_fail(ask: Callable[..., Result]) -> None:
    """Standing for ten of thirty days may be the truth: it is named, and no finding."""
    flow = living()
    flow[100:340] = 0.0
    result = run(ask, {"pump": flow})
    assert verdicts(result)["pump"] == "SUSPECT flat 1"
    assert result.findings == []


def test_limits_are_in_the_unit_that_the_city_speaks(ask: Callable[..., Result]) -> None:
    """Stored in bar, spoken in psi: 3.5 bar are 50.8 psi."""
    values = 3.5 + 0.01 * np.random.default_rng(7).normal(0, 1, len(HOURS))
    values[50:60] = 7.0
    result = run(ask, {"p": values}, {"p": "psi"}, high="90", suspect_high="60")
    (row,) = [row for row in rows_of(result, "stretches") if row["test_name"] == "range"]
    assert (row["flag_word"], row["flagged"]) == ("fail", 10)
    assert row["flagged_most"] == pytest.approx(101.5, abs=0.1)
    assert verdicts(result)["p"].startswith("FAILS 1.4 % of its readings: range 1")


def test_what_cannot_be_fails_without_any_limit(ask: Callable[..., Result]) -> None:
    acid = 7 + 0.1 * np.random.default_rng(8).normal(0, 1, len(HOURS))
    acid[10] = 14.6
    (row,) = [
        row
        for row in rows_of(run(ask, {"ph": acid}, {"ph": "pH"}), "stretches")
        if row["test_name"] == "range"
    ]
    assert (row["flag_word"], row["since"]) == ("fail", utc("2026-03-01T10:00"))


def test_many_at_once_are_counted(ask: Callable[..., Result]) -> None:
    kept = np.ones(len(HOURS), bool)
    kept[100:120] = False
    series = {f"s{n}": (HOURS[kept], living(n)[kept]) for n in range(5)} | {"alone": living(9)}
    rows = rows_of(run(ask, series), "stretches")
    assert {row["point"]: row["at_once"] for row in rows} == dict.fromkeys([f"s{n}" for n in range(5)], 5)


def test_a_register_that_was_exchanged(ask: Callable[..., Result]) -> None:
    register = 5000 + np.cumsum(np.full(len(HOURS), 2.0))
    register[400:] -= 4000
    text = HEAD + "  m: {unit: m3, kind: counter, every: 1h, zone: hafen}\n"
    result = ask("quality/sensor_tests", text, {"m": (HOURS, register)}, "2026-03-01", "2026-03-31")
    (row,) = rows_of(result, "stretches")
    assert (row["test_name"], row["flagged_most"], row["flagged_least"]) == ("counter", 5800, 1802)


def test_every_reading_bears_its_flags(ask: Callable[..., Result]) -> None:
    values = living()
    values[30] = 500
    rows = rows_of(run(ask, {"s": values}, spike="50", rate="1000", each_reading="yes"), "readings")
    assert len(rows) == len(HOURS)
    assert (rows[30]["value"], rows[30]["flag_code"], rows[30]["spike_flag"]) == (500, 3, 3)
    assert (rows[0]["spike_flag"], rows[0]["flag_code"]) == (
        2,
        1,
    )  # ends are not evaluated, and pass the others


def test_silent_sensors_and_none_at_all(ask: Callable[..., Result]) -> None:
    text = (
        HEAD
        + POINT.format(name="a", unit="m3/h", more="")
        + POINT.format(name="m", unit="L", more=", kind: counter, role: consumption")
    )
    result = ask("quality/sensor_tests", text, {"m": (HOURS, np.arange(720.0))}, "2026-03-01", "2026-03-31")
    assert [(one.what, one.why) for one in result.completeness.missing] == [
        ("a", "no readings in the interval")
    ]
    assert rows_of(result, "sensors") == []  # a customer's meter is tested where it is named
    named = ask(
        "quality/sensor_tests", text, {"m": (HOURS, np.arange(720.0))}, "2026-03-01", "2026-03-31", points="m"
    )
    assert verdicts(named) == {"m": "normal"}
    with pytest.raises(UsageProblem, match="no sensor matches"):
        ask(
            "quality/sensor_tests",
            text,
            {"m": (HOURS, np.arange(720.0))},
            "2026-03-01",
            "2026-03-31",
            points="x*",
        )
