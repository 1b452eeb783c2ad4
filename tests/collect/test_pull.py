"""Services into the store over a real HTTP server on loopback: watermarks, revisions, the balance."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, UsageProblem
from tests.collect.historian import (
    CANARY,
    FLOW,
    HOUR,
    NOW,
    PRESSURE,
    Historian,
    city_yaml,
    counts,
    go,
    marks,
    stored,
)
from tests.http_service import Service, send


def test_a_pull_stores_canonical_units_and_keeps_the_raw_answers(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url + "/historian", FLOW + PRESSURE))
    result = go(project, since="2026-09-24")
    hours = int((NOW - historian.first) / HOUR)
    assert counts(result) == {
        "HAFEN.FT01": (hours, hours, 0, 0, 0, 0),
        "HAFEN.PT01": (hours, hours, 0, 0, 0, 0),
    }
    assert result.exit_code() == ExitCode.DONE
    flows = [row for row in stored(project) if row[0] == "flow"]
    assert len(flows) == hours
    first = historian.first.replace(tzinfo=None)
    assert flows[0] == ("flow", first, pytest.approx(historian.value(historian.first) * 3.6))
    # Two windows of at most 31 days for each series, half-open.
    spans = [(since, until) for name, since, until in historian.asked if name == "HAFEN.FT01"]
    assert spans[0][1] == spans[1][0]
    assert spans[-1][1] == NOW
    assert all(until - since <= timedelta(days=31) for since, until in spans)
    index = [json.loads(line) for line in (project.state / "raw" / "index.jsonl").read_text().splitlines()]
    assert len(index) == len(historian.asked)
    raw = gzip.decompress(
        (project.state / "raw" / index[0]["sha256"][:2] / f"{index[0]['sha256']}.gz").read_bytes()
    )
    assert raw.startswith(b"time,value\n")
    assert http.requests[0][1]["authorization"] == f"Bearer {CANARY}"


def test_pulling_again_changes_nothing_and_late_data_is_a_revision(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-01")
    before = stored(project)
    assert marks(project)["HAFEN.FT01"]["until"] == "2026-11-23T06:00:00+00:00"
    again = go(project)
    settle = 7 * 24
    assert counts(again) == {"HAFEN.FT01": (settle, 0, settle, 0, 0, 0)}
    assert stored(project) == before
    historian.changed[NOW - 5 * HOUR] = 99.0
    historian.until = NOW + 2 * HOUR
    later = go(project, hours=2)
    assert counts(later) == {"HAFEN.FT01": (settle + 2, 2, settle - 1, 1, 0, 0)}
    assert len(stored(project)) == len(before) + 2


def test_no_data_is_an_answer(http: Service, make: Callable[..., Project]) -> None:
    http.answer = lambda handler: send(handler, b"", 204)
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.DONE
    assert marks(project)["HAFEN.FT01"]["until"] == "2026-11-23T06:00:00+00:00"
    assert counts(result) == {"HAFEN.FT01": (0, 0, 0, 0, 0, 0)}


def test_rejected_readings_are_in_the_balance_with_their_place(
    http: Service, make: Callable[..., Project]
) -> None:
    hours = ["00:00:00Z,1", "01:00:00Z,x", "02:00:00Z,", "00:00:00Z,2"]
    body = b"time,value\n" + "".join(f"2026-11-22T{hour}\n" for hour in hours).encode()
    http.answer = lambda handler: send(handler, body)
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert counts(result) == {"HAFEN.FT01": (3, 1, 0, 0, 0, 2)}
    rejected = result.tables[1].rows
    assert [(row[1], row[4]) for row in rejected] == [
        (3, "`x` is no number"),
        (2, "1 at 2026-11-22 00:00:00Z, where line 5 gives 2 for the same instant"),
    ]
    assert re.fullmatch(r"historian/[0-9a-f]{12}", str(rejected[0][0]))
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_a_dry_run_sends_nothing_and_reads_no_secret(
    http: Service, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(city_yaml(http.url, FLOW))
    monkeypatch.delenv("HISTORIAN_KEY")
    result = go(project, since="2026-09-24", dry_run=True)
    rows = result.tables[0].rows
    assert len(rows) == 2
    assert str(rows[0][4]).startswith(
        f"GET {http.url}/series/HAFEN.FT01.csv?from=2026-09-23T22%3A00%3A00Z&to="
    )
    assert rows[0][5] == "bearer, secret from env"
    assert http.requests == []
    assert not project.state.exists()


def test_wrong_words(http: Service, make: Callable[..., Project]) -> None:
    project = make(city_yaml(http.url, FLOW))
    with pytest.raises(UsageProblem, match="`histrian`") as wrong:
        go(project, "histrian")
    assert wrong.value.hint == "did you mean `historian`?"
    empty = make(city_yaml(http.url, "  flow: {unit: L/s, every: 1h}\n"))
    with pytest.raises(UsageProblem, match="no point of the city comes from historian"):
        go(empty)
