"""Night flow in parts, pressure and repairs: a city whose leakage follows its pressure, told by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones:
  hafen: {name: Hafen, network: water, kind: dma, inflow: in, connections: 1000, mains: 10 km, people: 2500}
tariffs: {water: {network: water, price: 2}}
points:
  in: {unit: m3/h, every: 15m, zone: hafen}
  gauge: {unit: mH2O, every: 15m, zone: hafen}
"""
METER = "  c: {unit: m3/h, every: 15m, zone: hafen, role: consumption}\n"


def made(n1: float = 1.2, *, fall: float = 0.0) -> dict[str, Any]:
    """28 nights: 50 m of head by night, 40 m by day, 45 m all night long from the 15th; leakage 6 m³/h at 50 m."""
    times = slots("2026-03-01", "2026-03-29", 15)
    hour = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    night = hour < 6
    head = np.where(night, np.where(times < np.datetime64("2026-03-15"), 50.0, 45.0), 40.0)
    rng = np.random.default_rng(4)
    use = np.where(night, 1.5, 20.0)
    flow = 6 * (head / 50) ** n1 + use * (1 + 0.01 * rng.normal(0, 1, len(times)))
    flow -= fall * (times >= np.datetime64("2026-03-20T12:00"))
    bar = head * 0.0980665
    return {"in": (times, flow), "gauge": (times, bar), "c": (times, use)}


def test_parts_of_night_flow_by_hand(ask: Callable[..., Result]) -> None:
    """2 500 people x 6 % x 10 L = 1.5 m³/h; background (200 + 1 250 L/h) x (50/50)^1.5 = 1.45 m³/h; bursts 4.55."""
    found = ask("water/night_use", CITY, made(), "2026-03-02", "2026-03-14", n1=1.2, history="1d")
    (row,) = rows_of(found, "night_parts")
    assert row["used_by_night"] == pytest.approx(1.5)
    assert row["use_from"] == "2500 people"
    assert row["night_mean"] == pytest.approx(7.5, abs=0.02)
    assert row["night_lowest"] == pytest.approx(7.5, abs=0.03)
    assert row["background"] == pytest.approx(1.45)
    assert row["bursts"] == pytest.approx(4.55, abs=0.02)
    # 6 h at 50 m count 1 each, 18 h at 40 m (40/50)^1.2 each.
    assert row["night_day"] == pytest.approx(6 + 18 * 0.8**1.2, rel=1e-6)
    assert row["leakage_day"] == pytest.approx(6 * (6 + 18 * 0.8**1.2), rel=0.005)
    assert len(row["spark_nights"]) >= 12


def test_the_exponent_comes_from_nights_of_two_pressures(ask: Callable[..., Result]) -> None:
    found = ask("water/night_use", CITY + METER, made(), "2026-03-02", "2026-03-28")
    (row,) = rows_of(found, "night_parts")
    assert row["n1"] == pytest.approx(1.2, abs=0.05)
    assert row["n1_from"].startswith("data, 1.")


def test_a_pressure_set_anew_before_the_interval_is_none_of_its_day(ask: Callable[..., Result]) -> None:
    """A third less from the 15th on, by night and by day: 6 h count 1 each, 18 h (40/50)^1.2 each, before and after."""
    series = made()
    times, _ = series["gauge"]
    night = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h") < 6
    late = times >= np.datetime64("2026-03-15")
    series["gauge"] = (times, np.where(night, 50, 40) * np.where(late, 2 / 3, 1) * 0.0980665)
    for since, until in (("2026-03-18", "2026-03-26"), ("2026-03-08", "2026-03-26")):
        found = ask("water/night_use", CITY, series, since, until, n1=1.2)
        (row,) = rows_of(found, "night_parts")
        assert row["night_day"] == pytest.approx(6 + 18 * 0.8**1.2, rel=1e-6)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Adelaide"])
def test_hours_of_pressure_are_those_of_the_citys_clock(ask: Callable[..., Result], zone: str) -> None:
    """50 m from midnight to six by local time, 40 m by day: a quarter past the half hour is no edge of an hour."""
    series = made()
    ahead = {"Asia/Kathmandu": 345, "Australia/Adelaide": 630}[zone]
    local = {name: (times - np.timedelta64(ahead, "m"), values) for name, (times, values) in series.items()}
    city = CITY.replace("time_zone: UTC", f"time_zone: {zone}")
    found = ask("water/night_use", city, local, "2026-03-02", "2026-03-14", n1=1.2, history="1d")
    (row,) = rows_of(found, "night_parts")
    assert row["night_day"] == pytest.approx(6 + 18 * 0.8**1.2, rel=1e-6)


def test_a_share_and_a_pressure_that_stays(ask: Callable[..., Result]) -> None:
    found = ask("water/night_use", CITY, made(), "2026-03-02", "2026-03-12", use_share="20 %", history="1d")
    (row,) = rows_of(found, "night_parts")
    assert row["used_by_night"] == pytest.approx(0.2 * 7.5, abs=0.01)
    assert (row["n1"], row["n1_from"]) == (1.0, "assumed")


def test_meters_come_before_people(ask: Callable[..., Result]) -> None:
    one = CITY.replace("connections: 1000", "connections: 2").replace("people: 2500", "people: 9000")
    found = ask("water/night_use", one + METER, made(), "2026-03-02", "2026-03-12")
    (row,) = rows_of(found, "night_parts")
    assert (row["use_from"], row["used_by_night"]) == ("1 customer meter", pytest.approx(1.5))


def test_what_a_lower_pressure_saves(ask: Callable[..., Result]) -> None:
    """N1 given as 1: 10 % less pressure saves 10 % of 6 m³/h; by 6 h at 50 m and 18 h at 40 m: 0.6 x 20.4 m³ a day."""
    found = ask("water/pressure", CITY, made(1.0), "2026-03-02", "2026-03-14", n1=1, history="1d")
    (row,) = rows_of(found, "lower_pressure")
    assert row["saved_share"] == pytest.approx(0.1)
    assert row["saved_m3_day"] == pytest.approx(0.6 * (6 + 18 * 0.8), rel=0.01)
    assert row["saved_money_year"] == pytest.approx(row["saved_m3_day"] * 365.25 * 2)
    assert row["verdict"] == "possible"
    (gauge,) = rows_of(found, "sensors")
    assert gauge["head_mean"] == pytest.approx(42.5)
    assert gauge["head_p5"] == pytest.approx(40, abs=0.5)
    assert gauge["head_p95"] == pytest.approx(50, abs=0.5)
    # Down at six on 12 days, up at midnight on 11: nothing stands before the first reading. Each day's are a schedule.
    assert (gauge["transients"], gauge["largest_step"]) == (23, pytest.approx(10.0))
    assert gauge["daily_changes"] == "00:00 +10.0 m, 06:00 -10.0 m"
    assert gauge["verdict"] == "normal"


def test_the_weakest_sensor_limits_it(ask: Callable[..., Result]) -> None:
    asked = {"n1": 1, "lower": "50 %", "least_pressure": "30 m", "step": "20 m", "most_pressure": "45 m"}
    found = ask("water/pressure", CITY, made(), "2026-03-02", "2026-03-14", history="1d", **asked)
    (row,) = rows_of(found, "lower_pressure")
    assert row["verdict"] == "LIMITED gauge would fall to 20 m"  # half of the 40 m by day
    (gauge,) = rows_of(found, "sensors")
    assert gauge["verdict"] == "HIGH above 45 m in 5 % of the time or more"
    assert [one.subject for one in found.findings] == ["gauge"]


def test_use_that_nobody_knows_is_a_gap_with_a_way_out(ask: Callable[..., Result]) -> None:
    bare = CITY.replace(", people: 2500", "")
    found = ask("water/night_use", bare, made(), "2026-03-02", "2026-03-14")
    (row,) = rows_of(found, "night_parts")
    assert (row["use_from"], row["night_leakage"], row["bursts"]) == ("not known", None, None)
    (missing,) = found.completeness.missing
    assert (missing.what, found.completeness.had) == ("Hafen", 0)
    assert "use_share" in missing.why
    shared = ask("water/night_use", bare, made(), "2026-03-02", "2026-03-14", use_share="20 %")
    assert shared.completeness.complete
    assert rows_of(shared, "night_parts")[0]["used_by_night"] == pytest.approx(0.2 * 7.5, rel=0.01)


def test_pressures_that_are_all_suspect_tell_a_saving_but_no_limit(ask: Callable[..., Result]) -> None:
    """Suspect readings are no sensor to judge by: nothing says how far the lowest would fall, and nothing breaks."""
    series = made()
    doubted = np.full(len(series["gauge"][0]), 2, np.uint8)
    found = ask("water/pressure", CITY, series, "2026-03-02", "2026-03-14", quality={"gauge": doubted})
    (row,) = rows_of(found, "lower_pressure")
    assert row["verdict"].startswith("NOT ASSESSABLE")
    assert [one.what for one in found.completeness.missing] == ["gauge"]


def test_less_than_the_unavoidable_is_said(ask: Callable[..., Result]) -> None:
    """Background of 1 000 connections and 400 km: (8 000 + 1 250 L/h) = 9.25 m³/h, more than the 6 that leak."""
    found = ask(
        "water/night_use", CITY.replace("10 km", "400 km"), made(), "2026-03-02", "2026-03-14", history="1d"
    )
    assert any("less leaks by night than is unavoidable in Hafen" in note for note in found.notes)
    found = ask("water/night_use", CITY, made(), "2026-03-02", "2026-03-14", history="1d")
    assert not any("unavoidable in" in note for note in found.notes)
