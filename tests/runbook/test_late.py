"""A device that confirms a write, or whose answer is lost, and acts on it a while later."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from cityctl.errors import PlantStateUnknown, WriteRolledBack
from cityctl.modbus.pretended.wire import Request, Silence
from cityctl.runbook import act, session
from cityctl.runbook.journal import Journal, journals
from tests.runbook.conftest import CONNECTOR


def acts_later(rig, seconds, *, answers=True, only=None):
    """Every write of `only` words (of all, where None) takes effect so many seconds after it came."""

    async def later(request: Request) -> int | None:
        if request.function_code not in (6, 16) or only not in (None, request.values):
            return None
        bank = rig.banks[request.unit]
        rig.loop.call_later(seconds, bank.write, 3, request.address, request.values)
        if not answers:
            raise Silence
        rig.faults.ignore_write = 1
        return None

    rig.server.hook = later


@pytest.mark.parametrize("answers", [True, False])
def test_an_effect_that_comes_later_is_waited_for(rig, consent, monkeypatch, answers):
    rig.city(timeout=0.5)
    monkeypatch.setattr(act, "PATIENCE", 30.0)
    acts_later(rig, 0.8, answers=answers)
    ended = session.run(rig.write("plc-1/command", "start"), consent())
    assert rig.words(1, 4) == [1]
    assert rig.writes == 1
    assert "reads back as start" in ended.lines[-1].verdict


def goes_by_steps(rig, steps, every):
    """Every write of one register is confirmed at once, and the register goes there by steps [s between them]."""

    async def later(request: Request) -> int | None:
        if request.function_code != 6:
            return None
        bank, old, new = rig.banks[1], rig.words(1, request.address)[0], request.values[0]
        for step in range(1, steps + 1):
            there = old + (new - old) * step // steps
            rig.loop.call_later(step * every, bank.write, 3, request.address, [there])
        rig.faults.ignore_write = 1
        return None

    rig.server.hook = later


def test_a_value_that_goes_there_by_steps_is_waited_for(rig, consent, monkeypatch):
    monkeypatch.setattr(act, "PATIENCE", 30.0)
    goes_by_steps(rig, 3, every=0.2)  # each step is seen some times, 20 ms apart
    ended = session.run(rig.write("plc-1/third", "4 mg/L"), consent())
    assert rig.words(1, 6) == [40]
    assert rig.writes == 1
    assert "reads back as 4 mg/L" in ended.lines[-1].verdict


def test_a_value_that_stops_on_its_way_is_put_back(rig, consent):
    rig.faults.keep_other = 30  # 3 mg/L: as a device that allows no more

    async def honest_after_the_first(request: Request) -> int | None:
        if request.function_code == 6 and len(rig.server.written) > 1:
            rig.faults.keep_other = None
        return None

    rig.server.hook = honest_after_the_first
    with pytest.raises(WriteRolledBack, match="reads back as 3 mg/L"):
        session.run(rig.write("plc-1/third", "4 mg/L"), consent())
    assert rig.words(1, 6) == [10]


def test_an_undoing_that_takes_effect_later_is_proven(rig, consent, monkeypatch):
    monkeypatch.setattr(act, "PATIENCE", 30.0)
    acts_later(rig, 0.5, only=(0,))  # stopping takes its time
    text = "steps: [{write: plc-1/command, to: start}, {check: plc_1.measured > 9 bar}]\n"
    with pytest.raises(WriteRolledBack) as told:
        session.run(rig.job(text), consent())
    assert "plc-1/command put back to stop" in told.value.tried
    assert rig.words(1, 4) == [0]


def test_an_undoing_that_does_not_come_in_time_is_not_claimed(rig, consent):
    acts_later(rig, 30, only=(0,))
    text = "steps: [{write: plc-1/command, to: start}, {check: plc_1.measured > 9 bar}]\n"
    with pytest.raises(PlantStateUnknown):
        session.run(rig.job(text), consent())


def test_a_plc_that_restarts_after_a_write_is_waited_for(rig, consent, monkeypatch):
    rig.city(timeout=0.5)
    monkeypatch.setattr(act, "PATIENCE", 30.0)
    away = []

    async def restarts(request: Request) -> int | None:
        if request.function_code == 6:
            away.append(rig.loop.time() + 1.2)
        elif away and rig.loop.time() < away[0]:
            raise Silence
        return None

    rig.server.hook = restarts
    session.run(rig.write("plc-1/command", "start"), consent())
    assert (rig.words(1, 4), rig.writes) == ([1], 1)


def test_a_device_that_wants_a_pause_has_it_between_all_that_a_run_asks(rig, consent):
    """Conditions, who it is, the value before, the write and reading back; it answers at once."""
    named = CONNECTOR.replace("points:", "identify: {point: flags, equals: 7}\npause: 0.1\npoints:", 1)
    rig.city(connector=named)
    rig.values[1]["flags"] = 7.0
    asked = []

    async def notes(_: Request) -> int | None:
        asked.append(rig.loop.time())
        return None

    rig.server.hook = notes
    text = "require: [plc_1.measured > 1 bar]\nsteps: [{write: plc-1/command, to: start}]\n"
    assert session.run(rig.job(text), consent()).sent == 1
    assert len(asked) >= 8
    assert min(after - before for before, after in pairwise(asked)) >= 0.095


@pytest.mark.parametrize("comes", [True, False])
@pytest.mark.parametrize("rollback", ["", ", rollback: stop"])
def test_a_write_that_nobody_confirmed_is_not_claimed_undone_while_it_may_come(rig, consent, comes, rollback):
    """Its effect comes after it was looked for, as from a gateway's queue; or it does not come at all."""
    rig.city(timeout=0.1)
    acts_later(rig, 0.6 if comes else 99, answers=False, only=(1,))
    text = f"steps: [{{write: plc-1/command, to: start{rollback}}}]\n"
    with pytest.raises(PlantStateUnknown) as told:
        session.run(rig.job(text), consent())
    assert (rig.words(1, 4), rig.writes) == ([0], 1)
    assert re.search(
        r"nobody confirmed its write, which may take effect until \d\d:\d\d:\d\d$", told.value.tried[-1]
    )
    (journal,) = journals(rig.folder / ".cityctl")
    desk = rig.desk()
    sent = desk.clock.passed()
    while comes and rig.words(1, 4) == [0]:
        assert desk.clock.passed() < sent + 30
    if not comes:
        desk.clock.passed = lambda: sent + 181
    with pytest.raises(WriteRolledBack):
        session.resume(desk, Journal(journal.path), consent())
    assert (rig.words(1, 4), rig.writes) == ([0], 2 if comes else 1)
