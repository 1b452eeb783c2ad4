"""Answers that are cut and go on, change in the middle, or lead elsewhere: a real server on loopback."""

from __future__ import annotations

import gzip
import logging
import socket
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from cityctl.errors import CredentialsRefused, InputRefused, Unreachable
from cityctl.exports.http import Budgets, Client, Patience, Proof, Rate, origin
from cityctl.exports.http.origin import check_led, with_query
from cityctl.exports.secret import Secret
from tests.http_service import Service, send

CANARY = "canary-resume-5b1c"
WHOLE = b"time,value\n" + b"".join(b"2026-11-%02dT00:00:00Z,%d\n" % (day % 28 + 1, day) for day in range(400))


class Bytes:
    """Holds an answer in memory."""

    def __init__(self) -> None:
        self.data = b""

    def restart(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def fetch(service: Service, **more: Any) -> tuple[Any, bytes]:
    sink = Bytes()
    more.setdefault("patience", Patience(connect=2, read=2, total=20, tries=4))
    with Client(service.url, "historian", sleep=lambda _: None, **more) as client:
        return client.fetch(service.url + "/x", sink), sink.data


class Cutting:
    """Sends the first part of an answer, then cuts the line; the rest where it is asked for."""

    def __init__(self, body: bytes, at: int, **headers: str) -> None:
        self.body = body
        self.at = at
        self.headers = headers
        self.parts: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.parts.append(asked)
        if asked and handler.headers.get("If-Range") == self.headers.get("ETag"):
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            said = f"bytes {begin}-{len(self.body) - 1}/{len(self.body)}"
            send(handler, self.body[begin:], 206, Content_Range=said, **self.headers)
        elif len(self.parts) > 1:
            send(handler, self.body, **self.headers)
        else:
            self.cut(handler)

    def cut(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in self.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body[: self.at])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)


def test_a_cut_answer_goes_on_where_it_ended(http: Service) -> None:
    http.answer = cutting = Cutting(WHOLE, 500, Accept_Ranges="bytes", ETag='"v1"')
    answer, data = fetch(http)
    assert data == WHOLE
    assert (answer.proven, answer.tries, answer.size) == (True, 2, len(WHOLE))
    assert cutting.parts == ["", "bytes=500-"]


def test_a_gzip_answer_goes_on_in_the_middle_of_its_stream(http: Service) -> None:
    packed = gzip.compress(WHOLE)
    http.answer = cutting = Cutting(
        packed, len(packed) // 2, Accept_Ranges="bytes", ETag='"v1"', Content_Encoding="gzip"
    )
    assert fetch(http)[1] == WHOLE
    assert cutting.parts == ["", f"bytes={len(packed) // 2}-"]


@pytest.mark.parametrize("headers", [{}, {"ETag": '"v1"'}, {"Accept_Ranges": "bytes", "ETag": 'W/"v1"'}])
def test_without_a_strong_etag_or_ranges_it_begins_anew(http: Service, headers: dict[str, str]) -> None:
    http.answer = cutting = Cutting(WHOLE, 500, **headers)
    assert fetch(http)[1] == WHOLE
    assert cutting.parts == ["", ""]


def test_a_date_that_is_old_enough_serves_as_well(http: Service) -> None:
    dates = {"Accept_Ranges": "bytes", "Last_Modified": "Mon, 02 Nov 2026 00:00:00 GMT"}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-Range") == dates["Last_Modified"]:
            send(handler, WHOLE[500:], 206, Content_Range=f"bytes 500-{len(WHOLE) - 1}/{len(WHOLE)}")
        else:
            cutting.cut(handler)

    cutting = Cutting(WHOLE, 500, **dates)
    http.answer = answer
    assert fetch(http)[1] == WHOLE


def test_an_etag_that_changes_in_the_middle_begins_anew(http: Service) -> None:
    """A server that ignores If-Range gives the rest of another answer: it must not be glued to the old one."""
    other = WHOLE.replace(b"2026", b"2027")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        if len(http.requests) == 1:
            old.cut(handler)
        elif asked:
            said = f"bytes 500-{len(other) - 1}/{len(other)}"
            send(handler, other[500:], 206, Content_Range=said, ETag='"v2"')
        else:
            send(handler, other, ETag='"v2"')

    old = Cutting(WHOLE, 500, Accept_Ranges="bytes", ETag='"v1"')
    http.answer = answer
    got, data = fetch(http)
    assert data == other
    assert got.tries == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [(206, "bytes 400-600/5000"), (206, "bytes 500-99/99"), (206, "nonsense"), (206, ""), (416, "")],
)
def test_a_part_that_does_not_fit_is_not_glued(http: Service, status: int, said: str) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if len(http.requests) == 1:
            cutting.cut(handler)
        elif handler.headers.get("Range"):
            send(handler, b"x", status, **({"Content_Range": said} if said else {}))
        else:
            send(handler, WHOLE)

    cutting = Cutting(WHOLE, 500, Accept_Ranges="bytes", ETag='"v1"')
    http.answer = answer
    assert fetch(http)[1] == WHOLE


def test_a_part_that_nobody_asked_for_is_refused(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"x", 206, Content_Range="bytes 0-0/2")
    with pytest.raises(InputRefused, match="a part only"):
        fetch(http)


@pytest.mark.parametrize("bits", [15, -15])
def test_deflate_is_unpacked_with_and_without_its_header(http: Service, bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    packed = packer.compress(WHOLE) + packer.flush()
    http.answer = lambda handler: send(handler, packed, Content_Encoding="deflate")
    assert fetch(http)[1] == WHOLE


class Renewed:
    """Credentials of which the second ones are right."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.renewals = 0

    def proof(self) -> Proof:
        return Proof({"Authorization": Secret(f"Bearer {self.tokens[0]}")})

    def renew(self) -> bool:
        self.renewals += 1
        if len(self.tokens) > 1:
            self.tokens.pop(0)
        return True


def guarded(right: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers.get("Authorization") == f"Bearer {right}"
        send(handler, WHOLE if known else b"", 200 if known else 401)

    return answer


def test_a_401_is_answered_with_exactly_one_renewal(http: Service) -> None:
    http.answer = guarded("token-two")
    credentials = Renewed("token-one", "token-two")
    assert fetch(http, credentials=credentials)[1] == WHOLE
    assert (credentials.renewals, len(http.requests)) == (1, 2)
    refused = Renewed("token-one", "token-three")
    with pytest.raises(CredentialsRefused):
        fetch(http, credentials=refused)
    assert refused.renewals == 1


def test_a_403_is_no_reason_for_another_token(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"", 403)
    credentials = Renewed("token-one", "token-two")
    with pytest.raises(CredentialsRefused):
        fetch(http, credentials=credentials)
    assert credentials.renewals == 0


def test_a_key_in_the_query_is_sent_and_never_shown(http: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    class Key:
        def proof(self) -> Proof:
            return Proof(query={"api_key": Secret(CANARY)})

        def renew(self) -> bool:
            return False

    http.answer = lambda handler: send(handler, b"ok" if CANARY in handler.path else b"", 200)
    answer, data = fetch(http, credentials=Key())
    assert data == b"ok"
    assert http.requests[0][0] == f"/x?api_key={CANARY}"
    assert CANARY not in answer.url + answer.address + caplog.text
    http.answer = lambda handler: send(
        handler, f"bad {handler.path}".encode(), 400, Content_Type="text/plain"
    )
    with pytest.raises(InputRefused) as refused:
        fetch(http, credentials=Key())
    assert CANARY not in refused.value.message
    assert "bad /x?api_key=***" in refused.value.message
    assert (
        with_query("http://h/x?api_key=old&a=1", {"api_key": Secret("new-key-1")})
        == "http://h/x?a=1&api_key=new-key-1"
    )


def test_another_origin_that_city_yaml_names_is_asked_without_credentials(
    http: Service, another_http: Service
) -> None:
    http.answer = lambda handler: send(handler, b"", 302, Location=another_http.url + "/file")
    another_http.answer = lambda handler: send(handler, WHOLE)
    known = frozenset({origin(another_http.url)})
    assert fetch(http, secrets={"X-API-Key": Secret(CANARY)}, origins=known)[1] == WHOLE
    assert CANARY in str(http.requests)
    assert CANARY not in str(another_http.requests)


def test_https_never_leads_to_http() -> None:
    own = origin("https://a.example")
    assert check_led("s", own, "https://a.example:443/x", frozenset())
    with pytest.raises(Unreachable, match="from https to http"):
        check_led("s", own, "http://a.example/x", frozenset({"http://a.example:80"}))


def test_a_budget_holds_requests_back() -> None:
    """Three requests in ten seconds: the fourth waits until the first is ten seconds old."""
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    budgets = Budgets(clock=lambda: now[0])
    budgets.limit("h", Rate(3, 10.0))
    for _ in range(3):
        budgets.take("h", sleep)
        now[0] += 1.0
    budgets.take("h", sleep)
    budgets.take("another", sleep)
    assert waits == [7.0]
