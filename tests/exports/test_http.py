"""HTTP that survives: a real server on loopback plays what services do."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from cityctl.errors import CredentialsRefused, InputRefused, Unreachable
from cityctl.exports.http import Bounds, Client, Patience, origin
from cityctl.exports.http.patience import retry_after
from cityctl.exports.secret import Secret
from tests.http_service import Service, cut, send

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CANARY = "canary-7f3a9c"


class Bytes:
    """Holds an answer in memory."""

    def __init__(self) -> None:
        self.data = b""

    def restart(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


class Waits(list[float]):
    """Counts the pauses instead of making them."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(url: str, waits: Waits | None = None, **more: Any) -> Client:
    more.setdefault("patience", Patience(connect=2, read=2, total=20, tries=4))
    return Client(
        url,
        "historian",
        sleep=Waits() if waits is None else waits,
        now=lambda: NOW,
        jitter=lambda low, high: high,
        **more,
    )


def turns(*answers: Callable[[BaseHTTPRequestHandler], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """One answer after the other; the last one stays."""
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def fetch(service: Service, waits: Waits | None = None, path: str = "/x", **more: Any) -> tuple[Any, bytes]:
    sink = Bytes()
    with client(service.url, waits, **more) as it:
        return it.fetch(service.url + path, sink), sink.data


def test_an_answer_with_its_length_is_whole(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"time,value\n", X_Note="a")
    answer, data = fetch(http)
    assert (answer.status, answer.proven, answer.size, answer.tries) == (200, True, 11, 1)
    assert data == b"time,value\n"
    assert answer.headers["x-note"] == "a"


def test_gzip_is_unpacked_and_proves_its_end(http: Service) -> None:
    body = b"time,value\n" * 1000
    packed = gzip.compress(body) + gzip.compress(b"end")
    http.answer = lambda handler: send(handler, packed, Content_Encoding="gzip")
    answer, data = fetch(http)
    assert data == body + b"end"
    assert answer.proven
    assert http.requests[0][1]["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("told", "wait"),
    [("3", 3.0), (format_datetime(NOW + timedelta(seconds=7), usegmt=True), 7.0),
     (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0), ("soon", 0.5)],
)  # fmt: skip
def test_429_waits_as_long_as_the_service_asks(http: Service, told: str, wait: float) -> None:
    http.answer = turns(lambda h: send(h, b"", 429, Retry_After=told), lambda h: send(h, b"ok"))
    waits = Waits()
    answer, data = fetch(http, waits)
    assert (data, answer.tries) == (b"ok", 2)
    assert waits == [wait]


@pytest.mark.parametrize("wrong", [-1, 1], ids=["behind", "ahead"])
def test_a_date_to_come_back_at_is_read_by_the_services_clock_where_ours_is_wrong(wrong: int) -> None:
    told = {"retry-after": format_datetime(NOW + timedelta(seconds=30)), "date": format_datetime(NOW)}
    assert retry_after(told, NOW + wrong * timedelta(hours=1)) == 30.0


def test_503_is_tried_again_with_growing_pauses(http: Service) -> None:
    http.answer = turns(*[lambda h: send(h, b"", 503)] * 3, lambda h: send(h, b"ok"))
    waits = Waits()
    assert fetch(http, waits)[1] == b"ok"
    assert waits == [0.5, 1.0, 2.0]  # the jitter of this test is the longest pause


def test_a_service_that_stays_away_says_what_was_tried(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"", 503)
    with pytest.raises(Unreachable, match="historian: it answered 503") as gone:
        fetch(http)
    assert gone.value.tried == tuple(f"try {number}: it answered 503" for number in (1, 2, 3, 4))
    assert "--dry-run" in (gone.value.hint or "")


def test_a_pause_beyond_the_deadline_is_not_waited_for(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"", 429, Retry_After="3600")
    waits = Waits()
    with pytest.raises(Unreachable, match="come back in 3600 s"):
        fetch(http, waits)
    assert waits == []
    assert len(http.requests) == 1


def test_a_body_that_is_cut_is_fetched_again_from_the_start(http: Service) -> None:
    http.answer = turns(cut, lambda h: send(h, b"whole"))
    assert fetch(http)[1] == b"whole"
    http.answer = cut
    with pytest.raises(Unreachable, match="cut short"):
        fetch(http)


def test_a_gzip_body_that_is_cut_is_no_success(http: Service) -> None:
    packed = gzip.compress(b"time,value\n" * 100)[:-6]
    http.answer = lambda handler: send(handler, packed, Content_Encoding="gzip")
    with pytest.raises(Unreachable, match="gzip stream does not end"):
        fetch(http)


def test_a_body_without_length_is_not_proven(http: Service) -> None:
    def close(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"time,value\n")
        handler.close_connection = True

    http.answer = close
    answer, data = fetch(http)
    assert (data, answer.proven) == (b"time,value\n", False)


def test_a_slow_drip_ends_at_the_deadline(http: Service) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    http.answer = drip
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"not complete within 0 s|nothing for"):
        fetch(http, patience=Patience(connect=2, read=1, total=0.4, tries=3))
    assert time.monotonic() - began < 25  # the drip takes 50 s


def test_silence_is_named_by_its_phase(http: Service) -> None:
    http.answer = lambda handler: time.sleep(0.5)
    with pytest.raises(Unreachable, match=r"sent nothing for 0\.1 s"):
        fetch(http, patience=Patience(connect=2, read=0.1, total=5, tries=2))


def test_nobody_there(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    with pytest.raises(Unreachable, match="no connection") as gone, client(url) as it:
        it.fetch(url + "/x", Bytes())
    assert len(gone.value.tried) == 4


def test_a_redirect_within_the_origin_is_followed(http: Service) -> None:
    http.answer = turns(lambda h: send(h, b"", 302, Location="/y?a=1"), lambda h: send(h, b"ok"))
    assert fetch(http, secrets={"X-API-Key": Secret(CANARY)})[1] == b"ok"
    assert [path for path, _ in http.requests] == ["/x", "/y?a=1"]
    assert all(headers["x-api-key"] == CANARY for _, headers in http.requests)


def test_a_redirect_to_another_origin_is_refused_and_no_secret_goes_there(
    http: Service, another_http: Service
) -> None:
    http.answer = lambda handler: send(handler, b"", 302, Location=another_http.url + "/steal")
    another_http.answer = lambda handler: send(handler, b"thanks")
    with pytest.raises(Unreachable, match="another origin"):
        fetch(http, secrets={"X-API-Key": Secret(CANARY)})
    assert another_http.requests == []
    with client(http.url) as it, pytest.raises(Unreachable, match="another origin"):
        it.fetch(another_http.url + "/next", Bytes())
    assert another_http.requests == []


def test_redirects_in_a_circle_end(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"", 302, Location="/x")
    with pytest.raises(Unreachable, match="more than 5 times"):
        fetch(http)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_not_tried_again(http: Service, status: int) -> None:
    http.answer = lambda handler: send(handler, b"", status)
    with pytest.raises(CredentialsRefused, match=f"credentials refused \\({status}\\)") as refused:
        fetch(http, secrets={"Authorization": Secret(f"Bearer {CANARY}")})
    assert "services.historian" in (refused.value.hint or "")
    assert len(http.requests) == 1


def test_other_refusals_are_told_and_accepted_ones_are_answers(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"no", 404)
    with pytest.raises(InputRefused, match="answered 404"):
        fetch(http)
    with client(http.url) as it:
        assert it.fetch(http.url + "/x", Bytes(), accept=frozenset({404})).status == 404


def test_no_secret_in_any_message_or_log(http: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    http.answer = lambda handler: send(handler, b"", 400)
    key = Secret(CANARY)
    with pytest.raises(InputRefused) as refused:
        fetch(http, path=f"/x?key={CANARY}", secrets={"Authorization": Secret(f"Bearer {key.reveal()}")})
    assert CANARY not in str(refused.value) + str(refused.value.hint)
    assert any("HTTP Request" in record.getMessage() for record in caplog.records)
    assert CANARY not in caplog.text
    assert CANARY not in repr(key)


def test_a_bomb_is_refused_before_it_goes_off(http: Service) -> None:
    bomb = gzip.compress(b"0" * (40 << 20))
    http.answer = lambda handler: send(handler, bomb, Content_Encoding="gzip")
    with pytest.raises(InputRefused, match="when unpacked"):
        fetch(http)
    http.answer = lambda handler: send(handler, b"x" * 5000)
    with pytest.raises(InputRefused, match="larger than"):
        fetch(http, bounds=Bounds(wire=4000))


def test_a_coding_that_was_not_asked_for_is_refused(http: Service) -> None:
    http.answer = lambda handler: send(handler, b"x", Content_Encoding="br")
    with pytest.raises(InputRefused, match="`br`"):
        fetch(http)


def test_origins() -> None:
    assert origin("https://A.example/x") == origin("https://a.example:443/y") != origin("http://a.example/")
