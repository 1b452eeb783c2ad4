"""Looking before pulling: preview and `connectors test`, against a service and against recorded sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.collect.proving import prove
from cityctl.collect.trial import preview
from cityctl.errors import ConfigInvalid, ExitCode, UsageProblem
from cityctl.exports.http import Patience
from tests.collect.historian import CANARY, FLOW, NOW, PRESSURE, Historian, city_yaml
from tests.http_service import Service, send

PATIENCE = Patience(connect=2, read=2, total=5, tries=2)


def test_a_preview_shows_the_first_readings_and_stores_nothing(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW + PRESSURE))
    result = preview(project, None, 3, now=NOW, patience=PATIENCE)
    rows = result.tables[0].rows
    assert [row[2] for row in rows] == ["flow"] * 3 + ["pressure"] * 3
    at = rows[0][3]
    assert rows[0][4] == pytest.approx(historian.value(at))  # type: ignore[arg-type]  # in L/s, as city.yaml speaks
    assert rows[0][5] == "L/s"
    assert not (project.state / "store").exists()
    assert not (project.state / "pull").exists()
    assert not (project.state / "raw").exists()
    assert len(http.requests) == 2


def test_a_preview_shows_the_other_series_where_one_never_comes(
    http: Service, make: Callable[..., Project]
) -> None:
    historian = Historian()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if "FT01" in handler.path:
            send(handler, b"", 500)
        else:
            historian(handler)

    http.answer = answer
    result = preview(make(city_yaml(http.url, FLOW + PRESSURE)), None, 3, now=NOW, patience=PATIENCE)
    assert [row[2] for row in result.tables[0].rows] == ["pressure"] * 3
    assert [one.what for one in result.completeness.missing] == ["historian/HAFEN.FT01"]
    assert (result.completeness.wanted, result.completeness.had) == (2, 1)


def checks(result: Any) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in result.tables[0].rows}


def test_a_service_that_works(http: Service, make: Callable[..., Project]) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    result = prove(project, project.library, "historian", now=NOW)
    assert checks(result) == {"connector": "ok", "credentials": "ok", "answer": "ok", "readings": "ok"}
    assert [row[:2] for row in result.tables[1].rows] == [("HAFEN.FT01", "flow")]
    assert result.exit_code() == ExitCode.DONE


@pytest.mark.parametrize(
    ("answer", "check", "why"),
    [
        (lambda h: send(h, b"", 401), "credentials", "credentials refused"),
        (lambda h: send(h, b"", 503), "answer", "it answered 503"),
        (lambda h: send(h, b"", 404), "page", "no such series"),
        (lambda h: send(h, b"a,b\n1,2\n"), "page", "time"),
        (lambda h: send(h, b"", 204), "readings", "no readings"),
        (
            lambda h: send(h, b"time,value\n2026-11-22T00:00:00Z,x\n2026-11-22T01:00:00Z,1\n"),
            "readings",
            "rejected",
        ),
    ],
)
def test_what_does_not_work_is_named(
    http: Service,
    make: Callable[..., Project],
    answer: Callable[[BaseHTTPRequestHandler], None],
    check: str,
    why: str,
) -> None:
    http.answer = answer
    project = make(city_yaml(http.url, FLOW))
    result = prove(project, project.library, "historian", now=NOW)
    wrong = [row for row in result.tables[0].rows if row[1] == "wrong"]
    assert wrong[0][0] == check
    assert why in str(wrong[0][2])
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_against_a_recorded_session_no_secret_and_no_network_is_needed(
    http: Service, make: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is edited by hand here, as people do: two lines."""
    monkeypatch.delenv("HISTORIAN_KEY")
    lines = [
        {"recorded": "2026-11-23T06:00:00+00:00", "http": "https://historian.example"},
        {"request": "GET /h/series/HAFEN.FT01.csv?from=a&to=b", "status": 200, "headers": {},
         "body": "time,value\n2026-11-22T00:00:00Z,1\n"},
    ]  # fmt: skip
    session = tmp_path / "s.session"
    session.write_text("\n".join(json.dumps(line) for line in lines))
    project = make(city_yaml("https://historian.example/h", FLOW))
    result = prove(project, project.library, "historian", session=session, now=NOW)
    assert result.exit_code() == ExitCode.DONE, result.tables[0].rows
    assert http.requests == []


def test_wrong_names(make: Callable[..., Project]) -> None:
    project = make(city_yaml("http://127.0.0.1:9", FLOW))
    with pytest.raises(UsageProblem, match="histrian"):
        prove(project, project.library, "histrian", now=NOW)
    with pytest.raises(UsageProblem, match="no service named `csv_headend`"):
        prove(project, project.library, "csv_headend", session=Path("x"), now=NOW)


def test_a_connector_without_example_says_so(make: Callable[..., Project]) -> None:
    project = make(city_yaml("http://127.0.0.1:9", FLOW))
    folder = project.folder / "connectors" / "services"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("title: T\nrequest: {path: /x}\nanswer: {format: csv}\n")
    with pytest.raises(ConfigInvalid, match="no `example:`"):
        prove(project, project.library, "mine", now=NOW)


def test_an_example_that_is_wrong_is_found_out(make: Callable[..., Project]) -> None:
    project = make(city_yaml("http://127.0.0.1:9", FLOW))
    folder = project.folder / "connectors" / "services"
    folder.mkdir(parents=True)
    text = (Path(__file__).parents[2] / "connectors" / "services" / "csv_headend.yaml").read_text(
        encoding="utf-8"
    )
    (folder / "mine.yaml").write_text(
        text.replace('"2026-10-01T00:15:00Z": 45', '"2026-10-01T00:15:00Z": 46')
    )
    result = prove(project, project.library, "mine", now=NOW)
    assert "expected 46, found 45" in str(result.tables[0].rows)
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert CANARY not in str(result)
