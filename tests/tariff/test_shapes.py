"""Other people's tariffs as recipes: the fields of URDB's API, and what cannot be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cityctl.errors import InputRefused
from cityctl.tariff.model import Tariff, from_text
from cityctl.tariff.shapes import recipe_text

WEEKDAY = (
    [[0] * 16 + [1] * 4 + [0] * 4] * 5
    + [[0] * 16 + [2] * 4 + [0] * 4] * 4
    + [[0] * 16 + [1] * 4 + [0] * 4] * 3
)
RATE: dict[str, Any] = {
    "utility": "City Power", "name": "GS-TOU", "startdate": 1577836800,  # 1 January 2020, UTC
    "energyratestructure": [[{"rate": 0.10}], [{"rate": 0.15, "adj": 0.01}], [{"rate": 0.25}]],
    "energyweekdayschedule": WEEKDAY, "energyweekendschedule": [[0] * 24] * 12,
    "flatdemandstructure": [[{"rate": 8}], [{"rate": 12}]], "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
    "fixedchargefirstmeter": 25, "fixedchargeunits": "$/month", "demandwindow": 30, "lookbackPercent": 80,
    "lookbackRange": 11,
}  # fmt: skip


def test_a_rate_that_has_ended_says_so(tmp_path: Path) -> None:
    assert told(tmp_path, RATE).title == "City Power GS-TOU"
    ended = {**RATE, "enddate": 1609372800}  # 31 December 2020, UTC
    assert told(tmp_path, ended).title == "City Power GS-TOU (ended on 2020-12-31)"


def told(tmp_path: Path, rate: dict[str, Any]) -> Tariff:
    path = tmp_path / "rate.json"
    path.write_text(json.dumps(rate), encoding="utf-8")
    return from_text(recipe_text(path, "gs"), Path("gs.yaml"))


def test_a_rate_of_urdb(tmp_path: Path) -> None:
    tariff = told(tmp_path, RATE)
    version = tariff.versions[0]
    assert tariff.title == "City Power GS-TOU"
    assert str(version.from_) == "2020-01-01"
    assert version.window == 30
    assert [(one.price, one.per) for one in version.standing] == [(25, "month")]
    by_price = {one.price: one for one in version.energy if one.price != 0.10}
    assert set(by_price) == {0.16, 0.25}
    assert by_price[0.25].months == {6, 7, 8, 9}
    assert by_price[0.25].hours == ((960, 1200),)
    assert by_price[0.25].days == {0, 1, 2, 3, 4}
    assert [(one.price, one.months) for one in version.demand] == [
        (8, {1, 2, 3, 4, 5, 10, 11, 12}),
        (12, {6, 7, 8, 9}),
    ]
    assert version.demand[0].ratchet is not None
    assert (version.demand[0].ratchet.share, version.demand[0].ratchet.months) == (0.8, 11)


def test_each_hour_of_the_year_has_one_price(tmp_path: Path) -> None:
    """The schedules name one period an hour; so do the entries made of them."""
    import numpy as np

    version = told(tmp_path, RATE).versions[0]
    month, minute, weekday = (
        part.ravel()
        for part in np.meshgrid(np.arange(1, 13), np.arange(24) * 60, np.arange(7), indexing="ij")
    )
    counts = sum(
        one.holds(month, minute, weekday, np.zeros(len(month), bool)).astype(int) for one in version.energy
    )
    assert (counts == 1).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mincharge": 100, "minchargeunits": "$/kWh"}, "`mincharge` in `.*kWh` cannot be said"),
        ({"coincidentratestructure": [[{"rate": 3}]]}, "`coincidentratestructure` cannot be said"),
        ({"demandreactivepowercharge": 0.4}, "`demandreactivepowercharge` cannot be said"),
        ({"flatdemandunit": "A"}, "a `flatdemandunit` of `A`"),
        ({"demandwindow": 45}, "a `demandwindow` of 45 min"),
        ({"flatdemandstructure": [[{"rate": 8}, {"rate": 9}]], "flatdemandmonths": [0] * 12}, "no `max`"),
        ({"fixedchargeunits": "$/kW"}, "a fixed charge in"),
        ({"energyweekdayschedule": [], "energyweekendschedule": []}, "no schedule of them"),
        ({"energyweekdayschedule": [[0] * 24] * 11}, "not 12 months of 24 hours"),
        ({"energyratestructure": [[{"rate": 0.1}]]}, "names period 2, and the last one is 0"),
        ({"energyratestructure": [[{"rate": 0.1, "unit": "MMBtu"}]] * 3}, "an energy tier in `MMBtu`"),
        ({"energyRateStrux": []}, "`energyRateStrux` is a field of the database's dump"),
        ({"flatdemandstructure": [[{"rate": "dear"}]]}, "not as the database writes a rate"),
        ({"demandratchetpercentage": [80] * 6 + [50] * 6, "lookbackPercent": 0}, "differs by month"),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        told(tmp_path, {**RATE, **change})


def test_tiers_of_several_periods_count_the_whole_month(tmp_path: Path) -> None:
    """As SAM's utilityrate5 does where they are alike, and refuses otherwise; apart they count each period's use."""
    tiers = [
        [{"rate": 0.1 * (period + 1), "max": 500, "unit": "kWh daily"}, {"rate": 0.5}] for period in range(3)
    ]
    version = told(tmp_path, {**RATE, "energyratestructure": tiers}).versions[0]
    assert {one.group for one in version.energy} == {"whole month"}
    assert {(one.above, one.above_per) for one in version.energy} == {(0, "month"), (500, "day")}
    other = [[{"rate": 0.1, "max": 500 + period}, {"rate": 0.5}] for period in range(3)]
    apart = told(tmp_path, {**RATE, "energyratestructure": other}).versions[0]
    assert {one.group for one in apart.energy} == {"period 1", "period 2", "period 3"}


def test_what_else_a_rate_of_urdb_says(tmp_path: Path) -> None:
    more = {
        "mincharge": 40, "flatdemandunit": "kVA daily", "lookbackPercent": 0, "demandwindow": 5,
        "demandratestructure": [[{"rate": 3, "max": 50}, {"rate": 4}]], "dgrules": "Net Metering",
        "energyratestructure": [[{"rate": 0.1, "sell": 0.04}]] * 3,
    }  # fmt: skip
    version = told(tmp_path, {**RATE, **more}).versions[0]
    assert (version.minimum, version.window, version.net_metering) == (40, 5, True)
    assert {one.price for one in version.sell} == {0.04}
    assert [(one.of, one.per, one.above) for one in version.demand] == [
        ("kVA", "day", 0), ("kVA", "day", 0), ("kW", "month", 0), ("kW", "month", 50),
    ]  # fmt: skip
    looked = (
        told(tmp_path, {**RATE, "lookbackMonths": [0] * 5 + [1] * 4 + [0] * 3}).versions[0].demand[0].ratchet
    )
    assert looked is not None
    assert looked.of == {6, 7, 8, 9}


def test_horsepower_and_leasts_of_a_rate_of_urdb(tmp_path: Path) -> None:
    """1 hp are 550 ft lbf/s, 0.745699872 kW: 8 for each hp are 10.728 for each kW."""
    more = {"flatdemandunit": "hp", "flatdemandstructure": [[{"rate": 8, "max": 100}, {"rate": 6}]],
            "flatdemandmonths": [0] * 12, "mincharge": 2, "minchargeunits": "$/day",
            "annualmincharge": 900}  # fmt: skip
    version = told(tmp_path, {**RATE, **more}).versions[0]
    assert [(round(one.price, 6), round(one.above, 6), one.of) for one in version.demand] == [
        (10.728177, 0, "kW"),
        (8.046133, 74.569987, "kW"),
    ]
    assert (version.minimum, version.minimum_per, version.annual_minimum) == (2, "day", 900)
    yearly = told(tmp_path, {**RATE, "mincharge": 500, "minchargeunits": "$/year"}).versions[0]
    assert (yearly.minimum, yearly.annual_minimum) == (0, 500)


def test_one_price_needs_no_schedule(tmp_path: Path) -> None:
    version = told(
        tmp_path, {"energyratestructure": [[{"rate": 0.2}]], "flatdemandstructure": [[{"rate": 7}]]}
    )
    assert [one.price for one in version.versions[0].energy] == [0.2]
    assert [one.price for one in version.versions[0].demand] == [7]


def test_tiers_keep_their_limits(tmp_path: Path) -> None:
    flat = {key: value for key, value in RATE.items() if not key.startswith("energy")}
    tiers = [[{"rate": 0.2, "max": 500}, {"rate": 0.1}]]
    rate = {**flat, "energyratestructure": tiers, "energyweekdayschedule": [[0] * 24] * 12,
            "energyweekendschedule": [[0] * 24] * 12}  # fmt: skip
    version = told(tmp_path, rate).versions[0]
    assert [(one.price, one.above) for one in version.energy] == [(0.2, 0), (0.1, 500)]


@pytest.mark.parametrize("text", ["nothing", "a,b\n1,2\n", "{", '{"items": [{}, {}]}'])
def test_what_is_no_tariff_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=r"x\.txt"):
        recipe_text(path, "x")


HEAD = (
    "utility,type,assessed,period,basic_charge_limit (metric),month_start,month_end,hour_start,hour_end,"
    "weekday_start,weekday_end,charge (metric),units,effective_start_date,effective_end_date\n"
)


def sheet(tmp_path: Path, rows: str) -> Tariff:
    path = tmp_path / "sheet.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    return from_text(recipe_text(path, "gs"), Path("gs.yaml"))


def test_a_csv_of_charges(tmp_path: Path) -> None:
    """Seasons of one demand, demand by day, unnamed demands apart, what is fed in, limits of the whole month."""
    rows = (
        "electric,customer,,,,,,,,,,2.5,$/day,,\n"
        "electric,energy,,,0,1,12,0,24,0,6,0.1,$/kWh,,\n"
        "electric,energy,,,500,1,12,0,12,0,6,0.2,$/kWh,,\n"
        "electric,energy,,,500,1,12,12,24,0,6,0.3,$/kWh,,\n"
        "electric,demand,monthly,maximum,0,1,5,0,24,0,6,8,$/kW,,\n"
        "electric,demand,monthly,maximum,0,6,12,0,24,0,6,9,$/kW,,\n"
        "electric,demand,daily,peak,0,1,12,16,21,0,4,0.5,$/kW,,\n"
        "electric,demand,monthly,,0,1,12,0,8,0,4,1,$/kW,,\n"
        "electric,demand,monthly,,0,1,12,8,24,0,4,1,$/kW,,\n"
        "electric,export,,,0,1,12,0,24,0,6,0.05,$/kWh,,\n"
    )
    version = sheet(tmp_path, rows).versions[0]
    assert [(one.price, one.per) for one in version.standing] == [(2.5, "day")]
    assert [(one.above, one.group) for one in version.energy] == [
        (0, "whole month"),
        *[(500, "whole month")] * 2,
    ]
    assert [(one.name, one.price, one.per) for one in version.demand] == [
        ("maximum", 8, "month"), ("maximum", 9, "month"), ("peak", 0.5, "day"), ("demand 4", 1, "month"),
        ("demand 5", 1, "month"),
    ]  # fmt: skip
    assert [one.price for one in version.sell] == [0.05]


def test_charges_of_a_csv_that_begin_and_end(tmp_path: Path) -> None:
    """The last day of a charge is its own."""
    rows = (
        "electric,customer,,,,,,,,,,5,$/month,,\n"
        "electric,energy,,,0,1,12,0,24,0,6,0.1,$/kWh,2023-01-01,2023-06-14\n"
        "electric,energy,,,0,1,12,0,24,0,6,0.2,$/kWh,2023-06-15,\n"
    )
    versions = sheet(tmp_path, rows).versions
    assert [(str(one.from_), [each.price for each in one.energy]) for one in versions] == [
        ("1900-01-01", []), ("2023-01-01", [0.1]), ("2023-06-15", [0.2]),
    ]  # fmt: skip
    assert all(one.standing for one in versions)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("electric,fuel,,,,,,,,,,1,$/month,,", "of type `fuel`"),
        ("electric,demand,,x,0,1,12,0,24,0,6,1,$/hp,,", "a charge in `.*hp`"),
        ("electric,energy,,,0,1,12,0,24,0,6,dear,$/kWh,,", "a number"),
        ("electric,energy,,,0,1,12,0,24,0,7,1,$/kWh,,", "a number"),
        ("electric,customer,,,10,,,,,,,1,$/month,,", "with a limit"),
    ],
)
def test_a_row_that_cannot_be_said_is_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(InputRefused, match=rf"sheet\.csv:2: .*{said}"):
        sheet(tmp_path, row + "\n")


def test_a_csv_names_the_utilities_that_it_has(shared: Path) -> None:
    path = shared / "data/quality/tariffs/12000053001.csv"
    with pytest.raises(InputRefused, match="electric"):
        recipe_text(path, "x", utility="steam")


def test_bytes_that_are_no_csv_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"utility,type\x00\rcharge\r\n")
    with pytest.raises(InputRefused, match="neither URDB JSON nor a CSV of charges"):
        recipe_text(path, "x", utility="electric")
