"""A runbook on a device that allows one connection, while polls ask the same line: neither takes it from the other."""

from __future__ import annotations

import asyncio
import threading

from cityctl.modbus.alone import Alone
from cityctl.modbus.pretended.wire import Request
from cityctl.modbus.run import ask_all
from cityctl.modbus.targets import targets
from cityctl.runbook import session

STEPS = """\
steps:
  - {write: plc-1/command, to: start}
  - {write: plc-1/setpoint, to: 5 bar, verify: plc_1.measured > 1 bar}
  - {write: plc-2/second, to: start}
"""


def test_a_runbook_and_polls_share_one_connection(rig, consent):
    most, ended = [], threading.Event()

    async def crowded(request: Request) -> int | None:
        await asyncio.sleep(0.03)
        most.append(len(rig.server.sessions))
        return None

    rig.server.hook = crowded
    desk = rig.desk()
    asked = targets(desk.city, desk.library)
    gave = []

    def poll() -> None:
        while not ended.is_set() or len(gave) < 2:
            gave.append(ask_all(asked, alone=Alone(desk.locks, "poll")))
            ended.wait(0.05)

    job = rig.job(STEPS)
    job.planned(consent().people)  # from here on the line has its lock
    polling = threading.Thread(target=poll)
    polling.start()
    try:
        assert session.run(job, consent()).sent == 3
    finally:
        ended.set()
        polling.join(10)
    assert len(gave) >= 2
    assert all(not answer.failures for answers in gave for answer in answers)
    assert max(most) == 1
