"""What `cityctl sim record` and `sim replay` do: a proxy or a player on a port, until it is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cityctl import clock
from cityctl.errors import ConfigInvalid, Unreachable, UsageProblem
from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.run import run_loop
from cityctl.sim.recording.record import Recording
from cityctl.sim.recording.replay import Replay
from cityctl.sim.recording.session import Framing, Recorder, read_session


class _Listener(Protocol):
    async def start(self) -> int: ...

    async def stop(self) -> None: ...


def target(text: str) -> tuple[str, int]:
    """`10.0.0.5:502` or `10.0.0.5`. Raises UsageProblem."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, "502"
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageProblem(f"`{text}` is no host and port", hint="write 10.0.0.5:502")
    return host, int(port)


def record(
    of: str, file: Path, *, port: int, rtu: bool, length: str | None, say: Callable[[str], None]
) -> int:
    """Write down what is said between a client of `port` and a device; how many lines. Raises UsageProblem.

    Raises ConfigInvalid where the file cannot be written, Unreachable where nothing can listen on the port.
    """
    where = target(of)
    framing: Framing = "rtu" if rtu else "tcp"
    seconds = _seconds(length)
    try:
        out = file.open("x", encoding="utf-8")
    except OSError as problem:
        why = "it exists already" if isinstance(problem, FileExistsError) else problem.strerror
        raise ConfigInvalid(f"{file}: cannot be written: {why}", hint="name another file") from None
    with out:
        recorder = Recorder(out, of=of, framing=framing, begun=datetime.now(UTC).isoformat("T", "seconds"))
        recording = Recording(recorder, where, framing, port=port)
        run_loop(
            _listening(
                recording, seconds, lambda at: say(f"127.0.0.1:{at} passes on to {of}; Ctrl-C ends it")
            )
        )
        return recorder.frames


def replay(
    file: Path, *, port: int, speed: float, length: str | None, say: Callable[[str], None]
) -> tuple[int, int]:
    """Answer as a recorded device did: (requests known, requests unknown). Raises as `record` does."""
    framing, session = read_session(file)
    playing = Replay(framing, session, port=port, speed=speed)
    named = "Modbus RTU over TCP" if framing == "rtu" else "Modbus/TCP"
    run_loop(
        _listening(
            playing,
            _seconds(length),
            lambda at: say(f"127.0.0.1:{at} answers {named} as recorded; Ctrl-C ends it"),
        )
    )
    return playing.known, playing.unknown


async def _listening(listener: _Listener, seconds: float | None, say: Callable[[int], None]) -> None:
    try:
        port = await listener.start()
    except NotConnected as problem:
        raise Unreachable(str(problem), hint="another --port, or none: the system chooses") from None
    say(port)
    try:
        if seconds is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(seconds)
    finally:
        await listener.stop()


def _seconds(length: str | None) -> float | None:
    return clock.duration(length).total_seconds() if length is not None else None
