"""A new connector's text holds against the language, whatever the maker's list looks like."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.document import parse
from cityctl.errors import ConfigInvalid, InputRefused, UsageProblem
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.maps.skeleton import quoted, skeleton

LIST = """\
Register;Description;Data type;Unit;Factor;R/W;Function;Remark
40001;Flow rate;Float;m3/h;;R;;
40003;Total volume;U32;m³;0,01;R;;
40005;Status;WORD;;;R;;see table 4: on, off
40006;Set point;INT;bar;0.1;RW;;
40007;Serial;ASCII[16];;;R;;
40015;Odd;quux;;;R;;
;;;;;;;
nothing;x;INT;;;R;;
"""


def loaded(tmp_path: Path, text: str, name: str = "meter") -> DeviceConnector:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_connector(path)


def test_the_skeleton_lints(tmp_path):
    device = loaded(tmp_path, skeleton("meter").text)
    assert list(device.points) == ["flow", "total", "state"]


def test_a_makers_list(tmp_path):
    written = skeleton("meter", address_base="4xxxx", table=LIST, vendor="ACME: Flow", model="F-1 #2")
    device = loaded(tmp_path, written.text)
    assert (device.vendor, device.model) == ("ACME: Flow", "F-1 #2")
    points = {name: (p.address, p.type, p.unit, p.scale, p.kind) for name, p in device.points.items()}
    assert points == {
        "flow_rate": (0, "float32", "m3/h", 1.0, "gauge"),
        "total_volume": (2, "uint32", "m3", 0.01, "counter"),
        "status": (4, "uint16", None, 1.0, "gauge"),
        "set_point": (5, "int16", "bar", 0.1, "gauge"),
        "serial": (6, "string", None, 1.0, "state"),
    }
    assert device.points["status"].note == "see table 4: on, off"
    assert device.points["set_point"].access == "readwrite"
    assert not device.points["set_point"].polled
    assert written.left_out == (
        "line 7: no type is named `quux`",
        "line 9: `nothing` is no address",
    )


def test_names_that_are_alike_are_told_apart(tmp_path):
    table = "address,name\n0,Volt L1\n1,Volt L1\n2,9 lives\n3,\n"
    device = loaded(tmp_path, skeleton("meter", table=table).text)
    assert list(device.points) == ["volt_l1", "volt_l1_2", "p_9_lives", "register_3"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "empty"),
        ("name,unit\na,V\n", "no column of the list holds addresses"),
        ("address\nx\n", "no line"),
    ],
)
def test_a_list_that_says_nothing_is_refused(table, said):
    with pytest.raises(InputRefused, match=said):
        skeleton("meter", table=table)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UsageProblem) as caught:
        skeleton("Acme Flow-1")
    assert caught.value.hint == "did you mean `acme_flow_1`?"


@given(st.text(max_size=30))
def test_any_text_is_a_text_to_yaml(text):
    shown = "".join(sign for sign in text if sign.isprintable()) or "x"
    assert parse(f"a: {quoted(shown)}", Path("x.yaml")).data == {"a": shown.strip()} or parse(
        f"a: {quoted(shown)}", Path("x.yaml")
    ).data == {"a": shown}


CELL = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)


@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 70_000).map(str), CELL),
            CELL,
            st.sampled_from(["", "float", "U32", "INT", "string", "BOOL", "quux", "bcd32"]),
            st.one_of(st.just("kWh"), CELL),
            st.sampled_from(["", "0.1", "10", "x", "0"]),
        ),
        max_size=8,
    )
)
def test_every_list_gives_a_file_that_is_read_or_is_refused(rows):
    """Never an unforeseen error: what a line lacks is told, what contradicts itself the linter tells."""
    out = io.StringIO()
    csv.writer(out).writerows([("address", "name", "type", "unit", "scale"), *rows])
    try:
        written = skeleton("meter", table=out.getvalue())
    except InputRefused:
        return
    assert parse(written.text, Path("meter.yaml")).data["connector"] == "meter"
    assert written.points + len(written.left_out) <= len(rows)


def test_the_file_is_written_once(tmp_path):
    from cityctl.collect.new_connector import new
    from cityctl.library import Library

    folder = tmp_path / "connectors" / "devices"
    result = new(Library(tmp_path), folder, "meter", device_class="water_meter")
    assert load_connector(folder / "meter.yaml").device_class == "water_meter"
    assert result.completeness.missing == []
    with pytest.raises(UsageProblem, match="is there already"):
        new(Library(tmp_path), folder, "meter")
    with pytest.raises(UsageProblem) as caught:
        new(Library(tmp_path), folder, "other", device_class="water_metre")
    assert caught.value.hint == "did you mean `--class water_meter`?"
    with pytest.raises(ConfigInvalid):
        load_connector(folder / "other.yaml")


def test_what_is_no_table_is_refused():
    with pytest.raises(InputRefused, match="the list is no CSV"):
        skeleton("meter", table="\x00\x01address\rdef\r\n\x00")


def test_a_list_with_german_heads_and_a_column_that_nobody_knows(tmp_path):
    table = "Register;Name;Typ;Einheit;Beschreibung;Bus\n40101;Zählerstand;UDINT;m3;x10;A\n40103;Größe;FLOAT;bar;;A\n"
    written = skeleton("meter", address_base="4xxxx", table=table)
    points = loaded(tmp_path, written.text).points
    assert [(name, p.type, p.kind, p.note) for name, p in points.items()] == [
        ("zaehlerstand", "uint32", "counter", "x10"),
        ("groesse", "float32", "gauge", None),
    ]
    assert written.notes == ("columns of the list that were not read: Bus",)


def test_types_that_no_column_says_are_told(tmp_path):
    written = skeleton("meter", table="Address;Description;Label;Sort\n1;in m3/h;flow;FLOAT\n")
    assert loaded(tmp_path, written.text).points["flow"].note == "in m3/h"
    assert written.notes == (
        "no column of the list says types: every point is taken as uint16; head it `type`",
        "columns of the list that were not read: Sort",
    )
