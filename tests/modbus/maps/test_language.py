"""What a connector file may say, and what the room makes of it: addresses, bits, repeats, rules for writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.maps.places import reference
from cityctl.modbus.maps.point import Condition

HEAD = "connector: meter\nvendor: Someone\nmodel: Meter 9\nclass: controller\nsources: [a page]\n"


def loaded(tmp_path: Path, points: str, head: str = "", repeats: str = "") -> DeviceConnector:
    path = tmp_path / "meter.yaml"
    body = "".join(f"  {line}\n" for line in points.strip().splitlines())
    path.write_text(HEAD + head + ("points:\n" + body if body else "") + repeats, encoding="utf-8")
    return load_connector(path)


@pytest.mark.parametrize(
    ("number", "place"),
    # Modicon references: the first digit is the table, the rest counts from 1
    [
        (40001, (3, 0)),
        (49999, (3, 9998)),
        (400001, (3, 0)),
        (465536, (3, 65535)),
        (30001, (4, 0)),
        (365536, (4, 65535)),
        (10001, (2, 0)),
        (1, (1, 0)),
        (9999, (1, 9998)),
        (40000, None),
        (50001, None),
        (465537, None),
        (0, None),
    ],
)
def test_references(number, place):
    assert reference(number) == place


def test_a_list_of_references_needs_no_function_codes(tmp_path):
    points = """
a: {address: 40011, type: float32}
b: {address: 30011, type: uint16}
c: {address: 10011, type: bool}
d: {address: 11, type: bool}
w: {address: 40021, type: int16, scale_factor: 40022}
w_sf: {address: 40022, type: int16}
"""
    device = loaded(tmp_path, points, "address_base: 4xxxx\n")
    places = {name: (p.function_code, p.address) for name, p in device.points.items()}
    assert places == {"a": (3, 10), "b": (4, 10), "c": (2, 10), "d": (1, 10), "w": (3, 20), "w_sf": (3, 21)}
    assert device.exponent_of(device.points["w"]) is device.points["w_sf"]


def test_danfoss_parameters(tmp_path):
    device = loaded(tmp_path, "f: {parameter: 16-13, type: uint16}", "parameters: danfoss\n")
    assert device.points["f"].address == 16129  # parameter 1613 x 10 - 1


def test_abb_parameters(tmp_path):
    points = "speed: {parameter: 01-01, type: int16}\nenergy: {parameter: 01-55, type: uint32}"
    device = loaded(tmp_path, points, "parameters: abb\n")
    # 400000 + 100 x 1 + 1 is 400101, less 400001; 420000 + 200 x 1 + 2 x 55 is 420310, less 400001
    assert (device.points["speed"].address, device.points["energy"].address) == (100, 20309)


def test_a_rule_of_ones_own(tmp_path):
    device = loaded(
        tmp_path, "a: {parameter: 2-3, type: uint16}", "parameters: {group: 256, index: 1, plus: 5}\n"
    )
    assert device.points["a"].address == 256 * 2 + 3 + 5


def test_points_share_a_register_by_their_bits(tmp_path):
    points = """
low: {address: 5, type: uint8}
high: {address: 5, type: uint8_high}
mode: {address: 6, type: uint16, bit: 4-6, enum: {5: eco}}
alarm: {address: 6, type: bool, bit: 15}
wide: {address: 8, type: uint32, bit: 12..19}
"""
    device = loaded(tmp_path, points)
    assert device.points["mode"].bit == (4, 3)
    assert device.points["alarm"].bit == (15, 1)
    assert device.points["alarm"].kind == "state"
    assert device.points["wide"].bit == (12, 8)
    assert all(p.is_part for p in device.points.values())


def test_repeats(tmp_path):
    repeats = """\
repeats:
  ai{n}:
    count: 3
    stride: 4
    first: 0
    points:
      value: {address: 10, type: float32}
      state: {address: 12, type: uint8, enum: {0: good}, group: slow}
"""
    device = loaded(tmp_path, "", repeats=repeats)
    assert list(device.points) == [f"ai{n}_{what}" for n in range(3) for what in ("value", "state")]
    assert device.points["ai2_value"].address == 18
    assert device.polled("fast") == ["ai0_value", "ai1_value", "ai2_value"]
    assert device.polled("slow") == ["ai0_state", "ai1_state", "ai2_state"]


def test_rules_for_writing_come_in_the_points_unit(tmp_path):
    points = """
mode: {address: 0, type: uint16, enum: {0: local, 1: remote}}
level: {address: 1, type: int16, unit: m, scale: 0.01, access: readwrite, write: {min: 20 , max: 450, unit: cm,
  max_step: 50, settle: 1m30s, tolerance: 1, depends_on: [{point: mode, equals: remote}, level_ok]}}
level_ok: {address: 2, type: uint16}
temperature: {address: 3, type: int16, unit: degC, scale: 0.1, access: write, write: {min: 32, max: 212,
  max_step: 9, unit: degF}}
total: {address: 4, type: uint32, access: readwrite, write: {}}
octet: {address: 6, type: uint8, access: readwrite, write: {}}
coil: {address: 0, type: bool, function_code: 1, access: readwrite, write: {settle: 2}}
"""
    device = loaded(tmp_path, points)
    rule = device.points["level"].write
    assert rule is not None
    assert (rule.function, rule.minimum, rule.maximum) == (6, pytest.approx(0.2), pytest.approx(4.5))
    assert (rule.max_step, rule.tolerance, rule.settle) == (pytest.approx(0.5), pytest.approx(0.01), 90.0)
    assert rule.depends_on == (Condition("mode", "remote"), Condition("level_ok"))
    warm = device.points["temperature"]
    assert warm.write is not None
    # 32 degF is 0 degC, 212 degF is 100 degC, a step of 9 degF one of 5 K
    assert (warm.write.minimum, warm.write.maximum) == (pytest.approx(0), pytest.approx(100))
    assert warm.write.max_step == pytest.approx(5)
    assert "temperature" not in device.readable()
    usual = {name: device.points[name].write.function for name in ("total", "octet", "coil")}  # type: ignore[union-attr]
    assert usual == {"total": 16, "octet": 22, "coil": 5}
    assert device.writable() == ["level", "temperature", "total", "octet", "coil"]


def test_what_nobody_confirms_is_not_polled(tmp_path):
    device = loaded(
        tmp_path,
        "a: {address: 0, type: uint16}\nb: {address: 1, type: uint16, confidence: 1}",
        "confidence: 0\nnotes: [a guess]\n",
    )
    assert device.polled() == ["b"]
    assert device.readable() == ["a", "b"]
    assert device.unconfirmed() == ["a"]
    assert device.unconfirmed(["b"]) == []


def test_what_else_a_device_may_say(tmp_path):
    head = (
        "max_bits: 100\nconnections: 1\nanswer_time: 0.8\npause: 0.05\nwake: 1\n"
        "device_id: {vendor: ACME*, product: '*9'}\n"
    )
    device = loaded(tmp_path, "a: {address: 0, type: float32, invalid: [-9999, 1.0e+6]}", head)
    assert (device.max_bits, device.connections, device.answer_time, device.wake) == (100, 1, 0.8, 1)
    assert (device.device_id.vendor, device.device_id.server_id) == ("ACME*", None)
    assert device.points["a"].invalid == frozenset({-9999, 1e6})


def test_seconds_may_be_durations(tmp_path):
    path = tmp_path / "slow.yaml"
    head = "connector: slow\nvendor: v\nmodel: m\nclass: charger\nsources: [s]\n"
    head += "points: {a: {address: 0, type: int16}}\n"
    path.write_text(
        head + "pause: 50ms\nafter_connect: 2s\ntimeout: 1500ms\nanswer_time: 0.4\n", encoding="utf-8"
    )
    made = load_connector(path)
    assert (made.pause, made.after_connect, made.timeout, made.answer_time) == (0.05, 2.0, 1.5, 0.4)
