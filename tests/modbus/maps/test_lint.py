"""Every kind of mistake in a connector file is told with its place, and with the near match where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid
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


def test_the_file_that_is_spoilt_below_is_good(tmp_path):
    assert len(load_connector(written(tmp_path, GOOD)).points) == 2


@pytest.mark.parametrize(
    ("old", "new", "place", "said", "hint"),
    [
        ("unit: m3/h", "unti: m3/h", "6:38", "unknown key `points.flow.unti`", "did you mean `unit`?"),
        ("unit: m3/h", "unit: m3/hh", "6:38", "`m3/hh` is no unit", "did you mean `m3/h`?"),
        ("float32", "flaot32", "6:23", "no type is named `flaot32`", "did you mean `float32`?"),
        ("vendor: Someone\n", "", "1:1", "`vendor` is missing", None),
        ("address: 10", "address: 70000", "6:10", "outside the addresses 0 to 65535", "connectors lint"),
        ("address: 10", "address: ten", "6:10", "expected a whole number", None),
        ("address: 10", "address: 00301", "6:19", "`00301` is octal to YAML: 193", "write 301"),
        ("kind: counter", "enum: {010: on}", "7:55", "`010` is octal to YAML: 8", "write 10"),
        ("kind: counter", "enum: {on: 1}", "7:55", "`on` is no number; a state is written", None),
        (
            "address: 10",
            "address: 400011",
            "6:10",
            "as a reference it is 10 of function 3",
            "connectors lint",
        ),
        (
            "points:\n  flow: {address: 10",
            "address_base: 1\npoints:\n  flow: {address: 0",
            "7:10",
            "first register 1",
            "lint",
        ),
        (
            "points:",
            "invalid: none\npoints:",
            "5:1",
            "expected codes by types (found `none`)",
            "{unsigned: none, signed: none}",
        ),
        (
            "points:",
            "invalid: 0xFFFF\npoints:",
            "5:1",
            "(found `65535`)",
            "{unsigned: all_ones, signed: min}",
        ),
        ("unit: m3/h", "scale: 0,1", "6:3", "unknown key `points.flow.1`", "write `scale: 0.1`"),
        ("class: water_meter", "class: water_metre", "4:1", "water_meter", "did you mean `water_meter`?"),
        ("unit: m3/h", "word_order: ABCC", "6:38", "'ABCD'", "did you mean `ABCD`?"),
        ("unit: m3/h", "access: redwrite", "6:38", "'read'", "did you mean `readwrite`?"),
        ("unit: m3/h", "group: slwo", "6:38", "'slow'", "did you mean `slow`?"),
        ("address: 10, ", "", "6:3", "needs its `address`, or its `parameter`", "connectors lint"),
        ("address: 10", "parameter: 16-13", "6:10", "the device has no `parameters` rule", "connectors lint"),
        ("address: 10", "parameter: 16.13", "6:10", "YAML would read 16.10 as 16.1", None),
        ("points:", "parameters: danfos\npoints:", "5:1", "no address rule", "did you mean `danfoss`?"),
        ("points:", "address_base: 4xxxx\npoints:", "7:10", "10 is a coil by its digits", "connectors lint"),
        ("type: uint32", "type: uint32, bit: 9-4", "7:38", "lower bit first", "did you mean `4-9`?"),
        ("type: uint32", "type: uint32, bit: 30-32", "7:38", "has the bits 0 to 31", "connectors lint"),
        ("float32", "float32, bit: 3", "6:38", "from an unsigned type", "connectors lint"),
        ("float32", "float32, enum: {1: a}", "6:38", "states have codes", "connectors lint"),
        ("float32", "float32, bits: {1: a}", "6:38", "no bits with names", "connectors lint"),
        ("kind: counter", "bits: {32: a}", "7:48", "bit 32: there are the bits 0 to 31", "connectors lint"),
        ("kind: counter", "enum: {-1: a}", "7:48", "no uint32 is -1", "connectors lint"),
        ("kind: counter", "invalid: [-1]", "7:48", "-1 is no uint32", "connectors lint"),
        ("kind: counter", "invalid: all_one", "7:48", "all_ones", "did you mean `all_ones`?"),
        ("kind: counter", "enum: {1: a}, scale: 2", "7:62", "are not scaled", "connectors lint"),
        ("kind: counter", "enum: {1: a}, bits: {1: b}", "7:62", "either `enum` or `bits`", "connectors lint"),
        ("kind: counter", "write: {min: 1}", "7:48", "and `access: read`", "connectors lint"),
        ("kind: counter", "access: write, function_code: 4", "7:48", "cannot be written", "connectors lint"),
        (
            "kind: counter",
            "access: write, write: {function: 6}",
            "7:71",
            "function 6 writes one register, this has 2",
            "connectors lint",
        ),
        (
            "kind: counter",
            "access: write, write: {function: 5}",
            "7:71",
            "function 5 does not write it: 6 or 16 or 22",
            "connectors lint",
        ),
        ("kind: counter", "access: write, write: {min: 5, max: 4}", "7:71", "min is above max", "lint"),
        ("kind: counter", "access: write, write: {max: 5.5}", "7:71", "between two steps of 1", "lint"),
        ("kind: counter", "access: write, write: {min: 1, unit: bar}", "7:79", "no conversion", "lint"),
        ("kind: counter", "access: write, write: {settle: 2 sek}", "7:71", "is no duration", "write 30s"),
        (
            "kind: counter",
            "access: write, write: {depends_on: [flwo]}",
            "7:71",
            "no point is named `flwo`, did you mean `flow`?",
            "lint",
        ),
        ("kind: counter", "access: write, write: {depends_on: [total]}", "7:71", "depends on itself", "lint"),
        ("kind: counter", "access: write, write: {mni: 1}", "7:71", "points.total.write.mni", "`min`"),
        ("kind: counter", "confidence: 3", "7:48", "0, 1 or 2", None),
        ("sources:", "confidence: 0\nsources:", "8:1", "needs `notes`", "connectors lint"),
        ("sources:", "identify: {point: flow, equals: x}\nsources:", "8:25", "`flow` is a number", "lint"),
        ("sources:", "sunspec: 103\nsources:", "8:1", "is told by its id", "connectors lint"),
        (
            "sources:",
            "repeats: {ai: {count: 2, stride: 1, points: {v: {address: 1, type: uint16}}}}\nsources:",
            "8:1",
            "such as ai{n}",
            None,
        ),
        (
            "sources:",
            "repeats: {'a{n}': {count: 2, stride: 1, points: {v: {address: 30, type: float32}}}}\nsources:",
            "8:54",
            "`a2_v` overlaps `a1_v`",
            "connectors lint",
        ),
        (
            "connector: meter",
            "connector: other",
            "1:1",
            "stands in a file named meter.yaml",
            "connectors lint",
        ),
        ("address: 12", "address: 11", "7:11", "`total` overlaps `flow`", "connectors lint"),
        ("address: 12", "address: 65535", "7:11", "outside the addresses 0 to 65535", "connectors lint"),
        ("type: uint32", "type: string", "7:3", "needs its `length` in characters", "connectors lint"),
        ("type: uint32", "type: bool", "7:24", "function codes 1 and 2 read a bool", "connectors lint"),
        ("kind: counter", "scale_factor: 99", "7:48", "no int16 point stands at 99", "connectors lint"),
        ("kind: counter", "min: 5, max: 5", "7:48", "min is not below max", "connectors lint"),
        ("kind: counter", "scale: 0", "7:48", "makes every value 0", None),
        ("kind: counter", "enum: {a: b}", "7:55", "`a` is no number", None),
        ("sources:", "identify: {point: flwo, equals: 1}\nsources:", "8:12", "did you mean `flow`?", None),
        ("sources: [a page]", "sources: []", "8:1", "at least 1 item", None),
        ("  flow:", "  Flow:", "5:1", "named in small letters", None),
        # What other tools and makers call it: the word to write is told.
        ("type: uint32", "type: DWORD", "7:24", "no type is named `DWORD`", "`uint32`"),
        ("kind: counter", "kind: Totalizer", "7:48", "found `Totalizer`", "write `counter`"),
        ("kind: counter", "access: R/W", "7:48", "found `R/W`", "write `readwrite`"),
        ("kind: counter", "function_code: holding", "7:48", "function code that reads it", "write `3`"),
        ("kind: counter", "function_code: 16", "7:48", "function code that reads it", "write `3`"),
        ("kind: counter", "function_code: '4'", "7:48", "found `4`", "write `4`, without quotes"),
        ("kind: counter", "word_order: little-endian", "7:48", "found `little-endian`", "`CDAB` (low word"),
        ("kind: counter", "scale: '0,01'", "7:48", "found `0,01`", "write `0.01`"),
        ("kind: counter", "scale: 1/8", "7:48", "found `1/8`", "write `0.125`"),
        ("address: 12", "address: 1Fh", "7:11", "found `1Fh`", "write `0x1F`"),
        ("sources:", "address_base: 40001\nsources:", "8:1", "found `40001`", "write `4xxxx`"),
        ("sources:", "pause: 2 sek\nsources:", "8:1", "is no duration", "write 30s"),
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


def test_a_scale_factor_must_fit_into_one_request_with_its_value(tmp_path):
    points = "  w: {address: 20, type: int16, scale_factor: 150}\n  f: {address: 150, type: int16}\nsources:"
    path = written(tmp_path, GOOD.replace("sources:", points))
    with pytest.raises(ConfigInvalid, match="its scale factor is 131 registers away"):
        load_connector(path)


def test_all_mistakes_are_told_at_once(tmp_path):
    text = GOOD.replace("address: 12", "address: 11").replace("connector: meter", "connector: other")
    with pytest.raises(ConfigInvalid) as caught:
        load_connector(written(tmp_path, text))
    assert "stands in a file named" in caught.value.message
    assert "overlaps" in caught.value.tried[0]


def test_a_bit_beside_its_whole_word_is_a_view_of_it(tmp_path):
    """A status word, and one of its bits as a point of its own; another word at half its place is a mistake."""
    path = tmp_path / "status.yaml"
    head = "connector: status\nvendor: v\nmodel: m\nclass: controller\nsources: [s]\npoints:\n"
    word = "  status: {address: 10, type: uint16, bits: {0: running, 1: fault}}\n"
    path.write_text(head + word + "  fault: {address: 10, type: bool, bit: 1}\n")
    assert set(load_connector(path).points) == {"status", "fault"}
    path.write_text(head + word + "  speed: {address: 9, type: uint32, bit: 0-7}\n")
    with pytest.raises(ConfigInvalid, match="overlaps"):
        load_connector(path)
