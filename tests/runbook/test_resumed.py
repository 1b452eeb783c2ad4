"""A killed run that is taken up later: what others did meanwhile is theirs, and what is old is not gone on with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityctl.errors import PlantStateUnknown, WriteRefused, WriteRolledBack
from cityctl.runbook import plan, results, session
from cityctl.runbook.journal import Journal, journals
from cityctl.runbook.walk import Line, People
from tests.runbook.conftest import yes
from tests.runbook.test_kill import killed_at

TWO = "timeout: 10m\nsteps: [{write: plc-1/setpoint, to: 5 bar}, {write: plc-1/command, to: start}]\n"
OWN_WAY = TWO.replace("to: 5 bar", "to: 5 bar, rollback: 4.2 bar")


def killed(rig, text):
    """The journal of a run that died after its first write; three looks at the plant after it began."""
    assert killed_at(lambda: session.run(rig.job(text), yes()), 9)
    (journal,) = journals(rig.folder / ".cityctl")
    assert [each.address for each in rig.server.written] == [0]
    return Journal(journal.path)


@pytest.mark.parametrize("text", [TWO, OWN_WAY])
def test_what_somebody_else_set_since_is_not_undone(rig, text):
    journal = killed(rig, text)
    session.run(rig.write("plc-1/setpoint", "6 bar"), yes())  # by another person
    with pytest.raises(PlantStateUnknown) as told:
        session.resume(rig.desk(), journal, yes(), undo=True)
    assert rig.words(1, 0, 2) == [0x40C0, 0]  # 6.0 as IEEE 754 binary32
    (line,) = told.value.tried
    assert line.startswith("plc-1/setpoint is 6 bar, neither 4 bar as before nor 5 bar as written: somebody")
    assert "not put back" in line


@pytest.mark.parametrize(("text", "words"), [(TWO, [0x4080, 0]), (OWN_WAY, [0x4086, 0x6666])])
def test_what_stands_as_the_run_left_it_is_undone(rig, text, words):
    with pytest.raises(WriteRolledBack):
        session.resume(rig.desk(), killed(rig, text), yes(), undo=True)
    assert rig.words(1, 0, 2) == words  # 4.0, and 4.2 as IEEE 754 binary32


def test_a_run_that_began_longer_ago_than_it_may_take_is_not_gone_on_with(rig):
    journal = killed(rig, TWO)
    desk = rig.desk()
    began = desk.clock.now()
    desk.clock.now = lambda: began + timedelta(minutes=11)
    with pytest.raises(
        WriteRefused, match=r"began 11m\d*s? ago, and may take 10m: it is not gone on with"
    ) as told:
        session.resume(desk, journal, yes())
    assert rig.writes == 1
    assert told.value.hint.startswith("`cityctl runbook resume ")
    with pytest.raises(WriteRolledBack):
        session.resume(desk, journal, yes(), undo=True)
    assert rig.words(1, 0, 2) == [0x4080, 0]


def test_a_clock_set_back_since_tells_nothing_of_how_long_ago_it_was(rig):
    """After a power cut a computer without a battery begins with an old date."""
    journal = killed(rig, TWO)
    desk = rig.desk()
    began = desk.clock.now()
    desk.clock.now = lambda: began - timedelta(days=40)
    with pytest.raises(WriteRefused, match="from now, by a clock set back since, and may take 10m"):
        session.resume(desk, journal, yes())
    assert rig.writes == 1
    with pytest.raises(WriteRolledBack):
        session.resume(desk, journal, yes(), undo=True)
    assert rig.words(1, 0, 2) == [0x4080, 0]


def test_what_a_device_is_at_work_on_is_not_sent_again(rig):
    """The run dies right after the device said that it needs a while (exception 5)."""
    rig.faults.refuse_write = 5
    text = "steps: [{write: plc-1/command, to: start}]\n"
    looks = next(
        n for n in range(3, 30) if killed_at(lambda: session.run(rig.job(text), yes()), n) and at_work(rig)
    )
    assert looks
    rig.faults.refuse_write = None
    (journal,) = (each for each in journals(rig.folder / ".cityctl") if each.last("at work"))
    sent = rig.writes
    with pytest.raises(PlantStateUnknown, match="still at work on the write"):
        session.resume(rig.desk(), Journal(journal.path), yes())
    assert rig.writes == sent


def at_work(rig) -> bool:
    return any(
        each.last("at work") and not each.last("undoing") for each in journals(rig.folder / ".cityctl")
    )


def test_a_run_that_stands_open_is_named_to_who_plans_or_writes_there(rig):
    """The killed run's old value was 4 bar; what the next one finds, and would put back, is its 5 bar."""
    journal = killed(rig, TWO)
    lines: list[Line] = []

    def opened(wanted: str) -> list[str]:
        lines.clear()
        wish = yes()
        wish.say = lines.append
        session.run(rig.write("plc-1/setpoint", wanted), wish)
        return [line.what for line in lines if line.verb == "open"]

    (said,) = opened("5.5 bar")
    assert said == (
        f"run {journal.run} stands open and wrote plc-1/setpoint: what is there now is not what was there before it; "
        f"`cityctl runbook resume {journal.run}` goes on, --undo undoes"
    )
    job = rig.write("plc-1/setpoint", "4 bar")
    walk = job.planned(People({}))
    assert results.plan(job, walk, plan.made(job, walk)).notes == [said]
    assert rig.write("plc-2/setpoint", "4.5 bar").left_open() == []
    opened("5 bar")
    with pytest.raises(WriteRolledBack):
        session.resume(rig.desk(), journal, yes(), undo=True)
    assert opened("4.5 bar") == []
