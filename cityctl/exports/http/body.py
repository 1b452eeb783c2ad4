"""The body of one answer on its way into a sink, over as many tries as it takes.

A try that was cut goes on where it ended, if the service gives parts (Range) and says by a strong ETag or a date
that it is still the same answer (If-Range); otherwise the next try begins anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

from cityctl.errors import InputRefused
from cityctl.exports.http.patience import Again
from cityctl.exports.http.unpack import CODINGS, Bounds, Damaged, Sink, Unpack
from cityctl.exports.http.wire import Reply


class Body:
    """What came so far."""

    def __init__(self, service: str, bounds: Bounds, sink: Sink) -> None:
        self.service = service
        self.bounds = bounds
        self.sink = sink
        self.restart()

    def restart(self) -> None:
        """Forget what came."""
        self.wire = self.decoded = 0
        self.validator = ""
        self.proven = False
        self._coding = "identity"
        self._unpack: Unpack | None = None
        self._total: int | None = None
        self.sink.restart()

    def before_try(self) -> Mapping[str, str]:
        """The headers of the next try: the rest is asked for, where that is possible."""
        if not (self.wire and self.validator):
            self.restart()
            return {}
        return {"Range": f"bytes={self.wire}-", "If-Range": self.validator}

    def read(self, reply: Reply, deadline: float, total: float) -> None:
        """Take an answer (200 or 206) in. Raises Again and InputRefused."""
        if reply.status == 206:
            self._check_part(reply.headers)
        else:
            self._begin(reply.headers)
        for piece in reply.pieces():
            self.wire += len(piece)
            if self.wire > self.bounds.wire:
                raise InputRefused(
                    f"{self.service}: its answer is larger than {self.bounds.wire >> 20} MB",
                    hint="a shorter window brings less at once: `window: {largest: ..}` of the connector",
                )
            if time.monotonic() > deadline:
                raise Again(f"the answer was not complete within {total:.0f} s ({self.wire} bytes came)")
            self._take(piece)
        self._end(reply.headers)

    def _begin(self, headers: Mapping[str, str]) -> None:
        self.restart()
        coding = headers.get("content-encoding", "").strip().lower() or "identity"
        if coding != "identity" and coding not in CODINGS:
            raise InputRefused(f"{self.service}: its answer is coded as `{coding}`, which was not asked for")
        self._coding = coding
        self._unpack = Unpack(coding, self.bounds, self.service) if coding != "identity" else None
        length = headers.get("content-length", "")
        self._total = int(length) if length.isascii() and length.isdigit() else None
        if "bytes" in headers.get("accept-ranges", "").lower():
            self.validator = strong_validator(headers)

    def _check_part(self, headers: Mapping[str, str]) -> None:
        """The answer is the rest of what came, or the next try begins anew."""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("content-range", "").strip())
        etag = headers.get("etag", "").strip()
        same_tag = not etag or not self.validator.startswith('"') or etag == self.validator
        coding = headers.get("content-encoding", "").strip().lower() or "identity"
        same_size = found is None or found[3] == "*" or self._total is None or int(found[3]) == self._total
        if (
            found is None
            or int(found[1]) != self.wire
            or not same_tag
            or not same_size
            or coding != self._coding
        ):
            self.restart()
            raise Again("the export changed while it was fetched: it is fetched again from the start", 0.0)
        if found[3] != "*":
            self._total = int(found[3])

    def _take(self, piece: bytes) -> None:
        if self._unpack is None:
            self.decoded += len(piece)
            self.sink.write(piece)
            return
        try:
            self.decoded += self._unpack.feed(piece, self.sink)
        except Damaged as problem:
            self.restart()
            raise Again(f"its {self._unpack_name()} stream is damaged: {problem}") from None

    def _unpack_name(self) -> str:
        return "gzip" if self._coding != "deflate" else "deflate"

    def _end(self, headers: Mapping[str, str]) -> None:
        """The connection gave no more: is that the end?"""
        if self._total is not None and self.wire < self._total:
            raise Again(f"the answer was cut short: {self.wire} of {self._total} bytes came")
        if self._unpack is not None and not self._unpack.ended and (self._unpack.packed or self._total != 0):
            why = f"the answer was cut short: its {self._unpack_name()} stream does not end ({self.wire} bytes came)"
            if self._total is not None:  # all came that was announced: there is no rest to ask for
                self.restart()
            raise Again(why)
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self.proven = self._total is not None or chunked or self._unpack is not None


def strong_validator(headers: Mapping[str, str]) -> str:
    """What says that an answer is byte for byte the same: a strong ETag, or a date that is old enough.

    A Last-Modified counts where it lies a minute before Date: the answer cannot have changed twice in one second of
    it (RFC 9110, 8.8.2.2 and 13.1.5).
    """
    etag = headers.get("etag", "").strip()
    if etag.startswith('"'):
        return etag
    modified, date = headers.get("last-modified", ""), headers.get("date", "")
    if etag or not modified or not date:
        return ""
    try:
        old = parsedate_to_datetime(date) - parsedate_to_datetime(modified) >= timedelta(seconds=60)
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""
    return modified if old else ""
