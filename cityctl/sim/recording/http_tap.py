"""What `cityctl sim record https://..` and `sim replay` of an HTTP session do: a proxy or a player on a port."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from pathlib import Path
from threading import Lock
from typing import IO, Any
from urllib.parse import urlsplit

from cityctl import clock
from cityctl.errors import CityctlError, ConfigInvalid, Unreachable, UsageProblem
from cityctl.exports.http.patience import Again, Patience
from cityctl.exports.http.unpack import CODINGS, Bounds, Damaged, Unpack
from cityctl.exports.http.wire import Wire
from cityctl.exports.secret import hide
from cityctl.sim.recording import http_session
from cityctl.sim.recording.http_player import Player, base
from cityctl.sim.recording.http_session import Exchange

_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length", "accept-encoding",
        "user-agent", "proxy-connection"}  # fmt: skip


_BOUNDS = Bounds(wire=256 << 20, decoded=1 << 30)


def is_url(text: str) -> bool:
    """Whether a target is an HTTP service, and no Modbus device."""
    return text.startswith(("http://", "https://"))


class _Bytes:
    def __init__(self) -> None:
        self.data = bytearray()

    def restart(self) -> None:
        self.data.clear()

    def write(self, data: bytes) -> None:
        self.data += data


class _Tap:
    """Passes requests on, and writes both sides down without secrets."""

    def __init__(self, of: str, out: IO[str]) -> None:
        self.of = base(of)
        self.out = out
        self.count = 0
        self.url = ""
        self._lock = Lock()
        self._wire = Wire(of, "the service", Patience())

    def close(self) -> None:
        self._wire.close()

    def pass_on(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Exchange:
        """One request. Raises Again and Unreachable."""
        sent = {name: value for name, value in headers.items() if name.lower() not in _HOP}
        with self._wire.send(method, self.of + path, sent, body, Patience().total) as reply:
            coding, sink = reply.headers.get("content-encoding", "").lower(), _Bytes()
            unpack = Unpack(coding, _BOUNDS, "the service") if coding in CODINGS else None
            for piece in reply.pieces():
                if unpack is None:
                    sink.write(piece)
                else:
                    unpack.feed(piece, sink)
            told = {
                name: value
                for name, value in reply.headers.items()
                if name not in _HOP | {"content-encoding"}
            }
            found = Exchange(method, path, reply.status, told, bytes(sink.data), sent)
        with self._lock:
            self.out.write(http_session.line(http_session.redacted(found)) + "\n")
            self.out.flush()
            self.count += 1
        return found


def record(of: str, file: Path, *, port: int, length: str | None, say: Callable[[str], None]) -> int:
    """Write down what is said between a client of `port` and a service; how many requests.

    Raises UsageProblem, ConfigInvalid where the file cannot be written, Unreachable where the port cannot be had.
    """
    if urlsplit(of).path not in ("", "/"):
        raise UsageProblem(
            f"`{of}` is more than an origin", hint=f"record {base(of)}, and ask its paths at the proxy"
        )
    seconds = clock.duration(length).total_seconds() if length is not None else None
    try:
        out = file.open("x", encoding="utf-8")
    except OSError as problem:
        why = "it exists already" if isinstance(problem, FileExistsError) else problem.strerror
        raise ConfigInvalid(f"{file}: cannot be written: {why}", hint="name another file") from None
    with out:
        out.write(dumps({"recorded": datetime.now(UTC).isoformat("T", "seconds"), "http": base(of)}) + "\n")
        out.flush()
        tap = _Tap(of, out)
        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), _proxy(tap))
        except OSError as problem:
            raise Unreachable(
                f"cannot listen on 127.0.0.1:{port}: {problem.strerror}", hint="another --port"
            ) from None
        server.daemon_threads = True
        tap.url = f"http://127.0.0.1:{server.server_address[1]}"
        say(f"{tap.url} passes on to {tap.of}; Ctrl-C ends it")
        _serve(server, seconds)
        tap.close()
        return tap.count


def _proxy(tap: _Tap) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            self._pass(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def _pass(self, body: bytes | None) -> None:
            try:
                found = tap.pass_on(self.command, self.path, dict(self.headers.items()), body)
            except (Again, Damaged, CityctlError) as problem:
                found = Exchange(self.command, self.path, 502, {}, f"{hide(str(problem))}\n".encode())
            # Links lead to the proxy, so that the client's credentials stay with it.
            told = found.body.replace(tap.of.encode(), tap.url.encode())
            with suppress(OSError):
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value.replace(tap.of, tap.url))
                if found.status not in (204, 304):
                    self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                if found.status not in (204, 304):
                    self.wfile.write(told)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    return Handler


def replay(file: Path, *, port: int, length: str | None, say: Callable[[str], None]) -> tuple[int, int]:
    """Answer as a recorded service did: (requests known, requests unknown)."""
    session = http_session.read(file)
    seconds = clock.duration(length).total_seconds() if length is not None else None
    with Player(session, port=port, loose=True, of=origin_of(file)) as player:
        say(f"{player.url} answers HTTP as recorded; Ctrl-C ends it")
        begun = time.monotonic()
        while seconds is None or time.monotonic() - begun < seconds:
            time.sleep(0.05)
        return player.known, player.unknown


def origin_of(file: Path) -> str:
    """The service that a session was recorded of; its links are led to the player."""
    try:
        with file.open(encoding="utf-8") as lines:
            return str(loads(lines.readline()).get("http") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def _serve(server: ThreadingHTTPServer, seconds: float | None) -> None:
    server.timeout = 0.05
    until = time.monotonic() + seconds if seconds is not None else None
    try:
        while until is None or time.monotonic() < until:
            server.handle_request()
    finally:
        server.server_close()
