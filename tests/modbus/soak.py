"""Polls in a row of a plant that spoils some answers: what is kept, and what is left lying about."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cityctl.modbus.ask import Target
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all, run_loop
from cityctl.sim.faulty import KINDS, Faulty
from tests.modbus.storm import CONNECTOR, POINTS, expected

KINDS_OF_LINE = ("tcp", "rtu-tcp", "udp", *(("pty",) if sys.platform != "win32" else ()))


@dataclass
class Soaked:
    """What came of it. `resident` in kB, after each tenth of the polls."""

    right: int = 0
    wrong: int = 0
    named: int = 0
    lost: int = 0
    spoilt: int = 0
    tasks: int = 0
    threads: int = 0
    files: int = 0
    resident: list[int] = field(default_factory=list)


Told = Callable[[int, Soaked], None]


def soak(polls: int, share: float, *, on_tenth: Told | None = None) -> Soaked:
    """Poll a device on each transport `polls` times, with that share of all answers spoilt, by every kind of fault.

    `on_tenth` is told how many polls are done, and what came of them so far.

    `lost` counts points that neither came nor were named with a reason; `tasks`, `threads` and `files` those
    that are left more than at the beginning.
    """
    return run_loop(_soak(polls, share, on_tenth))


async def _soak(polls: int, share: float, on_tenth: Told | None) -> Soaked:
    faulties, servers, targets = [], [], []
    for line, kind in enumerate(KINDS_OF_LINE):
        faulty = Faulty(dict.fromkeys(KINDS, share / len(KINDS)), seed=line, late=0.15, slow=0.02)
        bank = Bank.from_connector(CONNECTOR, lambda name, line=line: expected(line, 1, name))
        server = Server({1: bank}, kind=kind, outgoing=faulty)  # type: ignore[arg-type]  # one of its kinds
        await server.start()
        link = server.link
        targets.append(
            Target(
                f"{line}", link.host, link.port, 1, CONNECTOR, tuple(POINTS), timeout=0.1,
                transport=link.kind, serial=link.serial,
            )
        )  # fmt: skip
        servers.append(server)
        faulties.append(faulty)
    memory, found = Memory(), Soaked()
    await asking_all(targets, memory=memory)
    before = _lying_about()
    for number in range(polls):
        for answer in await asking_all(targets, memory=memory):
            for name, value in answer.values.items():
                right = value.value == expected(int(answer.target.device), 1, name)
                found.right += right
                found.wrong += not right
            named = {name for failure in answer.failures for name in failure.points}
            assert all(failure.reason for failure in answer.failures)
            found.named += len(named)
            found.lost += len(set(POINTS) - named - set(answer.values))
        if number % max(1, polls // 10) == 0:
            gc.collect()
            found.resident.append(resident())
            if on_tenth is not None:
                on_tenth(number + 1, found)
    for _ in range(100):  # the latest of the late answers, and connections that are still closing
        await asyncio.sleep(0.1)
        gc.collect()
        after = _lying_about()
        if all(now <= then for now, then in zip(after, before, strict=True)):
            break
    found.tasks, found.threads, found.files = (now - then for now, then in zip(after, before, strict=True))
    found.spoilt = sum(n for faulty in faulties for kind, n in faulty.counts.items() if kind != "good")
    for server in servers:
        await server.stop()
    return found


def _lying_about() -> tuple[int, int, int]:
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    return len(asyncio.all_tasks()), threading.active_count(), files


def resident() -> int:
    """Resident memory of this process in kB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])
