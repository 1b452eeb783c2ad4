"""Kinds of points: amounts of meters that nothing is said of, and formulas over registers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.load import load
from cityctl.errors import ConfigInvalid

CITY = """\
name: Test
time_zone: Europe/Berlin
networks: {gas: {kind: gas}, power: {kind: power}}
zones: {school: {network: gas}, hall: {network: power}}
points:
  gas: {unit: m3, kind: counter, every: 1d}
  chp: {unit: m3, kind: interval, every: 1d}
"""
Project = Callable[[str], Path]


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ("{unit: kWh, every: 15m, zone: hall, role: consumption}", "interval"),
        ("{unit: kWh, kind: counter, every: 15m, zone: hall, role: consumption}", "counter"),
        ("{unit: m3, every: 1h, zone: school, role: consumption}", "interval"),
        ("{unit: kW, every: 15m, zone: hall, role: consumption}", "gauge"),
        ("{unit: kWh, every: 15m, zone: hall}", "gauge"),  # what a battery holds
        ("{formula: gas * 10.6, unit: kWh, zone: school, role: consumption}", "counter"),
        ("{formula: gas * 10.6, unit: kWh, kind: counter, zone: school, role: consumption}", "counter"),
        ("{formula: 10.6 * delta(gas), unit: kWh, kind: interval, every: 1d, zone: school}", "interval"),
        ("{formula: gas - prev(gas), unit: m3, kind: interval, every: 1d, zone: school}", "interval"),
        ("{formula: chp * 10.6, unit: kWh, zone: school, role: consumption}", "interval"),
        ("{formula: rate(gas), unit: m3/h, zone: school}", "gauge"),
        ('{unit: "1", kind: state, every: 1h, zone: hall, role: lighting}', "state"),
    ],
)
def test_a_meters_amount_is_no_power(project: Project, point: str, kind: str) -> None:
    """kWh were a gauge where nothing was said, and a gauge's kWh a power: 2.5 kWh a quarter made 1 860 kWh of 7 440."""
    assert load(project(f"{CITY}  own: {point}\n")).point("own").kind == kind


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("{unit: kWh, kind: gauge, every: 15m, zone: hall, role: consumption}",
         "`kind: gauge` of kWh with `role: consumption`: a value of now is a power or a flow, not an amount"),
        ("{unit: kW, kind: state, every: 15m, zone: hall, role: consumption}",
         "`kind: state` of kW with `role: consumption`: a state is on or off, or one of some modes"),
        ("{formula: gas * 10.6, unit: kWh, kind: interval, zone: school, role: consumption}",
         "`own` is of `kind: interval`, and its formula takes a point of `kind: counter` as it stands"),
        ("{formula: gas - chp, unit: m3, zone: school, role: consumption}",
         "`own` is of `kind: interval`, and its formula takes a point of `kind: counter` as it stands"),
        ("{formula: chp * 2, unit: m3, kind: counter, zone: school, role: consumption}",
         "`own` is of `kind: counter`, and its formula takes a point of `kind: interval` as it stands"),
    ],
)  # fmt: skip
def test_a_register_is_no_amount(project: Project, point: str, said: str) -> None:
    """What a gas meter shows, times 10.6 as amounts of its days, was 57.6 GWh for the 82 MWh that were used."""
    with pytest.raises(ConfigInvalid, match=re.escape(said)) as told:
        load(project(f"{CITY}  own: {point}\n"))
    assert "city.yaml:8" in told.value.message
    assert "counter" in str(told.value.hint)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("own,kWh,,consumption", "interval"),
        ("own,kvarh,,consumption", "interval"),
        ("own,kW,gauge,", "gauge"),
    ],
)
def test_a_register_of_meters_goes_by_the_same_rule(project: Project, row: str, kind: str) -> None:
    folder = project(f"{CITY}meters: [{{register: meters.csv, zone: hall, every: 1h}}]\n")
    (folder / "meters.csv").write_text(f"meter,unit,kind,role\n{row}\n", encoding="utf-8")
    assert load(folder).point("own").kind == kind


def test_kwh_of_a_meter_in_a_register_are_no_value_of_now(project: Project) -> None:
    folder = project(f"{CITY}meters: [{{register: meters.csv, zone: hall, every: 1h, kind: gauge}}]\n")
    (folder / "meters.csv").write_text("meter,unit\nown,kWh\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid, match=re.escape("meters.csv:2: `kind: gauge` of kWh")):
        load(folder)
