"""Answers on loopback as a service did: the same request, the same answer."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from cityctl.errors import Unreachable
from cityctl.sim.recording.http_session import Exchange, key

_KEPT = ("content-type", "link", "etag", "last-modified", "retry-after", "content-range", "location")


class Player:
    """A server of recorded exchanges. A request that came several times gets its answers in turn, then the last one.

    `loose`: a request that was never recorded gets the next answer of the same path, whatever its query: windows
    of time move on. `known` and `unknown` count what was asked.
    """

    def __init__(
        self, session: Sequence[Exchange], *, port: int = 0, loose: bool = False, of: str = ""
    ) -> None:
        self.loose = loose
        self.of = of
        self.known = self.unknown = 0
        self.not_found: list[str] = []
        self._lock = Lock()
        self._exact: dict[Any, deque[Exchange]] = defaultdict(deque)
        self._paths: dict[Any, deque[Exchange]] = defaultdict(deque)
        for one in session:
            named = key(one.method, one.path)
            self._exact[named].append(one)
            self._paths[named[:2]].append(one)
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        except OSError as problem:
            raise Unreachable(
                f"cannot listen on 127.0.0.1:{port}: {problem.strerror}", hint="another --port, or none"
            ) from None
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Player:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, method: str, path: str) -> Exchange | None:
        """What was recorded for a request; None where nothing was."""
        named = key(method, path)
        with self._lock:
            queue = self._exact.get(named)
            if queue is None and self.loose:
                queue = self._paths.get(named[:2])
            if queue is None:
                self.unknown += 1
                self.not_found.append(f"{method} {path}")
                return None
            self.known += 1
            return queue.popleft() if len(queue) > 1 else queue[0]


def _handler(player: Player) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._play()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._play()

        def _play(self) -> None:
            found = player.answer(self.command, self.path)
            if found is None:
                body = b"never recorded\n"
                self.send_response(404)
                self.send_header("Content-Type", "text/plain")
                headers: dict[str, str] = {}
            else:
                self.send_response(found.status)
                headers = {name: value for name, value in found.headers.items() if name.lower() in _KEPT}
                body = self._here(found.body.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
            for name, value in headers.items():
                self.send_header(name, self._here(value))
            if found is None or found.status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                self.end_headers()

        def _here(self, text: str) -> str:
            text = text.replace("{url}", player.url)
            return text.replace(player.of, player.url) if player.of else text

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    return Handler


def base(url: str) -> str:
    """The scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
