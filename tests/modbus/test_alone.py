"""One process at a time on a line: who changes a plant makes the lock, a poll heeds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cityctl.modbus.alone import Alone
from cityctl.modbus.ask import Answer
from cityctl.modbus.line import Link
from cityctl.modbus.run import asking_all
from cityctl.modbus.wire import Request, Server
from tests.modbus.one_meter import LIVE, bank, target, values
from tests.timing import in_time


def polled(folder: Path, *, held: float, wait: float) -> tuple[Answer, list[float]]:
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
                    async with Alone(folder, "runbook", 1.0, makes=True).on(Link("127.0.0.1", server.port)):
                        has.set()
                        await asyncio.sleep(held)
                has.set()

            holding = asyncio.create_task(hold())
            await has.wait()
            (answer,) = await asking_all([target(server.port)], alone=Alone(folder, "poll", wait))
            await holding
            return answer, asked

    return asyncio.run(go())


def locks(folder: Path) -> Sequence[Path]:
    return list(folder.glob("*.lock"))


def test_a_poll_makes_no_locks(tmp_path):
    answer, _ = polled(tmp_path, held=0, wait=1)
    assert values(answer) == LIVE
    assert not locks(tmp_path)


def test_a_poll_waits_for_its_turn(tmp_path):
    answer, asked = polled(tmp_path, held=0.4, wait=30)
    assert values(answer) == LIVE
    assert min(asked) >= 0.4
    assert len(locks(tmp_path)) == 1


@in_time
def test_a_line_that_is_held_too_long_is_told(tmp_path):
    answer, asked = polled(tmp_path, held=0.6, wait=0.1)
    assert not answer.values
    assert not asked
    assert answer.reason.startswith("another run holds line-")
    assert "runbook (process" in answer.reason


def test_a_lock_that_cannot_be_opened_stops_no_poll(tmp_path):
    link = Link("127.0.0.1", 1)

    async def go() -> None:
        async with Alone(tmp_path, "runbook", 0.0, makes=True).on(link):
            pass
        (path,) = locks(tmp_path)
        path.unlink()
        path.mkdir()
        async with Alone(tmp_path, "poll", 0.0).on(link):
            pass

    asyncio.run(go())
