"""Powers of ten that a device keeps in registers of its own, by name or by address."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cityctl.city.connected import connected_points
from cityctl.document import read
from cityctl.errors import ConfigInvalid
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from cityctl.reading import Quality

HEAD = """\
connector: meter
vendor: Someone
model: Meter 9
class: energy_meter
sources: [a page]
"""
# Acrel ADL and ACR: U = register / 10000 x 10**DPT, I = register / 10000 x 10**DCT, both in one register.
TWO_IN_ONE = """\
points:
  dpt: {address: 35, type: uint8_high}
  dct: {address: 35, type: uint8}
  u: {address: 37, type: uint16, unit: V, scale: 0.0001, scale_factor: dpt}
  i: {address: 40, type: uint16, unit: A, scale: 0.0001, scale_factor: dct}
"""


def written(tmp_path: Path, points: str) -> Path:
    path = tmp_path / "meter.yaml"
    path.write_text(HEAD + points, encoding="utf-8")
    return path


def asked(path: Path, registers: dict[int, int]) -> dict[str, tuple[object, Quality]]:
    """What a device with these registers says."""
    connector = load_connector(path)

    class Held(Bank):
        def read(self, function_code: int, address: int, count: int) -> list[int] | int:
            return [registers.get(at, 0) for at in range(address, address + count)]

    async def go() -> Answer:
        async with Server({1: Held(connector, lambda name: None)}) as server:
            points = tuple(connector.polled())
            (answer,) = await asking_all([Target("m", "127.0.0.1", server.port, 1, connector, points)])
            return answer

    return {name: (v.value, v.quality) for name, v in asyncio.run(go()).values.items()}


def test_two_powers_of_ten_in_one_register(tmp_path):
    """2301 / 10000 x 10**3 = 230.1 V, 41234 / 10000 x 10**1 = 41.234 A."""
    path = written(tmp_path, TWO_IN_ONE)
    found = asked(path, {35: 0x0301, 37: 2301, 40: 41234})
    assert found == {"u": (230.1, Quality.GOOD), "i": (41.234, Quality.GOOD)}


DECIMALS = """\
points:
  value: {address: 0, type: int16, unit: bar, scale_factor: decimals}
  decimals: {address: 1, type: uint16, scale: -1}
  level: {address: 2, type: uint16, unit: m, scale_factor: step}
  step: {address: 3, type: uint16, offset: -3}
"""


@pytest.mark.parametrize(
    ("decimals", "value", "step", "level"),
    [(2, 12.34, 0, 5.678), (0, 1234.0, 3, 5678.0), (3, 1.234, 1, 56.78)],
)
def test_a_number_of_decimals_in_a_register(tmp_path, decimals, value, step, level):
    """1234 with 2 decimals is 12.34, and 5678 by a code whose 0 is a thousandth: 5.678. As a power it was 123 400."""
    path = written(tmp_path, DECIMALS)
    found = asked(path, {0: 1234, 1: decimals, 2: 5678, 3: step})
    assert found == {"value": (value, Quality.GOOD), "level": (level, Quality.GOOD)}


def test_a_pretended_device_counts_decimals(tmp_path):
    """Both to the thousandth: 12.341 bar fit into an int16, 5.678 m into 16 bits."""
    bank = Bank.from_connector(
        load_connector(written(tmp_path, DECIMALS)), {"value": 12.341, "level": 5.678}.get
    )
    assert bank.read(3, 0, 4) == [12341, 3, 5678, 0]


def test_a_city_polls_what_the_connector_polls(tmp_path):
    path = written(tmp_path, TWO_IN_ONE)
    polled = [name for name, fields in connected_points(read(path).data).items() if fields["polled"]]
    assert polled == load_connector(path).polled() == ["u", "i"]


def test_each_number_of_a_repeat_has_its_own(tmp_path):
    """250 x 10**-1 bar and 7 x 10**2 bar."""
    points = """\
repeats:
  ai{n}:
    count: 2
    stride: 10
    points:
      power: {address: 1, type: int16}
      value: {address: 0, type: int16, unit: bar, scale_factor: power}
"""
    path = written(tmp_path, points)
    found = asked(path, {0: 250, 1: 0xFFFF, 10: 7, 11: 2})
    assert {name: value for name, (value, _) in found.items()} == {"ai1_value": 25.0, "ai2_value": 700.0}
    polled = [name for name, fields in connected_points(read(path).data).items() if fields["polled"]]
    assert polled == ["ai1_value", "ai2_value"]


def test_a_pretended_device_has_them_too(tmp_path):
    connector = load_connector(written(tmp_path, TWO_IN_ONE))
    bank = Bank.from_connector(connector, {"u": 230.1, "i": 41.234}.get)
    registers = bank.read(3, 35, 6)
    assert isinstance(registers, list)
    powers = divmod(registers[0], 256)
    assert [registers[2] * 10 ** powers[0], registers[5] * 10 ** powers[1]] == pytest.approx(
        [2_301_000, 412_340], rel=1e-3
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("factor: dpt", "factor: dtp", "9:58", "no point is named `dtp`, did you mean `dpt`?"),
        ("address: 35, type: uint8}", "address: 35, type: float32}", "10:58", "`dct` is no power of ten"),
        ("type: uint8}", "type: uint8, scale: 2}", "10:58", "as it stands there"),
        ("address: 35, type: uint8}", "address: 400, type: int8}", "10:58", "both must fit into one request"),
        ("dct: {address: 35", "decimals: {address: 35", "10:58", "no point is named `dct`"),
        ("factor: dpt", "factor: -3", "9:58", "expected the name of the point with the power of ten"),
    ],
)
def test_a_factor_that_is_none_has_its_place(tmp_path, old, new, place, said):
    path = written(tmp_path, TWO_IN_ONE.replace(old, new))
    with pytest.raises(ConfigInvalid) as caught:
        load_connector(path)
    assert f"{path}:{place}" in str(caught.value)
    assert said in str(caught.value)


def test_decimals_taken_for_a_power_are_told(tmp_path):
    path = written(tmp_path, DECIMALS.replace("uint16, scale: -1", "uint16"))
    with pytest.raises(ConfigInvalid, match="give it `scale: -1`"):
        load_connector(path)


def test_a_code_of_no_value_is_known_as_a_float32_holds_it(tmp_path):
    """-9999.9 is -9999.900390625 and 9.9e37 is 9.900000302096328e37 in 32 bits (IEEE 754)."""
    points = """\
points:
  flow: {address: 0, type: float32, unit: m3/h, invalid: [-9999.9]}
  speed: {address: 2, type: float32, unit: m/s, invalid: [9.9e37, 0.1]}
"""
    registers = {0: 0xC61C, 1: 0x3F9A, 2: 0x7E94, 3: 0xF56A}
    nothing = (None, Quality.BAD)
    assert asked(written(tmp_path, points), registers) == {"flow": nothing, "speed": nothing}
