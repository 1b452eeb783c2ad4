"""Two persons, a plan that is still true, and one use of it. The other person is a real other user."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from cityctl.errors import UsageProblem, WriteRefused
from cityctl.runbook import approval, plan, session
from cityctl.runbook.audit import canonical, digest
from cityctl.runbook.desk import name_of
from cityctl.runbook.walk import People
from tests.runbook.conftest import yes
from tests.runbook.test_audit import in_a_process

OTHER = 65534
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may become another user"
)
TEXT = "steps: [{write: plc-1/command, to: start}, {write: plc-1/setpoint, to: 5 bar}]\n"


@pytest.fixture
def saved(rig, tmp_path):
    """A saved plan; everybody may write into the project's state, as in a shared folder."""
    job = rig.job(TEXT)
    job.desk.audit.append("first")  # so that the folders are there
    made = plan.made(job, job.planned(People({})))
    path = tmp_path / "swap.plan"
    made.write(path)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o755)
    (job.desk.state / "approvals").mkdir()
    for each in [job.desk.state, *job.desk.state.rglob("*")]:
        each.chmod(0o777)
    return path


def by_other(rig, path) -> str:
    """Another user approves; what is said."""

    def act() -> str:
        os.setuid(OTHER)
        approval.approve(rig.desk(), plan.read(path))
        return "approved"

    said = in_a_process(act)
    for each in (rig.folder / ".cityctl").rglob("*"):
        if each.stat().st_uid != OTHER or each.parent.name != "approvals":
            each.chmod(0o777)
    return said


def unattended(rig, path, text=TEXT):
    """A run from the plan, without a terminal."""
    return session.run(rig.job(text), session.Wish(plan=plan.read(path)))


@as_root
def test_two_persons_and_one_use(rig, saved):
    with pytest.raises(WriteRefused, match="there is no terminal, and no approved plan"):
        unattended(rig, saved)
    assert by_other(rig, saved) == "approved"
    assert unattended(rig, saved).sent == 2
    begun = next(entry for entry in rig.desk().audit.entries() if entry["event"] == "begin")
    assert begun["approved_by"] == name_of(OTHER)
    rig.values[1].update(command="stop", setpoint=4.0)
    rig.banks[1].written.clear()
    with pytest.raises(WriteRefused, match="was run already"):
        unattended(rig, saved)
    for used in (rig.folder / ".cityctl/approvals").glob("*.used"):
        used.unlink()  # the audit remembers all the same
    with pytest.raises(WriteRefused, match="was run already"):
        unattended(rig, saved)
    assert rig.writes == 2


def test_nobody_approves_his_own_plan(rig, saved):
    with pytest.raises(WriteRefused, match="another person approves it"):
        approval.approve(rig.desk(), plan.read(saved))


@as_root
def test_who_writes_an_approval_for_somebody_else_is_found(rig, saved):
    made = plan.read(saved)
    path = rig.folder / ".cityctl/approvals" / f"{made.hash}.json"
    path.write_text(json.dumps({"plan": made.hash, "uid": OTHER}))
    with pytest.raises(WriteRefused, match="was not made by who it names"):
        unattended(rig, saved)
    path.write_text(json.dumps({"plan": made.hash, "uid": os.getuid()}))
    with pytest.raises(WriteRefused, match="another person approves it"):
        unattended(rig, saved)
    assert rig.writes == 0


def test_a_plan_in_somebody_elses_name_is_found(rig, saved):
    """Who says in his plan that it is by another, to approve it himself, is told apart by the file's owner."""
    held = json.loads(saved.read_text())
    held["plan"]["by"]["uid"] = OTHER
    held["hash"] = digest(canonical(held["plan"]))
    saved.write_text(json.dumps(held))
    with pytest.raises(WriteRefused, match="and belongs to"):
        approval.approve(rig.desk(), plan.read(saved))


@as_root
def test_an_edited_plan_is_another_plan(rig, saved):
    assert by_other(rig, saved) == "approved"
    held = json.loads(saved.read_text())
    held["plan"]["inputs"]["x"] = 1
    saved.write_text(json.dumps(held))
    with pytest.raises(WriteRefused, match="was edited"):
        plan.read(saved)
    held["hash"] = digest(canonical(held["plan"]))
    saved.write_text(json.dumps(held))
    with pytest.raises(WriteRefused, match="stale: an input changed"):
        unattended(rig, saved)
    assert rig.writes == 0


@as_root
@pytest.mark.parametrize(
    "what", ["value", "recipe", "connector", "expired", "set back", "condition", "limits"]
)
def test_a_plan_that_is_no_longer_true(rig, saved, what):
    assert by_other(rig, saved) == "approved"
    job = rig.job(TEXT.replace("5 bar", "5.5 bar") if what == "recipe" else TEXT)
    if what == "value":
        rig.values[1]["setpoint"] = 4.2
    if what == "connector":
        from tests.runbook.conftest import CONNECTOR

        rig.city(connector=CONNECTOR + "# a new revision\n")
        job = rig.job(TEXT)
    if what == "limits":
        rig.city("writes: {limits: [{points: ['*'], most: 0}]}")
        job = rig.job(TEXT)
    if what == "condition":
        rig.values[1]["command"] = "start"
    if what in ("expired", "set back"):
        now = job.desk.clock.now() + timedelta(minutes=31 if what == "expired" else -31)
        job.desk.clock.now = lambda: now
    own = {"expired": "expired", "set back": "the clock was set back", "limits": "stale|most"}
    match = own.get(what, "stale")
    with pytest.raises(WriteRefused, match=match):
        session.run(job, session.Wish(plan=plan.read(saved)))
    assert rig.writes == 0


@as_root
def test_a_point_for_two_persons_is_not_for_one_at_a_terminal(rig, saved, consent):
    rig.city("writes: {limits: [{points: ['plc-1/setpoint'], two_person: true}]}")
    with pytest.raises(WriteRefused, match="only with another person's approval"):
        session.run(rig.job(TEXT), consent())
    assert by_other(rig, saved) == "approved"
    assert unattended(rig, saved).sent == 2


@as_root
def test_who_may_approve(rig, saved):
    rig.city("writes: {approvers: [somebody-else]}")
    assert "may not approve" in by_other(rig, saved)


def test_a_plan_lasts_a_day_at_most(rig):
    job = rig.job(TEXT)
    with pytest.raises(UsageProblem, match="a day at most"):
        plan.made(job, job.planned(People({})), lasts=timedelta(days=2))


GROUP = 4242


@pytest.fixture
def theirs(rig, tmp_path):
    """A project's state that a group shares, as `chgrp` and `chmod g+ws` make it."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o755)
    state = rig.folder / ".cityctl"
    for folder in (state, tmp_path / "plans"):
        folder.mkdir(exist_ok=True)
        os.chown(folder, -1, GROUP)
        folder.chmod(0o2775)
    return tmp_path / "plans" / "swap.plan"


def by(user, mask, act) -> str:
    """What a user of the group says who does that."""

    def as_user() -> str:
        os.umask(mask)
        os.setgroups([])
        os.setgid(GROUP)
        os.setuid(user)
        return str(act())

    return in_a_process(as_user)


@as_root
@pytest.mark.parametrize("masks", [(0o022, 0o077), (0o077, 0o022), (0o002, 0o002)])
def test_two_users_of_a_group_need_no_umask_for_it(rig, theirs, masks):
    """One saves a plan, the other approves it, the first runs it: each adds to the audit that the other began."""

    def save() -> None:
        job = rig.job(TEXT)
        plan.made(job, job.planned(People({}))).write(theirs)

    one, other = (65533, masks[0]), (OTHER, masks[1])
    assert by(*one, save) == "None"
    assert by(*other, lambda: approval.approve(rig.desk(), plan.read(theirs)).name).endswith(".json")
    assert by(*one, lambda: unattended(rig, theirs).sent) == "2"
    assert by(*other, lambda: rig.desk().audit.faults()) == "[]"
    assert by(*other, lambda: session.run(rig.write("plc-1/command", "stop"), yes()).sent) == "1"
    assert rig.writes == 3


@as_root
def test_what_another_may_have_changed_is_nobodys_word(rig, theirs):
    """With a umask of 002 a file belongs to one user, and every user of the group may write it."""

    def save() -> None:
        job = rig.job(TEXT)
        plan.made(job, job.planned(People({}))).write(theirs)

    assert by(65533, 0o002, save) == "None"
    assert theirs.stat().st_mode & 0o777 == 0o644
    assert by(OTHER, 0o002, lambda: theirs.write_text("forged")).startswith("PermissionError")
    theirs.chmod(0o664)
    assert "nobody vouches for it" in by(
        OTHER, 0o002, lambda: approval.approve(rig.desk(), plan.read(theirs))
    )
    theirs.chmod(0o644)
    assert by(OTHER, 0o002, lambda: approval.approve(rig.desk(), plan.read(theirs)).name).endswith(".json")
    (given,) = (rig.folder / ".cityctl/approvals").glob("*.json")
    assert given.stat().st_mode & 0o777 == 0o644
    given.chmod(0o664)
    assert "was not made by who it names" in by(65533, 0o002, lambda: unattended(rig, theirs))
    assert rig.writes == 0


@as_root
@pytest.mark.usefixtures("theirs")
def test_what_another_user_did_is_not_done_again_unseen(rig):
    """`once_in`, and a run that its user's umask of an earlier version keeps from others."""
    once = "once_in: 12h\nsteps: [{write: plc-1/third, to: plc_1.third + 1 mg/L}]\n"
    assert by(65533, 0o077, lambda: session.run(rig.job(once), yes()).sent) == "1"
    assert "done already by run" in by(OTHER, 0o077, lambda: session.run(rig.job(once), yes()).said)
    (made,) = (rig.folder / ".cityctl/runs").glob("*.jsonl")
    made.chmod(0o600)
    said = by(OTHER, 0o077, lambda: session.run(rig.job(once), yes()).said)
    assert "nobody knows whether this was done within 12h" in said
    assert rig.writes == 1
