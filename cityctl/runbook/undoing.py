"""Putting back what a run wrote, newest first, and proving it; then what is always done, and how all that ended."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from cityctl.errors import CityctlError, PlantStateUnknown, WriteRefused, WriteRolledBack
from cityctl.runbook.act import Act, Failed
from cityctl.runbook.allowed import read_present
from cityctl.runbook.change import Change, recalled, work_out
from cityctl.runbook.eyes import Eyes
from cityctl.runbook.grammar import parse
from cityctl.runbook.guard import permit
from cityctl.runbook.job import Job
from cityctl.runbook.journal import Journal
from cityctl.runbook.values import Unknown, shown
from cityctl.runbook.walk import Walk


def undone(job: Job, walk: Walk, journal: Journal, act: Act, problem: Exception) -> Exception:
    """Undo, newest first, then do what is always done; the error that tells how that went."""
    name = job.loaded.runbook.runbook
    if not journal.attempted:
        with contextlib.suppress(CityctlError):
            _end(job, journal, act, "refused", str(problem))
        if isinstance(problem, Failed):
            return WriteRefused(f"{name}: {problem}", tried=["nothing was written"])
        return problem
    message = problem.message if isinstance(problem, CityctlError) else str(problem) or type(problem).__name__
    unproven: list[str] = []
    told: list[str] = []
    try:
        journal.note("undoing", why=message)
    except WriteRefused as full:
        unproven.append(full.message)
    for each in reversed(_undoable(journal)):
        if each.rollback == "none":
            told.append(f"{each.change.at} stays {shown(each.change.new)}: its step is not undone")
            continue
        try:
            why = _one_undone(job, walk, act, each, told)
        except (CityctlError, Failed) as failed:
            why = f"{each.change.at}: {getattr(failed, 'message', failed)}"
        if why is not None:
            unproven.append(why)
    try:
        walk.steps(job.loaded.runbook.always, job.scope, "always.")
    except Exception as failed:
        unproven.append(f"what is always done at the end failed: {getattr(failed, 'message', failed)}")
    how = "unknown" if unproven else "undone"
    with contextlib.suppress(CityctlError):
        _end(job, journal, act, how, message)
    hint = (
        f"`cityctl runbook log {journal.run}` tells each step, `cityctl audit show {journal.run}` each write"
    )
    if isinstance(problem, Failed) and problem.hint is not None:
        hint = f"{problem.hint}; {hint}"
    if unproven:
        return PlantStateUnknown(
            f"{name}: {message}; the plant's state is unknown",
            tried=[*told, *unproven],
            hint=f"look at the plant; {hint}; `cityctl runbook resume {journal.run}` tries to undo again",
        )
    return WriteRolledBack(f"{name}: {message}; rolled back and verified", tried=told, hint=hint)


def _end(job: Job, journal: Journal, act: Act, how: str, why: str) -> None:
    journal.note("end", how=how, why=why, time=job.desk.clock.now().isoformat())
    job.desk.audit.append("end", **act.head, **job.desk.signature, how=how, why=why)


@dataclass(frozen=True)
class Undoable:
    """A change that was sent, and how its step wants it undone."""

    key: str
    change: Change
    rollback: str | None = None


def _undoable(journal: Journal) -> list[Undoable]:
    """Every write that was begun, by the first process or a later one, oldest first; never what is always done."""
    found: dict[str, Undoable] = {}
    for entry in journal.attempted:
        if not entry["key"].startswith("always."):
            found[entry["key"]] = Undoable(entry["key"], recalled(entry["change"]), entry.get("rollback"))
    return list(found.values())


def _one_undone(job: Job, walk: Walk, act: Act, each: Undoable, told: list[str]) -> str | None:
    if each.rollback is None:
        return act.undo(each.key, each.change, told.append)
    at = each.change.at
    eyes: Eyes = walk.eyes
    wanted = eyes.value(parse(each.rollback), job.scope)
    if isinstance(wanted.told, Unknown):
        return f"{at}: what to undo it with is not known: {wanted.told.why}"
    permit(job.desk, at, undoing=True)
    act.hand.begin()
    present = read_present(act.hand, at)
    change = work_out(act.hand, at, wanted.told, present=present)
    if not change.in_place:
        theirs = act.changed_since(each.change, present)
        if theirs is not None and not each.change.is_undone(act.hand.point(at), present):
            return theirs
        outcome = act.write(f"{each.key}:undo", change, rollback="none")
        if outcome.how != "done":
            return f"{at}: {outcome.said}"
    why = None if each.change.agrees(present) else act.may_come(each.key, each.change)
    if why is not None:
        return f"{at} is {shown(change.new)}, and {why}"
    told.append(f"{at} set to {shown(change.new)}")
    return None
