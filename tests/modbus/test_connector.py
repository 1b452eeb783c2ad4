"""A connector file's errors have their place and their near match; its defaults are filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.modbus.connector import load_connector

GOOD = """\
connector: meter
vendor: Someone
model: Meter 9
class: water_meter
points:
  flow: {address: 10, type: float32, unit: m3/h}
  total: {address: 12, type: uint32, unit: m3, kind: counter}
sources: [a page]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "meter.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_filled_in(tmp_path):
    head = GOOD.replace("class: water_meter", "class: water_meter\nfunction_code: 4\nword_order: CDAB")
    text = head.replace("kind: counter}", "kind: counter, function_code: 3, word_order: ABCD}")
    device = load_connector(written(tmp_path, text))
    flow, total = device.points["flow"], device.points["total"]
    assert (flow.function_code, flow.word_order, flow.registers, flow.kind) == (4, "CDAB", 2, "gauge")
    assert (total.function_code, total.word_order, total.end, total.kind) == (3, "ABCD", 14, "counter")


def test_addresses_are_the_protocols(tmp_path):
    one_based = load_connector(written(tmp_path, GOOD.replace("points:", "address_base: 1\npoints:")))
    assert one_based.points["flow"].address == 9
    text = GOOD.replace("points:", "base: 40070\ninvalid: {signed: min}\npoints:").replace(
        "sources:",
        "  w: {address: 20, type: int16, scale_factor: 21}\n  f: {address: 21, type: int16}\nsources:",
    )
    based = load_connector(written(tmp_path, text))
    assert based.points["flow"].address == 40080
    assert based.points["w"].scale_factor == based.points["f"].address == 40091
    assert based.exponent_of(based.points["w"]) is based.points["f"]
    assert based.points["w"].invalid == frozenset({-0x8000})
    assert "f" not in based.readable()


@pytest.mark.parametrize(
    ("old", "new", "place", "said", "hint"),
    [
        ("unit: m3/h", "unti: m3/h", "6:38", "unknown key `points.flow.unti`", "did you mean `unit`?"),
        ("unit: m3/h", "unit: m3/hr", "6:38", "`m3/hr` is no unit", "did you mean `m3/h`?"),
        ("float32", "flaot32", "6:23", "no type is named `flaot32`", "did you mean `float32`?"),
        ("vendor: Someone\n", "", "1:1", "`vendor` is missing", None),
        ("address: 10", "address: 70000", "6:10", "less than or equal to 65536", None),
        ("address: 10", "address: ten", "6:10", "valid integer", None),
        ("class: water_meter", "class: water_metre", "4:1", "water_meter", None),
        (
            "connector: meter",
            "connector: other",
            "1:1",
            "stands in a file named meter.yaml",
            "connectors show",
        ),
        ("address: 12", "address: 11", "7:11", "`total` overlaps `flow`", "connectors show"),
        ("address: 12", "address: 65535", "7:11", "outside the addresses 0 to 65535", "connectors show"),
        ("type: uint32", "type: string", "7:3", "needs its `length` in characters", "connectors show"),
        ("type: uint32", "type: bool", "7:24", "function codes 1 and 2 read a bool", "connectors show"),
        ("kind: counter", "scale_factor: 99", "7:48", "no int16 point stands at 99", "connectors show"),
        ("kind: counter", "min: 5, max: 5", "7:48", "min is not below max", "connectors show"),
        ("kind: counter", "scale: 0", "7:48", "makes every value 0", None),
        ("kind: counter", "enum: {a: b}", "7:55", "`a` is no number", None),
        ("sources:", "identify: {point: flwo, equals: 1}\nsources:", "8:12", "did you mean `flow`?", None),
        ("sources: [a page]", "sources: []", "8:1", "at least 1 item", None),
        ("  flow:", "  Flow:", "5:1", "named in small letters", None),
    ],
)
def test_an_error_has_its_place(tmp_path, old, new, place, said, hint):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigInvalid) as caught:
        load_connector(path)
    assert caught.value.message.startswith(f"{path}:{place}: ")
    assert said in caught.value.message
    if hint:
        assert caught.value.hint is not None
        assert hint in caught.value.hint


def test_states_keep_their_names_though_yaml_reads_on_and_numbers(tmp_path):
    text = GOOD.replace("kind: counter}", "enum: {0: off, 1: on, 0x10: 1200}}")
    total = load_connector(written(tmp_path, text)).points["total"]
    assert total.enum == {0: "off", 1: "on", 16: "1200"}
    assert total.kind == "state"
    assert [total.state_name(value) for value in (1.0, 16.0, 7.0, None)] == ["on", "1200", None, None]


def test_bits_are_named(tmp_path):
    text = GOOD.replace("kind: counter}", "bits: {0: remote, 9: on}}")
    total = load_connector(written(tmp_path, text)).points["total"]
    assert total.state_name(float(1 << 9 | 1)) == "remote, on"
    assert total.state_name(0.0) == "none"


def test_an_unknown_point_has_its_near_match(tmp_path):
    with pytest.raises(UsageProblem) as caught:
        load_connector(written(tmp_path, GOOD)).point("totl")
    assert caught.value.hint == "did you mean `total`?"
