from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest

from cityctl.errors import Unreachable
from cityctl.library import Library
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.run import ask_all
from cityctl.reading import Quality
from cityctl.sim.plant import DEVICES
from cityctl.sim.simulator import Installation, Simulator
from cityctl.sim.town.electricity import building_meter
from cityctl.sim.town.records import BAR_PER_METRE
from cityctl.sim.town.registers import live_value, pump, water_meter
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town


def _connector(name: str) -> DeviceConnector:
    return load_connector(Library().find("connectors/devices", name))


@pytest.fixture(scope="module")
def answers(simulator: Simulator) -> dict[str, Answer]:
    """Every device of the city, read whole over TCP."""
    targets = []
    for device in DEVICES:
        connector = _connector(device.connector)
        port = simulator.installation.ports[device.site]
        targets.append(Target(device.id, "127.0.0.1", port, device.unit, connector, tuple(connector.points)))
    return {answer.target.device: answer for answer in ask_all(targets)}


def test_every_device_answers_every_point_with_a_plausible_value(answers: dict[str, Answer]):
    assert len(answers) >= 12
    for device, answer in answers.items():
        assert not answer.failures, device
        assert answer.had == answer.wanted
        for value in answer.values.values():
            point = answer.target.connector.points[value.point]
            assert value.quality is Quality.GOOD, f"{device}/{value.point} = {value.value}"
            if isinstance(value.value, float | int):
                assert math.isfinite(value.value)
            if point.enum:
                assert point.state_name(value.value) is not None, f"{device}/{value.point}"


def _value(answers: dict[str, Answer], device: str, point: str) -> float:
    value = answers[device].values[point].value
    assert isinstance(value, float | int)
    return float(value)


def test_what_is_read_over_modbus_is_what_flows(answers: dict[str, Answer], town: Town, now: datetime):
    """Expected values from the pure functions; tolerances from the registers' types and scales."""
    at = np.array([int(now.timestamp())], dtype=np.int64)
    water = town.hydraulics
    assert _value(answers, "hafen-inlet", "flow") * 3600 == pytest.approx(
        water.inflow("hafen", at)[0], rel=1e-6
    )
    assert _value(answers, "altstadt-inlet", "volume_flow") * 3600 == pytest.approx(
        water.inflow("altstadt", at)[0], rel=1e-6
    )
    assert _value(answers, "weststadt-inlet", "flow") * 3600 == pytest.approx(
        water.shown_inflow("weststadt", at)[0], rel=1e-6
    )
    assert _value(answers, "nordstadt-pressure", "p1") == pytest.approx(
        water.pressure("nordstadt", at)[0] * BAR_PER_METRE, rel=1e-6
    )
    assert _value(answers, "tank-level", "ch0") == pytest.approx(water.level(at)[0], rel=1e-6)
    on_duty = "pump-1" if water.pump_flow("pump_1", at)[0] > 0 else "pump-2"
    assert _value(answers, on_duty, "flow") == pytest.approx(water.pumped(at)[0], abs=0.051)
    assert _value(answers, "clinic-meter", "active_power") == pytest.approx(
        town.loads["clinic"].power(at)[0] * 1000, rel=1e-6
    )
    assert _value(answers, "solar-inverter", "active_power") == pytest.approx(
        town.weather.solar_power(at)[0] * 1000, abs=10
    )


def test_the_live_flow_belongs_to_the_recorded_mean(answers: dict[str, Answer], town: Town, now: datetime):
    """The historian's mean of the quarter that begins now is the mean of 15 minutes; the first of them was read."""
    second = int(now.timestamp())
    _, values = town.records.recorded("HAFEN.FT01", second, second + 900, second + 900)
    live = _value(answers, "hafen-inlet", "flow") * 3600
    assert live == pytest.approx(values[0], rel=0.2)  # a minute scatters by 3.5 % and the hour moves
    minutes = np.arange(second, second + 900, 60, dtype=np.int64)
    assert live == pytest.approx(town.hydraulics.shown_inflow("hafen", minutes)[0], rel=1e-6)


def test_a_role_shows_plausible_values_under_every_model_of_its_class(town: Town, now: datetime):
    """Each shipped model can be simulated: no point without a value, and none outside its limits."""
    roles = {
        "water_meter": water_meter(town, "hafen"),
        "energy_meter": building_meter(town, "clinic"),
        "power_analyser": building_meter(town, "clinic"),
        "pump": pump(town, "pump_1"),
        "drive": pump(town, "pump_1"),
    }
    tried = 0
    for path in Library().list("connectors/devices").values():
        connector = load_connector(path)
        role = roles.get(connector.device_class)
        if role is None:
            continue
        tried += 1
        shown = role(int(now.timestamp()))
        for point in connector.points.values():
            value = live_value(point, shown)
            if value is None and point.name.endswith("_sf"):
                continue  # a scale factor: the bank chooses it
            assert value is not None, f"{connector.connector}/{point.name}"
            if isinstance(value, float) and point.minimum is not None and point.maximum is not None:
                assert point.minimum <= value <= point.maximum, f"{connector.connector}/{point.name}"
    assert tried >= 12


def test_counters_rise_with_the_clock(now: datetime, town: Town):
    for role, name in (
        (water_meter(town, "altstadt"), "totalizer1"),
        (building_meter(town, "pool"), "energy_import"),
    ):
        first, second = (
            role(int(moment.timestamp()))[name][0] for moment in (now, now + timedelta(minutes=7))
        )
        assert isinstance(first, float)
        assert isinstance(second, float)
        assert 0 < second - first < 100


def test_a_taken_port_is_named_and_nothing_is_left_open(simulator: Simulator, now: datetime):
    taken = simulator.installation
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1") as refused, Simulator(taken, begin=now):
        pass
    assert refused.value.hint
    # the plant's ports alone are taken: the HTTP port that was opened first is closed again
    other = Installation(Scenario.at(now), ports=taken.ports)
    with pytest.raises(Unreachable, match="cannot answer"), Simulator(other, begin=now):
        pass


def test_the_same_city_answers_again_at_the_same_ports(now: datetime):
    with Simulator(Installation(Scenario.at(now)), begin=now, warm=False) as first:
        where = first.installation
        assert where.answers()
    assert not where.answers()
    with Simulator(where, begin=now, warm=False) as second:
        assert second.installation == where
        assert where.answers()
