"""Which meters a savings report judges."""

from __future__ import annotations

from cityctl.analysis.energy.basis.meters import wanted, without_measure
from cityctl.city.load import load

CITY = """\
name: Estate
time_zone: UTC
networks: {power: {kind: power}}
zones: {school: {network: power}, depot: {network: power}}
points:
  air: {unit: degC, every: 1h}
  school_use: {unit: kWh, kind: interval, every: 1h, zone: school, role: consumption}
  depot_use: {unit: kWh, kind: interval, every: 1h, zone: depot, role: consumption}
weather: {temperature: air}
"""


def ids(city, meters: str) -> list[str]:
    return [one.point.id for one in wanted(city, {"meters": meters})]


def test_a_building_at_which_nothing_was_done_is_no_gap(project):
    city = load(project(CITY + "interventions: [{zone: school, date: 2025-01-01}]\n"))
    assert ids(city, "*") == ["school_use"]
    assert without_measure(city, {"meters": "*"}) == ["depot_use"]
    assert ids(city, "depot*") == ["depot_use"]  # asked for by name: there, to say why it is not judged


def test_where_nothing_was_done_anywhere_all_meters_say_so(project):
    city = load(project(CITY))
    assert ids(city, "*") == ["depot_use", "school_use"]
    assert without_measure(city, {"meters": "*"}) == []
