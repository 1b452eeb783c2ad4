"""A run from its plan to its end: consent, audit, steps; where something fails, everything undone; resuming.

The plan comes first in every run: what it refuses is refused before anything is sent.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cityctl.clock import short
from cityctl.errors import WriteRefused
from cityctl.runbook import approval as approvals
from cityctl.runbook import plan as plans
from cityctl.runbook.act import Act, Failed
from cityctl.runbook.change import Change
from cityctl.runbook.desk import Desk
from cityctl.runbook.hand import Hand
from cityctl.runbook.job import Job
from cityctl.runbook.journal import FOLDER, Journal, journals
from cityctl.runbook.recipe import from_text
from cityctl.runbook.undoing import undone
from cityctl.runbook.walk import Line, People, Walk

_CLOCKS_DIFFER = timedelta(minutes=5)
"""As far as a clock may be set back within a run, as for a saved plan."""


@dataclass
class Wish:
    """How a run is wanted: who answers, a saved plan, and how consent is asked for (None: there is no terminal)."""

    people: People = field(default_factory=lambda: People({}))
    plan: plans.Plan | None = None
    consent: Callable[[Walk], bool] | None = None
    pretended: bool = False
    again: bool = False
    say: Callable[[Line], None] | None = None


@dataclass(frozen=True)
class Ended:
    """How a run went: its name, its lines, how many writes were sent, and what to say beside."""

    run: str
    lines: list[Line]
    sent: int
    in_place: int
    said: str = ""


def refuse_problems(walk: Walk) -> None:
    """Raises WriteRefused for what a plan found."""
    if walk.problems:
        raise WriteRefused(walk.problems[0], tried=walk.problems[1:], hint=walk.hint)


def run(job: Job, wish: Wish) -> Ended:
    """Plan, ask, run. Raises WriteRefused (20), WriteRolledBack (21), PlantStateUnknown (22)."""
    desk = job.desk
    with job.locked():
        walk = job.planned(wish.people)
        if walk.changes or walk.untold:
            done = _done_lately(job)
            if done is not None and not wish.again:
                said = f"done already by run {done}; nothing was sent (--again does it again)"
                return Ended(done, [], 0, 0, said)
        if wish.plan is not None:
            plans.still_true(wish.plan, job, walk)
        refuse_problems(walk)
        if wish.say is not None and not wish.pretended:
            for said in job.left_open():
                wish.say(Line("", "open", said))
        approval = _consent(job, wish, walk)
        name = f"{desk.clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if approval is not None and wish.plan is not None:
            approvals.use(desk, wish.plan, name)
        journal = Journal(desk.state / FOLDER / f"{name}.jsonl")
        head = _head(job, name, wish.plan)
        desk.audit.append(
            "begin", **head, **desk.signature, inputs=job.given, approved_by=approval and approval.by
        )
        journal.note(
            "begin", time=desk.clock.now().isoformat(), runbook=job.loaded.runbook.runbook, recipe_text=job.loaded.text,
            recipe_path=str(job.loaded.path), origin=job.loaded.origin, inputs=job.given, connectors=job.connectors(),
            answers={key: str(value) for key, value in wish.people.answers.items()}, profile=desk.profile,
            places=job.places(), reason=desk.reason, work_order=desk.work_order, plan=wish.plan and wish.plan.hash,
            approved=approval is not None, head=head,
        )  # fmt: skip
        return _carried_out(job, journal, head, wish, planned=dict(walk.changes))


def _head(job: Job, name: str, plan: plans.Plan | None) -> dict[str, Any]:
    return {
        "run": name, "runbook": job.loaded.runbook.runbook, "recipe": job.loaded.hash,
        "connectors": job.connectors(), "plan": plan.hash if plan is not None else None,
    }  # fmt: skip


def _done_lately(job: Job) -> str | None:
    """The run that did the same with the same inputs within `once_in`. Raises WriteRefused where nobody can tell."""
    once = job.loaded.runbook.once_in
    if once is None:
        return None
    for path in (job.desk.state / FOLDER).glob("*.jsonl"):
        if not os.access(path, os.R_OK):
            raise WriteRefused(
                f"{path} cannot be read, so that nobody knows whether this was done within {short(once)}",
                hint="let the users of this project read each other's runs, or ask who made that one",
            )
    for journal in reversed(list(journals(job.desk.state))):
        begin = journal.begin
        same = begin["runbook"] == job.loaded.runbook.runbook and begin["inputs"] == job.given
        if same and journal.ending == "done" and journal.last("intent") is not None:
            end = journal.last("end") or {}
            if job.desk.clock.now() - datetime.fromisoformat(end["time"]) < once:
                return journal.run
    return None


def _consent(job: Job, wish: Wish, walk: Walk) -> approvals.Approval | None:
    """Somebody wants this to be sent. Raises WriteRefused where nobody does."""
    if wish.pretended or not (walk.changes or walk.untold):
        return None
    if not (job.desk.reason or job.desk.work_order):
        raise WriteRefused(
            "nobody says why", hint='add --reason "..." or --work-order NUMBER: the audit keeps it'
        )
    approval = approvals.approved(job.desk, wish.plan) if wish.plan is not None else None
    if approval is not None:
        return approval
    two = job.two_person()
    how = "`cityctl runbook approve FILE` by another user, then --plan FILE"
    if two:
        raise WriteRefused(f"{two[0]} is written only with another person's approval", hint=how)
    if wish.consent is None:
        raise WriteRefused(
            "there is no terminal, and no approved plan: nobody consents to these writes",
            hint=f"--plan FILE with a plan that another person approved: {how}",
        )
    if not wish.consent(walk):
        raise WriteRefused("not consented: nothing was written")
    return None


def _carried_out(
    job: Job,
    journal: Journal,
    head: dict[str, Any],
    wish: Wish,
    *,
    undo: str = "",
    resumed: bool = False,
    planned: Mapping[str, Change] | None = None,
) -> Ended:
    desk = job.desk
    act = Act(desk, Hand(desk.plant, desk.read_timeout, locks=desk.locks), journal, head, resumed=resumed)
    walk = Walk(desk, job.loaded.runbook, job.scope, wish.people, act, wish.say, planned)
    try:
        if undo:
            raise Failed(undo)
        walk.go()
    except Exception as problem:
        raise undone(job, walk, journal, act, problem) from problem
    except BaseException:  # Ctrl-C or SIGTERM: hands off, and the journal says where it stands
        if wish.say is not None and not wish.pretended:
            open_ = f"run {journal.run} stands open: `cityctl runbook resume {journal.run}` goes on, --undo undoes"
            wish.say(Line("", "stopped", open_))
        raise
    sent = len(journal.attempted)
    journal.note("end", how="done", time=desk.clock.now().isoformat())
    desk.audit.append("end", **head, **desk.signature, how="done")
    return Ended(journal.run, walk.lines, sent, walk.in_place)


def _closed(desk: Desk, journal: Journal) -> Ended:
    """Nothing was written, so that there is nothing to undo: the run is over."""
    why = "nothing was written, so that nothing is to be undone"
    journal.note("end", how="undone", why=why, time=desk.clock.now().isoformat())
    desk.audit.append("end", **journal.begin["head"], **desk.signature, how="undone", why=why)
    return Ended(journal.run, [], 0, 0, f"run {journal.run}: {why}; it is over")


def resume(desk: Desk, journal: Journal, wish: Wish, *, undo: bool = False) -> Ended:
    """Go on with a run that was killed, or finish undoing it. What is done is not done again.

    Raises as `run` does; WriteRefused where a connector or an address changed since, where it began longer ago than
    it may take, or where nobody consents.
    """
    begin: Mapping[str, Any] = journal.begin
    if journal.ending in ("done", "undone", "refused"):
        said = f"run {journal.run} ended before ({journal.ending}); nothing was sent"
        return Ended(journal.run, [], 0, 0, said)
    loaded = from_text(begin["recipe_text"], Path(begin["recipe_path"]), begin["origin"])
    job = Job.opened(desk, loaded, begin["inputs"])
    if job.connectors() != begin["connectors"]:
        raise WriteRefused(f"run {journal.run}: a connector changed since it began", hint="undo it by hand")
    wish.people = People({**begin["answers"], **wish.people.answers}, wish.people.ask)
    places = job.places()
    moved = [device for device, place in begin.get("places", {}).items() if places.get(device) != place]
    if moved:
        raise WriteRefused(
            f"run {journal.run}: city.yaml has {moved[0]} at {places.get(moved[0], 'no place')} now, "
            f"and it was at {begin['places'][moved[0]]} when the run began",
            hint="give city.yaml the old address for as long as this takes, or undo it by hand",
        )
    with job.locked():
        journal = Journal(journal.path)  # what stands there now that nobody else writes it
        if undo and not journal.attempted:
            return _closed(desk, journal)
        failed = journal.last("undoing")
        if not (wish.pretended or begin["approved"] or wish.consent is not None):
            raise WriteRefused(
                "there is no terminal, and the run had no approved plan", hint="resume it at a terminal"
            )
        head = dict(begin["head"])
        why = "it was undone as asked" if undo else str(failed["why"]) if failed is not None else ""
        age = desk.clock.now() - datetime.fromisoformat(begin["time"])
        longest = loaded.runbook.timeout
        if not why and not -_CLOCKS_DIFFER <= age <= longest:
            began = (
                f"{short(age)} ago"
                if age > timedelta(0)
                else f"{short(-age)} from now, by a clock set back since"
            )
            raise WriteRefused(
                f"run {journal.run} began {began}, and may take {short(longest)}: it is not gone on with",
                hint=f"`cityctl runbook resume {journal.run} --undo` undoes it",
            )
        desk.audit.append("resume", **head, **desk.signature, undo=bool(why))
        return _carried_out(job, journal, head, wish, undo=why, resumed=True)
