"""`devices scan`, `identify`, `diagnose`, `read --watch` and `connectors new` as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cityctl.library import shipped_folder
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank

CITY = """\
name: Town
time_zone: Europe/Berlin
devices:
  meter: {{connector: siemens_pac2200, host: 127.0.0.1, port: {port}, unit: 1, timeout: 10}}
  gone: {{connector: siemens_pac2200, host: 127.0.0.1, port: {port}, unit: 9, timeout: 10}}
  guess: {{connector: krohne_ifc070, host: 127.0.0.1, port: {port}, unit: 3, timeout: 10}}
points:
  guessed_flow: {{device: guess/flow, unit: m3/h, every: 15m}}
"""


def bank(name: str) -> Bank:
    connector = load_connector(shipped_folder() / "connectors" / "devices" / f"{name}.yaml")
    units = {"V": 230.0, "A": 4.2, "Hz": 50.0}
    return Bank.from_connector(
        connector,
        lambda point: (
            "T"
            if connector.points[point].is_text
            else units.get(connector.points[point].unit or "", 43123.0 if "status" in point else 12.5)
        ),
    )


@pytest.fixture
def port(serve):
    return serve({1: bank("siemens_pac2200"), 3: bank("krohne_ifc070")})


@pytest.fixture
def town(project, port):
    return project(CITY.format(port=port))


def table(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_scan_needs_no_project(cityctl, port, tmp_path):
    done = cityctl("devices", "scan", f"127.0.0.1:{port}", "--units", "1-4", "--rate", "1000", "-o", "jsonl")
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert [(row["unit_id"], row["vendor"]) for row in rows] == [(1, "Siemens"), (3, "KROHNE")]


def test_scan_of_the_whole_city(cityctl, town):
    done = cityctl("devices", "scan", "--units", "1-4", "--rate", "1000", "-o", "jsonl", "--project", town)
    assert done.returncode == 0, done.stderr
    assert [row["unit_id"] for row in table(done.stdout)] == [1, 3]


def test_scan_of_nobody_exits_12(cityctl):
    done = cityctl("devices", "scan", "127.0.0.1:1", "--units", "1")
    assert done.returncode == 12
    assert "nothing listens on that port" in done.stderr
    assert "hint:" in done.stderr


def test_scan_of_a_device_that_is_none(cityctl, town):
    done = cityctl("devices", "scan", "metre", "--project", town)
    assert done.returncode == 2
    assert "did you mean `meter`?" in done.stderr


def test_identify_names_the_connector(cityctl, port):
    done = cityctl("devices", "identify", f"127.0.0.1:{port}", "--rate", "1000", "-o", "jsonl")
    assert done.returncode == 0, done.stderr
    first = table(done.stdout)[0]
    assert first["connector"] == "siemens_pac2200"
    assert "it names its maker and model" in str(first["why"])


def test_a_unit_behind_a_place_is_told_where_it_belongs(cityctl):
    told = cityctl("devices", "identify", "10.0.0.5:502/3")
    assert told.returncode == 2
    assert "`10.0.0.5:502` and `--unit 3`" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diagnose", "fe80::1"), "hint: write [fe80::1] or [fe80::1]:502"),
        (("scan", "10.0.0.5", "--units", "5-1"), "`5-1`: units are 0 to 255, the smaller one first"),
    ],
)
def test_places_and_units_that_are_written_wrong(cityctl, words, said):
    told = cityctl("devices", *words)
    assert told.returncode == 2
    assert said in told.stderr


def test_identify_of_a_silent_unit_exits_12(cityctl, port):
    done = cityctl("devices", "identify", f"127.0.0.1:{port}", "--unit", "8")
    assert done.returncode == 12
    assert "unit 8" in done.stderr


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda frame: frame[:6] + b"\x02" + frame[7:], "unit 2 answered a request to unit 1"),
        (lambda frame: frame[:7] + b"\x04" + frame[8:], "function code 4 answered a request for 3"),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Modbus/TCP frame"),
    ],
)
def test_identify_of_what_gives_no_good_answer_exits_12(cityctl, serve, spoilt, said):
    port = serve({1: bank("siemens_pac2200")}, rewrite=spoilt)
    done = cityctl("devices", "identify", f"127.0.0.1:{port}")
    assert done.returncode == 12, done.stderr
    assert f"unit 1 at 127.0.0.1:{port} gives no good answer" in done.stderr
    assert said in done.stderr
    assert "hint:" in done.stderr


def test_a_scan_that_cannot_tell_a_unit_exits_4(cityctl, serve):
    wrong = serve({1: bank("siemens_pac2200")}, rewrite=lambda frame: frame[:6] + b"\x02" + frame[7:])
    done = cityctl("devices", "scan", f"127.0.0.1:{wrong}", "--units", "1-4", "--rate", "1000")
    assert done.returncode == 4
    assert "unit 1: unit 2 answered a request to unit 1" in done.stdout + done.stderr


def test_diagnose(cityctl, town):
    done = cityctl("devices", "diagnose", "meter", "--rounds", "2", "--project", town)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 answered" in done.stdout
    gone = cityctl("devices", "diagnose", "gone", "--project", town)
    assert gone.returncode == 12
    assert "unit 1 (meter): answers" in gone.stdout
    assert "unit 9 is silent and its neighbours answer" in gone.stdout
    assert "set `unit: 1`" not in gone.stdout  # that is another device's


def test_a_watch_in_a_pipe_is_one_line_a_value_and_round(cityctl, town):
    done = cityctl("read", "meter/frequency", "gone", "--watch", "0.2s", "--rounds", "3", "--project", town)
    assert done.returncode == 4
    rows = table(done.stdout)
    assert [(row["point"], row["value"]) for row in rows] == [("frequency", 50.0)] * 3
    assert len({row["time"] for row in rows}) == 3
    assert done.stderr.count("gone: ") == 3


def test_a_watch_of_nobody_ends_with_12(cityctl, town):
    done = cityctl("read", "gone", "--watch", "0.2s", "--rounds", "2", "--project", town)
    assert done.returncode == 12
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--watch", "1s", "-o", "json"], "use -o jsonl"),
        (["--watch", "1s", "--output-file", "x.csv"], "use -o jsonl"),
        (["--watch", "0.01s"], "is the shortest"),
        (["--watch", "soon"], "is no duration"),
    ],
)
def test_a_watch_that_cannot_be(cityctl, town, words, said):
    done = cityctl("read", "meter", *words, "--project", town)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
def test_a_watch_on_a_terminal_stays_in_place(town):
    master, slave = pty.openpty()
    words = ["read", "meter/frequency", "--watch", "0.2s", "--rounds", "3", "--project", str(town)]
    surroundings = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cityctl", *words], stdin=slave, stdout=slave, stderr=slave, env=surroundings
    )
    os.close(slave)
    shown = b""
    ends = time.monotonic() + 300
    while time.monotonic() < ends:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(master)
    assert process.wait(300) == 0
    assert shown.count(b"\x1b[H\x1b[2J") == 3
    assert shown.count(b"frequency") == 3


def test_a_port_is_not_grouped(cityctl, town, port):
    """A table is asked for as on a terminal, where thousands are apart: 43 123 would be no port."""
    done = cityctl("devices", "list", "-o", "table", "--project", town)
    assert done.returncode == 0, done.stderr
    assert f" {port} " in done.stdout


def test_an_unconfirmed_map_is_warned_of(cityctl, town):
    done = cityctl("read", "guess/flow", "--project", town)
    assert done.returncode == 0, done.stderr
    assert "UNCONFIRMED map of krohne_ifc070, compare with the display before using: flow" in done.stdout
    listed = cityctl("devices", "show", "guess", "-o", "jsonl", "--project", town)
    polled = {row["name"]: row["polled"] for row in table(listed.stdout)}
    assert set(polled.values()) == {"no"}


def test_a_connector_from_a_makers_list(cityctl, town, tmp_path):
    source = tmp_path / "list.csv"
    source.write_text("Register;Name;Type;Unit\n40001;Flow;Float;m3/h\n40003;Odd;quux;\n", encoding="cp1252")
    words = [
        "connectors",
        "new",
        "acme",
        "--from",
        source,
        "--address-base",
        "4xxxx",
        "--class",
        "water_meter",
    ]
    done = cityctl(*words, "--project", town)
    assert done.returncode == 4
    assert "line 3: no type is named `quux`" in done.stdout
    assert load_connector(Path(town) / "connectors" / "devices" / "acme.yaml").points["flow"].address == 0
    assert cityctl("connectors", "lint", "acme", "--project", town).returncode == 0
    assert cityctl(*words, "--project", town).returncode == 2
    shipped = cityctl("connectors", "new", "sunspec_103", "--project", town)
    assert shipped.returncode == 2
    assert "sunspec_103 is a connector already, and yours would take its place" in shipped.stderr
    assert not (town / "connectors/devices/sunspec_103.yaml").exists()
