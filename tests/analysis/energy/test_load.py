"""Figures of loads: plain arithmetic by others on real meters, and days that were made unlike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from cityctl.wording import grouped
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.saving.test_methods import cambridge, city_of  # noqa: F401  # the fixture

HALL = """
name: A hall
time_zone: UTC
networks: {power: {kind: power}}
zones: {hall: {network: power, kind: building, floor_area: 500 m2}}
points: {hall-kwh: {unit: kWh, kind: interval, every: 1h, zone: hall, role: consumption}}
"""


def test_real_meters(
    ask: Callable[..., Result],
    shared: Path,
    cambridge: Callable[[list[str]], dict[str, Any]],  # noqa: F811
) -> None:
    """Peak, load factor, base and duration of 2019, computed by others with plain arithmetic."""
    expected = json.loads((shared / "data/energy/cambridge_load_metrics_2019.json").read_text())
    series = cambridge(list(expected))
    found = ask("energy/load", city_of(list(expected)), series, "2019-01-01", "2020-01-01")
    rows = {row["meter"]: row for row in rows_of(found, "loads")}
    assert set(rows) == set(expected)
    for meter, other in expected.items():
        row = rows[meter]
        assert row["used_kwh"] == pytest.approx(other["kWh"], rel=1e-9)
        assert row["peak_kw"] == pytest.approx(other["peak_kW"])
        assert f"{row['peak_window']:%Y-%m-%d %H:%M:%S}" == other["peak_ts"]
        assert row["load_factor"] == pytest.approx(other["load_factor"], rel=1e-6)
        assert row["base_kw"] == pytest.approx(other["base_p5"], rel=1e-6)
        assert row["night_kw"] == pytest.approx(other["base_night_1_4"], rel=1e-6)
        assert row["weekday_kw"] == pytest.approx(other["weekday_mean"], rel=1e-6)
        assert row["weekend_kw"] == pytest.approx(other["weekend_mean"], rel=1e-6)
        for share in (1, 5, 10, 50, 90):
            assert row[f"exceeded_{share}_kw"] == pytest.approx(other["ldc"][str(share)], rel=1e-6)


def test_readings_that_are_missing_here_and_there_lower_no_base(ask: Callable[..., Result]) -> None:
    """10 kW all the time by 5 minutes, every ninth reading lost, and 30 kW in one that stands alone in its quarter."""
    city = HALL.replace("every: 1h", "every: 5m")
    times = slots("2024-03-01", "2024-03-15", 5)
    kept = np.arange(len(times)) % 9 != 4
    alone = slice(300, 303)
    kept[alone] = False, False, True
    kwh = np.full(len(times), 10 / 12)
    kwh[302] = 30 / 12
    found = ask("energy/load", city, {"hall-kwh": (times[kept], kwh[kept])}, "2024-03-01", "2024-03-15")
    (row,) = rows_of(found, "loads")
    assert row["base_kw"] == row["exceeded_90_kw"] == row["peak_kw"] == pytest.approx(10.0)
    assert row["load_factor"] == pytest.approx(1.0, abs=1e-3)
    assert row["night_kw"] == pytest.approx(10.0, abs=0.1)
    assert row["used_kwh"] == pytest.approx(kwh[kept].sum())


def hall() -> tuple[Any, Any]:
    """Three months of hours: 2 kW, and 10 kW from 8 to 18 on weekdays, with a little noise."""
    times = slots("2024-01-01", "2024-04-01", 60)
    hours = times.astype("datetime64[h]").astype(int)
    weekday = (times.astype("datetime64[D]").astype(int) + 3) % 7
    at_work = (weekday < 5) & (hours % 24 >= 8) & (hours % 24 < 18)
    return times, np.where(at_work, 10.0, 2.0) * np.random.default_rng(0).normal(1, 0.02, len(times))


def test_a_hall_that_rests_on_other_days(ask: Callable[..., Result]) -> None:
    """The same hall, at work from Sunday to Thursday."""
    times, use = hall()
    earlier = times - np.timedelta64(1, "D")  # Saturday and Sunday become Friday and Saturday
    city = HALL.replace("time_zone: UTC", "time_zone: UTC\nweekend: [fri, sat]")
    found = ask("energy/load", city, {"hall-kwh": (earlier, use)}, "2024-01-01", "2024-03-31")
    (row,) = rows_of(found, "loads")
    assert row["weekend_kw"] == pytest.approx(2.0, rel=0.01)
    assert row["weekday_kw"] == pytest.approx((14 * 2 + 10 * 10) / 24, rel=0.01)
    assert rows_of(found, "unlike") == []


def test_a_hall(ask: Callable[..., Result]) -> None:
    times, use = hall()
    found = ask("energy/load", HALL, {"hall-kwh": (times, use)}, "2024-01-01", "2024-04-01")
    row = rows_of(found, "loads")[0]
    assert row["base_kw"] == pytest.approx(2.0, rel=0.05)
    assert row["metered_share"] == 1.0
    # 91 days of 48 kWh and 65 weekdays with 80 kWh more: 9 568 kWh in 2 184 h; by hand
    assert row["used_kwh"] == pytest.approx(9568, rel=0.01)
    assert row["kwh_m2"] == pytest.approx(9568 * 8766 / 2184 / 500, rel=0.01)
    monday, sunday = (
        next(one for one in rows_of(found, "week") if one["weekday"] == day) for day in ("Monday", "Sunday")
    )
    assert monday["highest_kw"] == pytest.approx(10, rel=0.05)
    assert sunday["highest_kw"] == pytest.approx(2, rel=0.05)
    assert len(monday["week_shape"]) == 24
    assert rows_of(found, "unlike") == []


def test_a_day_that_somebody_forgot_the_heater(ask: Callable[..., Result]) -> None:
    times, use = hall()
    that = times.astype("datetime64[D]") == np.datetime64("2024-02-17")  # a Saturday
    found = ask("energy/load", HALL, {"hall-kwh": (times, use + 3.0 * that)}, "2024-01-01", "2024-04-01")
    rows = rows_of(found, "unlike")
    assert [str(row["date"]) for row in rows] == ["2024-02-17"]
    assert rows[0]["day_kwh"] - rows[0]["usual_kwh"] == pytest.approx(72, abs=3)


def test_a_meter_that_is_silent_is_named(ask: Callable[..., Result]) -> None:
    found = ask("energy/load", HALL, {"hall-kwh": hall()}, "2025-01-01", "2025-02-01")
    assert [(one.what, one.why) for one in found.completeness.missing] == [("hall-kwh", "no readings")]


def test_what_makes_a_load_doubtful_is_named(ask: Callable[..., Result]) -> None:
    """Two days at 0, one hour that feeds in, one that no hall can use, and a third of the interval not metered."""
    times, use = hall()
    use[100:148] = 0.0
    use[500] = -1.0
    use[600] = 12000.0
    found = ask("energy/load", HALL, {"hall-kwh": (times[:1456], use[:1456])}, "2024-01-01", "2024-04-01")
    assert [one.why for one in found.completeness.missing] == [
        "67 % of the interval metered",
        "1 window below zero: does it feed in?",
        "1 window far above all others, up to 12 000 kW: wrong readings?",
        "0 for 48 h in a row: was it off, or is missing written as 0?",
    ]
    assert (found.completeness.wanted, found.completeness.had) == (1, 0)
    assert rows_of(found, "loads")[0]["verdict"].startswith(
        "DOUBTFUL 67 % of the interval metered; 1 window below"
    )


def test_hours_are_local_ones_where_they_lie_across_those_of_utc(ask: Callable[..., Result]) -> None:
    """4 kWh in the hour from 9:00 in Kolkata, which UTC cuts in two: 4 kW at 9:00; a counter to its last step."""
    times = slots("2024-01-07T18:30", "2024-01-14T18:45", 15)
    local = (times.astype("datetime64[m]").astype(int) + 330) % 1440
    rises = np.where((local >= 540) & (local < 600), 1.0, 0.1)
    text = HALL.replace("UTC", "Asia/Kolkata").replace(
        "kind: interval, every: 1h", "kind: counter, every: 15m"
    )
    series = {"hall-kwh": (times, 50 + np.concatenate([[0], np.cumsum(rises)[:-1]]))}
    found = ask("energy/load", text, series, "2024-01-08", "2024-01-15", window="60m")
    row = rows_of(found, "loads")[0]
    assert (row["peak_kw"], row["used_kwh"]) == (pytest.approx(4.0), pytest.approx(7 * (4 + 23 * 0.4)))
    assert rows_of(found, "week")[0]["week_shape"][9] == pytest.approx(4.0)
    assert found.completeness.complete


def test_what_a_register_counted_over_missing_hours_is_no_peak(ask: Callable[..., Result]) -> None:
    """10 kW without end, of which eight hours of one day were not read, and later eight hours of each day."""
    times = slots("2024-01-01", "2024-04-02", 60)
    counted = 10.0 * np.arange(len(times))
    city = HALL.replace("kind: interval", "kind: counter")
    hour = np.arange(len(times)) % 24
    one_day = (times < np.datetime64("2024-02-02T09")) | (times > np.datetime64("2024-02-02T16"))
    doubtful = "DOUBTFUL its register was not read for 37.5 % of the time: peaks in that are not seen"
    for read, verdict in ((one_day, "normal"), ((hour < 9) | (hour > 16), doubtful)):
        found = ask(
            "energy/load", city, {"hall-kwh": (times[read], counted[read])}, "2024-01-01", "2024-04-01"
        )
        (row,) = rows_of(found, "loads")
        assert row["peak_kw"] == pytest.approx(10)
        assert row["used_kwh"] == pytest.approx(91 * 240)
        assert row["metered_share"] == pytest.approx(1)
        assert row["verdict"] == verdict
        assert not rows_of(found, "unlike")


@pytest.mark.parametrize("kind", ["counter", "interval"])
def test_a_day_is_no_peak_of_an_hour_where_city_yaml_says_no_step(
    ask: Callable[..., Result], kind: str
) -> None:
    """24 kWh a day, read once a day: 1 kW."""
    days = slots("2024-01-01", "2024-04-02", 1440)
    values = 24.0 * np.arange(len(days)) if kind == "counter" else np.full(len(days), 24.0)
    city = HALL.replace("kind: interval, every: 1h", f"kind: {kind}")
    found = ask("energy/load", city, {"hall-kwh": (days, values)}, "2024-01-01", "2024-04-01")
    (row,) = rows_of(found, "loads")
    assert (row["peak_kw"], row["base_kw"], row["load_factor"]) == pytest.approx((1, 1, 1))
    assert row["metered_share"] == pytest.approx(1)
    assert row["verdict"] == "normal"


@pytest.mark.parametrize("hours", [3, 24])
def test_readings_of_many_hours_tell_no_night_and_no_off_hours(
    ask: Callable[..., Result], hours: int
) -> None:
    """10 kW from 8 to 18 on weekdays of three weeks, else 2: its mean days are told, and no hour of them.

    A day's reading begins at midnight: all of it would be off hours, and a fifth of three hours' from 21:00.
    """
    times, width = slots("2024-03-04", "2024-03-25", 60), hours
    day, hour = np.arange(len(times)) // 24, np.arange(len(times)) % 24
    use = np.where((day % 7 < 5) & (hour >= 8) & (hour < 18), 10.0, 2.0)
    read = times[::width], use.reshape(-1, width).sum(axis=1)
    city = HALL.replace("every: 1h", f"every: {hours}h")
    found = ask("energy/load", city, {"hall-kwh": read}, "2024-03-04", "2024-03-25")
    (row,) = rows_of(found, "loads")
    assert (row["night_kw"], row["off_share"], row["standby_kwh"]) == (None, None, None)
    assert row["weekday_kw"] == pytest.approx((10 * 10 + 14 * 2) / 24)
    assert row["weekend_kw"] == pytest.approx(2)
    assert not rows_of(found, "week")


MONTHLY = HALL.replace(", every: 1h", "")


def test_a_meter_read_by_the_month_has_no_peak_in_its_first_day(ask: Callable[..., Result]) -> None:
    """3 480 kWh in February 2024 are a mean of 5 kW, not 145 kW on the day that the read is stamped with."""
    stamps = np.array(["2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01"], "datetime64[m]")
    series = {"hall-kwh": (stamps[2:3], np.array([3480.0]))}
    (row,) = rows_of(ask("energy/load", MONTHLY, series, "2024-02-01", "2024-03-01"), "loads")
    assert row["peak_kw"] == pytest.approx(5.0)
    assert row["metered_share"] == 1
    assert row["verdict"] == "DOUBTFUL its readings are 29 days apart: peak and base are means of them"
    series = {"hall-kwh": (stamps, np.array([3720.0, 3720.0, 3480.0, 3720.0]))}
    (row,) = rows_of(ask("energy/load", MONTHLY, series, "2023-12-01", "2024-03-01"), "loads")
    assert row["peak_kw"] == pytest.approx(5.1, abs=0.1)


def test_a_meter_told_as_power_and_as_a_register_counts_once(ask: Callable[..., Result]) -> None:
    """A register of whole kWh beside the power that it counts; a meter that uses a fiftieth more is another one."""
    more = "hall-kw: {unit: kW, every: 1h, zone: hall, role: consumption}"
    more += ", yard-kw: {unit: kW, every: 1h, zone: hall, role: consumption}"
    city = HALL.replace("kind: interval", "kind: counter").replace("{hall-kwh", f"{{{more}, hall-kwh")
    times = slots("2024-03-01", "2024-03-15", 60)
    power = 5 + 3 * np.sin(np.arange(len(times)))
    count = np.floor(1000 + np.concatenate([[0.0], np.cumsum(power)]))
    series = {
        "hall-kw": (times, power),
        "hall-kwh": (slots("2024-03-01", "2024-03-15T01:00", 60), count),
        "yard-kw": (times, 1.02 * power),
    }
    found = ask("energy/load", city, series, "2024-03-01", "2024-03-15")
    rows = {row["meter"]: row for row in rows_of(found, "loads")}
    assert rows["hall-kwh"]["verdict"].startswith(
        "DOUBTFUL it tells what hall-kw does: one meter told twice?"
    )
    assert rows["hall-kw"]["verdict"] == rows["yard-kw"]["verdict"] == "normal"
    assert [one.what for one in found.completeness.missing] == ["hall-kwh"]
    assert found.summary == f"3 meters, {grouped(2.02 * power.sum())} kWh in all"
