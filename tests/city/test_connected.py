"""What a city knows of a connector's points is what the room that asks devices makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.city.connected import connected_points
from cityctl.city.load import load
from cityctl.document import read
from cityctl.modbus.maps.connector import load_connector

FILES = sorted((Path(__file__).parents[2] / "connectors" / "devices").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_readings_of_a_connector_agree(path):
    device = load_connector(path)
    points = connected_points(read(path).data)
    assert set(points) == set(device.points)
    assert [name for name, fields in points.items() if fields["polled"]] == device.polled()
    for name, fields in points.items():
        assert fields.get("unit") is None or device.points[name].unit is not None


@pytest.mark.parametrize(
    "written", [{}, {"points": 7}, {"points": {"a": 3}}, {"repeats": {"x{n}": {"count": "many"}}}]
)
def test_a_broken_file_is_left_to_whoever_asks(written):
    connected_points(written)


def test_a_counter_begins_anew_at_the_end_of_its_registers(project):
    """2**32 and 10**8 (eight decimal digits, of bcd32 as of m10k32), times the scale; none where a factor moves it."""
    kinds = {
        "a": "uint32, scale: 0.01",
        "b": "acc32",
        "c": "bcd32",
        "d": "m10k32, scale: 10",
        "e": "acc32, scale_factor: 8",
        "f": "float32",
    }
    folder = project(
        "name: T\ntime_zone: UTC\ncountry: DE\nnetworks: {w: {kind: water}}\n"
        "devices: {m: {connector: counting, host: 127.0.0.1}}\n"
    )
    lines = [
        f"  {name}: {{address: {10 * at}, type: {kind}, unit: m3, kind: counter}}\n"
        for at, (name, kind) in enumerate(kinds.items())
    ]
    path = folder / "connectors" / "devices" / "counting.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("connector: counting\nclass: water_meter\npoints:\n" + "".join(lines))
    points = load(folder).points()
    assert {name: points[f"m/{name}"].rollover for name in kinds} == {
        "a": pytest.approx(42_949_672.96),
        "b": 2.0**32,
        "c": 1e8,
        "d": 1e9,
        "e": None,
        "f": None,
    }
