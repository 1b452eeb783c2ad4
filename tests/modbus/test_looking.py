"""Scan and diagnose against real servers: who answers, what is wrong, what to do next; and nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cityctl.errors import UsageProblem
from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line import Link
from cityctl.modbus.looking.diagnose import diagnosing, percentile
from cityctl.modbus.looking.diagnosis import BAD, Diagnosis
from cityctl.modbus.looking.scan import Scanned, scanning, units_of
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Outgoing, Server
from tests.modbus.sunspec_device import SunSpecDevice
from tests.timing import in_time

SHIPPED = Path(__file__).parents[2] / "connectors" / "devices"
T = TypeVar("T")


def shipped(name: str) -> DeviceConnector:
    return load_connector(SHIPPED / f"{name}.yaml")


def bank(name: str, value: float = 230.0) -> Bank:
    connector = shipped(name)
    return Bank.from_connector(
        connector,
        lambda point: "T" if connector.points[point].is_text else min(value, _most(connector, point)),
    )


def _most(connector: DeviceConnector, point: str) -> float:
    limit = connector.points[point].maximum
    return 1e9 if limit is None else limit


def sunspec() -> SunSpecDevice:
    model = shipped("sunspec_common")
    live = {name: "ACME" if p.is_text else 1.0 for name, p in model.points.items()}
    return SunSpecDevice([(model, live, 66)])


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def scanned(
    units: Mapping[int, Any], asked: list[int], timeout: float = 5.0, **fields: Any
) -> tuple[Scanned, Server]:
    async def go() -> tuple[Scanned, Server]:
        async with Server(units, **fields) as server:
            (place,) = await scanning([server.link], asked, timeout=timeout, rate=0)
            return place, server

    return run(go())


def test_a_scan_finds_who_answers_and_only_reads():
    units = {1: bank("eastron_sdm630"), 3: sunspec()}
    place, server = scanned(units, list(range(1, 6)))
    assert [seen.unit for seen in place.seen] == [1, 3]
    first, second = place.seen
    assert (first.identity.vendor, first.identity.product) == ("Eastron", "SDM630")
    assert first.identity.server_id == "Eastron SDM630"
    assert (
        first.first == "exception 1 (illegal function)"
    )  # it has input registers only: a sign of life all the same
    assert [model.id for model in second.models] == [1]
    assert place.asked == 5
    assert set(server.counts) <= {3, 4, 17, 43}
    assert server.written == []


@in_time
def test_silent_units_are_passed_over():
    place, _ = scanned({2: bank("siemens_pac2200")}, [1, 2, 3], timeout=0.1, absent_units_are_silent=True)
    assert [seen.unit for seen in place.seen] == [2]


def test_a_place_without_anybody_has_its_reason():
    async def go() -> Scanned:
        async with Server({}) as server:
            port = server.port
        (place,) = await scanning([Link("127.0.0.1", port)], [1, 2, 3], timeout=5)
        return place

    place = run(go())
    assert (place.asked, place.seen) == (0, [])
    assert "refused" in place.reason


def test_units_that_answer_late_or_for_another_are_named():
    """Unit 1 takes longer than it is given; of unit 2 the answers are unit 3's."""

    async def odd(answer: Outgoing) -> None:
        await asyncio.sleep({1: 0.3, 4: 0.05}.get(answer.frame[6], 0))
        unit = b"\x03" if answer.frame[6] == 2 else answer.frame[6:7]
        answer.write(answer.frame[:6] + unit + answer.frame[7:])

    units = dict.fromkeys((1, 2, 4), bank("eastron_sdm630"))
    place, _ = scanned(units, [1, 4, 2], timeout=0.2, outgoing=odd)
    assert [seen.unit for seen in place.seen] == [4]
    assert place.unclear == {
        1: "its answer came later than 0.2 s, or under another number",
        2: "unit 3 answered a request to unit 2",
    }


def test_the_rate_is_kept():
    async def go() -> tuple[float, int]:
        async with Server({}) as server:
            begun = time.monotonic()
            (place,) = await scanning([server.link], list(range(1, 11)), timeout=5, rate=100)
            return time.monotonic() - begun, place.requests

    seconds, requests = run(go())
    assert requests == 10
    assert seconds >= 9 / 100  # ten requests have nine pauses between them


@pytest.mark.parametrize(
    "request_",
    [b"\x05\x00\x00\xff\x00", b"\x06\x00\x00\x00\x01", b"\x10", b"\x16", b"\x17", b"\x08\x00\x01\x00\x00"],
)
def test_a_careful_line_sends_nothing_that_changes_a_device(request_):
    """Writes; and of function 8 sub-function 1, which restarts a device's communication."""

    async def go() -> int:
        async with Server({1: bank("siemens_pac2200")}, writes=True) as server:
            line = CarefulLine(server.link)
            with pytest.raises(ValueError, match="not for looking around"):
                await line.exchange(1, request_, prefix=request_[:1], size=None, timeout=1.0)
            line.close()
            return server.requests

    assert run(go()) == 0


@pytest.mark.parametrize(
    ("text", "units"), [("1-3", [1, 2, 3]), ("7", [7]), ("1-2, 9", [1, 2, 9]), ("0-1,1", [0, 1])]
)
def test_units(text, units):
    assert units_of(text) == units


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-256", "1,,2"])
def test_units_that_are_none(text):
    with pytest.raises(UsageProblem):
        units_of(text)


def diagnosed(
    units: Mapping[int, Any], unit: int, connector: DeviceConnector | None = None, **fields: Any
) -> tuple[Diagnosis, Server]:
    async def go() -> tuple[Diagnosis, Server]:
        async with Server(units, **fields) as server:
            found = await diagnosing(server.link, unit, connector, timeout=5, rounds=5, name="meter")
            return found, server

    return run(go())


def said(found: Diagnosis) -> dict[str, str]:
    return {step.name: step.text for step in found.steps}


def test_a_device_that_is_well():
    found, server = diagnosed({1: bank("siemens_pac2200")}, 1, shipped("siemens_pac2200"))
    assert found.answers
    assert not [step for step in found.steps if step.state == BAD]
    assert said(found)["requests"] == "4 of 4 answered"
    assert said(found)["identity"].startswith("Siemens")
    assert len(found.round_trips) == 5
    assert found.advice == ["nothing is wrong with it: `cityctl read meter` shows its values"]
    assert set(server.counts) <= {3, 4, 8, 17, 43}


def test_the_wrong_unit():
    found, _ = diagnosed({1: bank("siemens_pac2200")}, 5, shipped("siemens_pac2200"))
    assert not found.answers
    assert "gateway target does not answer" in said(found)["unit"]
    assert found.advice == ["unit 5 is silent and unit 1 answers: set `unit: 1`"]


def test_nobody_behind_the_gateway():
    found, _ = diagnosed({}, 5)
    assert not found.answers
    assert "the gateway is well and says that unit 5 does not answer" in found.advice[0]


def test_nothing_listens():
    async def go() -> Diagnosis:
        async with Server({}) as server:
            port = server.port
        return await diagnosing(Link("127.0.0.1", port), 1)

    found = run(go())
    assert [(step.name, step.state) for step in found.steps] == [("connection", BAD)]
    assert "nothing listens on that port" in found.advice[0]


def test_the_wrong_connector():
    found, _ = diagnosed({1: bank("siemens_pac2200")}, 1, shipped("schneider_pm5560"))
    assert found.answers
    assert "is `schneider_pm5560` the right connector?" in found.advice[0]


WORDS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in range(40)}
FORTY = DeviceConnector("forty", "v", "m", "controller", WORDS)


def test_a_device_that_answers_fewer_registers_at_once_than_its_connector_says():
    real = Bank.from_connector(replace(FORTY, max_registers=16), lambda name: float(name[1:]))
    found, _ = diagnosed({1: real}, 1, FORTY)
    assert said(found)["length"] == "16 registers at once are answered, 17 are not"
    assert found.advice[0] == "set `max_registers: 16` in forty: it answers no more at once"
    assert len(found.round_trips) == 5


def test_a_device_that_lacks_one_point():
    lacks = replace(FORTY, points={name: p for name, p in WORDS.items() if name != "p23"})
    found, _ = diagnosed({1: Bank.from_connector(lacks, lambda name: float(name[1:]))}, 1, FORTY)
    assert said(found)["point"] == "p23 is refused alone too, what stands before it is answered"
    assert "it has no `p23`" in found.advice[0]


def test_the_wrong_word_order(tmp_path):
    text = (SHIPPED / "siemens_pac2200.yaml").read_text(encoding="utf-8")
    other = tmp_path / "siemens_pac2200.yaml"
    other.write_text(text.replace("word_order: ABCD", "word_order: CDAB"), encoding="utf-8")
    connector = load_connector(other)
    swapped = Bank.from_connector(connector, lambda name: "T" if connector.points[name].is_text else 48.7)
    found, _ = diagnosed({1: swapped}, 1, shipped("siemens_pac2200"))
    assert any("set `word_order: CDAB`" in text for text in found.advice)


def test_a_noisy_line():
    def noisy(frame: bytes) -> bytes:
        return frame[:10] + (500).to_bytes(2, "big") if frame[7:10] == b"\x08\x00\x0c" else frame

    found, _ = diagnosed({1: bank("siemens_pac2200")}, 1, rewrite=noisy)
    assert "500 messages with a wrong checksum" in said(found)["diagnostics"]
    assert any("look at wiring" in text for text in found.advice)


def test_a_device_that_allows_one_connection():
    async def go() -> Diagnosis:
        async with Server({1: bank("siemens_pac2200")}) as server:
            guests: list[asyncio.StreamWriter] = []

            async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                if guests:
                    writer.close()
                    return
                guests.append(writer)
                inner, out = await asyncio.open_connection("127.0.0.1", server.port)
                await asyncio.gather(_pass(reader, out), _pass(inner, writer))

            listening = await asyncio.start_server(door, "127.0.0.1", 0)
            port = listening.sockets[0].getsockname()[1]
            found = await diagnosing(Link("127.0.0.1", port), 1, timeout=5, rounds=2)
            listening.close()
            return found

    found = run(go())
    assert any("allows one connection at a time" in text for text in found.advice)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


def test_percentiles_by_nearest_rank():
    # NIST/SEMATECH e-Handbook 7.2.6.2 calls others interpolated; nearest rank of 1..10: by hand
    values = [float(number) for number in range(1, 11)]
    assert [percentile(values, share) for share in (0.5, 0.95, 1.0, 0.01)] == [5.0, 10.0, 10.0, 1.0]
    assert percentile([7.0], 0.5) == 7.0
