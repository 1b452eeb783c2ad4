"""Continuous flow at customers: rules by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.analysis.water import customer_leaks
from cityctl.errors import UsageProblem
from cityctl.result import Result
from cityctl.units import convert
from tests.analysis.conftest import days, rows_of, slots, utc

HEAD = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones: {hafen: {network: water, kind: dma}}
tariffs: {water: {network: water, price: 2}}
points:
"""
POINT = "  %s: {unit: %s, kind: %s, every: %s, zone: hafen, role: consumption}\n"
CITY = (
    HEAD
    + POINT % ("m1", "L", "interval", "1h")
    + POINT % ("m2", "L", "counter", "1h")
    + POINT % ("m3", "L/h", "gauge", "15m")
)
HOUR = timedelta(hours=1)


def household(days: int = 6, seed: int = 3) -> Any:
    """Litres of each hour: some by day, none by night."""
    hour = np.arange(24 * days) % 24
    rng = np.random.default_rng(seed)
    return np.where((hour >= 6) & (hour < 22), rng.integers(5, 40, len(hour)), 0).astype(float)


def kinds_of(litres: Any) -> dict[str, Any]:
    """The same use as amounts, as a register that begins at 5 000 L, and as a flow by 15 minutes."""
    hours = slots("2026-03-01", "2026-03-07", 60)
    ends = slots("2026-03-01", "2026-03-07T01:00", 60)
    quarters = slots("2026-03-01", "2026-03-07", 15)
    # Within an hour all flows in its last quarter: a pause of 45 minutes is no pause of an hour.
    flow = np.zeros(len(quarters))
    flow[3::4] = litres * 4 / 1000
    return {
        "m1": (hours, litres / 1000),
        "m2": (ends, 5 + np.concatenate([[0], np.cumsum(litres)]) / 1000),
        "m3": (quarters, flow),
    }


def leaks(ask: Callable[..., Result], series: Any, **more: Any) -> list[dict[str, Any]]:
    found = ask("water/customer_leaks", CITY, series, "2026-03-01", "2026-03-07", **more)
    return rows_of(found, "customer_leaks")


def test_a_leak_is_the_same_in_every_kind_of_meter(ask: Callable[..., Result]) -> None:
    """3 L/h from hour 50 of 144 on: 94 h x 3 L = 282 L, at 2 for each m³."""
    use = household()
    use[50:] += 3
    rows = leaks(ask, kinds_of(use))
    assert {row["meter"] for row in rows} == {"m1", "m2", "m3"}
    for row in rows:
        # Water flowed from 06:00 of the third day (hour 54) on; hours 50 and 51 are the first of the leak alone.
        assert row["leak_since"] == utc("2026-03-03T02:00")
        assert row["leak_rate"] == pytest.approx(3)
        assert row["leak_volume"] == pytest.approx(0.282)
        assert row["leak_cost"] == pytest.approx(0.564)
        assert row["verdict"] == "RUNS"


def test_what_a_household_used_before_and_after_is_not_the_leaks_rate(ask: Callable[..., Result]) -> None:
    """20 L/h from 10:00 of the third day to 10:00 of the fifth; before and after it the household drew 1 L an hour.

    Water flowed from 06:00 of the third day to 22:00 of the fifth: 64 hours, of which the leak ran for 48.
    """
    use = household()
    use[54:58], use[106:118] = 1, 1
    use[58:106] += 20
    least = float(use[58:106].min())
    assert least == 20
    rows = leaks(ask, kinds_of(use), running="no")
    assert {row["meter"] for row in rows} == {"m1", "m2", "m3"}
    for row in rows:
        assert row["leak_since"] == utc("2026-03-03T06:00")
        assert row["leak_until"] == utc("2026-03-05T22:00")
        assert row["leak_rate"] == pytest.approx(20)
        assert row["leak_volume"] == pytest.approx(64 * 0.02)


def test_a_leak_on_its_second_day_is_told_by_its_last_24_hours(ask: Callable[..., Result]) -> None:
    """9 L/h from 12:00 of the fifth day, running; the household drew 1 L an hour from 06:00 of that day on."""
    use = household()
    use[102:108] = 1
    use[108:] += 9
    times, amounts = kinds_of(use)["m1"]
    rows = leaks(ask, {"m1": (times[:132], amounts[:132])})
    assert [row["leak_rate"] for row in rows] == [pytest.approx(9)]


def test_minutes_that_are_left_out_tell_no_flow(ask: Callable[..., Result]) -> None:
    """25 L/h as pulses of 10 L by the minute, minutes without one left out: an hour holds two or three, no 600 L."""
    times = slots("2026-03-01", "2026-03-07", 1)
    pulses = np.diff(np.floor(25 / 60 / 10 * np.arange(len(times) + 1))) * 10
    text = HEAD + POINT % ("m1", "L", "interval", "1m")
    told = {"m1": (times[pulses > 0], pulses[pulses > 0] / 1000)}
    (row,) = rows_of(ask("water/customer_leaks", text, told, "2026-03-01", "2026-03-07"), "customer_leaks")
    assert row["leak_rate"] == pytest.approx(20)


def test_no_leak_where_water_stands_still_at_night(ask: Callable[..., Result]) -> None:
    found = ask("water/customer_leaks", CITY, kinds_of(household()), "2026-03-01", "2026-03-07")
    assert rows_of(found, "customer_leaks") == []
    assert found.findings == []
    assert found.completeness.had == 3


@pytest.mark.parametrize(("hours", "found"), [(23, 0), (24, 1)])
def test_it_takes_24_hours(ask: Callable[..., Result], hours: int, found: int) -> None:
    use = np.zeros(144)
    use[40 : 40 + hours] = 2
    rows = leaks(ask, kinds_of(use), running="no", meters="m1,m2")
    assert len(rows) == 2 * found
    assert {row["leak_until"] for row in rows} <= {utc("2026-03-02T16:00") + hours * HOUR}


def test_an_hour_below_clears_it(ask: Callable[..., Result]) -> None:
    use = household() + 3
    use[100] = 0
    (ended, running) = leaks(ask, {"m1": kinds_of(use)["m1"]}, running="no")
    assert (ended["verdict"], ended["leak_until"]) == ("ended", utc("2026-03-05T04:00"))
    assert (running["verdict"], running["leak_since"]) == ("RUNS", utc("2026-03-05T05:00"))


def test_an_hour_that_flows_back_clears_it_in_every_kind_of_meter(ask: Callable[..., Result]) -> None:
    """3 L/h for 70 hours; after that 1 L an hour runs back by night, and no hour stands quite still."""
    use = household()
    use[:70] += 3
    use[70:][use[70:] == 0] = -1
    rows = leaks(ask, kinds_of(use), running="no", meters="m1,m2")
    assert {row["meter"] for row in rows} == {"m1", "m2"}
    for row in rows:
        assert (row["leak_since"], row["verdict"]) == (utc("2026-03-01T00:00"), "ended")
        assert row["leak_until"] == utc("2026-03-03T22:00")  # hour 70
        assert row["leak_rate"] == pytest.approx(3)


def test_estimated_reads_neither_start_nor_clear(ask: Callable[..., Result]) -> None:
    series = {"m1": kinds_of(household() + 3)["m1"]}
    # No 24 hours on end without an estimated one: nothing starts.
    flags = np.zeros(144, np.uint8)
    flags[::20] = 1
    assert leaks(ask, series, quality={"m1": flags}) == []
    # Once it runs, an estimated zero does not clear it.
    times, values = series["m1"]
    flags = np.zeros(144, np.uint8)
    flags[60:63] = 1
    values = values.copy()
    values[60:63] = 0
    (row,) = leaks(ask, {"m1": (times, values)}, quality={"m1": flags})
    assert (row["leak_since"], row["leak_until"]) == (utc("2026-03-01T00:00"), None)
    assert row["leak_rate"] == pytest.approx(3)


def test_a_gap_is_not_a_pause_and_a_silent_meter_is_said(ask: Callable[..., Result]) -> None:
    times, values = kinds_of(household() + 3)["m1"]
    kept = np.ones(144, bool)
    kept[50:60] = kept[100:] = False
    (row,) = leaks(ask, {"m1": (times[kept], values[kept])})
    assert row["verdict"].startswith("SILENT since Thu 05 Mar")
    assert row["leak_days"] == pytest.approx(100 / 24)


def test_a_daily_reading_says_nothing(ask: Callable[..., Result]) -> None:
    days = slots("2026-03-01", "2026-03-07", 1440)
    assert leaks(ask, {"m2": (days, 5 + np.arange(len(days)) * 0.2)}) == []


def test_a_meter_that_is_read_daily_is_named(ask: Callable[..., Result]) -> None:
    days = slots("2026-03-01", "2026-03-07", 1440)
    text = CITY + POINT % ("m4", "L", "counter", "1d")
    series = {**kinds_of(household()), "m4": (days, 5 + np.arange(len(days)) * 0.2)}
    found = ask("water/customer_leaks", text, series, "2026-03-01", "2026-03-07")
    assert (found.completeness.wanted, found.completeness.had) == (4, 3)
    (missing,) = found.completeness.missing
    assert (missing.what, missing.why) == ("1 of 4 meters", "read less often than every hour and a half")


@pytest.mark.parametrize("kind", ["m1", "m2", "m3"])
def test_a_meter_of_which_no_24_hours_are_known_is_not_judged(ask: Callable[..., Result], kind: str) -> None:
    """It leaks, but each twentieth hour is lost, or estimated: no leak can be told, which is no `none`."""
    times, values = kinds_of(household() + 3)[kind]
    hours = (times - np.datetime64("2026-03-01")) // np.timedelta64(1, "h")
    lost = hours % 20 == 7
    span = ("2026-03-01", "2026-03-07")
    for series, more in (
        ({kind: (times[~lost], values[~lost])}, {}),
        ({kind: (times, values)}, {"quality": {kind: lost.astype(np.uint8)}}),
    ):
        found = ask("water/customer_leaks", CITY, series, *span, meters=kind, **more)
        assert rows_of(found, "customer_leaks") == []
        assert found.completeness.had == 0
        (missing,) = found.completeness.missing
        assert missing.why == "never good readings in each of 24 hours on end"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Australia/Sydney"])
def test_a_single_day_of_any_city_is_judged(ask: Callable[..., Result], zone: str) -> None:
    text = CITY.replace("time_zone: UTC", f"time_zone: {zone}")
    begin = days("2026-03-03", "2026-03-04", ZoneInfo(zone)).start.astimezone(UTC).replace(tzinfo=None)
    series = {}
    for name, (times, values) in kinds_of(household() + 3).items():
        own = (times >= np.datetime64(begin)) & (times < np.datetime64(begin + timedelta(days=1)))
        series[name] = (times[own], values[own])
    found = ask("water/customer_leaks", text, series, "2026-03-03", "2026-03-04")
    assert found.completeness.had == 3
    # A register's last hour ends with a reading of the day after.
    assert {row["meter"] for row in rows_of(found, "customer_leaks")} == {"m1", "m3"}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Adelaide"])
def test_hours_are_those_of_the_citys_clock(ask: Callable[..., Result], zone: str) -> None:
    """The same house, by local hours: 8 L/h for 30 of them, then an hour of rest; each kind of meter says so."""
    text = CITY.replace("time_zone: UTC", f"time_zone: {zone}")
    begin = days("2026-03-01", "2026-03-02", ZoneInfo(zone)).start
    use = np.zeros(144)
    use[50:80] = use[81:104] = 8
    later = np.timedelta64(begin - utc("2026-03-01"), "s")
    series = {name: (times + later, values) for name, (times, values) in kinds_of(use).items()}
    rows = rows_of(
        ask("water/customer_leaks", text, series, "2026-03-01", "2026-03-07", running="no"), "customer_leaks"
    )
    assert {row["meter"] for row in rows} == set(series)
    assert len(rows) == 3
    for row in rows:
        assert (row["leak_since"], row["leak_until"]) == (begin + 50 * HOUR, begin + 80 * HOUR)
        assert row["leak_rate"] == pytest.approx(8)
        assert row["leak_volume"] == pytest.approx(0.240)


def test_without_meters(ask: Callable[..., Result]) -> None:
    with pytest.raises(UsageProblem, match="no customer meter"):
        leaks(ask, kinds_of(household()), meters="x*")


@pytest.mark.parametrize(
    ("unit", "step"), [("L", 10.0), ("L", 100.0), ("m3", 0.01), ("ft3", 1.0), ("gal", 10.0)]
)
@pytest.mark.parametrize("kind", ["counter", "interval"])
def test_a_coarse_register_is_said(ask: Callable[..., Result], unit: str, step: float, kind: str) -> None:
    """Weeks of 5 to 40 L an hour by day, and a leak that the last digit hides: told as a pause, and said."""
    use = household(days=65) + 3
    litre = convert(0.001, "m3", unit)
    counted = np.floor((1234 + np.concatenate([[0], np.cumsum(use)])) * litre / step + 1e-6) * step
    shown = counted if kind == "counter" else np.diff(counted)
    times = slots("2026-01-01", "2026-03-07T01:00", 60)[: len(shown)]
    series = {"m": (times, convert_all(shown, unit)), "fine": kinds_of(household())["m1"]}
    text = HEAD + POINT % ("m", unit, kind, "1h") + POINT % ("fine", "L", "interval", "1h")
    found = ask("water/customer_leaks", text, series, "2026-01-01", "2026-03-07")
    assert rows_of(found, "customer_leaks") == []
    assert f"; 1 count in steps of {1000 * convert(step, unit, 'm3'):.4g} L or more" in found.summary
    assert any(note.startswith("Limits: meters that count in coarse steps: 1 of") for note in found.notes)


def convert_all(values: Any, unit: str) -> Any:
    return values * convert(1.0, unit, "m3")


def test_a_fine_register_and_an_empty_house_are_no_coarse_ones(ask: Callable[..., Result]) -> None:
    empty = (slots("2026-03-01", "2026-03-07T01:00", 60), np.full(145, 12.34))
    text = HEAD + POINT % ("m2", "L", "counter", "1h") + POINT % ("empty", "L", "counter", "1h")
    found = ask(
        "water/customer_leaks",
        text,
        {"m2": kinds_of(household())["m2"], "empty": empty},
        "2026-03-01",
        "2026-03-07",
    )
    assert found.summary == "0 of 2 meters run on, 0.0 m³ a day in all, 0.00 EUR a day"


def test_a_register_read_every_80_minutes(ask: Callable[..., Result]) -> None:
    times = slots("2026-03-01", "2026-03-07", 80)
    register = 5 + 0.004 * np.arange(len(times))  # 4 L in 80 minutes
    text = HEAD + POINT % ("m2", "L", "counter", "80m")
    (row,) = rows_of(
        ask("water/customer_leaks", text, {"m2": (times, register)}, "2026-03-01", "2026-03-07"),
        "customer_leaks",
    )
    assert row["leak_rate"] == pytest.approx(3)


def test_a_quarter_alone_in_its_hour_tells_no_rate(ask: Callable[..., Result]) -> None:
    """12 L/h on a register of whole litres, the first reading at 23:57: a step of 15 minutes that shows 2 of 3 L."""
    times = slots("2026-03-01", "2026-03-07", 15) - np.timedelta64(3, "m")
    litres = np.floor(3.0 * np.arange(len(times)) + 0.5)
    litres[1] -= 1
    text = HEAD + POINT % ("m2", "L", "counter", "15m")
    found = ask("water/customer_leaks", text, {"m2": (times, 5 + litres / 1000)}, "2026-03-01", "2026-03-07")
    (row,) = rows_of(found, "customer_leaks")
    assert row["leak_rate"] == pytest.approx(12)  # 8 L/h by the lone step


def test_the_last_hour_of_a_register_lacks_its_last_step(ask: Callable[..., Result]) -> None:
    """3 L/h on a register of whole litres: the last 55 minutes show 2 of 3 L, which is 2.2 L/h."""
    times = slots("2026-03-01", "2026-03-07", 5)
    litres = np.floor(0.25 * np.arange(len(times)))
    text = HEAD + POINT % ("m2", "L", "counter", "5m")
    found = ask("water/customer_leaks", text, {"m2": (times, 5 + litres / 1000)}, "2026-03-01", "2026-03-07")
    (row,) = rows_of(found, "customer_leaks")
    assert row["leak_rate"] == pytest.approx(3)


def test_many_meters_are_taken_a_batch_at_a_time(
    ask: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    use = household()
    use[50:] += 3
    whole = leaks(ask, kinds_of(use))
    monkeypatch.setattr(customer_leaks, "AT_A_TIME", dict.fromkeys(customer_leaks.AT_A_TIME, 1))
    assert leaks(ask, kinds_of(use)) == whole
