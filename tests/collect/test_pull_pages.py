"""Pages, tokens and answers that did not change: pulled from a real server, and what is left in the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from cityctl.city.project import Project
from cityctl.errors import CredentialsRefused, ExitCode, Unreachable
from tests.collect.historian import CANARY, counts, go, marks, stored
from tests.collect.pages import DAY, ROWS, by_next, page, query
from tests.http_service import Service, send


def by_link(handler: BaseHTTPRequestHandler) -> None:
    at = int(query(handler).get("at", 0))
    following = {"Link": f'</A?at={at + 4}>; rel="next", </A>; rel=first'} if at + 4 < 10 else {}
    page(handler, ROWS[at : at + 4], following)


def by_cursor(handler: BaseHTTPRequestHandler) -> None:
    at = int(query(handler).get("after", "c0")[1:])
    page(handler, ROWS[at : at + 4], cursor=f"c{at + 4}" if at + 4 < 10 else "")


def by_page(handler: BaseHTTPRequestHandler) -> None:
    """It caps a page at three rows, whatever is asked for."""
    at = (int(query(handler)["page"]) - 1) * 3
    page(handler, ROWS[at : at + 3])


def by_offset(handler: BaseHTTPRequestHandler) -> None:
    at = int(query(handler)["skip"])
    page(handler, ROWS[at : at + 3], total=10)


PAGINATIONS = {
    "{kind: link_header}": by_link,
    "{kind: json_link, next: links.next}": by_next,
    "{kind: cursor, next: cursor, parameter: after}": by_cursor,
    "{kind: page, parameter: page}": by_page,
    "{kind: offset, parameter: skip, rows: rows}": by_offset,
    "{kind: offset, parameter: skip, rows: rows, total: total}": by_offset,
}


@pytest.mark.parametrize("pagination", PAGINATIONS)
def test_all_pages_come_and_nothing_twice(
    http: Service, paged: Callable[..., Project], pagination: str
) -> None:
    http.answer = PAGINATIONS[pagination]
    project = paged(http.url, pagination)
    result = go(project, since="2026-11-22")
    assert counts(result) == {"A": (10, 10, 0, 0, 0, 0)}
    assert result.exit_code() == ExitCode.DONE
    assert [row[2] for row in stored(project)] == list(range(10))
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 0, 10, 0, 0, 0)}


@pytest.mark.parametrize(
    ("pagination", "following"),
    [
        ("{kind: json_link, next: links.next}", "/A"),
        ("{kind: json_link, next: links.next}", "/A?at={at}"),
        ("{kind: page, parameter: page}", ""),
    ],
)
def test_a_page_that_repeats_ends_it_and_the_window_stays_open(
    http: Service, paged: Callable[..., Project], pagination: str, following: str
) -> None:
    """The same rows for ever, under addresses that change: dlt's `never stops`."""

    def again(handler: BaseHTTPRequestHandler) -> None:
        links = {"next": following.format(at=len(http.requests))} if following else None
        page(handler, ROWS[:4], links=links)

    http.answer = again
    project = paged(http.url, pagination)
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert len(stored(project)) == 4
    (missing,) = result.completeness.missing
    assert "again" in missing.why
    assert len(http.requests) <= 3
    assert not (project.state / "pull" / "historian.json").exists()


def test_pages_without_end_are_stopped(http: Service, paged: Callable[..., Project]) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        at = int(query(handler).get("at", 0))
        rows = [{"t": f"{DAY + timedelta(minutes=at):%Y-%m-%dT%H:%M:%SZ}", "v": at}]
        page(handler, rows, links={"next": f"/A?at={at + 1}"})

    http.answer = endless
    project = paged(http.url, "{kind: json_link, next: links.next, most: 5}")
    result = go(project, since="2026-11-22")
    assert (len(http.requests), len(stored(project))) == (5, 5)
    assert "more than 5 pages" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE


@pytest.mark.parametrize("circle", [1, 3])
def test_pages_in_a_circle_end_where_they_began(
    http: Service, paged: Callable[..., Project], circle: int
) -> None:
    """A cursor that stays, and three that go round, under bodies that differ each time."""

    def round_and_round(handler: BaseHTTPRequestHandler) -> None:
        asked = int(query(handler).get("after", 0))
        at = 3 * (asked % circle)
        page(handler, ROWS[at : at + 3], cursor=str(asked % circle + 1), request=len(http.requests))

    http.answer = round_and_round
    project = paged(http.url, "{kind: cursor, next: cursor, parameter: after}")
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert [row[2] for row in stored(project)] == list(range(3 * circle))
    assert "again" in result.completeness.missing[0].why
    assert len(http.requests) == circle + 1
    assert not (project.state / "pull" / "historian.json").exists()


def test_empty_pages_without_end_are_stopped(
    http: Service, paged: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityctl.exports.paging.EMPTY_IN_A_ROW", 10)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        at = int(query(handler).get("at", 0))
        page(handler, [] if at else ROWS[:4], links={"next": f"/A?at={at + 1}"}, at=at)

    http.answer = endless
    project = paged(http.url, "{kind: json_link, next: links.next}")
    result = go(project, since="2026-11-22")
    assert (len(http.requests), len(stored(project))) == (1 + 10, 4)
    assert "10 pages in a row without a reading" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert not (project.state / "pull" / "historian.json").exists()


def test_a_few_empty_pages_before_the_last_one_are_none_of_that(
    http: Service, paged: Callable[..., Project]
) -> None:
    def sparse(handler: BaseHTTPRequestHandler) -> None:
        at = int(query(handler).get("at", 0))
        links = {"next": f"/A?at={at + 1}" if at < 9 else None}
        page(handler, ROWS[4:] if at == 9 else [], links=links, at=at)

    http.answer = sparse
    project = paged(http.url, "{kind: json_link, next: links.next}")
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.DONE
    assert [row[2] for row in stored(project)] == [4, 5, 6, 7, 8, 9]


def test_a_next_link_to_another_origin_gets_nothing(
    http: Service, another_http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = lambda handler: page(handler, ROWS[:4], links={"next": another_http.url + "/A?at=4"})
    another_http.answer = by_next
    project = paged(http.url, "{kind: json_link, next: links.next}")
    result = go(project, since="2026-11-22")
    assert another_http.requests == []
    assert "another origin" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert len(stored(project)) == 4  # what came is kept, and the window is asked for again
    allowed = paged(
        http.url, "{kind: json_link, next: links.next}", service=f', origins: ["{another_http.url}"]'
    )
    assert go(allowed, since="2026-11-22").exit_code() == ExitCode.DONE
    assert len(stored(allowed)) == 10
    assert CANARY not in str(another_http.requests)


def test_a_page_that_fails_keeps_the_pages_before_it(http: Service, paged: Callable[..., Project]) -> None:
    http.answer = lambda h: by_next(h) if "at=8" not in h.path else send(h, b"{}", 500)
    project = paged(http.url, "{kind: json_link, next: links.next}")
    result = go(project, since="2026-11-22")
    assert "answered 500" in result.completeness.missing[0].why
    assert len(stored(project)) == 8
    assert not (project.state / "pull" / "historian.json").exists()
    http.answer = by_next
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 2, 8, 0, 0, 0)}


def test_an_answer_that_goes_on_elsewhere_is_no_whole_answer(
    http: Service, paged: Callable[..., Project]
) -> None:
    """Without pagination in the connector a `next` link is not followed, and not passed over in silence."""
    body = {"@iot.nextLink": "/B", "value": [{"phenomenonTime": ROWS[0]["t"], "result": 1.5}]}
    http.answer = lambda handler: send(handler, json.dumps(body).encode())
    project = paged(http.url, "{kind: none}")
    path = project.folder / "connectors" / "services" / "mine.yaml"
    text = path.read_text().replace("format: json", "format: sensorthings")
    path.write_text(text.replace("rows: rows, time: t, value: v, ", ""))
    result = go(project, since="2026-11-22")
    assert "goes on at another address" in result.completeness.missing[0].why
    assert len(stored(project)) == 1
    assert not (project.state / "pull" / "historian.json").exists()


TOKENS = "{kind: oauth2_client, token: /token}"


class Giver:
    """Gives tokens, and takes each for so many requests only."""

    def __init__(self, uses: int) -> None:
        self.uses = uses
        self.given = 0
        self.left: dict[str, int] = {}

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/token":
            self.given += 1
            token = f"token-number-{self.given}-of-many"
            self.left[token] = self.uses
            send(handler, json.dumps({"access_token": token, "expires_in": 3600}).encode())
            return
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.left.get(token, 0) <= 0:
            send(handler, b"", 401)
            return
        self.left[token] -= 1
        by_next(handler)


def test_a_token_that_ends_in_the_middle_is_renewed(http: Service, paged: Callable[..., Project]) -> None:
    http.answer = giver = Giver(uses=2)
    project = paged(http.url, "{kind: json_link, next: links.next}", auth=TOKENS, service=", user: me")
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 10, 0, 0, 0, 0)}
    assert giver.given == 2
    assert len([path for path, _ in http.requests if path == "/token"]) == 2
    assert http.bodies[0] == "grant_type=client_credentials"
    for path in project.folder.rglob("*"):
        assert not path.is_file() or b"token-number" not in path.read_bytes()


def test_tokens_that_never_fit_are_asked_for_twice_and_no_more(
    http: Service, paged: Callable[..., Project]
) -> None:
    http.answer = giver = Giver(uses=0)
    project = paged(http.url, "{kind: none}", auth=TOKENS, service=", user: me")
    with pytest.raises(CredentialsRefused, match=r"refused \(401\)"):
        go(project, since="2026-11-22")
    assert giver.given == 2


def test_what_did_not_change_is_not_sent_again(http: Service, paged: Callable[..., Project]) -> None:
    def tagged(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == '"v1"':
            send(handler, b"", 304)
        else:
            page(handler, ROWS, {"ETag": '"v1"'})

    http.answer = tagged
    project = paged(http.url, "{kind: none}")
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 10, 0, 0, 0, 0)}
    again = go(project, since="2026-11-22")
    assert counts(again) == {"A": (10, 0, 10, 0, 0, 0)}  # the landed answer is counted again
    assert again.exit_code() == ExitCode.DONE
    assert http.requests[1][1]["if-none-match"] == '"v1"'
    for raw in (project.state / "raw").glob("??/*"):
        raw.unlink()
    assert counts(go(project, since="2026-11-22")) == {"A": (10, 0, 10, 0, 0, 0)}
    assert "if-none-match" not in http.requests[2][1]


def test_a_window_that_brings_too_much_is_cut_in_halves(http: Service, paged: Callable[..., Project]) -> None:
    """The service gives four rows at most, the oldest of the window, and does not say that there are more."""

    def capped(handler: BaseHTTPRequestHandler) -> None:
        asked = query(handler)
        page(handler, [row for row in ROWS if asked["from"] <= str(row["t"]) < asked["to"]][:4])

    http.answer = capped
    project = paged(http.url, "{kind: windows, full: 4}")
    path = project.folder / "connectors" / "services" / "mine.yaml"
    asked = "request: {path: '/{series}', query: {from: '{since}', to: '{until}'}}"
    path.write_text(path.read_text().replace("request: {path: '/{series}'}", asked))
    result = go(project, since="2026-11-22")
    assert counts(result) == {"A": (10, 10, 0, 0, 0, 0)}
    assert result.exit_code() == ExitCode.DONE
    assert marks(project)["A"]["until"] == "2026-11-23T06:00:00+00:00"


def test_a_budget_spaces_the_requests(http: Service, paged: Callable[..., Project]) -> None:
    http.answer = by_next
    project = paged(http.url, "{kind: json_link, next: links.next}", more="budget: {requests: 1, per: 10s}\n")
    from cityctl.collect import pull as pulling
    from tests.collect.historian import NOW, console

    waits: list[float] = []
    pulling.pull(project, None, since="2026-11-22", now=NOW, console=console(), sleep=waits.append)
    assert len(waits) == 2
    assert all(9.0 < wait <= 20.0 for wait in waits)


def test_a_gzip_bomb_is_refused_and_the_other_series_come(
    http: Service, paged: Callable[..., Project]
) -> None:
    import gzip

    bomb = gzip.compress(b"[" + b" " * (60 << 20))
    http.answer = lambda handler: send(handler, bomb, Content_Encoding="gzip")
    project = paged(http.url, "{kind: none}")
    result = go(project, since="2026-11-22")
    assert "when unpacked: refused" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert stored(project) == []
    assert not list((project.state / "raw").rglob("*.tmp"))


def test_retry_after_beyond_what_is_waited_for_is_told(http: Service, paged: Callable[..., Project]) -> None:
    http.answer = lambda handler: send(handler, b"", 429, Retry_After="7200")
    with pytest.raises(Unreachable, match="come back in 7200 s"):
        go(paged(http.url, "{kind: none}"), since="2026-11-22")
