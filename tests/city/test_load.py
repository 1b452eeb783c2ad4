"""city.yaml: what it means, and what it says when it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from cityctl.city.formula import Binary, Call, Name, Number
from cityctl.city.load import find_project, load, load_profiles
from cityctl.errors import ConfigInvalid, UsageProblem

CITY = """\
name: Test
time_zone: Europe/Berlin
country: DE
region: BY
networks: {water: {kind: water}, power: {kind: power}}
zones:
  town: {network: water}
  ab: {network: water, parent: town, inflow: p227 + p235 - pump_1, mains: 8.8 mi, pressure: 42 m}
  c: {network: water, parent: town, inflow: c_inflow}
  school: {network: power, kind: building, floor_area: 5200 m2}
assets: {tank_1: {kind: tank, area: 201.06 m2}}
devices:
  ab-inlet: {connector: siemens_mag6000, host: 127.0.0.1, zone: ab, every: 15m}
services:
  historian: {connector: csv_headend, url: "http://127.0.0.1:8080"}
points:
  p227: {unit: m3/h, every: 5m}
  p235: {unit: L/s, every: 5m}
  pump_1: {unit: m3/h, every: 5m}
  t1: {unit: m, every: 5m}
  c_inflow: {formula: pump_1 - tank_1.area * rate(t1), unit: m3/h}
  ab_flow: {device: ab-inlet/flow, service: historian/AB.FT01, unit: m3/h}
meters:
  - {register: meters.csv, network: power}
"""
METERS = "meter,zone,unit,kind,every,service,series\nm1,school,kWh,,1h,historian,E1\nm2,,m3,counter,15m,,\n"


@pytest.fixture
def city(project):
    folder = project(CITY)
    (folder / "meters.csv").write_text(METERS)
    return load(folder)


def test_amounts_are_kept_in_the_fields_unit(city):
    assert city.zones["ab"].mains == pytest.approx(14.162, abs=1e-3)  # 8.8 x 1.609344
    assert city.zones["ab"].pressure == pytest.approx(42.0)


def test_a_formula_without_numbers_holds_in_any_units(city):
    """p235 is told in L/s, the inflow in m³/h: what the store keeps, m³/h and m, is added and multiplied."""
    inflow = city.point("ab/inflow")
    assert inflow.formula.tree == Binary("-", Binary("+", Name("p227"), Name("p235")), Name("pump_1"))
    assert inflow.every == timedelta(minutes=5)
    assert city.inflow_point("ab") == "ab/inflow"
    assert city.inflow_point("c") == "c_inflow"


@pytest.mark.parametrize("unit", ["m3/h", "L/s", "gal/min", "MGD"])
def test_the_unit_of_a_sum_does_not_change_it(project, unit):
    """Two inlets of two units less what a tank takes in, whose level is told in feet."""
    text = CITY.partition("meters:")[0].replace("t1: {unit: m,", "t1: {unit: ft,")
    written = f'{text}  d: {{formula: "max(p227 + p235 - tank_1.area * rate(t1), 0)", unit: {unit}}}\n'
    change = Binary("*", Number(201.06), Call("rate", (Name("t1"),)))
    net = Binary("-", Binary("+", Name("p227"), Name("p235")), change)
    assert load(project(written)).point("d").formula.tree == Call("max", (net, Number(0.0)))


def test_a_share_is_a_part_of_one_where_it_is_multiplied(project):
    """1 % an hour of a tank of 400 m³ is 4 m³/h; how full two tanks are together is told in % again."""
    text = CITY.partition("meters:")[0].replace("area: 201.06 m2", "volume: 400 m3")
    text = text.replace(
        "c_inflow: {formula: pump_1 - tank_1.area * rate(t1)", "c_inflow: {formula: tank_1.volume * rate(t1)"
    )
    for unit in ("'%'", "permille"):
        written = text.replace("t1: {unit: m,", f"t1: {{unit: {unit},")
        both = load(project(f'{written}  d: {{formula: "min(t1, t1)", unit: "%"}}\n'))
        share = Binary("*", Name("t1"), Number(0.01))
        assert both.point("c_inflow").formula.tree == Binary("*", Number(400.0), Call("rate", (share,)))
        assert both.point("d").formula.tree == Binary("*", Call("min", (share, share)), Number(100.0))


def test_a_number_in_a_formula_is_meant_for_the_units_that_the_file_speaks(project):
    """3.6 m³/h for each L/s of the inlet."""
    text = CITY.partition("meters:")[0]
    point = load(project(f"{text}  d: {{formula: 3.6 * p235, unit: m3/h}}\n")).point("d")
    in_litres = Binary("*", Name("p235"), Number(pytest.approx(1 / 3.6)))
    assert point.formula.tree == Binary("*", Number(3.6), in_litres)


def test_two_units_beside_a_number_are_refused(project):
    text = CITY.partition("meters:")[0]
    with pytest.raises(ConfigInvalid, match="`p227` is in m3/h and `p235` in L/s"):
        load(project(f"{text}  d: {{formula: p227 + p235 - 0.5 * pump_1, unit: m3/h}}\n"))


def test_figures_of_assets_stand_in_formulas(city):
    tree = city.point("c_inflow").formula.tree
    assert tree.right == Binary("*", Number(201.06), Call("rate", (Name("t1"),)))


def test_a_named_point_takes_the_place_of_its_device_point(city):
    point = city.point("ab_flow")
    assert (point.device, point.service, point.zone) == ("ab-inlet/flow", "historian/AB.FT01", "ab")
    assert (point.quantity, point.unit, point.every) == ("flow", "m3/h", timedelta(minutes=15))
    assert "ab-inlet/flow" not in city.points()
    assert "ab-inlet/totalizer1" in city.points()
    assert "ab-inlet/baudrate_code" not in city.points()  # a setting: its connector says `polled: false`


def test_meters_come_from_a_spreadsheet(city):
    first, second = city.point("m1"), city.point("m2")
    assert (first.zone, first.network, first.kind, first.service) == (
        "school",
        "power",
        "interval",
        "historian/E1",
    )
    assert (second.kind, second.quantity, second.role) == ("counter", "volume", "consumption")


def test_zones_are_a_tree(city):
    assert city.zones_within("town") == ["town", "ab", "c"]


def test_holidays_are_those_of_the_region(city):
    # Bavaria keeps 6 January and 15 August; Germany as a whole keeps neither.
    days = city.holidays(2026, 2026)
    assert {date(2026, 1, 6), date(2026, 10, 3)} <= days


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("", {5, 6}),
        ("country: DE", {5, 6}),
        ("country: EG", {4, 5}),  # Friday and Saturday
        ("country: LY\nweekend: [fri, sat]", {4, 5}),
        ("weekend: [sat]", {5}),
    ],
)
def test_the_weekend_is_the_countrys_unless_it_is_said(
    project: Callable[[str], Path], said: str, rest: set[int]
) -> None:
    assert load(project(f"name: A\ntime_zone: UTC\n{said}\n")).days_of_rest == rest


def test_a_holiday_counts_as_the_last_day_of_the_weekend(project: Callable[[str], Path]) -> None:
    # Revolution day, 23 July 2026, is a Thursday.
    city = load(project("name: Cairo\ntime_zone: Africa/Cairo\ncountry: EG\n"))
    days = [date(2026, 7, day) for day in (22, 23, 24, 25, 26)]
    assert city.kinds_of(days) == [2, 5, 4, 5, 6]
    assert city.kinds_of([]) == []


BAD = [
    ("time_zone: Europe", "timezone: Europe", "2:1: unknown key `timezone`", "did you mean `time_zone`?"),
    ("mains: 8.8 mi", "main: 8.8 mi", "8:68: unknown key `zones.ab.main`", "did you mean `mains`?"),
    ("{network: water}", "{network: watr}", "7:10: no network named `watr`", "did you mean `water`?"),
    ("parent: town, inflow: c_", "parent: twn, inflow: c_", "no zone named `twn`", "did you mean `town`?"),
    ("8.8 mi", "8.8 kg", "`kg` is a unit of mass and `km` of length", None),
    ("8.8 mi", "long", "no number with a unit", "write for example 12.5 km"),
    ("p227: {unit: m3/h", "p227: {unit: m3/hh", "no unit that cityctl knows", "did you mean `m3/h`?"),
    (
        "p227: {unit: m3/h, every: 5m}",
        "p227: {every: 5m}",
        "`unit` is missing",
        "write for example `unit: m3/h`",
    ),
    ("pump_1 - tank", "pmp_1 - tank", "no point named `pmp_1`", "did you mean `pump_1`?"),
    ("tank_1.area", "tank_1.volume", "asset `tank_1` has no `volume`", "add `volume:` to it under `assets:`"),
    ("{unit: m, every: 5m}", "{unit: m, network: gass}", "no network named `gass`", None),
    ("rate(t1)", "rte(t1)", "no function `rte`", "did you mean `rate`?"),
    ("rate(t1)", "rate(t1", "`)` is missing", None),
    ("t1: {unit: m, every: 5m}", "t1: {formula: c_inflow, unit: m3/h}", "a formula that needs itself", None),
    ("every: 15m}", "every: soon}", "`soon` is no duration", "write 30s, 15m, 36h, 7d, 2w or 1h30m"),
    ("Europe/Berlin", "Europe/Berln", "no time zone", "did you mean `Europe/Berlin`?"),
    (
        "siemens_mag6000",
        "siemens_mag600",
        "no device connector named `siemens_mag600`",
        "did you mean `siemens_mag6000`?",
    ),
    ("ab-inlet/flow", "ab-inlet/flw", "no point named `ab-inlet/flw`", "did you mean `ab-inlet/flow`?"),
    ("historian/AB", "histrian/AB", "no service named `histrian`", "did you mean `historian`?"),
    (
        "unit: m3/h}\n  ab_flow",
        "unit: kWh, quantity: flow}\n  ab_flow",
        "`kWh` is a unit of energy, not of flow",
        None,
    ),
    ("name: Test", "name: Test\nname: Twice", "2:1: `name` is written twice", "keep one of them"),
    ("  t1:", "\tt1:", "cannot start any token", "indent with spaces, not tabs"),
    (
        "{network: water}",
        "[network: water",
        "did not find expected",
        "a bracket or quote is not closed there or above, or a line is indented unlike its neighbours",
    ),
    ("country: DE", "country: Germany", "`country`", None),
    ("name: Test", "name: 20261101", "`name`: expected a text (found `20261101`)", "put it in quotes"),
    (
        "country: DE",
        "country: DE\nlocation: {latitude: far, longitude: 1}",
        "expected a number (found `far`)",
        None,
    ),
    ("{unit: m, every: 5m}", "{unit: m, every: 5m, role: comsumption}", "no role `comsumption`", None),
    ("{unit: m, every: 5m}", "5", "`points.t1`: expected `key: value` lines (found `5`)", None),
    ("parent: town, mains", "parent: ab, mains", "zone `ab`", None),
    ("parent: town, inflow: p227", "parent: ab, inflow: p227", "zone `ab` lies within itself", None),
    ("{unit: m, every: 5m}", "[1, 2]", "points.t1", None),
]


@pytest.mark.parametrize(("good", "bad", "said", "hint"), [case for case in BAD if case[0] in CITY])
def test_what_is_wrong_is_said_with_its_place_and_the_near_match(project, good, bad, said, hint):
    folder = project(CITY.replace(good, bad, 1))
    (folder / "meters.csv").write_text(METERS)
    with pytest.raises(ConfigInvalid) as caught:
        load(folder)
    whole = "\n".join([caught.value.message, *caught.value.tried])
    assert said in whole
    assert f"{folder / 'city.yaml'}:" in caught.value.message
    if hint is not None:
        assert caught.value.hint == hint


def test_where_a_text_is_asked_for_off_and_no_are_words(project):
    folder = project(
        CITY.replace("country: DE\nregion: BY", "country: NO").replace(
            "{network: water}", "{network: water, name: off}"
        )
    )
    (folder / "meters.csv").write_text(METERS)
    city = load(folder)
    assert (city.country, city.zones["town"].name) == ("NO", "off")


@pytest.mark.parametrize(
    ("register", "said"),
    [
        ("id,zone\nm1,school\n", "no column `meter`"),
        ("meter,zome,unit\nm1,school,kWh\n", "unknown column `zome`"),
        ("meter,zone,unit\nm1,school,\n", "meters.csv:2: meter `m1` has no unit"),
        ("meter,zone,unit\nm1,scool,kWh\n", "meters.csv:2: no zone `scool`"),
        ("meter,unit,role\nm1,kWh,consumtion\n", "meters.csv:2: no role `consumtion`"),
        ("meter,unit\nm1,kWh\nm1,kWh\n", "meters.csv:3: meter `m1` is there twice"),
        ("meter,unit,kind\nm1,kWh,gage\n", "no kind `gage`"),
    ],
)
def test_a_register_that_is_wrong_names_file_and_line(project, register, said):
    folder = project(CITY)
    (folder / "meters.csv").write_text(register)
    with pytest.raises(ConfigInvalid, match=r"meters\.csv") as caught:
        load(folder)
    assert said in caught.value.message


def test_100_000_meters_load_in_seconds(project):
    import time

    folder = project(CITY)
    rows = "".join(
        f"meter-{number},school,kWh,interval,1h,historian,S{number}\n" for number in range(100_000)
    )
    (folder / "meters.csv").write_text("meter,zone,unit,kind,every,service,series\n" + rows)
    begun = time.process_time()
    city = load(folder)
    assert len(city.points()) > 100_000
    assert time.process_time() - begun < 20  # a bound against a quadratic, not a benchmark


def test_a_profile_changes_what_it_names(project):
    folder = project(CITY + "profiles: {bench: {devices: {ab-inlet: {host: 10.0.0.9}}}}\n")
    (folder / "meters.csv").write_text(METERS)
    assert load(folder, "bench").devices["ab-inlet"].host == "10.0.0.9"
    assert load(folder).devices["ab-inlet"].host == "127.0.0.1"
    with pytest.raises(ConfigInvalid) as caught:
        load(folder, "bnch")
    assert caught.value.hint == "did you mean `bench`?"


PROFILES = """\
profiles:
  bench: {devices: {ab-inlet: {host: 10.0.0.9}}}
  field:
    devices:
      ab-inlet: {port: many}
"""


def test_what_is_wrong_in_a_profile_has_its_place_there(project):
    """It was told at the line that the profile lays over, which is right."""
    folder = project(CITY + PROFILES)
    (folder / "meters.csv").write_text(METERS)
    assert load(folder).devices["ab-inlet"].host == "127.0.0.1"
    line = next(n for n, text in enumerate((CITY + PROFILES).splitlines(), 1) if "port: many" in text)
    with pytest.raises(ConfigInvalid, match=rf"city.yaml:{line}:18: .*a whole number"):
        load(folder, "field")
    with pytest.raises(ConfigInvalid, match=rf"city.yaml:{line}:18: .* \(with --profile field\)"):
        load_profiles(folder)


def test_the_profiles_of_a_sound_city_are_named(project):
    folder = project(CITY + PROFILES.replace("many", "1502"))
    (folder / "meters.csv").write_text(METERS)
    assert load_profiles(folder) == ["bench", "field"]


def test_the_project_is_found_upwards(project, monkeypatch):
    folder = project(CITY)
    (folder / "meters.csv").write_text(METERS)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_project(None) == folder
    monkeypatch.chdir(folder.parent)
    with pytest.raises(ConfigInvalid, match="or above it"):
        find_project(None)


def test_a_folder_that_is_gone_is_said_to_be(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageProblem, match="the folder that this runs in is gone"):
        find_project(None)
