"""Answers that are no readings though their status is 200: excuses, web pages, lists that do not add up."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, Unreachable
from tests.collect.historian import CANARY, counts, go, stored
from tests.collect.pages import ROWS, by_next, page, query
from tests.http_service import Service, send

QUOTA = {"error": {"code": "QUOTA", "message": "daily quota exceeded"}}
OFFSET = "{kind: offset, parameter: skip, rows: rows, total: total}"


def why(project: Project) -> str:
    """Why a pull is not whole; nothing moved its watermark."""
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert not (project.state / "pull" / "historian.json").exists()
    (missing,) = result.completeness.missing
    return missing.why


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (QUOTA, "`error: daily quota exceeded QUOTA`"),
        ({"rows": [], "error": "daily quota exceeded"}, "`error: daily quota exceeded`"),
        ({"rows": None, "status": "error", "message": "try later"}, "`status: error message: try later`"),
        ({"success": False, "rows": []}, "`success: False`"),
        (
            {"message": "Endpoint request timed out"},
            "leads nowhere in it: message: Endpoint request timed out",
        ),
        ({"data": {"points": []}}, "leads nowhere in it: it holds `data`"),
        ([{"t": 1}], "leads nowhere in it: it is a list"),
    ],
)
def test_an_excuse_is_no_window_without_readings(
    http: Service, paged: Callable[..., Project], answer: Any, said: str
) -> None:
    http.answer = lambda handler: send(handler, json.dumps(answer).encode())
    assert said in why(paged(http.url, "{kind: none}"))


@pytest.mark.parametrize(
    "answer",
    [
        {"rows": []},
        {"rows": None},
        [],
        {"rows": [], "error": None, "errors": [], "status": "ok"},
        {"rows": [], "error": "None", "success": True, "message": "no data in this window"},
    ],
)
def test_a_list_of_none_is_a_window_without_readings(
    http: Service, paged: Callable[..., Project], answer: Any
) -> None:
    http.answer = lambda handler: send(handler, json.dumps(answer).encode())
    result = go(paged(http.url, "{kind: none}"), since="2026-11-22")
    assert result.exit_code() == ExitCode.DONE
    assert counts(result) == {"A": (0, 0, 0, 0, 0, 0)}


def test_rows_that_may_be_left_out(http: Service, paged: Callable[..., Project]) -> None:
    """As the hint of the refusal says."""
    http.answer = lambda handler: send(handler, b"{}")
    project = paged(http.url, "{kind: none}")
    path = project.folder / "connectors" / "services" / "mine.yaml"
    path.write_text(path.read_text().replace("rows: rows", "rows: 'rows || `[]`'"))
    assert go(project, since="2026-11-22").exit_code() == ExitCode.DONE


def test_an_excuse_on_a_later_page_keeps_the_window_open(
    http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda h: by_next(h) if "at=" not in h.path else send(h, json.dumps(QUOTA).encode())
    project = paged(http.url, "{kind: json_link, next: links.next}")
    assert "quota" in why(project)
    assert len(stored(project)) == 4
    http.answer = by_next
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 6, 4, 0, 0, 0)}


def test_an_answer_with_rows_and_a_complaint_is_kept_and_named(
    http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda handler: page(handler, ROWS, errors=[{"message": "meter 7 timed out"}])
    result = go(paged(http.url, "{kind: none}"), since="2026-11-22")
    assert counts(result) == {"A": (10, 10, 0, 0, 0, 0)}
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert "meter 7 timed out" in result.completeness.missing[0].why


def test_states_of_a_device_beside_its_rows_are_no_complaint(
    http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda handler: page(handler, ROWS, fault=1, status="failed", errors=0)
    assert go(paged(http.url, "{kind: none}"), since="2026-11-22").exit_code() == ExitCode.DONE


@pytest.mark.parametrize("form", ["json", "csv", "green_button"])
def test_a_page_to_log_in_is_named_as_one(http: Service, paged: Callable[..., Project], form: str) -> None:
    body = b"<!DOCTYPE html>\n<html><head><title>Sign in &amp; go</title></head><body><form/></body></html>"
    http.answer = lambda handler: send(handler, body, Content_Type="text/html")
    project = paged(http.url, "{kind: none}")
    path = project.folder / "connectors" / "services" / "mine.yaml"
    table = ", table: {rows: rows, time: t, value: v, unit: m3/h, kind: gauge}"
    text = path.read_text().replace("format: json", f"format: {form}")
    path.write_text(
        text if form == "json" else text.replace(table, "").replace("proof: format", "proof: length")
    )
    assert f"web page (`Sign in & go`), not with {form}" in why(project)


def test_an_error_in_xml_is_no_window_without_readings(http: Service, paged: Callable[..., Project]) -> None:
    fault = "<e:Body xmlns:e='x'><e:Fault><faultstring>no such meter</faultstring></e:Fault></e:Body>"
    http.answer = lambda handler: send(handler, fault.encode())
    project = paged(http.url, "{kind: none}")
    path = project.folder / "connectors" / "services" / "mine.yaml"
    path.write_text(
        path.read_text().replace("format: json", "format: xml").replace("rows: rows", "rows: //row")
    )
    assert "<Fault> no such meter" in why(project)
    http.answer = lambda handler: send(handler, b"<rows/>")
    assert go(project, since="2026-11-22").exit_code() == ExitCode.DONE


def test_a_list_that_shrinks_while_it_is_read_is_asked_for_again(
    http: Service, paged: Callable[..., Project]
) -> None:
    """The oldest row goes after the first page: row 3 moves into it, and would be missed."""

    def shrinking(handler: BaseHTTPRequestHandler) -> None:
        rows = ROWS if len(http.requests) == 1 else ROWS[1:]
        at = int(query(handler)["skip"])
        page(handler, rows[at : at + 3], total=len(rows))

    http.answer = shrinking
    project = paged(http.url, OFFSET)
    assert "shrank from 10 to 9 rows" in why(project)
    http.answer = lambda h: page(h, ROWS[int(query(h)["skip"]) :][:3], total="10")
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.DONE
    assert [row[2] for row in stored(project)] == list(range(10))


def test_pages_that_end_before_the_total_are_not_all(http: Service, paged: Callable[..., Project]) -> None:
    http.answer = lambda h: page(h, ROWS[:6][int(query(h)["skip"]) :][:3], total=10)
    assert "10 rows, and 6 came before an empty page" in why(paged(http.url, OFFSET))


@pytest.mark.parametrize("end", [False, None, ""])
def test_a_next_page_that_is_none(http: Service, paged: Callable[..., Project], end: Any) -> None:
    http.answer = lambda handler: page(handler, ROWS, links={"next": end})
    project = paged(http.url, "{kind: json_link, next: links.next}")
    assert go(project, since="2026-11-22").exit_code() == ExitCode.DONE


def test_a_next_page_that_is_not_there_is_no_unknown_series(
    http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda h: by_next(h) if "at=" not in h.path else send(h, b"{}", 404)
    said = why(paged(http.url, "{kind: json_link, next: links.next}"))
    assert "404 to page 2, to which page 1 leads" in said


def test_a_service_that_leads_to_no_web_address_stops_no_other(
    http: Service, another_http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda handler: send(handler, b"", 302, Location="file:///etc/passwd")
    another_http.answer = lambda handler: page(handler, ROWS)
    project = paged(http.url, "{kind: none}")
    with pytest.raises(Unreachable, match="no address of the web"):
        go(project, since="2026-11-22")
    path = project.folder / "city.yaml"
    text = path.read_text().replace(
        "points:", f'  z: {{connector: mine, url: "{another_http.url}", secret: {{env: KEY}}}}\npoints:'
    )
    path.write_text(text + "  other: {unit: m3/h, every: 1h, service: z/B}\n")
    result = go(Project(project.folder), since="2026-11-22")
    assert counts(result)["B"] == (10, 10, 0, 0, 0, 0)
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_a_quota_is_told_in_the_services_own_words(http: Service, paged: Callable[..., Project]) -> None:
    body = json.dumps({"message": f"5 calls a day for {CANARY}"}).encode()
    http.answer = lambda h: send(h, body, 429, Retry_After="3600", Content_Type="application/json")
    with pytest.raises(Unreachable, match="5 calls a day") as told:
        go(paged(http.url, "{kind: none}"), since="2026-11-22")
    assert CANARY not in str(told.value.message)
