"""--ping: a watchdog on loopback hears of start and end, and never changes how a run ends."""

from __future__ import annotations

import pytest

from tests.http_service import send

CITY = """\
name: Ping
time_zone: UTC
networks: {water: {kind: water}}
zones: {hafen: {network: water, inflow: flow}}
points: {flow: {unit: m3/h, every: 1h, zone: hafen}}
services: {meters: {connector: csv_headend, url: "http://127.0.0.1:9"}}
"""


@pytest.fixture
def filled(project, cityctl):
    """A city with a few readings."""
    folder = project(CITY)
    rows = "".join(f"2026-11-{day:02}T00:00,5\n" for day in range(1, 20))
    (folder / "flow.csv").write_text("time,flow\n" + rows)
    assert cityctl("data", "import", folder / "flow.csv", "--project", folder).returncode == 0
    return folder


def paths(http):
    return [path for path, _ in http.requests]


def test_a_run_that_ends_well_and_one_that_fails(filled, cityctl, http) -> None:
    http.answer = lambda handler: send(handler, b"OK")
    words = ("report", "run", "night-flow", "--since", "2026-11-01", "--project", filled)
    ended = cityctl(*words, "--ping", f"{http.url}/abc?rid=1", "--until", "2026-11-19")
    wanted = "/abc?rid=1" if ended.returncode in (0, 3) else "/abc/fail?rid=1"
    assert paths(http) == ["/abc/start?rid=1", wanted]
    http.requests.clear()
    failed = cityctl("report", "run", "nothing", "--ping", f"{http.url}/abc", "--project", filled)
    assert failed.returncode == 2
    assert paths(http) == ["/abc/start", "/abc/fail"]


@pytest.mark.parametrize("status", [404, 500])
def test_a_failed_ping_changes_no_exit_code_and_shows_no_key(filled, cityctl, http, status) -> None:
    http.answer = lambda handler: send(handler, b"", status)
    words = ("report", "run", "nothing", "--project", filled)
    told = cityctl(*words, "--ping", f"{http.url}/secret-key")
    assert told.returncode == cityctl(*words).returncode == 2
    assert told.stderr.count("could not be told") == 1
    assert "secret-key" not in told.stderr + told.stdout


def test_nobody_at_the_address(filled, cityctl) -> None:
    told = cityctl("report", "run", "nothing", "--ping", "http://127.0.0.1:9/key", "--project", filled)
    assert told.returncode == 2
    assert "127.0.0.1 could not be told of this run" in told.stderr


def test_a_dry_run_pings_nobody(filled, cityctl, http) -> None:
    http.answer = lambda handler: send(handler, b"OK")
    cityctl("pull", "--dry-run", "--ping", f"{http.url}/abc", "--project", filled)
    assert paths(http) == []


@pytest.mark.parametrize("address", ["hc-ping.com/x", "ftp://host/x", "http://", "http://host:port/x"])
def test_what_is_no_address_is_wrong_usage(filled, cityctl, address) -> None:
    ended = cityctl("pull", "--ping", address, "--project", filled)
    assert ended.returncode == 2
    assert "--ping takes" in ended.stderr
