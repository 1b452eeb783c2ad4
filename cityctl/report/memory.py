"""What analyses worked out from readings, kept in the project's state: a new day costs its last weeks.

Everything here can be worked out again: a file that is torn, old or of another program is left aside, and the folder
may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import cityctl
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.disk import share, write_atomic
from cityctl.engine.duck import Engine
from cityctl.store.segments.scan import micros
from cityctl.store.stamp import holds, stamp
from cityctl.store.store import Store
from cityctl.store.views.counters import attach_counted
from cityctl.store.views.derive import Derivation
from cityctl.store.views.shown import Attachment

FOLDER = "memory"
FORGOTTEN = 45 * 86400.0  # seconds after which what nobody asked for any more is deleted
_LONGEST = 4096  # bytes of a file in which its first line ends
_TOUCHED = 86400.0  # once a day is enough to say that it is still asked for


class Remembered:
    """The memory of one analysis in one project; see question.Memory."""

    def __init__(
        self, project: Project, store: Store, engine: Engine, analysis: str, points: list[str]
    ) -> None:
        self._city, self._store, self._engine, self._points = project.city, store, engine, points
        self._folder = project.state / FOLDER
        self._prefix = analysis.replace("/", "-")
        self._snapshot = store.snapshot()
        self._attachment: Attachment | None = None

    def show(self, span: Interval) -> None:
        """Let `readings` and `counted` hold the readings of a span, as the store held them when all of this began."""
        if self._attachment is not None:
            self._attachment.show(span)
            return
        self._attachment = self._store.attach(
            self._engine, self._city, points=self._points, interval=span, snapshot=self._snapshot
        )
        attach_counted(self._engine, self._city.points())

    def holds(self, span: Interval) -> bool:
        """See Memory.holds."""
        return holds(self._snapshot, *self._reached(span))

    def stamp(self, span: Interval) -> str | None:
        """See Memory.stamp."""
        stored = stamp(self._snapshot, *self._reached(span))
        if stored is None:
            return None
        return hashlib.sha256(f"{stored} {self.program}".encode()).hexdigest()

    def recall(self, slot: str, key: str) -> bytes | None:
        """See Memory.recall."""
        path = self._path(slot)
        try:
            # Read at once and without a buffer in between, which would have all of it copied.
            with path.open("rb", buffering=0) as file:
                head, newline, _ = file.read(_LONGEST).partition(b"\n")
                file.seek(len(head) + len(newline))
                content = file.read()
            if not newline or head != _head(key, content):
                return None
        except OSError:
            return None
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCHED:
                os.utime(path)
        return content

    def keep(self, slot: str, key: str, content: bytes) -> None:
        """See Memory.keep; what was read after a file vanished came from a newer store than the stamps stand for."""
        shown = self._attachment
        if shown is not None and shown.generation != self._snapshot.generation:
            return
        with suppress(OSError):
            write_atomic(self._path(slot), _head(key, content) + b"\n" + content, rights=share)
            self._forget()

    @cached_property
    def program(self) -> str:
        """See Memory.program; the points that formulas are made of are among them."""
        known = self._city.points()
        names, asked = dict.fromkeys(self._points), list(self._points)
        while asked:
            point = known.get(asked.pop())
            if point is not None and point.formula is not None:
                asked += [name for name in point.formula.names if name not in names]
                names |= dict.fromkeys(point.formula.names)
        said = [repr(known[name]) for name in names if name in known]
        return hashlib.sha256("\n".join([_program(), self._city.time_zone, *said]).encode()).hexdigest()

    def _reached(self, span: Interval) -> tuple[int, int]:
        """Start and end [µs] of all readings that those of a span depend on: formulas look before and after."""
        before, after = self._reach
        return micros(span.start) - before, micros(span.end) + after

    @cached_property
    def _reach(self) -> tuple[int, int]:
        known = self._city.points()
        derived = [name for name in self._points if name in known and known[name].formula is not None]
        return Derivation(known, derived).reach_us if derived else (0, 0)

    def _path(self, slot: str) -> Path:
        return self._folder / f"{self._prefix}-{slot}"

    def _forget(self) -> None:
        """Delete what nobody has asked for in a long time."""
        now = time.time()
        for path in self._folder.iterdir():
            with suppress(OSError):
                if now - path.stat().st_mtime > FORGOTTEN:
                    path.unlink()


def _head(key: str, content: bytes) -> bytes:
    """The first line of a file: what it was kept under, its length, and a checksum against a bad disk."""
    return f"{key} {len(content)} {zlib.crc32(content):08x}".encode()


def _program() -> str:
    """This very program: its version, and when its files were written and how large they are."""
    folder = Path(cityctl.__file__).parent
    files = sorted(path for kind in ("py", "sql") for path in folder.rglob(f"*.{kind}"))
    written = [
        (str(path.relative_to(folder)), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files
    ]
    return f"{cityctl.__version__} {written}"
