"""A recorded session on a Modbus wire: a file of one JSON object a line that people can read and edit.

The first line says what was recorded; each other one what was said when: a request, bytes of an answer, or that
the device closed the connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from cityctl.errors import InputRefused
from cityctl.modbus.line.framing import HEADER, rtu_request_size, tcp_head

_RETURN = b"\x08\x00\x00"  # diagnostics: return query data

Framing = Literal["tcp", "rtu"]
Say = Literal["request", "answer", "closed"]


@dataclass(frozen=True)
class Said:
    """One line of a session: seconds since its begin, which connection, who says what."""

    at: float
    line: int
    say: Say
    frame: bytes = b""


@dataclass
class Reply:
    """What a device did to one request: (seconds after it, bytes), and whether it closed the connection then.

    `echoes`: its answer was the request itself.
    """

    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    closes_after: float | None = None
    echoes: bool = False


class Recorder:
    """Writes a session down as it happens."""

    def __init__(self, out: IO[str], *, of: str, framing: Framing, begun: str) -> None:
        self._out = out
        self.frames = 0
        self._write({"recorded": begun, "of": of, "framing": framing})
        self._framing = framing

    def say(self, said: Said) -> None:
        """One more line, on disk at once."""
        entry: dict[str, Any] = {"at": round(said.at, 6), "line": said.line, "say": said.say}
        if said.frame:
            entry["frame"] = said.frame.hex(" ")
        if said.say == "request":
            entry["means"] = meaning(said.frame, self._framing)
        self.frames += 1
        self._write(entry)

    def _write(self, entry: dict[str, Any]) -> None:
        self._out.write(json.dumps(entry) + "\n")
        self._out.flush()


def meaning(frame: bytes, framing: Framing) -> str:
    """A request in words: `unit 1, function 3, from 3002, 2`."""
    unit, pdu = (frame[6], frame[HEADER:]) if framing == "tcp" else (frame[0], frame[1:-2])
    said = f"unit {unit}, function {pdu[0]}"
    if len(pdu) >= 5:
        said += f", from {int.from_bytes(pdu[1:3], 'big')}, {int.from_bytes(pdu[3:5], 'big')}"
    return said


def read_session(path: Path) -> tuple[Framing, list[Said]]:
    """A recorded session. Raises InputRefused with file and line."""
    framing: Framing = "tcp"
    found: list[Said] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputRefused(
            f"{path}: is no recorded session", hint="`cityctl sim record` writes them"
        ) from None
    except OSError as problem:
        raise InputRefused(f"{path}: {problem.strerror or problem}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if "framing" in entry:
                framing = {"tcp": "tcp", "rtu": "rtu"}[entry["framing"]]  # type: ignore[assignment]  # the keys are its words
                continue
            say = {"request": "request", "answer": "answer", "closed": "closed"}[entry["say"]]
            frame = bytes.fromhex(entry.get("frame", ""))
            found.append(Said(float(entry["at"]), int(entry["line"]), say, frame))  # type: ignore[arg-type]  # the same
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputRefused(
                f"{path}:{number}: is no line of a recorded session", hint="`cityctl sim record` writes them"
            ) from None
    if not any(said.say == "request" for said in found):
        raise InputRefused(f"{path}: no request was recorded")
    return framing, found


def key_of(frame: bytes, framing: Framing) -> bytes:
    """What makes two requests the same: unit and PDU, whatever the transaction, and the number that is to come back."""
    key = frame[6:] if framing == "tcp" else frame[:-2]
    return key[:4] if key[1:4] == _RETURN else key


def replies(framing: Framing, session: list[Said]) -> dict[bytes, list[Reply]]:
    """By request, what the device did each time that it was asked so."""
    found: dict[bytes, list[Reply]] = {}
    pending: dict[int, list[tuple[Said, Reply]]] = {}
    for said in session:
        if said.say == "request":
            reply = Reply()
            found.setdefault(key_of(said.frame, framing), []).append(reply)
            pending.setdefault(said.line, []).append((said, reply))
            del pending[said.line][:-8]
            continue
        open_ = pending.get(said.line)
        if not open_:
            continue
        request, reply = open_[-1]
        if framing == "tcp":
            for older, its in open_:
                if older.frame[:2] == said.frame[:2]:
                    request, reply = older, its
        if said.say == "closed":
            reply.closes_after = said.at - request.at
            continue
        frame = said.frame
        reply.echoes = not reply.pieces and frame == request.frame
        if framing == "tcp" and not reply.pieces and frame[:2] == request.frame[:2]:
            frame = b"\0\0" + frame[2:]  # stands for the number of the request that it will answer
        reply.pieces.append((said.at - request.at, frame))
    return found


def cut_requests(buffer: bytearray, framing: Framing) -> Iterator[bytes]:
    """Whole requests off the front of a buffer; noise is given as it is."""
    while buffer:
        if framing == "rtu":
            size = rtu_request_size(buffer)
            size = len(buffer) if size == 0 else size
        else:
            size = 6 + tcp_head(buffer)[2] if len(buffer) >= HEADER else None
        if size is None or size > len(buffer):
            return
        yield bytes(buffer[:size])
        del buffer[:size]
