"""Unit 0 of a bus is every device on it: nobody looks around there."""

from __future__ import annotations

import asyncio

import pytest

from cityctl.city.project import Project
from cityctl.errors import UsageProblem
from cityctl.modbus.line import Link
from cityctl.modbus.looking import around
from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.pretended.wire import Request, Server

CITY = """\
name: Town
time_zone: Europe/Berlin
devices: {meter: {connector: siemens_mag6000, host: 127.0.0.1, port: 1, transport: rtu-tcp, unit: 4}}
"""


@pytest.mark.parametrize(
    ("kind", "tried"), [("rtu-tcp", {4, 1, 255, 2, 247}), ("tcp", {4, 1, 255, 2, 247, 0})]
)
def test_the_units_that_are_tried_for_a_silent_one(kind, tried):
    """With transaction numbers unit 0 is the gateway itself, and it is worth a try."""
    asked: set[int] = set()

    async def go() -> None:
        async def note(request: Request) -> None:
            asked.add(request.unit)

        async with Server({}, kind=kind, absent_units_are_silent=True, hook=note) as server:
            link = Link("127.0.0.1", server.port, kind)
            await diagnosing(link, 4, None, timeout=0.02, rounds=1)

    asyncio.run(go())
    assert asked == tried


@pytest.mark.parametrize(
    "look",
    [
        lambda *at: around.scan(at[0], at[1], [at[2]], units="0-3"),
        lambda *at: around.identify(*at, unit=0),
        lambda *at: around.diagnose(*at, unit=0, rounds=1),
    ],
)
def test_a_bus_is_not_asked_as_a_whole(project, look):
    town = Project(project(CITY))
    with pytest.raises(UsageProblem, match=r"unit 0 speaks to all devices on 127\.0\.0\.1:1 "):
        look(town, town.library, "meter")
