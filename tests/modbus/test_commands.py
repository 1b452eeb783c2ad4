"""`read`, `devices` and `connectors` as a user runs them, against a real server."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cityctl.collect.connectors import connector, connector_list, is_sound, lint
from cityctl.library import Library, shipped_folder
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank

CITY = """\
name: Town
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}}}
zones: {{hafen: {{network: water, kind: dma, inflow: hafen_inflow}}}}
devices:
  inlet: {{connector: siemens_mag6000, host: 127.0.0.1, port: {port}, unit: 1, zone: hafen, timeout: 10}}
  pump: {{connector: grundfos_cim200, host: 127.0.0.1, port: {port}, unit: 2, zone: hafen, timeout: 10}}
points:
  hafen_inflow: {{device: inlet/flow, unit: m3/h, every: 15m}}
"""
INLET = {"flow": 0.015625, "totalizer1": 1234.5, "product_code": "MAG 6000", "totalizer1_direction": 1.0}


def shipped(name: str) -> Path:
    return shipped_folder() / "connectors" / "devices" / f"{name}.yaml"


def inlet() -> Bank:
    return Bank.from_connector(load_connector(shipped("siemens_mag6000")), lambda name: INLET.get(name, 0.0))


def pump() -> Bank:
    live = {"status": float(1 << 9), "flow": 12.5, "liquid_temperature": 20.0}
    return Bank.from_connector(load_connector(shipped("grundfos_cim200")), lambda name: live.get(name))


@pytest.fixture
def town(project, serve):
    return project(CITY.format(port=serve({1: inlet(), 2: pump()})))


def test_read_shows_values_states_and_units(cityctl, town):
    done = cityctl("read", "inlet", "pump/status", "pump/flow", "--project", town, "-o", "json")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    flow = rows["inlet", "flow"]
    assert (flow["value"], flow["unit"]) == (56.25, "m³/h")  # 0.015625 m³/s; city.yaml speaks m³/h
    assert flow["quality"] == "good"
    assert rows["inlet", "product_code"]["state_name"] == "MAG 6000"
    assert rows["inlet", "totalizer1_direction"]["state_name"] == "forward"
    assert (rows["pump", "status"]["value"], rows["pump", "status"]["state_name"]) == (512, "on")
    assert rows["pump", "flow"]["value"] == 12.5
    assert not (town / ".cityctl" / "store").exists()


def rows_of(text: str) -> dict[tuple[str, str], dict[str, object]]:
    """Rows by device and point, wherever the JSON keeps them."""

    def found(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            if "device" in node and "point" in node:
                return [node]
            return [row for inner in node.values() for row in found(inner)]
        return [row for inner in node for row in found(inner)] if isinstance(node, list) else []

    return {(str(row["device"]), str(row["point"])): row for row in found(json.loads(text))}


def test_read_names_the_silent_unit_and_exits_12(cityctl, project, serve):
    town = project(CITY.format(port=serve({2: pump()})))
    done = cityctl("read", "inlet/flow", "--project", town)
    assert done.returncode == 12
    assert "inlet did not answer at 127.0.0.1:" in done.stderr
    assert "unit 1: exception 11 (gateway target does not answer)" in done.stderr
    assert "hint: `cityctl devices diagnose inlet`" in done.stderr
    assert "within" not in done.stderr  # a gateway's refusal is no silence
    assert "Traceback" not in done.stderr


def test_silence_is_told_with_what_was_reached(cityctl, project):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        text = CITY.format(port=port).replace("timeout: 10", "timeout: 0.5")
        done = cityctl("read", "inlet/flow", "--project", project(text))
    assert done.returncode == 12
    assert f"cityctl: inlet did not answer at 127.0.0.1:{port} within 0.5 s (2 tries)\n" in done.stderr
    assert "a gateway often needs another unit id" in done.stderr
    assert "reached: TCP connect ok; unit 1 silent" in done.stderr


def test_a_device_that_refuses_everything_is_told_from_a_silent_one(cityctl, project, serve):
    """A pump where the city has a flow meter."""
    done = cityctl("read", "inlet/flow", "--project", project(CITY.format(port=serve({1: pump()}))))
    assert done.returncode == 12
    assert "cityctl: inlet gave no value at 127.0.0.1:" in done.stderr
    assert "exception 2 (illegal address)" in done.stderr
    assert "hint: is `siemens_mag6000` what stands there? `cityctl devices identify inlet`" in done.stderr


def test_read_keeps_the_good_part_and_exits_4(cityctl, project, serve):
    town = project(CITY.format(port=serve({2: pump()})))
    done = cityctl("read", "inlet/flow", "pump/flow", "--project", town)
    assert done.returncode == 4
    assert "12.5" in done.stdout
    assert "inlet" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("word", "hint"), [("inlett/flow", "did you mean `inlet`?"), ("inlet/flwo", "did you mean `flow`?")]
)
def test_a_wrong_word_is_refused_before_anything_is_sent(cityctl, project, word, hint):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        town = project(CITY.format(port=listening.getsockname()[1]))
        done = cityctl("read", word, "--project", town)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert done.returncode == 2
    assert hint in done.stderr


def test_devices_list_and_show(cityctl, town):
    listed = cityctl("devices", "list", "--project", town)
    assert listed.returncode == 0, listed.stderr
    assert "siemens_mag6000" in listed.stdout
    shown = cityctl("devices", "show", "inlet", "--project", town)
    assert shown.returncode == 0, shown.stderr
    assert "hafen_inflow" in shown.stdout
    assert "MAG 8000" in shown.stdout  # the connector's warning of the other direction codes


def test_connectors_work_without_a_project(cityctl):
    listed = cityctl("connectors", "list")
    assert listed.returncode == 0, listed.stderr
    assert "eastron_sdm630" in listed.stdout
    shown = cityctl("connectors", "show", "sunspec_103")
    assert shown.returncode == 0, shown.stderr
    assert "operating_state" in shown.stdout
    missing = cityctl("connectors", "show", "eastron_sdm63")
    assert missing.returncode == 2
    assert "did you mean `eastron_sdm630`?" in missing.stderr


def test_lint_names_each_error_with_its_place(cityctl, tmp_path):
    assert cityctl("connectors", "lint").returncode == 0
    text = shipped("siemens_mag6000").read_text(encoding="utf-8").replace("unit: m3/s", "unti: m3/s")
    path = tmp_path / "siemens_mag6000.yaml"
    path.write_text(text, encoding="utf-8")
    done = cityctl("connectors", "lint", path)
    assert done.returncode == 10
    line = next(number for number, said in enumerate(text.splitlines(), 1) if "unti" in said)
    assert f"siemens_mag6000.yaml:{line}:" in done.stdout
    assert "unknown key `points.flow.unti`" in done.stdout


def test_a_projects_own_connector_is_found_by_being_there(cityctl, project, serve):
    own = (
        "connector: my_meter\nvendor: V\nmodel: M\nclass: water_meter\n"
        "points: {flow: {address: 0, type: int16, unit: L/s, scale: 0.1}}\nsources: [me]\n"
    )
    town = project("name: T\ntime_zone: UTC\n")
    folder = town / "connectors" / "devices"
    folder.mkdir(parents=True)
    (folder / "my_meter.yaml").write_text(own, encoding="utf-8")
    port = serve({1: Bank.from_connector(load_connector(folder / "my_meter.yaml"), lambda _: 4.5)})
    (town / "city.yaml").write_text(
        f"name: T\ntime_zone: UTC\ndevices: {{m: {{connector: my_meter, host: 127.0.0.1, port: {port}}}}}\n",
        encoding="utf-8",
    )
    done = cityctl("read", "m/flow", "--project", town, "-o", "csv")
    assert done.returncode == 0, done.stderr
    assert "4.5" in done.stdout


SERVICE = """\
title: A historian
request: {path: "/{plant}/export", query: {tag: "{series}"}}
answer: {format: csv}
parameters: {plant: {meaning: number of the plant, required: true}}
"""


def test_services_are_connectors_too(tmp_path):
    folder = tmp_path / "connectors" / "services"
    folder.mkdir(parents=True)
    (folder / "historian.yaml").write_text(SERVICE, encoding="utf-8")
    library = Library(tmp_path)
    table = connector_list(library).tables[0]
    rows = dict(zip(table.cells("connector"), table.cells("class"), strict=True))
    assert rows["historian"] == "service"
    assert connector(library, "historian").tables[0].cells("name") == ["plant"]
    assert is_sound(lint(library, ["historian"]))
    (folder / "historian.yaml").write_text(SERVICE.replace("title", "tilte"), encoding="utf-8")
    broken = lint(library, [str(folder / "historian.yaml")])
    assert not is_sound(broken)
    (found,) = broken.findings[:1]
    assert found.subject == f"{folder / 'historian.yaml'}:1:1"
    assert found.text == "unknown key `tilte` (did you mean `title`?)"


def test_a_broken_connector_does_not_hide_the_others(tmp_path):
    folder = tmp_path / "connectors" / "devices"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("connector: [\n", encoding="utf-8")
    result = lint(Library(tmp_path))
    verdicts = dict(zip(result.tables[0].cells("connector"), result.tables[0].cells("verdict"), strict=True))
    assert verdicts.pop("broken") == "INVALID"
    assert [finding.subject for finding in result.findings] == [f"{folder / 'broken.yaml'}:2:1"]
    assert set(verdicts.values()) == {"ok"}
