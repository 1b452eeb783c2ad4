"""A connector file's defaults are filled in, and its points have the names of states and bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.errors import UsageProblem
from cityctl.modbus.maps.connector import load_connector

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
    ("head", "point", "code"),
    [
        ("", "{address: 20, type: int16, unit: degC}", -0x8000),
        ("", "{address: 20, type: int32, unit: degC}", -0x80000000),
        ("", "{address: 20, type: uint16, unit: degC}", None),  # 0x8000 is in the middle of what it can say
        ("", "{address: 20, type: int16, unit: degC, invalid: none}", None),
        ("", "{address: 20, type: int16, unit: degC, invalid: [-1]}", None),
        ("invalid: {signed: none}", "{address: 20, type: int16, unit: degC}", None),
        ("", "{address: 20, type: int16, enum: {0: no, 1: yes}}", None),
    ],
)
def test_the_least_of_a_signed_type_is_doubted_where_nobody_says_what_is_no_value(
    tmp_path, head, point, code
):
    text = GOOD.replace("points:", f"{head}\npoints:").replace("sources:", f"  t: {point}\nsources:")
    assert load_connector(written(tmp_path, text)).points["t"].doubtful == code


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
    assert caught.value.hint == "did you mean `total`? `cityctl connectors show meter` lists them"
