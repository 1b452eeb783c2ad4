"""Services that fail: dead, cut, leading elsewhere; what the user sees, and that nothing is lost or leaked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.errors import CredentialsRefused, ExitCode, LockHeld, Unreachable
from tests.collect.historian import (
    CANARY,
    FLOW,
    Historian,
    city_yaml,
    go,
    marks,
    stored,
)
from tests.http_service import Service, cut, send


def test_one_dead_service_is_named_and_the_others_are_kept(
    http: Service, make: Callable[..., Project], unused_url: str
) -> None:
    http.answer = Historian()
    more = f'  dead: {{connector: csv_headend, url: "{unused_url}"}}'
    points = FLOW + "  other: {unit: bar, every: 1h, service: dead/X}\n"
    project = make(city_yaml(http.url, points, more=more))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 31  # local midnight of 22 November to 06:00Z of the next day
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert [missing.what for missing in result.completeness.missing] == ["dead"]
    assert (result.completeness.wanted, result.completeness.had) == (2, 1)
    with pytest.raises(Unreachable, match="dead: no connection"):
        go(project, "dead", since="2026-11-22")


def test_all_dead_is_unreachable_and_refused_credentials_are_that(
    http: Service, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(city_yaml(http.url, FLOW))
    http.answer = lambda handler: send(handler, b"", 503)
    with pytest.raises(Unreachable) as gone:
        go(project, since="2026-11-22")
    assert gone.value.exit_code == 12
    http.answer = lambda handler: send(handler, b"", 401)
    with pytest.raises(CredentialsRefused) as refused:
        go(project, since="2026-11-22")
    assert refused.value.exit_code == 13
    monkeypatch.delenv("HISTORIAN_KEY")
    with pytest.raises(CredentialsRefused, match="HISTORIAN_KEY"):
        go(project, since="2026-11-22")
    assert not (project.state / "pull" / "historian.json").exists()


def test_a_series_that_the_service_does_not_know_is_named(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW + "  x: {unit: bar, every: 1h, service: historian/HAFEN.XX}\n"))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 31
    ((missing),) = result.completeness.missing
    assert missing.what == "historian/HAFEN.XX"
    assert "no such series (404)" in missing.why
    assert set(marks(project)) == {"HAFEN.FT01"}


def test_an_answer_of_another_time_alone_is_no_success(http: Service, make: Callable[..., Project]) -> None:
    """A service that looks past `from` and `to`, or a meter that fell silent: what came is kept, and that is said."""
    http.answer = lambda handler: send(
        handler, b"time,value\n2020-01-01T00:00:00Z,1\n2020-01-02T00:00:00Z,2\n"
    )
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 2
    assert result.exit_code() == ExitCode.INCOMPLETE
    ((missing),) = result.completeness.missing
    assert missing.what == "historian/HAFEN.FT01"
    assert missing.why.endswith("it answered with readings of 2020-01-01 to 2020-01-02 alone")


def test_a_cut_answer_moves_no_watermark_and_the_next_pull_heals_it(
    http: Service, make: Callable[..., Project]
) -> None:
    historian = Historian()

    project = make(city_yaml(http.url, FLOW))
    http.answer = cut
    with pytest.raises(Unreachable, match="cut short"):
        go(project, since="2026-11-22")
    assert stored(project) == []
    http.answer = historian
    go(project, since="2026-11-22")
    assert len(stored(project)) == 31


def test_an_answer_whose_end_is_not_proven_is_kept_and_asked_for_again(
    http: Service, make: Callable[..., Project]
) -> None:
    def close(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"time,value\n2026-11-22T00:00:00Z,1\n")
        handler.close_connection = True

    http.answer = close
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 1
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert "not proven" in result.completeness.missing[0].why
    assert not (project.state / "pull" / "historian.json").exists()


def test_a_redirect_elsewhere_gets_no_secret(
    http: Service, another_http: Service, make: Callable[..., Project]
) -> None:
    http.answer = lambda handler: send(handler, b"", 307, Location=another_http.url + "/x")
    another_http.answer = Historian()
    with pytest.raises(Unreachable, match="another origin"):
        go(make(city_yaml(http.url, FLOW)), since="2026-11-22")
    assert another_http.requests == []


def test_the_secret_is_in_no_output_file_or_error(
    http: Service, make: Callable[..., Project], cityctl: Callable[..., Any]
) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    now = {"CITYCTL_NOW": "2026-11-23T06:00Z", "HISTORIAN_KEY": CANARY}
    outputs = [cityctl("pull", "--since", "2026-11-22", "-o", "json", "-v", cwd=project.folder, **now)]
    assert outputs[0].returncode == 0, outputs[0].stderr
    told = json.loads(outputs[0].stdout)["rows"]
    assert [(row["series"], row["received"], row["new"]) for row in told] == [("HAFEN.FT01", 31, 31)]
    http.answer = lambda handler: send(handler, b"", 401)
    outputs.append(cityctl("pull", "--debug", cwd=project.folder, **now))
    assert outputs[-1].returncode == 13
    assert all(CANARY not in ended.stdout + ended.stderr for ended in outputs)
    for path in project.state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            plain = gzip.decompress(data) if path.suffix == ".gz" else data
            assert CANARY.encode() not in plain


def test_two_pulls_do_not_overlap(http: Service, make: Callable[..., Project]) -> None:
    from cityctl.disk import Lock

    project = make(city_yaml(http.url, FLOW))
    with (
        Lock(project.state / "pull.lock", purpose="another pull"),
        pytest.raises(LockHeld, match="another pull"),
    ):
        go(project, since="2026-11-22")
    assert http.requests == []
