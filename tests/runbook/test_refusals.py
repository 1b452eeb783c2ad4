"""What is refused is refused with 20 and without one write PDU, by the plan and by the run alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityctl.errors import ExitCode, LockHeld, UsageProblem, WriteRefused
from cityctl.runbook import session
from cityctl.runbook.walk import People

REFUSED = [
    ("plc-1/setpoint", "9 bar", "above the highest that may be written, 8 bar"),
    ("plc-1/setpoint", "0.5 bar", "below the lowest that may be written, 1 bar"),
    ("plc-1/setpoint", "6.1 bar", "a step of 2.1 bar"),
    ("plc-1/setpoint", "610 kPa", "a step of 2.1 bar"),
    ("plc-1/setpoint", "5 m3/h", "takes pressure, and 5 m³/h is flow"),
    ("plc-1/setpoint", "5", "takes pressure"),
    ("plc-1/setpoint", "nan", "takes an amount in bar"),
    ("plc-1/setpoint", "5 bar / 0", "division by zero"),
    ("plc-1/setpoint", "start", "takes an amount in bar"),
    ("plc-1/third", "1.05 mg/L", "between two steps of 0.1"),
    ("plc-1/command", "strat", "did you mean `start`|no state is named|knows no state"),
    ("plc-1/command", "1", "state"),
    ("plc-1/measured", "4 bar", "can only be read"),
    ("plc-1/unruly", "1 bar", "no `write` rule"),
    ("plc-1/endless", "1 bar", "max_step"),
    ("plc-1/guarded", "on", "depends on remote = on, and it is off"),
]


def refused(rig, job, match, wish=None, code=ExitCode.REFUSED):
    """The plan and the run both refuse, and the PLC never sees a write."""
    walk = job.planned(People({}))
    plan_says = walk.problems
    with pytest.raises(WriteRefused, match=match) as told:
        session.run(job, wish)
    assert told.value.exit_code is code
    assert rig.writes == 0
    return plan_says


@pytest.mark.parametrize(("point", "value", "match"), REFUSED)
def test_what_may_not_be_written(rig, consent, point, value, match):
    try:
        job = rig.write(point, value)
    except UsageProblem:  # units and states are held against the point before anything is asked
        assert rig.writes == 0
        return
    assert refused(rig, job, match, consent()), "the plan let it pass"


def test_a_profile_that_only_reads(rig, consent):
    assert refused(
        rig, rig.write("plc-1/setpoint", "4.5 bar", profile=None), "city.yaml is read-only", consent()
    )


@pytest.mark.parametrize(
    ("point", "profile", "hint"),
    [
        ("plc-1/setpoint", None, "choose a profile that may write: `--profile NAME`"),
        ("plc-1/unruly", "maintenance", "give it `write: {min, max, max_step}`"),
    ],
)
def test_a_refusal_says_what_to_do(rig, consent, point, profile, hint):
    with pytest.raises(WriteRefused) as told:
        session.run(rig.write(point, "4.5 bar", profile=profile), consent())
    assert told.value.hint is not None
    assert told.value.hint.startswith(hint)


def test_another_value_than_expected(rig, consent):
    job = rig.write("plc-1/setpoint", "4.5 bar", expect="3.9 bar")
    assert refused(rig, job, "is 4 bar, and 3.9 bar was expected", consent())
    assert session.run(rig.write("plc-1/setpoint", "4.5 bar", expect="400 kPa"), consent()).sent == 1


@pytest.mark.parametrize("name", ["STOP", "STOP.plc-1", "STOP.hill", "STOP.north"])
def test_the_kill_switch_of_a_site(rig, consent, name):
    (rig.folder / name).touch()
    assert refused(rig, rig.write("plc-1/setpoint", "4.5 bar"), "kill switch is thrown", consent())
    if name in ("STOP.plc-1", "STOP.hill"):
        assert session.run(rig.write("plc-2/setpoint", "4.5 bar"), consent()).sent == 1


def test_a_kill_switch_that_cannot_be_seen_stops_everything(rig, consent):
    rig.city("writes: {stop_folder: not-there}")
    assert refused(rig, rig.write("plc-1/setpoint", "4.5 bar"), "cannot be read", consent())


def test_nobody_consents(rig, consent):
    refused(rig, rig.write("plc-1/setpoint", "4.5 bar"), "there is no terminal", session.Wish())
    wish = session.Wish(consent=lambda _: False)
    refused(rig, rig.write("plc-1/setpoint", "4.5 bar"), "not consented", wish)
    job = rig.write("plc-1/setpoint", "4.5 bar")
    job.desk.reason = ""
    refused(rig, job, "nobody says why", consent())


class Stopped:
    """A clock that stands at an instant."""

    def __init__(self, text: str) -> None:
        self.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def now(self):
        return self.moment

    def passed(self):
        return 0.0

    def sleep(self, seconds):
        self.moment += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("window", "at", "open_"),
    [  # Europe/Berlin is UTC+1 in November; 25 Nov 2026 is a Wednesday
        ("Mon-Fri 07:00-16:00", "2026-11-25T06:00", True),
        ("Mon-Fri 07:00-16:00", "2026-11-25T05:59", False),
        ("Mon-Fri 07:00-16:00", "2026-11-25T15:00", False),
        ("Sat,Sun 00:00-24:00", "2026-11-25T12:00", False),
        ("22:00-04:00", "2026-11-25T02:30", True),
        ("Tue 22:00-04:00", "2026-11-25T02:30", True),  # Tuesday's night reaches into Wednesday
        ("Wed 22:00-04:00", "2026-11-25T02:30", False),
        ("Fri-Mon 00:00-24:00", "2026-11-23T12:00", True),
    ],
)
def test_windows_of_the_week(rig, consent, window, at, open_):
    rig.city(f"writes: {{windows: ['{window}']}}")
    job = rig.write("plc-1/setpoint", "4.5 bar")
    job.desk.clock = Stopped(at)
    if open_:
        assert session.run(job, consent()).sent == 1
    else:
        assert refused(rig, job, "may be written", consent())


def test_a_rate_by_point(rig, consent):
    rig.city("writes: {limits: [{points: ['plc-1/*'], most: 2, per: 1h}]}")
    for value in ("4.5 bar", "5 bar"):
        assert session.run(rig.write("plc-1/setpoint", value), consent()).sent == 1
    with pytest.raises(WriteRefused, match="was written 2 times within"):
        session.run(rig.write("plc-1/setpoint", "5.5 bar"), consent())
    assert session.run(rig.write("plc-1/command", "start"), consent()).sent == 1
    assert rig.writes == 3
    three = "\n".join(f"  - {{write: plc-2/third, to: {value} mg/L}}" for value in (2, 3, 4))
    rig.city("writes: {limits: [{points: ['plc-2/third'], most: 2}]}")
    with pytest.raises(WriteRefused, match="2 is the most"):  # a plan counts its own writes too
        session.run(rig.job(f"steps:\n{three}\n"), consent())
    assert rig.writes == 3


def test_a_device_is_written_by_one_run_at_a_time(rig, consent):
    job = rig.write("plc-1/setpoint", "4.5 bar")
    with job.locked(), pytest.raises(LockHeld, match="write on plc-1"):
        session.run(rig.write("plc-1/command", "start"), consent())
    assert rig.writes == 0
    assert session.run(rig.write("plc-1/command", "start"), consent()).sent == 1


def test_a_value_that_is_no_good_closes_the_interlock(rig, consent):
    rig.values[1]["measured"] = 25.0  # above its plausible 20 bar: suspect
    job = rig.job("interlocks: [plc_1.measured > 1 bar]\nsteps: [{write: plc-1/command, to: start}]\n")
    assert refused(rig, job, "plc-1/measured is suspect", consent())


def test_a_missing_answer_names_its_flag(rig):
    job = rig.job("steps:\n  - {confirm: Ready?, name: ready}\n  - {write: plc-1/command, to: start}\n")
    with pytest.raises(WriteRefused, match="asks a person") as told:
        session.run(job, session.Wish(consent=lambda _: True))
    assert told.value.hint == "add --answer ready=yes"
    assert rig.writes == 0
