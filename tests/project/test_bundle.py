"""`doctor --bundle`: what helps is in it, and a canary secret is nowhere; and who may reach the plant."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.project.bundle import STRUCK, redacted
from cityctl.project.doctor import examine
from cityctl.project.exposure import clocks
from cityctl.reading import Reading
from cityctl.store import Store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CITY = """\
name: Ill
time_zone: Europe/Berlin
networks: {water: {kind: water}}
devices:
  outside: {connector: siemens_mag6000, host: 8.8.8.8}
  inside: {connector: siemens_mag6000, host: 10.0.0.5}
services:
  headend: {connector: csv_headend, url: "https://ami.example/x", secret: {file: key}}
  other: {connector: csv_headend, url: "https://ami.example", secret: {env: OTHER_KEY}}
points: {flow: {device: inside/flow, unit: m3/h, every: 15m}}
"""


@pytest.fixture
def ill(project) -> Path:
    folder = project(CITY)
    (folder / "key").write_text("canary-of-the-file\n")
    (folder / "key").chmod(0o600)
    return folder


def test_a_secret_is_nowhere_in_the_bundle(ill, cityctl, tmp_path):
    # A bug's report that quotes both secrets, as a traceback may.
    (tmp_path / "cityctl-bug-20261123T000000-1.txt").write_text(
        "KeyError: 'canary-of-the-file' canary-of-the-environment https://me:canary-word@host/path?q=canary-query"
    )
    path = tmp_path / "help.zip"
    ended = cityctl("doctor", "--offline", "--bundle", path, cwd=ill, OTHER_KEY="canary-of-the-environment")
    assert ended.returncode == 0, ended.stderr
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) >= {"city.yaml", "checks.json", "checks.txt", "versions.txt"}
    crash = texts["errors/cityctl-bug-20261123T000000-1.txt"]
    assert f"https://{STRUCK}@host/path?{STRUCK}" in crash
    for name, text in [*texts.items(), ("stdout", ended.stdout), ("stderr", ended.stderr)]:
        assert "canary" not in text, name
    assert "10.0.0.5" in texts["city.yaml"]  # what helps is there
    assert "duckdb " in texts["versions.txt"]
    assert "devices at public addresses" in texts["checks.txt"]


def test_everything_under_a_key_of_secrets_is_struck_out():
    said = redacted(
        {
            "secret": {"file": "x"},
            "services": [{"refresh_token": "t", "user": "u", "url": "https://a:b@c/d?e=f#g"}],
            "n": 1,
        }
    )
    assert said == {
        "secret": STRUCK,
        "services": [{"refresh_token": STRUCK, "user": STRUCK, "url": f"https://{STRUCK}@c/d?{STRUCK}"}],
        "n": 1,
    }


def test_who_may_reach_the_plant_is_told(ill):
    rows = {row[0]: row[1:] for row in examine(Project(ill), now=NOW, offline=True).tables[0].rows}
    assert rows["devices at public addresses"][:2] == ("look", "outside (8.8.8.8:502)")
    assert rows["devices on port 502"][1] == "outside, inside"
    assert rows["permissions"][0] == "ok"
    (ill / "city.yaml").chmod(0o666)
    rows = {row[0]: row[1:] for row in examine(Project(ill), now=NOW, offline=True).tables[0].rows}
    assert rows["permissions"][0] == "look"
    assert rows["permissions"][2] == f"chmod o-w {ill / 'city.yaml'}"


def test_a_clock_that_is_ahead_is_told(ill):
    with Store.open(Project(ill).store_folder) as store:
        store.land([Reading("flow", NOW + timedelta(minutes=90), 1.0)], batch="b", received=NOW)
    rows = {row[0]: row[1:] for row in examine(Project(ill), now=NOW, offline=True).tables[0].rows}
    assert rows["clocks"][0] == "look"
    assert "up to 90 min ahead" in rows["clocks"][1]
    assert next(clocks({"flow": NOW.replace(tzinfo=None)}, NOW))[1] == "ok"
