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


@pytest.fixture
def billed(
    ask: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """billed(city, tariff, series, since, until, **parameters): with the tariff beside city.yaml."""

    def asked(city: str, tariff: str, *rest: Any, **parameters: Any) -> Result:
        folder = tmp_path / "user" / "recipes" / "tariffs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "t.yaml").write_text(tariff, encoding="utf-8")
        monkeypatch.setenv("CITYCTL_USER_FOLDER", str(tmp_path / "user"))
        return ask("energy/bill", city, *rest, **parameters)

    return asked


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


def test_power_factor_comes_from_the_meter_beside(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {"b40_elec": (times, np.full(len(times), 200.0)), "var": (times, np.full(len(times), 150.0))}
    more = "  var: {unit: kvarh, kind: interval, every: 15m, zone: house}"
    kva = HALF.replace("price: 5}", "price: 10, of: kVA}")
    found = billed(city(every="15m", more=more), kva, series, "2024-03-01", "2024-04-01")
    assert rows_of(found, "bills")[0]["power_factor"] == pytest.approx(0.8)
    demand = next(row for row in rows_of(found, "lines") if row["charge"] == "demand")
    assert (demand["billed"], demand["bill_due"]) == pytest.approx((1000, 10_000))


@pytest.mark.parametrize(
    ("minutes", "beside", "point"),
    [
        (15, 60, "{unit: kvarh, kind: interval, every: 1h"),
        (60, 15, "{unit: kvarh, kind: interval, every: 15m"),
        (15, 15, "{unit: kvar, kind: gauge, every: 15m"),
        (60, 1, "{unit: kvar, kind: gauge, every: 1m"),
    ],
)
def test_reactive_energy_may_be_read_more_or_less_often(
    billed: Callable[..., Result], minutes: int, beside: int, point: str
) -> None:
    """800 kW and 600 kvar all month: 1 000 kVA, and 446 400 kvarh of which 297 600 are beyond half of the kWh."""
    times, others = (slots("2024-03-01", "2024-04-01", one) for one in (minutes, beside))
    power = 600.0 if "gauge" in point else 600 * beside / 60
    series = {
        "b40_elec": (times, np.full(len(times), 800 * minutes / 60)),
        "var": (others, np.full(len(others), power)),
    }
    terms = HALF.replace("price: 5}", "price: 10, of: kVA}").replace("window: 15m", f"window: {minutes}m")
    text = city(every=f"{minutes}m", more=f"  var: {point}, zone: house}}")
    terms += "    reactive: {name: kvarh, price: 1, free: 0.25}\n"
    found = billed(text, terms, series, "2024-03-01", "2024-04-01")
    lines = {row["charge"]: row["billed"] for row in rows_of(found, "lines")}
    assert (lines["demand"], lines["kvarh"]) == pytest.approx((1000, 446_400 - 0.25 * 595_200))
    assert found.completeness.complete
    told = "reactive energy is read each 60 min: demand in kVA of 15 min is understated"
    assert (told in (rows_of(found, "bills")[0]["note"] or "")) == (beside > minutes)


def test_reactive_energy_and_export_that_were_not_metered_are_named(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    known = times < np.datetime64("2024-03-25")
    by_day = known & (times.astype("datetime64[h]").astype(int) % 24 < 12)
    more = "  var: {unit: kvarh, kind: interval, every: 15m, zone: house}\n"
    more += "  out: {unit: kWh, kind: interval, every: 15m, zone: house, role: export}\n"
    series = {
        name: (times[which], np.ones(int(which.sum())))
        for name, which in {"b40_elec": times == times, "var": known, "out": by_day}.items()
    }
    terms = HALF.replace("price: 5}", "price: 10, of: kVA}")
    found = billed(city(every="15m", more=more), terms, series, "2024-03-01", "2024-04-01")
    lacks = "reactive energy was metered for 77.4 % of the time", "energy fed in was not metered on 7 days"
    assert [one.why for one in found.completeness.missing] == [f"2024-03: {one}" for one in lacks]
    assert "; ".join(lacks) in rows_of(found, "bills")[0]["note"]


def test_readings_in_which_the_price_changes_are_named(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 60)
    series = {"b40_elec": (times, np.ones(len(times)))}
    terms = LOCAL.replace("8-20", "'8:30-20'").replace("20-8", "'20-8:30'")
    why = [one.why for one in billed(city(), terms, series, "2024-03-01", "2024-04-01").completeness.missing]
    assert why == ["prices change within its readings, which are billed at the price they begin with"]


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


def test_what_lies_below_zero_was_fed_in(billed: Callable[..., Result]) -> None:
    """15 days of 96 x 1 kWh used, 16 days of 96 x 0.5 kWh fed in: a tariff without a price for it is doubted."""
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {"b40_elec": (times, np.where(np.arange(len(times)) < 15 * 96, 1.0, -0.5))}
    flat = "tariff: t\nversions: [{energy: [{price: 0.3}]%s}]\n"
    plain = billed(city(every="15m"), flat % "", series, "2024-03-01", "2024-04-01")
    assert rows_of(plain, "bills")[0]["bill_due"] == pytest.approx(0.3 * 1440)
    assert "1 536 readings below zero" in plain.completeness.missing[0].why


def test_a_meter_of_export_beside_it_is_paid(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    ones = np.ones(len(times))
    sold = "tariff: t\nversions: [{energy: [{price: 0.3}], sell: [{price: 0.1}]}]\n"
    more = "  out: {unit: kWh, kind: interval, every: 15m, zone: house, role: export}"
    series = {"b40_elec": (times, ones), "out": (times, 2 * ones)}
    found = billed(city(every="15m", more=more), sold, series, "2024-03-01", "2024-04-01")
    assert rows_of(found, "bills")[0]["bill_due"] == pytest.approx(0.3 * 2976 - 0.1 * 2 * 2976)
    assert found.completeness.complete


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


def test_what_was_fed_in_is_counted_in_the_months_that_are_billed(billed: Callable[..., Result]) -> None:
    """Two quarter-hours below zero in February; the hundred of January only make the ratchet's months."""
    times = slots("2023-12-31", "2024-03-02", 15)
    back = (times >= np.datetime64("2024-01-05")) & (times < np.datetime64("2024-01-06T01:00"))
    back |= (times >= np.datetime64("2024-02-05")) & (times < np.datetime64("2024-02-05T00:30"))
    tariff = (
        "tariff: t\ncurrency: EUR\nversions:\n  - energy: [{name: all, price: 0.2}]\n"
        "    demand: [{name: demand, price: 10, ratchet: {share: 0.8, months: 11}}]\n"
    )
    city = CITY.format(zone="UTC", country="DE", every="15m", more="")
    found = billed(city, tariff, {"b40_elec": (times, np.where(back, -1.0, 1.0))}, "2024-02-01", "2024-03-01")
    assert [one.why for one in found.completeness.missing] == [
        "2 readings below zero billed as none: does it feed in?"
    ]


def test_a_meter_told_twice_is_billed_once_in_the_sum(billed: Callable[..., Result]) -> None:
    """10 kWh an hour at 0.20 for the 31 days of January, told as energy and as power: 1 488."""
    times = slots("2024-01-01", "2024-02-01", 60)
    series = {name: (times, np.full(len(times), 10.0)) for name in ("b40_elec", "b40_power")}
    text = city(more="  b40_power: {unit: kW, every: 1h, zone: house, role: consumption}")
    tariff = "tariff: t\ncurrency: EUR\nversions: [{energy: [{price: 0.2}]}]\n"
    found = billed(text, tariff, series, "2024-01-01", "2024-02-01")
    assert found.summary.startswith("2 meters, 1 488.00 EUR")
    assert [one.what for one in found.completeness.missing] == ["b40_power"]


def test_two_meters_of_export_beside_one_of_use_are_named(billed: Callable[..., Result]) -> None:
    """Nobody knows whose each is: no feed-in is paid, and that is said where the tariff pays for it."""
    times = slots("2024-01-01", "2024-02-01", 60)
    export = "zone: house, role: export}"
    more = f"  out: {{unit: kWh, kind: interval, every: 1h, {export}\n  out-kw: {{unit: kW, every: 1h, {export}\n"
    series = {name: (times, np.ones(len(times))) for name in ("b40_elec", "out", "out-kw")}
    terms = "tariff: t\nversions: [{energy: [{price: 0.2}]}]\n"
    asked = (series, "2024-01-01", "2024-02-01")
    assert billed(city(more=more), terms, *asked).completeness.complete
    found = billed(city(more=more), terms.replace("]}]", "], sell: [{price: 0.08}]}]"), *asked)
    assert [one.why for one in found.completeness.missing] == [
        "2 meters of energy fed in beside it, out, out-kw: none counts; an asset for each use tells whose they are"
    ]
