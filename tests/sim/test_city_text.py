from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cityctl.city.load import load
from cityctl.city.model import City
from cityctl.sim.city_text import project_files
from cityctl.sim.plant import DEVICES
from cityctl.sim.simulator import Installation
from cityctl.sim.town.blueprint import BUILDINGS, WATER_ZONES
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
KEPT = Installation.from_base(Scenario.at(NOW), 21000)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    text, others = project_files(KEPT)
    for path, content in {"city.yaml": text, **others}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return load(folder)


def test_every_device_of_the_plant_is_where_it_answers(city: City):
    for device in DEVICES:
        entry = city.devices[device.id]
        assert (entry.connector, entry.host, entry.unit) == (device.connector, "127.0.0.1", device.unit)
        assert entry.port == KEPT.ports[device.site]


def test_a_zones_inflow_has_a_device_and_a_history(city: City, town: Town):
    for zone in WATER_ZONES.values():
        point = city.point(f"{zone.id}_inflow")
        assert city.inflow_point(zone.id) == point.id
        assert point.device is not None
        assert point.service == f"historian/{zone.tag}.FT01"
        assert (point.zone, point.unit) == (zone.id, "m3/h")


def test_every_series_that_the_city_pulls_is_recorded_in_its_unit(city: City, town: Town):
    from cityctl.units import unit

    pulled = [point for point in city.points().values() if point.service]
    for point in pulled:
        service, _, series = point.service.partition("/")
        if service in ("historian", "weather"):
            recorded = town.records.series[series]
            assert unit(recorded.unit).symbol == point.shown_unit
            assert point.every is not None
            assert point.every.total_seconds() == recorded.every
    meters = {point.service for point in pulled if point.service.startswith("greenbutton/")}
    assert meters == {*(f"greenbutton/{name}" for name in BUILDINGS), "greenbutton/solar-depot#reverse"}


def test_the_interventions_are_those_of_the_scenario(city: City):
    told = {(done.zone, done.date) for done in city.interventions}
    assert told == {(done.building, done.date) for done in KEPT.scenario.interventions}


def test_derived_points_are_those_of_the_balance(city: City):
    assert city.point("tank_change").formula is not None
    assert city.point("all_zones").formula is not None
