"""`cityctl doctor` on projects that have something wrong."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid
from cityctl.project.doctor import examine
from cityctl.reading import Reading
from cityctl.store import Store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CITY = """\
name: Ill
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}}}
devices: {{inlet: {{connector: siemens_mag6000, host: 127.0.0.1, port: {port}, every: 15m}}}}
services: {{headend: {{connector: csv_headend, url: "http://127.0.0.1:{port}", secret: {{file: key}}}}}}
points:
  flow: {{device: inlet/flow, unit: m3/h, every: 15m}}
  meter: {{service: headend/E1, unit: kWh, kind: interval, every: 1h}}
"""


@pytest.fixture
def ill(project):
    """A project whose device and service answer at one listening port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        folder = project(CITY.format(port=listening.getsockname()[1]))
        (folder / "key").write_text("secret-canary")
        (folder / "key").chmod(0o600)
        yield folder


def verdicts(result) -> dict[str, str]:
    return dict(zip(result.tables[0].cells("check"), result.tables[0].cells("verdict"), strict=True))


def test_a_sound_project_is_told_what_is_still_to_do(ill):
    result = examine(Project(ill), now=NOW)
    said = verdicts(result)
    assert said["city.yaml"] == said["connector siemens_mag6000"] == said["connector csv_headend"] == "ok"
    assert said["device inlet"] == said["service headend"] == said["secret of headend"] == "ok"
    assert said["store"] == "look"
    assert result.completeness.complete


def test_what_does_not_answer_is_named_and_makes_it_incomplete(ill, closed_port):
    (ill / "city.yaml").write_text(CITY.format(port=closed_port))
    result = examine(Project(ill), now=NOW)
    assert verdicts(result)["device inlet"] == "wrong"
    assert {missing.what for missing in result.completeness.missing} == {"device inlet", "service headend"}
    assert verdicts(examine(Project(ill), now=NOW, offline=True))["devices and services"] == "not tried"


def test_late_points_are_told_from_fresh_ones(ill):
    with Store.open(Project(ill).store_folder) as store:
        late = NOW - timedelta(hours=5)
        readings = [Reading("flow", late, 1.0), Reading("meter", NOW - timedelta(hours=1), 2.0)]
        store.land(readings, batch="b1", received=NOW)
    result = examine(Project(ill), now=NOW, offline=True)
    rows = {row[0]: row for row in result.tables[0].rows}
    assert rows["late points"][2] == "flow"
    assert rows["fresh points"][2].startswith("1 of ")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_secret_that_others_can_read_is_told_and_never_shown(ill):
    (ill / "key").chmod(0o644)
    result = examine(Project(ill), now=NOW, offline=True)
    assert verdicts(result)["secret of headend: permissions"] == "look"
    (ill / "key").unlink()
    gone = examine(Project(ill), now=NOW, offline=True)
    assert verdicts(gone)["secret of headend"] == "wrong"
    assert "secret-canary" not in str(result) + str(gone)


def test_a_shadowed_connector_and_a_stray_file_are_seen(ill):
    folder = ill / "connectors" / "devices"
    folder.mkdir(parents=True)
    shipped = Project(ill).library.find("connectors/devices", "keller_series30")
    (folder / "keller_series30.yaml").write_bytes(shipped.read_bytes())
    (folder / "mine.yml").write_text("connector: mine\n")
    said = verdicts(examine(Project(ill), now=NOW, offline=True))
    assert said["two files named keller_series30"] == "look"
    assert said["connectors/devices: files that are not seen"] == "look"


def test_a_broken_city_yaml_is_an_error_with_its_place(ill):
    (ill / "city.yaml").write_text("name: Ill\n")
    with pytest.raises(ConfigInvalid, match="`time_zone` is missing"):
        examine(Project(ill), now=NOW)


def test_a_profile_that_is_wrong_is_one_of_the_checks(ill):
    text = (ill / "city.yaml").read_text()
    (ill / "city.yaml").write_text(f"{text}profiles:\n  a: {{name: B}}\n  b: {{time_zone: Nowhere}}\n")
    said = verdicts(examine(Project(ill), now=NOW, offline=True))
    assert (said["profile a"], said["profile b"]) == ("ok", "wrong")


@pytest.mark.skipif(os.name != "posix", reason="serial ports are no files there")
def test_a_serial_port_is_looked_for(project, tmp_path):
    here = tmp_path / "ttyHERE"
    here.touch()
    folder = project(
        "name: T\ntime_zone: UTC\ndevices:\n"
        f"  a: {{connector: siemens_mag6000, serial: {{port: {here}}}}}\n"
        f"  b: {{connector: siemens_mag6000, serial: {{port: {tmp_path / 'ttyGONE'}}}}}\n"
    )
    checked = examine(Project(folder), now=datetime(2026, 11, 23, tzinfo=UTC))
    rows = {row[0]: row[1:3] for row in checked.tables[0].rows}
    assert rows["device a"] == ("ok", f"serial port {here} is there")
    assert rows["device b"] == ("wrong", f"serial port {tmp_path / 'ttyGONE'} is not there")


def test_a_store_on_a_network_file_system_is_to_be_looked_at(ill, monkeypatch):
    from cityctl.store import folder

    monkeypatch.setattr(folder, "network_file_system", lambda place: "nfs4")
    result = examine(Project(ill), now=NOW, offline=True)
    assert verdicts(result)["store's disk"] == "look"
    assert any("(nfs4)" in detail for detail in result.tables[0].cells("detail"))


def test_rows_beside_city_yaml_that_cannot_be_read_are_to_be_looked_at(project):
    folder = project(
        "name: T\ntime_zone: UTC\nnetworks: {power: {kind: power}}\nzones: {north: {network: power}}\n"
        "interruptions_file: out.csv\nwork_orders_file: done.csv\n"
    )
    bad = "1/5/2026,2026-05-01 09:00,1\n"
    (folder / "out.csv").write_text(f"start,end,customers\n2026-05-01 08:00,2026-05-01 09:00,1\n{bad * 5}")
    (folder / "done.csv").write_text("date,zone\n2026-05-01,north\n")
    rows = {row[0]: row[1:] for row in examine(Project(folder), now=NOW, offline=True).tables[0].rows}
    verdict, detail, _ = rows["rows of out.csv"]
    assert verdict == "look"
    assert detail.startswith("5 rows cannot be read: ")
    assert "out.csv:3: `1/5/2026` is no time; write it as 2026-05-01 14:30; " in detail
    assert detail.endswith("; 2 more")
    assert "rows of done.csv" not in rows
    (folder / "done.csv").write_text("date,zone\n2026-05-01,nroth\n")
    rows = {row[0]: row[1:] for row in examine(Project(folder), now=NOW, offline=True).tables[0].rows}
    assert (
        rows["rows of done.csv"][1]
        == "1 row cannot be read: done.csv:2: no zone `nroth`; did you mean `north`?"
    )
