"""What a city knows of a connector's points is what the room that asks devices makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.city.connected import connected_points
from cityctl.document import read
from cityctl.modbus.connector import load_connector

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
