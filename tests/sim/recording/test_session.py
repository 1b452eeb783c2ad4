"""A session recorded between a client and a device, and played again: same values, same pace, same faults."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from cityctl.errors import InputRefused, UsageProblem
from cityctl.modbus.line import Link, open_line, open_tcp
from cityctl.modbus.line.faults import BadAnswer, Closed, CutOff, ExceptionAnswer, Silent
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Outgoing, Server
from cityctl.sim.recording import wiretap
from cityctl.sim.recording.record import Recording
from cityctl.sim.recording.replay import Replay
from cityctl.sim.recording.session import Framing, Recorder, Said, meaning, read_session, replies
from tests.timing import in_time

POINTS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in range(20)}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)


def bank() -> Bank:
    return Bank.from_connector(CONNECTOR, lambda name: float(name[1:]) + 500)


async def misbehaves(answer: Outgoing) -> None:
    """By the first register that is asked for: 1 slow, 2 silent, 3 cut off, 4 closed."""
    which = answer.request.address
    if which == 1:
        await asyncio.sleep(0.15)
    if which == 2:
        return
    if which == 4:
        answer.close()
        return
    answer.write(answer.frame[:-1] if which == 3 else answer.frame)


async def talked(link: Link) -> list[object]:
    """What a client gets for the five questions."""
    got: list[object] = []
    for address in (0, 1, 2, 3, 4, 19):
        line = await open_line(link, 2)
        begun = monotonic()
        try:
            got.append((await line.read(1, 3, address, 2, timeout=0.5)).registers)
        except (Silent, BadAnswer, Closed, ExceptionAnswer) as problem:
            got.append(type(problem))
        if address == 1:
            got.append(0.14 <= monotonic() - begun < 0.45)
        line.close()
    return got


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
@in_time
def test_a_session_is_played_as_it_was(framing: Framing, tmp_path: Path):
    kind = "tcp" if framing == "tcp" else "rtu-tcp"

    async def go() -> tuple[list[object], list[object], int]:
        with (tmp_path / "one.session").open("w") as out:
            recorder = Recorder(out, of="a meter", framing=framing, begun="2026-11-23T06:00:00+00:00")
            async with Server({1: bank()}, kind=kind, outgoing=misbehaves) as server:  # type: ignore[arg-type]
                recording = Recording(recorder, ("127.0.0.1", server.port), framing)
                first = await talked(Link("127.0.0.1", await recording.start(), kind))  # type: ignore[arg-type]
                await recording.stop()
        playing = Replay(*read_session(tmp_path / "one.session"))
        second = await talked(Link("127.0.0.1", await playing.start(), kind))  # type: ignore[arg-type]
        await playing.stop()
        return first, second, playing.unknown

    first, second, unknown = asyncio.run(go())
    cut_off = CutOff if framing == "tcp" else Silent
    assert first == [(500, 501), (501, 502), True, Silent, cut_off, Closed, ExceptionAnswer]
    assert second == first
    assert unknown == 0


def test_what_was_never_asked_is_refused_and_counted(tmp_path: Path):
    session = [
        Said(0.0, 1, "request", bytes.fromhex("0001 0000 0006 01 03 0000 0001")),
        Said(0.1, 1, "answer", bytes.fromhex("0001 0000 0005 01 03 02 002a")),
        Said(1.0, 1, "request", bytes.fromhex("0002 0000 0006 01 03 0000 0001")),
        Said(1.0, 1, "answer", bytes.fromhex("0002 0000 0005 01 03 02 002b")),
    ]

    async def go() -> None:
        playing = Replay("tcp", session, speed=20)
        line = await open_tcp("127.0.0.1", await playing.start(), 2)
        # each answer in turn, and then from the first again
        assert [(await line.read(1, 3, 0, 1, timeout=5)).registers for _ in range(3)] == [(42,), (43,), (42,)]
        with pytest.raises(ExceptionAnswer, match="illegal address"):
            await line.read(1, 3, 5, 1, timeout=5)
        assert (playing.known, playing.unknown) == (3, 1)
        line.close()
        await playing.stop()

    asyncio.run(go())


def test_answers_belong_to_the_request_of_their_number():
    """Two requests on their way at once, answered the other way round."""
    ask = "0000 0006 01 03 {:04x} 0001"
    session = [
        Said(0.0, 1, "request", bytes.fromhex("0001" + ask.format(7))),
        Said(0.0, 1, "request", bytes.fromhex("0002" + ask.format(8))),
        Said(0.1, 1, "answer", bytes.fromhex("0002 0000 0005 01 03 02 0008")),
        Said(0.2, 1, "answer", bytes.fromhex("0001 0000 0005 01 03 02 0007")),
    ]
    found = replies("tcp", session)
    assert [key.hex()[-8:] for key in found] == ["00070001", "00080001"]
    assert [reply[0].pieces[0][1].hex()[-4:] for reply in found.values()] == ["0007", "0008"]


def test_a_line_can_be_read_by_people():
    out = io.StringIO()
    recorder = Recorder(out, of="10.0.0.5:502", framing="tcp", begun="2026-11-23T06:00:00+00:00")
    frame = bytes.fromhex("0001 0000 0006 11 03 0bba 0002")
    recorder.say(Said(0.25, 1, "request", frame))
    entry = json.loads(out.getvalue().splitlines()[1])
    assert entry["means"] == meaning(frame, "tcp") == "unit 17, function 3, from 3002, 2"
    assert bytes.fromhex(entry["frame"]) == frame


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"framing": "tcp"}\nnonsense\n', "one.session:2: is no line"),
        ('{"framing": "ascii"}\n', "one.session:1: is no line"),
        ('{"framing": "tcp"}\n{"at": 0, "line": 1, "say": "answer", "frame": "zz"}\n', "one.session:2"),
        ("", "no request was recorded"),
    ],
)
def test_a_spoilt_file_is_told_by_its_line(tmp_path: Path, text: str, said: str):
    (tmp_path / "one.session").write_text(text)
    with pytest.raises(InputRefused, match=said):
        read_session(tmp_path / "one.session")


def test_a_target_is_a_host_and_a_port():
    assert wiretap.target("10.0.0.5:1502") == ("10.0.0.5", 1502)
    assert wiretap.target("plc.example") == ("plc.example", 502)
    for wrong in ("10.0.0.5:x", ":502", "10.0.0.5:99999"):
        with pytest.raises(UsageProblem, match="no host and port"):
            wiretap.target(wrong)


def test_the_commands_record_and_replay(tmp_path: Path, cityctl):
    """As a user does: two processes, ended by Ctrl-C, and a client of another hand in between."""

    async def through(words: list[str]) -> tuple[tuple[int, ...], int]:
        process = subprocess.Popen(
            [sys.executable, "-m", "cityctl", "sim", *words],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = await asyncio.to_thread(process.stderr.readline)
        port = int(said.split()[0].rpartition(":")[2])
        line = await open_tcp("127.0.0.1", port, 60)
        try:
            registers = (await line.read(1, 3, 3, 2, timeout=60)).registers
        finally:
            line.close()
            process.send_signal(signal.SIGINT)
            rest = await asyncio.to_thread(process.stderr.read)
            process.stderr.close()
        assert "Traceback" not in rest
        return registers, process.wait(300)

    async def go() -> None:
        async with Server({1: bank()}) as server:
            got, code = await through(["record", f"127.0.0.1:{server.port}", "m.session"])
            assert (got, code) == ((503, 504), 130)
        got, code = await through(["replay", "m.session"])
        assert (got, code) == ((503, 504), 130)

    if sys.platform == "win32":
        pytest.skip("Ctrl-C cannot be sent to one process")
    asyncio.run(go())
    again = cityctl("sim", "record", "127.0.0.1:1", "m.session", "--for", "1s", cwd=tmp_path)
    assert again.returncode == 10
    assert "it exists already" in again.stderr
    assert cityctl("sim", "replay", "none.session", cwd=tmp_path).returncode == 4


def test_faults_are_served_by_name(cityctl):
    ended = cityctl("sim", "faults", "late", "garbage=0.01", "--for", "0.1s", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    assert "hafen-inlet" in json.dumps(json.loads(ended.stdout))
    wrong = cityctl("sim", "faults", "garbge")
    assert wrong.returncode == 2
    assert "did you mean `garbage`?" in wrong.stderr
    for words in (("late=x",), ("late=0.7", "drip=0.7")):
        assert cityctl("sim", "faults", *words).returncode == 2
