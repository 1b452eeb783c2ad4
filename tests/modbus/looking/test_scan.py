"""Scans of devices that say nothing to most of what they are asked, as many on serial lines do."""

from __future__ import annotations

import asyncio

import pytest

from cityctl.library import shipped_folder
from cityctl.modbus.looking.calls import FIRST, Where, first_request, of_each
from cityctl.modbus.looking.scan import Scanned, scanning
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.wire import Outgoing, Request, Server, Silence
from cityctl.modbus.run import asking_all
from tests.modbus.ten_words import CONNECTOR, POINTS, bank, behind, posix
from tests.timing import in_time

TIMEOUT = 0.1
wires = pytest.mark.parametrize("kind", ["tcp", "rtu-tcp", pytest.param("pty", marks=posix)])


def scanned(
    kind: str, *, mute: range = range(0), known: Where | None = None, also: list[Where] | None = None
) -> Scanned:
    """A scan of units 1 to 3, of which 2 is there: it answers reads of words alone, and none of the `mute` addresses.

    A poll behind the scan finds it well.
    """

    async def reads_alone(answer: Outgoing) -> None:
        if answer.frame[7 if kind == "tcp" else 1] & 0x7F == 3:
            answer.write(answer.frame)

    async def knows(request: Request) -> None:
        if request.address in mute:
            raise Silence

    async def go() -> Scanned:
        fields = {"kind": kind, "outgoing": reads_alone, "hook": knows, "absent_units_are_silent": True}
        async with Server({2: bank()}, **fields) as server:
            own = {(server.link, 2): known} if known else {}
            (place,) = await scanning(
                [server.link], [1, 2, 3], timeout=TIMEOUT, rate=0, known=own, also=also or []
            )
            (answer,) = await asking_all([behind(server.link, 2, timeout=5)])
            assert mute or (len(answer.values), answer.reason) == (len(POINTS), "")
            return place

    return asyncio.run(go())


@wires
@in_time
def test_a_device_that_answers_reads_alone_is_found_and_ends_no_scan(kind):
    """On a bus it owes answers to functions 43 and 17 then, and knows no echo: its reads are no answers to these."""
    place = scanned(kind)
    assert [(seen.unit, seen.first) for seen in place.seen] == [(2, "answers")]
    assert (place.asked, place.silent, place.reason, place.unclear) == (3, 2, "", {})


@wires
@pytest.mark.parametrize(
    ("fields", "units"),
    [({}, []), ({"known": (3, 4, 1)}, [2]), ({"also": [(4, 0, 1), (3, 8, 2)]}, [2])],
    ids=["", "known", "thorough"],
)
@in_time
def test_a_device_that_says_nothing_to_address_0_is_found_at_its_own_registers(kind, fields, units):
    place = scanned(kind, mute=range(1), **fields)
    assert [seen.unit for seen in place.seen] == units
    assert (place.asked, place.silent, place.reason) == (3, 3 - len(units), "")


def test_each_connector_has_a_register_that_is_asked_for():
    connectors = [
        load_connector(path) for path in sorted((shipped_folder() / "connectors" / "devices").glob("*.yaml"))
    ]
    asked = set(of_each(connectors))
    for connector in connectors:
        points = [connector.point(name) for name in connector.readable()]
        assert asked & {(point.function_code, point.address, point.registers) for point in points}
    assert len(asked) <= len(connectors) / 2
    assert first_request(CONNECTOR) == (3, 0, 1)
    assert first_request(None) == FIRST
