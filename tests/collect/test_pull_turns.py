"""Series of one service get their turn, whatever becomes of the others: a real server on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

import pytest

from cityctl.city.project import Project
from cityctl.errors import CredentialsRefused, ExitCode, Unreachable
from cityctl.result import Result
from tests.collect.historian import HOUR, NOW, Historian, city_yaml, counts, go, marks, stored
from tests.http_service import Service, cut, send

NAMES = [f"S{number}" for number in range(9)]
POINTS = "".join(f"  {name.lower()}: {{unit: L/s, every: 1h, service: historian/{name}}}\n" for name in NAMES)
HOURS = 31  # local midnight of 22 November to 06:00Z of the next day

Answer = Callable[[BaseHTTPRequestHandler], None]


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Takes the request, and closes the line without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: send(handler, b"", code, **headers)


class Spoilt(Historian):
    """A historian that answers for some series in a way of its own."""

    def __init__(self, **odd: Answer) -> None:
        super().__init__()
        self.known = set(NAMES)
        self.odd = odd
        self.order: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.partition("/series/")[2].partition(".")[0]
        if name not in self.order:
            self.order.append(name)
        self.odd.get(name, super().__call__)(handler)


def missing(result: Result) -> dict[str, str]:
    return {one.what: one.why for one in result.completeness.missing}


def test_series_that_never_come_keep_no_other_one_back(http: Service, make: Callable[..., Project]) -> None:
    led = status(302, Location="http://127.0.0.1:9/x")
    bad = {"S0": cut, "S1": silent, "S3": status(500), "S4": status(503), "S6": status(403), "S8": led}
    words = [
        "cut short",
        "cut short",
        "it answered 500",
        "it answered 503",
        "refused (403)",
        "another origin",
    ]
    http.answer = Spoilt(**bad)
    project = make(city_yaml(http.url, POINTS))
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert len(stored(project)) == 3 * HOURS
    told = missing(result)
    assert list(told) == [f"historian/{name}" for name in bad]
    assert all(word in why for word, why in zip(words, told.values(), strict=True))
    assert (result.completeness.wanted, result.completeness.had) == (9, 3)
    assert set(marks(project)) == {"S2", "S5", "S7"}
    http.answer = Spoilt()
    healed = go(project, since="2026-11-22")
    assert healed.exit_code() == ExitCode.DONE
    assert len(stored(project)) == 9 * HOURS
    assert counts(healed)["S0"] == (HOURS, HOURS, 0, 0, 0, 0)
    assert counts(healed)["S2"] == (HOURS, 0, HOURS, 0, 0, 0)


def test_what_came_before_the_cut_is_kept_and_not_doubled(
    http: Service, make: Callable[..., Project]
) -> None:
    """The last of two windows is cut: the first is stored, and the watermark stands behind it."""
    historian = Historian()
    historian.known = set(NAMES)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        late = handler.path.startswith("/series/S1") and "from=2026-11-2" in handler.path
        (cut if late else historian)(handler)

    http.answer = answer
    project = make(city_yaml(http.url, POINTS))
    hours = int((NOW - datetime(2026, 10, 20, 22, tzinfo=UTC)) / HOUR)
    result = go(project, since="2026-10-21")
    first = counts(result)["S1"][1]
    assert 0 < first < hours
    assert counts(result)["S8"][1] == hours
    http.answer = historian
    go(project)
    assert len(stored(project)) == 9 * hours


def test_a_service_that_asks_to_be_left_alone_begins_next_time_where_it_ended(
    http: Service, make: Callable[..., Project]
) -> None:
    """A quota of three series a run: each run goes on behind the one before."""
    project = make(city_yaml(http.url, POINTS))
    for run in range(2):
        order = [NAMES[(4 * run + at) % 9] for at in range(4)]
        http.answer = spoilt = Spoilt(**{order[3]: status(429, Retry_After="3600")})
        result = go(project, since="2026-11-22")
        assert spoilt.order == order
        assert set(order[:3]) <= set(marks(project))
        assert result.exit_code() == ExitCode.INCOMPLETE
        assert "the other 5 series come first next time" in missing(result)["historian"]
    assert len(http.requests) == 8
    http.answer = spoilt = Spoilt()
    assert go(project, since="2026-11-22").exit_code() == ExitCode.DONE
    assert spoilt.order[0] == "S8"
    http.answer = spoilt = Spoilt()
    go(project, since="2026-11-22")
    assert spoilt.order == NAMES


def test_many_series_that_fail_in_a_row_end_it_and_the_others_come_first_next_time(
    http: Service, make: Callable[..., Project]
) -> None:
    bad = {name: status(500) for name in NAMES[1:7]}
    http.answer = spoilt = Spoilt(**bad)
    project = make(city_yaml(http.url, POINTS))
    result = go(project, since="2026-11-22")
    assert spoilt.order == NAMES[:6]
    assert set(missing(result)) == {"historian", *(f"historian/S{number}" for number in range(1, 5))}
    assert result.exit_code() == ExitCode.INCOMPLETE
    http.answer = spoilt = Spoilt(**bad)
    go(project, since="2026-11-22")
    assert spoilt.order == [*NAMES[6:], *NAMES[:6]]
    assert set(marks(project)) == {"S0", "S7", "S8"}


@pytest.mark.parametrize(
    ("code", "kind", "asked"),
    [(500, Unreachable, 5), (403, CredentialsRefused, 5), (401, CredentialsRefused, 1)],
)
def test_a_service_that_gives_nothing_at_all_is_that(
    http: Service, make: Callable[..., Project], code: int, kind: type[Exception], asked: int
) -> None:
    http.answer = spoilt = Spoilt(**{name: status(code) for name in NAMES})
    with pytest.raises(kind, match=str(code)):
        go(make(city_yaml(http.url, POINTS)), since="2026-11-22")
    assert len(spoilt.order) == asked
