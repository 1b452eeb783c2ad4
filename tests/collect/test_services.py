"""Every service connector that ships, held to its own example; a new one is tested by being there."""

from __future__ import annotations

import gzip
import io
from datetime import datetime
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.collect.proving import example
from cityctl.collect.pull import pull
from cityctl.collect.reparse import reparse
from cityctl.collect.trial import example_project
from cityctl.console import Console
from cityctl.errors import CredentialsRefused, ExitCode
from cityctl.exports import service
from cityctl.exports.http import Patience
from cityctl.library import Library
from cityctl.result import Result
from cityctl.sim.recording.http_player import Player
from cityctl.sim.recording.http_session import Exchange

CONNECTORS = Library().list("connectors/services")
SECRETS = (b"example-secret-of-cityctl", b"example-refresh-token-1")
each = pytest.mark.parametrize("name", sorted(CONNECTORS))


def exchanges(name: str) -> list[Exchange]:
    told = service.read(CONNECTORS[name]).example
    assert told is not None, f"{name} has no example"
    made = []
    for one in told.answers:
        method, _, path = one.request.partition(" ")
        made.append(Exchange(method, path, one.status, one.headers, one.body.encode()))
    return made


def made(name: str, folder: Path, url: str) -> tuple[Project, datetime, dict[str, str]]:
    """A project that asks the example, the end of its window, and the words of the pull."""
    connector = service.read(CONNECTORS[name])
    told = connector.example
    assert told is not None
    project = example_project(folder, name, CONNECTORS[name], connector, url)
    return project, datetime.fromisoformat(told.until), {"since": told.since, "until": told.until}


def go(project: Project, now: datetime, words: dict[str, str]) -> Result:
    console = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    patience = Patience(connect=2, read=2, total=10, tries=2)
    return pull(project, None, now=now, console=console, patience=patience, sleep=lambda _: None, **words)


def totals(result: Result) -> tuple[int, ...]:
    keys = [column.key for column in result.tables[0].columns]
    wanted = [keys.index(key) for key in ("received", "new", "unchanged", "revised", "duplicate", "rejected")]
    return tuple(sum(row[at] for row in result.tables[0].rows) for at in wanted)  # type: ignore[misc]  # integers


@each
def test_its_example_gives_the_readings_that_it_names(name: str) -> None:
    result = example(CONNECTORS[name])
    assert [row for row in result.tables[0].rows if row[1] != "ok"] == []
    assert result.exit_code() == ExitCode.DONE
    assert any(row[0] == "example" for row in result.tables[0].rows)


@each
def test_pulled_again_and_reparsed_nothing_changes_and_no_secret_is_kept(name: str, tmp_path: Path) -> None:
    with Player(exchanges(name)) as player:
        project, now, words = made(name, tmp_path, player.url)
        first = totals(go(project, now, words))
        # A boundary that two windows share may come twice; nothing is lost by it.
        assert first[0] == first[1] + first[4] > 0
        again = totals(go(project, now, words))
        assert player.not_found == []
    assert (again[1], again[3], again[5]) == (0, 0, 0)
    console = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    offline = totals(reparse(project, now=now, console=console))
    assert (offline[1], offline[3], offline[5]) == (0, 0, 0)
    assert offline[2] == first[1]
    for path in project.state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            plain = gzip.decompress(data) if path.suffix == ".gz" else data
            assert not any(secret in plain for secret in SECRETS), path


@each
def test_a_refusal_says_so_and_keeps_the_secret(name: str, tmp_path: Path) -> None:
    refusing = [Exchange(one.method, one.path, 401, {}, b"") for one in exchanges(name)]
    with Player(refusing) as player:
        project, now, words = made(name, tmp_path, player.url)
        with pytest.raises(CredentialsRefused) as refused:
            go(project, now, words)
    said = " ".join([refused.value.message, *refused.value.tried, refused.value.hint or ""])
    assert "refused" in said
    assert not any(secret.decode() in said for secret in SECRETS)


@each
def test_it_says_where_its_interface_is_described(name: str) -> None:
    connector = service.read(CONNECTORS[name])
    assert connector.title
    assert connector.summary
    assert connector.sources or name.startswith("csv_headend")
