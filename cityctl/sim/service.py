"""The simulated city's exports over HTTP on loopback: SCADA historian, weather office, Green Button feeds.

    GET /historian/series                                         tags, units and intervals
    GET /historian/series/HAFEN.FT01.csv?from=ISO&to=ISO          CSV: time (the interval's start, UTC), value
    GET /weather/series/air_temperature.csv?from=ISO&to=ISO       the same, of the weather office
    GET /greenbutton/town-hall.xml?published-min=ISO&published-max=ISO     asks for `Authorization: Bearer KEY`

Windows are half-open and in UTC or with an offset; without one, all there is. Nothing newer than the simulated
`now` is handed out. Knows nothing of who asks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from cityctl.sim import greenbutton
from cityctl.sim.town.blueprint import BUILDINGS, NAME, SOLAR_ROOF
from cityctl.sim.town.noise import Floats, Integers
from cityctl.sim.town.records import HOUR, Series
from cityctl.sim.town.whole import Town

DEMO_KEY = "demo-key"


class Refused(Exception):
    """An HTTP answer that is no success: its status and one line of reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Exports:
    """What the services hand out, as bytes; pure apart from the town's clock."""

    def __init__(self, town: Town, *, key: str = DEMO_KEY) -> None:
        self.town = town
        self.key = key

    def answer(self, path: str, query: Mapping[str, list[str]], authorization: str) -> tuple[str, bytes]:
        """(content type, body) of a request. Raises Refused."""
        parts = [unquote(part) for part in path.split("/") if part]
        match parts:
            case []:
                return "application/json", self._front_page()
            case ["historian" | "weather" as office, "series"]:
                return "text/csv; charset=utf-8", self._tags(office)
            case ["historian" | "weather" as office, "series", name] if name.endswith(".csv"):
                window = self._window(query, "from", "to")
                return "text/csv; charset=utf-8", self._series(office, name.removesuffix(".csv"), *window)
            case ["greenbutton", name] if name.endswith(".xml"):
                if not compare_digest(authorization.encode(), f"Bearer {self.key}".encode()):
                    raise Refused(HTTPStatus.UNAUTHORIZED, "this service asks for a bearer key")
                window = self._window(query, "published-min", "published-max")
                return "application/atom+xml", self._usage_point(name.removesuffix(".xml"), *window)
        raise Refused(HTTPStatus.NOT_FOUND, f"nothing is at {path}")

    def _front_page(self) -> bytes:
        page = {
            "name": NAME,
            "day": self.town.scenario.day.isoformat(),
            "seed": self.town.scenario.seed,
            "series": list(self.town.records.series),
            "usage_points": [*BUILDINGS, SOLAR_ROOF.id],
        }
        return json.dumps(page, indent=2).encode()

    def _recorded_by(self, office: str) -> dict[str, Series]:
        known = self.town.records.series
        return {tag: one for tag, one in known.items() if one.from_scada == (office == "historian")}

    def _tags(self, office: str) -> bytes:
        rows = [f"{one.tag},{one.unit},{one.every}" for one in self._recorded_by(office).values()]
        return "\n".join(["series,unit,seconds", *rows, ""]).encode()

    def _window(self, query: Mapping[str, list[str]], first: str, last: str) -> tuple[int, int]:
        edges = []
        for name, default in ((first, 0), (last, 1 << 40)):
            text = query.get(name, [""])[0]
            if not text:
                edges.append(default)
                continue
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise Refused(HTTPStatus.BAD_REQUEST, f"`{name}` is no ISO 8601 time") from None
            if moment.tzinfo is None:
                raise Refused(HTTPStatus.BAD_REQUEST, f"`{name}` has no offset from UTC")
            edges.append(int(np.ceil(moment.timestamp())))
        return edges[0], edges[1]

    def _series(self, office: str, tag: str, start: int, end: int) -> bytes:
        records = self.town.records
        if tag not in self._recorded_by(office):
            raise Refused(HTTPStatus.NOT_FOUND, f"no series is called {tag}")
        starts, values = records.recorded(tag, start, end, int(self.town.second()))
        stamps = np.datetime_as_string(starts.astype("datetime64[s]"), unit="s").tolist()
        written = f"%.{records.series[tag].digits}f"
        rows = [f"{stamp}Z,{written % value}" for stamp, value in zip(stamps, values.tolist(), strict=True)]
        return "\n".join(["time,value", *rows, ""]).encode()

    def _usage_point(self, name: str, start: int, end: int) -> bytes:
        town = self.town
        begin = max(start, int(town.scenario.history_start.timestamp()))
        last = min(end, int(town.second()) // HOUR * HOUR)
        first = -(-begin // HOUR) * HOUR
        starts: Integers = np.arange(first, max(first, last), HOUR, dtype=np.int64)
        energy: Floats
        if name in BUILDINGS:
            energy, title = town.loads[name].energy(starts), BUILDINGS[name].name
            direction = greenbutton.FORWARD
        elif name == SOLAR_ROOF.id:
            energy, title = town.solar_energy(starts), SOLAR_ROOF.name
            direction = greenbutton.REVERSE
        else:
            raise Refused(HTTPStatus.NOT_FOUND, f"no usage point is called {name}")
        return greenbutton.feed(
            name, title, starts, energy,
            updated=int(town.second()), local=town.scenario.local, flow_direction=direction,
        )  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exports: Exports  # set on a subclass by Service: http.server makes a handler for each connection
    timeout = 30

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        try:
            kind, body = self.exports.answer(
                address.path, parse_qs(address.query), self.headers.get("Authorization", "")
            )
            status = HTTPStatus.OK
        except Refused as refused:
            kind, body, status = "text/plain; charset=utf-8", f"{refused.reason}\n".encode(), refused.status
        self.send_response(status)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the simulator's stdout belongs to whoever started it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # POSIX: a port whose last connections are winding down is free; Windows: it would be shared with another.
    allow_reuse_address = os.name != "nt"

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle of an answer is nobody's error."""


class Service:
    """The HTTP service in a thread of its own."""

    def __init__(self, town: Town, *, host: str = "127.0.0.1", port: int = 0, key: str = DEMO_KEY) -> None:
        self._address = (host, port)
        handler = type("Handler", (_Handler,), {"exports": Exports(town, key=key)})
        self._handler = handler
        self._server: _Server | None = None
        self._thread: Thread | None = None

    def start(self) -> int:
        """Listen, and give the port. Raises OSError where it is taken."""
        self._server = _Server(self._address, self._handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="sim-http")
        self._thread.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Close the port; answers that are under way are given up."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
