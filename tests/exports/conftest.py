"""Reading an export whole, and a real HTTP server on loopback that plays a service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cityctl.exports import formats
from cityctl.exports.parsed import Rejection, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source


@dataclass
class Parsed:
    """An export, read whole."""

    series: dict[str, Series] = field(default_factory=dict)
    readings: dict[str, list[tuple[str, float | None, int, int]]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank: int = 0

    def of(self, series: str) -> list[tuple[str, float | None]]:
        """(UTC time, value) of a series, in the order of the file."""
        return [(time, value) for time, value, _, _ in self.readings.get(series, [])]

    @property
    def refused(self) -> list[tuple[int | None, str]]:
        """(line, reason) of each rejection."""
        return [(one.line, one.reason) for one in self.rejections]


def parse(source: Source, name: str, shape: Shape) -> Parsed:
    """All chunks of an export, in plain Python."""
    whole = Parsed()
    for chunk in formats.find(name).parse(source, shape):
        whole.series |= {series.id: series for series in chunk.series}
        whole.rejections += chunk.rejections
        whole.notes += chunk.notes
        whole.blank += chunk.blank
        if chunk.readings is not None:
            for row in chunk.readings.to_pylist():
                time = row["time"].isoformat(" ") + "Z"
                told = (time, row["value"], row["quality"], row["place"])
                whole.readings.setdefault(row["series"], []).append(told)
    return whole


@pytest.fixture
def table() -> Callable[..., Parsed]:
    """Read delimited text; the words are those of Shape."""

    def read(text: str | bytes, name: str = "flows.csv", **words: Any) -> Parsed:
        data = text.encode() if isinstance(text, str) else text
        return parse(Source(name, data=data), "csv", Shape(**words))

    return read


@pytest.fixture
def feed() -> Callable[..., Parsed]:
    """Read a Green Button feed."""

    def read(text: str | bytes, name: str = "feed.xml") -> Parsed:
        data = text.encode() if isinstance(text, str) else text
        return parse(Source(name, data=data), "green_button", Shape())

    return read


class Service:
    """A real HTTP server on loopback; `answers` are functions that write to a request handler."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: handler.send_error(404)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append(
                    (self.path, {key.lower(): value for key, value in self.headers.items()})
                )
                outer.answer(self)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """A client that goes away in the middle is what some tests want."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """A whole answer, with its length."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def http() -> Iterator[Service]:
    """A service on loopback."""
    service = Service()
    yield service
    service.close()


@pytest.fixture
def another_http() -> Iterator[Service]:
    """A second origin on loopback."""
    service = Service()
    yield service
    service.close()
