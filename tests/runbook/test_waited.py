"""Others have the line between what a write goes by and the write: it is looked at again, or nothing is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cityctl.errors import WriteRefused, WriteRolledBack
from cityctl.modbus.alone import Alone
from cityctl.modbus.line import Link
from cityctl.runbook import act, audit, session
from cityctl.runbook.eyes import Eyes

HELD = 0.4  # s that a poll has the line
Meanwhile = Callable[[], object]


@pytest.fixture
def poll(rig, monkeypatch) -> Iterator[Callable[[Meanwhile], None]]:
    """`poll(meanwhile)` has the line for a while from here on; something happens in the plant meanwhile."""
    monkeypatch.setattr(act, "OLD", 0.15)
    polling: list[threading.Thread] = []

    def begun(meanwhile: Meanwhile) -> None:
        has = threading.Event()

        async def hold() -> None:
            async with Alone(rig.folder / ".cityctl" / "locks", "poll").on(Link("127.0.0.1", rig.port)):
                has.set()
                await asyncio.sleep(HELD / 2)
                meanwhile()
                await asyncio.sleep(HELD / 2)

        polling.append(threading.Thread(target=lambda: asyncio.run(hold())))
        polling[-1].start()
        assert has.wait(10)

    yield begun
    for each in polling:
        each.join(10)


def once(monkeypatch, owner: type, name: str, when: Callable[..., bool], then: Callable[[], None]) -> None:
    """`then` is done once, right after the first call of that kind: at that moment nobody has the line."""
    function, done = getattr(owner, name), []

    def wrapped(*words: Any, **named: Any) -> Any:
        found = function(*words, **named)
        if when(*words, **named) and not done:
            done.append(True)
            then()
        return found

    monkeypatch.setattr(owner, name, wrapped)


def is_write(_: object, event: str, **fields: object) -> bool:
    """The audit's line of a write, which stands there right before it is sent."""
    return event == "write" and not fields["undoing"]


def is_undoing(_: object, event: str, **fields: object) -> bool:
    return event == "write" and bool(fields["undoing"])


def test_a_kill_switch_that_is_thrown_while_the_line_is_waited_for_holds(rig, consent, poll, monkeypatch):
    monkeypatch.setattr(act, "OLD", 30.0)
    stop = (rig.folder / "STOP").touch
    once(monkeypatch, audit.Audit, "append", is_write, lambda: poll(stop))
    with pytest.raises(WriteRefused, match="nothing was sent: the kill switch is thrown"):
        session.run(rig.write("plc-1/command", "start"), consent())
    assert rig.writes == 0


def test_what_got_old_while_the_line_was_waited_for_is_no_reason_to_write(rig, consent, poll, monkeypatch):
    once(monkeypatch, audit.Audit, "append", is_write, lambda: poll(lambda: None))
    with pytest.raises(
        WriteRefused, match=r"others had the line for .* s, and what was looked at before is old"
    ):
        session.run(rig.write("plc-1/command", "start"), consent())
    assert rig.writes == 0
    assert audit.Audit(rig.folder / ".cityctl" / "audit").faults() == []


def test_an_interlock_is_looked_at_again_where_a_line_was_waited_for(rig, consent, poll, monkeypatch):
    """The pressure falls while a poll has the line, after the interlock held and before the value there is read."""
    sink = lambda: rig.values[1].update(measured=0.2)  # noqa: E731
    job = rig.job("interlocks: [plc_1.measured > 1 bar]\nsteps: [{write: plc-1/command, to: start}]\n")
    looks: list[int] = []

    def is_runs(*_: object) -> bool:
        looks.append(1)
        return len(looks) == 2  # the first one is its plan's

    once(monkeypatch, Eyes, "holds", is_runs, lambda: poll(sink))
    with pytest.raises(WriteRefused, match=r"interlock `plc_1\.measured > 1 bar` does not hold"):
        session.run(job, consent())
    assert rig.writes == 0


def test_a_line_that_was_waited_for_delays_a_write_and_no_more(rig, consent, poll, monkeypatch):
    job = rig.job("interlocks: [plc_1.measured > 1 bar]\nsteps: [{write: plc-1/command, to: start}]\n")
    looks: list[int] = []

    def is_runs(*_: object) -> bool:
        looks.append(1)
        return len(looks) == 2

    once(monkeypatch, Eyes, "holds", is_runs, lambda: poll(lambda: None))
    assert session.run(job, consent()).sent == 1
    assert (rig.words(1, 4), len(looks)) == ([1], 3)


def test_undoing_a_bit_goes_by_what_stands_beside_it_when_the_line_is_there(rig, consent, poll, monkeypatch):
    def lives() -> None:
        rig.banks[1].written[3, 10] |= 0x0100  # the PLC sets a bit of its own

    once(monkeypatch, audit.Audit, "append", is_undoing, lambda: poll(lives))
    text = 'steps: [{write: plc-1/bit_kept, to: "on"}, {check: plc_1.measured > 9 bar}]\n'
    with pytest.raises(WriteRolledBack):
        session.run(rig.job(text), consent())
    assert rig.words(1, 10) == [0x0100]
    assert rig.writes == 2
