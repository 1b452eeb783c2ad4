"""One process at a time on a line: polls and runbooks make its lock and share it, whoever they run as."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cityctl.errors import LockHeld
from cityctl.modbus.alone import Alone
from cityctl.modbus.ask import Answer
from cityctl.modbus.line import Link, SerialSettings
from cityctl.modbus.look import refuse_silence
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import LIVE, bank, target, values
from tests.timing import in_time

SOMEBODY, ANOTHER = 65534, 65533
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may become another user"
)


def polled(folder: Path, *, held: float, wait: float, looks: bool = False) -> tuple[Answer, list[float]]:
    """A poll beside another hand that holds the line for so long, and when it was asked [s after the hold began]."""

    async def go() -> tuple[Answer, list[float]]:
        loop = asyncio.get_running_loop()
        asked: list[float] = []

        async def note(_: Request) -> int | None:
            asked.append(loop.time() - begun)
            return None

        async with Server({1: bank()}, hook=note) as server:
            begun, has = loop.time(), asyncio.Event()

            async def hold() -> None:
                if held:
                    async with Alone(folder, "runbook").on(Link("127.0.0.1", server.port)):
                        has.set()
                        await asyncio.sleep(held)
                has.set()

            holding = asyncio.create_task(hold())
            await has.wait()
            alone = Alone(folder, "poll", wait, looks=looks)
            (answer,) = await asking_all([target(server.port)], alone=alone)
            await holding
            return answer, asked

    return asyncio.run(go())


def locks(folder: Path) -> Sequence[Path]:
    return list(folder.glob("*.lock"))


def test_a_poll_leaves_the_lock_of_its_line_and_who_looks_leaves_none(tmp_path):
    answer, _ = polled(tmp_path / "looks", held=0, wait=1, looks=True)
    assert values(answer) == LIVE
    assert not locks(tmp_path / "looks")
    polled(tmp_path / "polls", held=0, wait=1)
    assert len(locks(tmp_path / "polls")) == 1


@pytest.mark.parametrize("looks", [False, True])
def test_a_line_is_waited_for(tmp_path, looks):
    answer, asked = polled(tmp_path, held=0.4, wait=30, looks=looks)
    assert values(answer) == LIVE
    assert min(asked) >= 0.4
    assert len(locks(tmp_path)) == 1


@in_time
def test_a_line_that_is_held_too_long_is_told(tmp_path):
    answer, asked = polled(tmp_path, held=0.6, wait=0.1)
    assert not answer.values
    assert not asked
    assert answer.reason.startswith("another run holds the line 127.0.0.1:")
    assert "runbook (process" in answer.reason
    with pytest.raises(LockHeld, match="runbook"):  # nothing was asked: no device is called silent
        refuse_silence([answer])


def test_one_wire_is_one_line(tmp_path):
    """A port by another name or at another speed, a gateway in another case or framing, a host by its address."""
    (tmp_path / "ttyS7").touch()
    (tmp_path / "bus").symlink_to("ttyS7")
    same = [
        (Link(f"{tmp_path}/ttyS7", 0, "rtu"), Link(f"{tmp_path}/bus", 0, "rtu", SerialSettings(9600))),
        (Link("PLC.example", 502), Link("plc.example", 502, "rtu-tcp")),
        (Link("localhost", 502), Link("127.0.0.1", 502)),
        (Link("::ffff:10.0.0.1", 502), Link("10.0.0.1", 502)),
        (Link("2001:DB8:0::1", 502), Link("2001:db8::1", 502)),
    ]

    async def go() -> None:
        for one, other in same:
            async with Alone(tmp_path, "runbook").on(one):
                with pytest.raises(LockHeld):
                    async with Alone(tmp_path, "poll", 0.0).on(other):
                        pass
            async with Alone(tmp_path, "runbook").on(one), Alone(tmp_path, "poll", 0.0).on(Link("x", 502)):
                pass

    asyncio.run(go())


@pytest.mark.parametrize("looks", [False, True])
def test_two_names_of_one_host_are_asked_by_turns(tmp_path, looks):
    """A device that has one connection to give refuses the second one, or drops the first."""
    live: list[int] = []

    async def go() -> list[Answer]:
        async def note(_: Request) -> int | None:
            await asyncio.sleep(0.02)
            live.append(len(server.sessions))
            return None

        async with Server({1: bank()}, hook=note) as server:
            one = target(server.port)
            alone = Alone(tmp_path, "poll", wait=0.0, looks=looks)
            return await asking_all([one, replace(one, device="again", host="localhost")], alone=alone)

    answers = asyncio.run(go())
    assert [values(answer) for answer in answers] == [LIVE, LIVE]
    assert max(live) == 1


HOLD = textwrap.dedent(
    """
    import asyncio, os, sys, time
    from pathlib import Path
    from cityctl.disk import Lock
    from cityctl.modbus.alone import Alone
    from cityctl.modbus.line import Link

    folder, user, mask, rounds, wait, how = sys.argv[1:]
    os.umask(int(mask, 8))
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
    alone = Alone(Path(folder) / "locks", f"user {user}", float(wait), looks=how == "looks")

    async def go():
        for _ in range(int(rounds)):
            async with alone.on(Link("10.0.0.1", 502)):
                print("begin", time.monotonic(), flush=True)
                await asyncio.sleep(20 if how == "holds" else 0.002)
                print("end", time.monotonic(), flush=True)

    try:
        asyncio.run(go())
    except Exception as problem:
        print("refused", getattr(problem, "message", repr(problem)), flush=True)
    print("notes", *alone.notes, flush=True)
    """
)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A project's state that every user may work in; pytest's own folders are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="cityctl-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        state = Path(name) / "state"
        state.mkdir()
        state.chmod(0o777)
        yield state


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """A process of another user that holds the line some times."""
    running: list[subprocess.Popen[str]] = []

    def begun(
        state: Path, user: int, *, mask: str = "022", rounds: int = 1, wait: float = 20, how: str = "works"
    ) -> subprocess.Popen[str]:
        words = [str(state), str(user), mask, str(rounds), str(wait), how]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", HOLD, *words], stdout=subprocess.PIPE, text=True, env=environment
            )
        )
        return running[-1]

    yield begun
    for each in running:
        if each.poll() is None:
            each.kill()
        each.communicate()


def test_who_waits_for_long_is_told_for_whom(tmp_path):
    heard: list[str] = []

    async def hold(seconds: float) -> None:
        async with Alone(tmp_path, "cityctl poll").on(Link("plc", 502)):
            await asyncio.sleep(seconds)

    async def go() -> None:
        holding = asyncio.create_task(hold(1.3))
        await asyncio.sleep(0.05)
        async with Alone(tmp_path, "cityctl read", looks=True, say=heard.append).on(Link("plc", 502)):
            await holding

    asyncio.run(go())
    (said,) = heard
    assert said.startswith("waiting up to 30 s: another run holds the line plc:502: cityctl poll (process")


@as_root
@pytest.mark.parametrize("mask", ["022", "077"])
def test_two_users_ask_a_line_by_turns(shared, start, mask):
    """Each takes it forty times as fast as it can; no two spells overlap, whatever their umasks and groups."""
    both = [start(shared, user, mask=mask, rounds=40) for user in (SOMEBODY, ANOTHER)]
    spells = []
    for each in both:
        said = [line.split() for line in each.communicate(timeout=30)[0].splitlines()]
        assert [words[0] for words in said] == ["begin", "end"] * 40 + ["notes"]
        times = [float(words[1]) for words in said[:-1]]
        spells += list(zip(times[::2], times[1::2], strict=True))
    spells.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spells))


@as_root
def test_another_user_is_waited_for_and_named(shared, start):
    first = start(shared, SOMEBODY, how="holds")
    assert first.stdout.readline().startswith("begin")
    second = start(shared, ANOTHER, wait=0.1)
    said = second.communicate(timeout=20)[0]
    assert said.startswith("refused another run holds the line 10.0.0.1:502: user 65534 (process")


@as_root
def test_a_lock_that_cannot_be_opened_refuses_a_poll_and_is_told_to_who_looks(shared, start):
    """As a project does whose state belongs to one user alone."""
    start(shared, SOMEBODY).wait(20)
    (shared / "locks").chmod(0o700)
    said = start(shared, ANOTHER).communicate(timeout=20)[0]
    assert said.startswith("refused ")
    assert "cannot be locked: Permission denied" in said
    said = start(shared, ANOTHER, how="looks").communicate(timeout=20)[0].splitlines()
    assert [line.split()[0] for line in said] == ["begin", "end", "notes"]
    assert "another program of this project may ask that line meanwhile" in said[-1]


@as_root
def test_who_may_only_read_the_lock_shares_it(shared, start):
    start(shared, SOMEBODY).wait(20)
    (shared / "locks").chmod(0o755)
    (path,) = locks(shared / "locks")
    path.chmod(0o644)
    first = start(shared, ANOTHER, how="holds")
    assert first.stdout.readline().startswith("begin")
    said = start(shared, SOMEBODY, wait=0.1).communicate(timeout=20)[0]
    assert said.startswith("refused another run holds the line 10.0.0.1:502: a run that left no name")
