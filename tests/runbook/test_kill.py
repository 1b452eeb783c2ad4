"""`kill -9` at every journal point of a run, then `resume`: nothing twice, nothing left out.

Each run is a forked process that kills itself there with SIGKILL; the PLC lives on in this one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from cityctl.errors import PlantStateUnknown, WriteRolledBack
from cityctl.runbook import audit, session
from cityctl.runbook.hand import Hand
from cityctl.runbook.journal import Journal, journals
from cityctl.runbook.session import Wish
from tests.runbook.conftest import yes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
BOOK = """\
inputs:
  plcs: {type: devices, meaning: both, points: {second: {states: [stop, start], writable: true}}}
require: [plc_1.measured > 1 bar]
steps:
  - {read: plc_1.setpoint, save: before}
  - {write: plc-1/command, to: start, save: was}
  - for_each: {plc: plcs}
    steps:
      - {write: plc.second, to: start}
  - {write: plc-1/setpoint, to: before + 0.5 bar}
  - {when: was == start, write: plc-1/third, to: 9 mg/L}
  - {write: plc-1/bit, to: on}
verify: [plc_1.command == start]
always: [{write: plc-2/third, to: 4 mg/L}]
"""
FAILING = BOOK.replace("verify:", "  - {check: plc_1.measured > 9 bar}\nverify:")
GIVEN = {"plcs": "plc-1,plc-2"}
# unit, function, address: each exactly once. 4.0 + 0.5 bar = 0x40900000 as IEEE 754 binary32
WANTED = [(1, 6, 4), (1, 16, 5), (2, 16, 5), (1, 16, 0), (1, 22, 9), (2, 6, 6)]


def killed_at(act: Callable[[], None], place: int) -> bool:
    """Do it in a process that dies at its `place`-th point; whether it came that far."""
    pid = os.fork()
    if pid:
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    try:
        left = place

        def point() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def around(function, *, before=False):
            def wrapped(*words, **named):
                if before:
                    point()
                found = function(*words, **named)
                point()
                return found

            return wrapped

        Journal.note = around(Journal.note)  # type: ignore[method-assign]
        audit.Audit.append = around(audit.Audit.append)  # type: ignore[method-assign]
        Hand.send = around(Hand.send, before=True)  # type: ignore[method-assign]
        act()
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """A killed process loses nothing that was written: only a power cut would, and that is fsync's work."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def state(rig):
    return (
        rig.words(1, 4),
        rig.words(1, 5),
        rig.words(2, 5),
        rig.words(1, 0, 2),
        rig.words(1, 9),
        rig.words(2, 6),
    )


def reset(rig):
    for bank in rig.banks.values():
        bank.written.clear()
    rig.server.written.clear()


def test_nothing_twice_and_nothing_left_out(rig):
    done = None
    for place in range(200):
        reset(rig)
        job = rig.job(BOOK, GIVEN)
        died = killed_at(lambda job=job: session.run(job, yes()), place)
        runs = [journal for journal in journals(job.desk.state) if journal.ending is None]
        if not runs:  # killed before it began: nothing was sent, and nothing stands open
            assert died
            assert all(request is None for request in rig.server.written) or state(rig) == done
            if rig.server.written:
                break
            continue
        (journal,) = runs
        session.resume(rig.desk(), Journal(journal.path), yes())
        sent = [(each.unit, each.function_code, each.address) for each in rig.server.written]
        assert sent == WANTED, f"killed at point {place}"
        done = done or state(rig)
        assert state(rig) == done == ([1], [1], [1], [0x4090, 0], [4], [40])
        assert audit.Audit(rig.folder / ".cityctl" / "audit").faults() == []
        # and a resumed run that is over sends nothing
        assert session.resume(rig.desk(), Journal(journal.path), yes()).sent == 0
        assert len(rig.server.written) == len(WANTED)
    assert place > 30, "there are that many points, or the kills did not happen"


def test_undoing_that_is_killed_is_finished(rig):
    """The run fails at its end, is killed while it undoes, and resuming puts everything back."""
    places = 0
    for place in range(34, 200, 2):
        reset(rig)
        job = rig.job(FAILING, GIVEN)
        if not killed_at(lambda job=job: session.run(job, yes()), place):
            break
        open_runs = [journal for journal in journals(job.desk.state) if journal.ending is None]
        if not open_runs:
            break
        with pytest.raises(WriteRolledBack):
            session.resume(rig.desk(), Journal(open_runs[0].path), yes())
        places += 1
        assert state(rig)[:5] == ([0], [0], [0], [0x4080, 0], [0])
        assert rig.words(2, 6) == [40]  # what is always done
        counted = [(each.unit, each.address) for each in rig.server.written]
        assert max(counted.count(one) for one in set(counted)) == 2  # there and back, never more
    assert places >= 5


def test_a_killed_run_may_be_undone_instead(rig):
    """Killed between the journal's word of a write and the write: whether it was sent is told by time alone."""
    job = rig.job(BOOK, GIVEN)
    assert killed_at(lambda: session.run(job, yes()), 25)
    (journal,) = journals(job.desk.state)
    with pytest.raises(PlantStateUnknown) as told:
        session.resume(rig.desk(), Journal(journal.path), yes(), undo=True)
    assert state(rig)[:5] == ([0], [0], [0], [0x4080, 0], [0])
    assert [line for line in told.value.tried if "nobody confirmed" in line] == [told.value.tried[-1]]
    desk = rig.desk()
    begun = desk.clock.passed()
    desk.clock.passed = lambda: begun + 181
    with pytest.raises(WriteRolledBack, match="undone as asked"):
        session.resume(desk, Journal(journal.path), yes(), undo=True)
    assert state(rig)[:5] == ([0], [0], [0], [0x4080, 0], [0])


def test_undoing_a_run_that_wrote_nothing_closes_it(rig):
    job = rig.job("steps: [{pause: 10s}, {write: plc-1/command, to: start}]\n")

    def interrupt(seconds):
        raise KeyboardInterrupt

    job.desk.clock.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        session.run(job, yes())
    (journal,) = journals(job.desk.state)
    ended = session.resume(rig.desk(), Journal(journal.path), Wish(), undo=True)
    assert "nothing was written" in ended.said
    assert rig.writes == 0
    assert Journal(journal.path).ending == "undone"
    again = session.resume(rig.desk(), Journal(journal.path), yes())
    assert "ended before (undone)" in again.said


def test_an_interrupted_run_says_how_to_go_on(rig):
    job = rig.job("steps: [{write: plc-1/command, to: start}, {pause: 10s}, {write: plc-1/bit, to: on}]\n")
    told = []

    def interrupt(seconds):
        raise KeyboardInterrupt

    job.desk.clock.sleep = interrupt
    wish = yes()
    wish.say = told.append
    with pytest.raises(KeyboardInterrupt):
        session.run(job, wish)
    (journal,) = journals(job.desk.state)
    assert f"cityctl runbook resume {journal.run}" in told[-1].what
    assert (rig.words(1, 4), rig.words(1, 9)) == ([1], [0])
    with pytest.raises(WriteRolledBack):
        session.resume(rig.desk(), Journal(journal.path), yes(), undo=True)
    assert (rig.words(1, 4), rig.words(1, 9)) == ([0], [0])
