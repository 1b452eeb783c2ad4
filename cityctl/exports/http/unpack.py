"""Unpacking gzip and deflate piece by piece, never more than is allowed. Knows no network."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

from cityctl.errors import InputRefused

_RATIO_FROM = 16 << 20  # bytes that may come out whatever went in
_STEP = 1 << 20
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's window bits


@dataclass(frozen=True)
class Bounds:
    """How much may come: bytes on the wire, bytes decoded, and decoded bytes for one on the wire."""

    wire: int = 2 << 30
    decoded: int = 8 << 30
    ratio: int = 200


class Sink(Protocol):
    """Where the bytes of an answer go; `restart` forgets those of a try that failed."""

    def write(self, data: bytes) -> object: ...

    def restart(self) -> None: ...


class Damaged(Exception):
    """The stream is not what its coding says."""


class Unpack:
    """Unpacks one answer piece by piece, never more than the bounds allow."""

    def __init__(self, coding: str, bounds: Bounds, service: str) -> None:
        self.coding = coding
        self.bounds = bounds
        self.service = service
        self.packed = self.unpacked = 0
        self._bits = CODINGS[coding]
        self._unpacker = zlib.decompressobj(self._bits)

    @property
    def ended(self) -> bool:
        """Whether the stream came to its end, checksum included."""
        return self._unpacker.eof

    def feed(self, piece: bytes, sink: Sink) -> int:
        """Unpack a piece into `sink`; how many bytes came out. Raises Damaged and InputRefused."""
        if not self.packed and self.coding == "deflate" and piece and piece[0] & 0x0F != 8:
            self._unpacker = zlib.decompressobj(
                -15
            )  # some send bare deflate, without zlib's header (RFC 9110 8.4.1.2)
        self.packed += len(piece)
        before = self.unpacked
        left = piece
        data = b""
        while left or len(data) == _STEP:  # a full step: the unpacker may hold more
            if self._unpacker.eof and left:
                if self.coding == "deflate":
                    raise Damaged("bytes follow the end of the stream")
                self._unpacker = zlib.decompressobj(self._bits)  # another member follows
            try:
                data = self._unpacker.decompress(left, _STEP)
            except zlib.error as problem:
                raise Damaged(str(problem)) from None
            self.unpacked += len(data)
            bound = max(_RATIO_FROM, self.bounds.ratio * self.packed)
            if self.unpacked > min(bound, self.bounds.decoded):
                raise InputRefused(
                    f"{self.service}: its answer grows from {self.packed} to more than {self.unpacked} bytes when "
                    "unpacked: refused",
                    hint="fetch a shorter window, or ask the publisher",
                )
            sink.write(data)
            left = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        return self.unpacked - before
