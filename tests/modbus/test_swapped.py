"""Two meters of one model that changed places: no point of their map tells them apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cityctl.modbus.ask import Answer
from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.looking.diagnosis import Diagnosis
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import FILE_NAME, Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from cityctl.modbus.swapped import shows
from cityctl.reading import Quality
from tests.modbus.one_meter import target

MAP = DeviceConnector(
    "acme",
    "v",
    "m",
    "water_meter",
    {
        "flow": DevicePoint("flow", 0, "float32", 2, 3, unit="m3/h"),
        "total": DevicePoint("total", 2, "uint32", 2, 3, unit="m3", kind="counter"),
        "back": DevicePoint("back", 4, "uint32", 2, 3, unit="m3", kind="counter"),
    },
)
Meter = dict[str, float]


def meters(*totals: float) -> list[Meter]:
    return [{"flow": 10.0 + at, "total": total, "back": 0.0} for at, total in enumerate(totals)]


def polls(
    folder: Path, rounds: Sequence[Sequence[Meter]], *, only: Mapping[int, tuple[int, ...]] | None = None
) -> list[list[Answer]]:
    """Polls of devices in fixed places, each with the meter that stands there in that round; `only` some of them."""

    async def go() -> list[list[Answer]]:
        there = [dict(meter) for meter in rounds[0]]
        servers = [Server({1: Bank.from_connector(MAP, meter.__getitem__)}) for meter in there]
        for server in servers:
            await server.start()
        answered = []
        try:
            for number, meters_ in enumerate(rounds):
                for place, meter in zip(there, meters_, strict=True):
                    place.update(meter)
                memory = Memory.load(folder)
                asked = [
                    target(server.port, device=f"m{at}", connector=MAP, points=tuple(MAP.points))
                    for at, server in enumerate(servers)
                    if at in (only or {}).get(number, range(len(servers)))
                ]
                answered.append(await asking_all(asked, memory=memory))
                memory.save()
        finally:
            for server in servers:
                await server.stop()
        return answered

    return asyncio.run(go())


def doubted(answers: Sequence[Answer]) -> list[str]:
    for answer in answers:
        suspect = {value.quality for value in answer.values.values()} == {Quality.SUSPECT}
        assert suspect is bool(answer.swapped)
    return [answer.target.device for answer in answers if answer.swapped]


def test_two_that_change_places_are_named_and_doubted_until_they_are_back(tmp_path):
    a, b, c = meters(81_200, 4_300, 50_000)
    on_a, on_b = {**a, "total": 81_203.0}, {**b, "total": 4_301.0}
    later = {**on_b, "total": 40_000.0}  # months later its register tells nobody who it is
    first, moved, after, again, alone, back = polls(
        tmp_path,
        [[a, b, c], [on_b, on_a, c], [on_b, on_a, c], [later, on_a, c], [later, on_a, c], [on_a, on_b, c]],
        only={4: (0,)},
    )
    assert [doubted(each) for each in (first, back)] == [[], []]
    assert [doubted(each) for each in (moved, after, again)] == [["m0", "m1"]] * 3
    assert doubted(alone) == ["m0"]
    assert moved[0].swapped == (
        "its registers are those of m1, which shows this one's: are the two exchanged?"
    )
    assert '"registers"' in (tmp_path / FILE_NAME).read_text()


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((81_200, 4_300), (81_209, 4_310)),  # both go on
        ((81_200, 4_300), (3, 4_310)),  # one is exchanged for a new one
        ((81_200, 4_300), (0, 0)),  # both lost their memory
        (
            (81_200, 4_300),
            (4_301, 4_310),
        ),  # one shows the other's, which still shows its own: a copy, or a mistake
        ((4_300, 4_300), (4_301, 4_302)),  # both stood alike
        ((4_300, 4_304), (4_306, 4_309)),  # too near to each other for what was counted
    ],
)
def test_what_is_no_change_of_places(tmp_path, before, now):
    answers = polls(tmp_path, [meters(*before), meters(*now)])
    assert [doubted(each) for each in answers] == [[], []]


def test_a_new_address_in_city_yaml_begins_anew(tmp_path):
    """Who sets the addresses right is believed: a device at another place is another one."""
    polls(tmp_path, [meters(81_200, 4_300), meters(4_301, 81_203)])
    (answers,) = polls(tmp_path, [meters(4_302, 81_204)])  # at other ports
    assert doubted(answers) == []


def test_registers_that_contradict_each_other_tell_nothing():
    own, other = {"in": 100.0, "out": 900.0}, {"in": 5000.0, "out": 10.0}
    assert shows({"in": 5001.0, "out": 11.0}, own, other) == "other"
    assert shows({"in": 101.0, "out": 901.0}, own, other) == "own"
    assert shows({"in": 5001.0, "out": 901.0}, own, other) is None
    assert shows({"in": 2500.0, "out": 11.0}, own, other) is None
    assert shows({}, own, other) is None


def test_a_diagnosis_names_the_meter_whose_registers_it_finds():
    """At the place of m0 stands m1, as the last poll left them."""
    here = {"flow": 1.0, "total": 4_301.0, "back": 0.0}
    others = {"m1": {"total": 4_300.0, "back": 0.0}, "m2": {"total": 50_000.0, "back": 0.0}}

    async def found(own: float) -> Diagnosis:
        async with Server({1: Bank.from_connector(MAP, here.__getitem__)}) as server:
            stood = ({"total": own, "back": 0.0}, others)
            return await diagnosing(server.link, 1, MAP, timeout=1, rounds=1, name="m0", stood=stood)

    told = asyncio.run(found(81_200.0))
    assert [step.text for step in told.steps if step.name == "registers"] == [
        "they are where those of m1 stood at the last poll"
    ]
    assert told.advice == ["is it exchanged with m1? `cityctl devices diagnose m1`, and compare displays"]
    assert not any(step.name == "registers" for step in asyncio.run(found(4_299.0)).steps)
