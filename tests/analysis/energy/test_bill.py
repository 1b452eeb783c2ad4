"""Bills of a meter: another tool's year, the true calendar, the statement that came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.basis.tariffs import load as load_tariff
from cityctl.city.load import load
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.saving.test_methods import cambridge  # noqa: F401  # the fixture

CITY = """
name: One meter
time_zone: {zone}
country: {country}
networks: {{power: {{kind: power}}}}
zones: {{house: {{network: power, kind: building}}}}
tariffs: {{t: {{network: power, recipe: t}}}}
points:
  b40_elec: {{unit: kWh, kind: interval, every: {every}, zone: house, role: consumption}}
{more}
"""

SAM = """
tariff: t
currency: GBP
versions:
  - window: 60m
    standing: [{price: 50}]
    energy:
      - {name: night, price: 0.08, hours: 23-7}
      - {name: peak, price: 0.30, hours: 16-20, days: weekdays}
      - {name: day, price: 0.15, hours: [7-16, 20-23], days: weekdays}
      - {name: day, price: 0.15, hours: 7-23, days: weekends}
    demand:
      - {name: demand, price: 10}
      - {name: peak demand, price: 6, hours: 16-20, days: weekdays}
"""


def city(zone: str = "UTC", country: str = "GB", every: str = "1h", more: str = "") -> str:
    return CITY.format(zone=zone, country=country, every=every, more=more)


def test_a_year_equals_sam(
    billed: Callable[..., Result],
    shared: Path,
    cambridge: Callable[[list[str]], dict[str, Any]],  # noqa: F811
) -> None:
    """NREL SAM's utilityrate5 takes 1 January 2019 to be a Monday; with the true Tuesday the bill is another."""
    other = json.loads((shared / "data/energy/sam_utilityrate5_b40_2019.json").read_text())["sam"]
    series = {"b40_elec": cambridge(["b40_elec"])["b40_elec"]}
    found = billed(city(), SAM, series, "2019-01-01", "2020-01-01", calendar="monday")
    rows = rows_of(found, "bills")
    assert [row["bill_due"] for row in rows] == pytest.approx(other["utility_bill_w_sys_ym"][12:], abs=0.01)
    assert [row["peak_kw"] for row in rows] == pytest.approx(other["year1_billing_demand_w_sys"])
    true = rows_of(billed(city(), SAM, series, "2019-01-01", "2020-01-01"), "bills")
    assert abs(sum(row["bill_due"] for row in true) - sum(row["bill_due"] for row in rows)) > 100


HALF = """
tariff: t
versions:
  - window: 15m
    energy:
      - {name: work, price: 0.3, hours: 8-18, days: weekdays, holidays: as-sunday}
      - {name: rest, price: 0.1, hours: [0-8, 18-24], days: weekdays, holidays: as-sunday}
      - {name: rest, price: 0.1, days: weekends, holidays: as-sunday}
    demand: [{name: demand, price: 5}]
"""


def test_local_time_weekdays_and_holidays(billed: Callable[..., Result]) -> None:
    """March 2024 in Berlin, 1 kW throughout: by hand 20 work days of 10 h (Good Friday is none), 743 h in all."""
    times = slots("2024-02-29T23:00", "2024-03-31T22:00", 15)
    series = {"b40_elec": (times, np.full(len(times), 0.25))}
    found = billed(city("Europe/Berlin", "DE", "15m"), HALF, series, "2024-03-01", "2024-04-01")
    lines = {row["charge"]: 0.0 for row in rows_of(found, "lines")}
    for row in rows_of(found, "lines"):
        lines[row["charge"]] += row["billed"]
    assert lines == pytest.approx({"work": 200.0, "rest": 543.0, "demand": 1.0})
    assert rows_of(found, "bills")[0]["billed_share"] == 1.0
    assert found.completeness.complete


def test_a_month_in_part_is_named(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-03-16", 15)
    found = billed(
        city(every="15m"), HALF, {"b40_elec": (times, np.ones(len(times)))}, "2024-03-01", "2024-04-01"
    )
    assert [(one.what, one.why) for one in found.completeness.missing] == [
        ("b40_elec", "2024-03: 48.4 % metered")
    ]


def _billed_by_charge(found: Result) -> dict[str, float]:
    lines: dict[str, float] = {}
    for row in rows_of(found, "lines"):
        lines[row["charge"]] = lines.get(row["charge"], 0.0) + row["billed"]
    return lines


def test_readings_in_which_the_price_changes_are_spread_over_it(billed: Callable[..., Result]) -> None:
    """Of 3 kWh from 8:00 to 9:00 half is billed by day, on 21 work days; in all there are 31 x 26 kWh."""
    times = slots("2024-03-01", "2024-04-01", 60)
    hour = times.astype("datetime64[h]").astype(int) % 24
    series = {"b40_elec": (times, np.where(hour == 8, 3.0, 1.0))}
    terms = LOCAL.replace("8-20", "'8:30-20'").replace("20-8", "'20-8:30'")
    found = billed(city(), terms, series, "2024-03-01", "2024-04-01")
    lines = _billed_by_charge(found)
    assert lines == pytest.approx({"day": 21 * 12.5, "rest": 31 * 26 - 21 * 12.5, "demand": 1.0})
    row = rows_of(found, "bills")[0]
    assert (row["peak_kw"], row["billed_share"]) == pytest.approx((3.0, 1.0))
    assert "prices change within its readings of 60 min, which are spread evenly" in row["note"]
    assert found.completeness.complete


def test_hours_of_utc_are_spread_over_the_midnight_of_kathmandu(billed: Callable[..., Result]) -> None:
    """5:45 from UTC, hours begin at :45: a quarter of each lies in the price, day or month before.

    May has 23 work days and here 743 kWh in all. April and June have 100 kWh an hour, the hours over the ends of
    May none.
    """
    times = slots("2024-04-29T18:00", "2024-06-02T00:00", 60)
    local = times + np.timedelta64(5 * 60 + 45, "m")
    may = (local > np.datetime64("2024-04-30T23:00")) & (local < np.datetime64("2024-06-01T00:00"))
    series = {"b40_elec": (times, np.where(may, 1.0, 100.0))}
    series["b40_elec"][1][np.flatnonzero(may)[[0, -1]]] = 0.0  # both straddle the month's ends
    found = billed(city("Asia/Kathmandu", "NP"), LOCAL, series, "2024-05-01", "2024-06-01")
    lines = _billed_by_charge(found)
    assert lines == pytest.approx({"day": 23 * 12, "rest": 743 - 23 * 12, "demand": 1.0})
    assert rows_of(found, "bills")[0]["billed_share"] == pytest.approx(1.0)
    assert found.completeness.complete


def test_readings_that_windows_do_not_part_are_spread_over_them(billed: Callable[..., Result]) -> None:
    """40 minutes are no whole number of quarters: 1.5 kW from 8:30 to 20:00 on 21 work days are 362.25 kWh."""
    times = slots("2024-03-01", "2024-04-01", 40)
    series = {"b40_elec": (times, np.ones(len(times)))}
    terms = LOCAL.replace("8-20", "'8:30-20'").replace("20-8", "'20-8:30'")
    found = billed(city(every="40m"), terms, series, "2024-03-01", "2024-04-01")
    lines = _billed_by_charge(found)
    assert lines == pytest.approx(
        {"day": 21 * 11.5 * 1.5, "rest": (31 * 24 - 21 * 11.5) * 1.5, "demand": 1.5}
    )
    assert "its readings of 40 min do not fill windows of 15 min" in rows_of(found, "bills")[0]["note"]


PEAKS = """
tariff: t
currency: GBP
versions:
  - window: 15m
    energy: [{name: all, price: 0.1}]
    demand: [{name: network peak, price: 10, at: [2024-03-05 17:30, 2024-03-12 18:00, 2024-04-09 18:00]}]
"""


def test_a_peak_of_the_network_that_was_not_metered_is_told(billed: Callable[..., Result]) -> None:
    """8 and 16 kW at March's two peaks are 12 in the mean; one lost quarter is 0.03 % of the month."""
    times = slots("2024-03-01", "2024-04-01", 15)
    kwh = np.ones(len(times))
    first, second = (times == np.datetime64(one) for one in ("2024-03-05T17:30", "2024-03-12T18:00"))
    kwh[first], kwh[second] = 2.0, 4.0
    found = billed(city(every="15m"), PEAKS, {"b40_elec": (times, kwh)}, "2024-03-01", "2024-04-01")
    assert _billed_by_charge(found)["network peak"] == pytest.approx(12.0)
    assert found.completeness.complete
    found = billed(
        city(every="15m"), PEAKS, {"b40_elec": (times[~first], kwh[~first])}, "2024-03-01", "2024-04-01"
    )
    why = ["2024-03: the network's peak of 2024-03-05 17:30 was not metered"]
    assert [one.why for one in found.completeness.missing] == why
    assert why[0][9:] in rows_of(found, "bills")[0]["note"]


def test_the_bill_that_came_is_held_against_ours(
    billed: Callable[..., Result], project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import date

    from cityctl.city.model import City
    from cityctl.city.records import Stated

    times = slots("2024-03-01", "2024-04-01", 15)
    march = date(2024, 3, 1)
    said = [Stated("b40_elec", march, name, amount) for name, amount in (("Demand", 20.0), ("demand", 5.0))]
    said.append(Stated("b40_elec", march, "fuel", 7.0))
    monkeypatch.setattr(City, "statements", lambda self: said)
    found = billed(
        city(every="15m"), HALF, {"b40_elec": (times, np.ones(len(times)))}, "2024-03-01", "2024-04-01"
    )
    rows = {row["charge"]: row for row in rows_of(found, "statement")}
    assert (rows["demand"]["bill_due"], rows["demand"]["stated_difference"], rows["demand"]["verdict"]) == (
        20.0, 5.0, "OVERBILLED",
    )  # fmt: skip
    assert rows["fuel"]["verdict"] == "NOT IN THE TARIFF"
    assert rows["work"]["verdict"] == "not stated"


def test_other_tariffs_and_loads(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    use = np.where((times.astype("datetime64[h]").astype(int) % 24) == 12, 100.0, 5.0)
    found = billed(
        city(every="15m"), HALF, {"b40_elec": (times, use)}, "2024-03-01", "2024-04-01",
        compare="example_tou", cap=60.0, shift=0.5,
    )  # fmt: skip
    rows = {row["scenario"]: row for row in rows_of(found, "scenarios")}
    assert set(rows) == {
        "as it was, under t", "as it was, under example_tou", "capped at 60 kW", "50 % of the dearest use moved",
    }  # fmt: skip
    base = rows["as it was, under t"]
    assert base["bill_due"] == pytest.approx(rows_of(found, "bills")[0]["bill_due"])
    assert rows["capped at 60 kW"]["difference"] < 0
    assert rows["50 % of the dearest use moved"]["difference"] < 0
    assert all(row["used_kwh"] == pytest.approx(base["used_kwh"]) for row in rows.values())


def test_hourly_readings_understate_a_demand_of_15_minutes(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 60)
    found = billed(city(), HALF, {"b40_elec": (times, np.ones(len(times)))}, "2024-03-01", "2024-04-01")
    row = rows_of(found, "bills")[0]
    assert row["note"] == "readings are longer than the 15 min of the demand"
    assert row["peak_kw"] == pytest.approx(1.0)
    assert row["load_factor"] == pytest.approx(1.0)


LOCAL = """
tariff: t
versions:
  - window: 60m
    energy:
      - {name: day, price: 2, hours: 8-20, days: weekdays}
      - {name: rest, price: 1, hours: 20-8, days: weekdays}
      - {name: rest, price: 1, days: weekends}
    demand: [{name: demand, price: 5, hours: 8-20, days: weekdays}]
"""


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"]
)
def test_hours_are_those_of_the_clock_on_the_wall(billed: Callable[..., Result], zone: str) -> None:
    """A month in which clocks change (where they do), quarter by quarter without arrays, in local time."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    wall = ZoneInfo(zone)
    start, end = (datetime(2024, month, 1, tzinfo=wall).astimezone(UTC) for month in (4, 5))
    moments = [start + timedelta(minutes=15 * n) for n in range(round((end - start).total_seconds() / 900))]
    used = 1 + np.arange(len(moments)) % 37 + np.arange(len(moments)) % 3
    sums = {"day": 0.0, "rest": 0.0}
    hours: dict[Any, float] = {}
    for moment, one in zip(moments, used.tolist(), strict=True):
        local = moment.astimezone(wall)
        by_day = 8 <= local.hour < 20 and local.weekday() < 5
        sums["day" if by_day else "rest"] += one
        if by_day:
            key = (local.date(), local.hour)
            hours[key] = hours.get(key, 0.0) + one
    times = np.array([np.datetime64(one.replace(tzinfo=None), "us") for one in moments])
    series = {"b40_elec": (times, used.astype(float))}
    found = billed(city(zone, "GB", "15m"), LOCAL, series, "2024-04-01", "2024-05-01")
    lines = {"day": 0.0, "rest": 0.0, "demand": 0.0}
    for row in rows_of(found, "lines"):
        lines[row["charge"]] += row["billed"]
    assert lines == pytest.approx({**sums, "demand": max(hours.values())})
    assert found.completeness.complete


def test_the_last_step_of_a_counter_is_billed(billed: Callable[..., Result]) -> None:
    """1 kWh in each of the 31 x 96 quarters: the last one ends where the next month begins."""
    times = slots("2024-03-01", "2024-04-01T00:15", 15)
    text = city(every="15m").replace("kind: interval", "kind: counter")
    series = {"b40_elec": (times, 1000.0 + np.arange(len(times)))}
    row = rows_of(billed(text, HALF, series, "2024-03-01", "2024-04-01"), "bills")[0]
    assert (row["used_kwh"], row["billed_share"]) == (pytest.approx(31 * 96), 1.0)


def test_amounts_stand_in_the_currency_of_the_tariff(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    text = HALF.replace("tariff: t\n", "tariff: t\ncurrency: GBP\n")
    found = billed(
        city(every="15m"), text, {"b40_elec": (times, np.ones(len(times)))}, "2024-03-01", "2024-04-01"
    )
    due = next(one for one in found.tables[0].columns if one.key == "bill_due")
    assert due.unit == "GBP"
    assert any("amounts are in GBP" in note for note in found.notes)


def test_a_tariff_that_names_its_meters_goes_first(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    text = city(every="15m").replace(
        "tariffs: {t: {network: power, recipe: t}}",
        "tariffs: {all: {network: power, price: 9}, own: {network: power, recipe: t, meters: [b40*]}}",
    )
    found = billed(text, HALF, {"b40_elec": (times, np.ones(len(times)))}, "2024-03-01", "2024-04-01")
    assert rows_of(found, "bills")[0]["tariff"] == "t"


def test_days_are_too_coarse_for_prices_by_the_hour(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 1440)
    series = {"b40_elec": (times, np.ones(len(times)))}
    found = billed(city(every="1d"), HALF, series, "2024-03-01", "2024-04-01")
    assert "prices by the hour need finer ones" in found.completeness.missing[0].why


def test_cubic_metres_are_not_billed_as_kwh(billed: Callable[..., Result]) -> None:
    text = city(every="15m").replace("unit: kWh", "unit: m3").replace("kind: power", "kind: gas")
    series = {"b40_elec": (slots("2024-03-01", "2024-04-01", 15), np.ones(2976))}
    found = billed(text, HALF, series, "2024-03-01", "2024-04-01")
    assert found.completeness.missing[0].why == "metered as volume, and `t` prices kWh"


def test_another_tariff_has_its_own_window(billed: Callable[..., Result], tmp_path: Path) -> None:
    """40 kW in one quarter of an otherwise empty month: 40 at 15 minutes, 10 at 60: by hand."""
    folder = tmp_path / "user" / "recipes" / "tariffs"
    folder.mkdir(parents=True)
    for name, window in (("short", "15m"), ("long", "60m")):
        said = f"tariff: {name}\nversions: [{{window: {window}, demand: [{{price: 1}}]}}]\n"
        (folder / f"{name}.yaml").write_text(said, encoding="utf-8")
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {"b40_elec": (times, np.where(np.arange(len(times)) == 1000, 10.0, 0.0))}
    own = "tariff: t\nversions: [{window: 60m, demand: [{price: 1}]}]\n"
    found = billed(city(every="15m"), own, series, "2024-03-01", "2024-04-01", compare="short,long")
    assert [row["bill_due"] for row in rows_of(found, "scenarios")] == pytest.approx([10, 40, 10])
    assert rows_of(found, "bills")[0]["peak_kw"] == pytest.approx(10)


def test_what_a_register_counted_over_missing_hours_is_billed_but_no_demand(
    billed: Callable[..., Result],
) -> None:
    """10 kW in January, eight hours of which were not read: 7 440 kWh and 10 kW, and that a peak may be hidden."""
    tariff = """
tariff: t
currency: GBP
versions: [{window: 60m, energy: [{price: 0.1}], demand: [{price: 5}]}]
"""
    times = slots("2024-01-01", "2024-02-02", 60)
    read = (times < np.datetime64("2024-01-10T09")) | (times > np.datetime64("2024-01-10T16"))
    series = {"b40_elec": (times[read], 10.0 * np.arange(len(times))[read])}
    text = city().replace("kind: interval", "kind: counter")
    found = billed(text, tariff, series, "2024-01-01", "2024-02-01")
    assert [row["bill_due"] for row in rows_of(found, "lines")] == pytest.approx([744.0, 50.0])
    (gap,) = found.completeness.missing
    assert gap.why == "its register was not read for 1.2 % of the time: peaks in that are not seen"


def test_a_month_of_daily_reads_is_whole_although_one_day_has_25_hours(billed: Callable[..., Result]) -> None:
    tariff = "tariff: t\ncurrency: GBP\nversions: [{energy: [{price: 0.1}]}]\n"
    hours = slots("2024-09-30T22:00", "2024-11-02T00:00", 60)
    midnights = np.array(
        [
            stamp
            for stamp in hours
            if str(stamp)[11:13] == ("22" if stamp < np.datetime64("2024-10-27") else "23")
        ]
    )
    series = {"b40_elec": (midnights, np.full(len(midnights), 24.0))}
    found = billed(city("Europe/Berlin", "DE", "1d"), tariff, series, "2024-10-01", "2024-11-01")
    (row,) = rows_of(found, "bills")
    assert (row["used_kwh"], row["billed_share"]) == pytest.approx((31 * 24, 1))
    assert found.completeness.complete


def test_a_tariff_is_read_anew_with_the_city(project: Callable[[str], Path]) -> None:
    text = "tariff: t\nversions: [{{energy: [{{name: work, price: {}}}]}}]\n"
    folder = project("name: Small\ntime_zone: UTC\n")
    (folder / "recipes/tariffs").mkdir(parents=True)
    prices = []
    for price in (0.2, 0.3):
        (folder / "recipes/tariffs/t.yaml").write_text(text.format(price), encoding="utf-8")
        tariff = load_tariff(load(folder).library, "t")
        prices.append(tariff.versions[0].energy[0].price)
    assert prices == [0.2, 0.3]
