"""Two persons: one makes a plan, another approves it, and it is run once.

A person is a user of the operating system, and proof is whom the system says a file belongs to: nobody can make
a file that belongs to somebody else. What is approved is the plan's hash, so that an edited plan is another one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cityctl.disk import is_own_word, own_word, shared_folder
from cityctl.errors import WriteRefused
from cityctl.runbook.desk import Desk, name_of, owner
from cityctl.runbook.plan import Plan

FOLDER, USED = "approvals", "approval used"


@dataclass(frozen=True)
class Approval:
    """Who approved which plan."""

    plan: str
    by: str


def approve(desk: Desk, plan: Plan) -> Path:
    """Approve another person's plan. Raises WriteRefused: one's own, expired, no approver."""
    if desk.clock.now() >= plan.expires:
        raise WriteRefused(f"plan {plan.short} expired", hint="ask for a new one")
    _refuse(desk, plan, desk.who.uid)
    folder = desk.state / FOLDER
    shared_folder(folder)
    path = folder / f"{plan.hash}.json"
    said = {
        "plan": plan.hash,
        "uid": desk.who.uid,
        "host": desk.who.host,
        "time": datetime.now(UTC).isoformat(),
    }
    desk.audit.append("approved", plan=plan.hash, runbook=plan.body["runbook"], **desk.signature)
    try:
        with path.open("x", encoding="utf-8") as handle:
            own_word(path)
            handle.write(json.dumps(said) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    except FileExistsError:
        raise WriteRefused(f"plan {plan.short} is approved already") from None
    return path


def _refuse(desk: Desk, plan: Plan, approver: int | None) -> None:
    proposer = plan.body["by"]["uid"]
    if approver is None or proposer is None or plan.owner is None:
        raise WriteRefused(
            "this system does not say whom a file belongs to: two persons cannot be told apart"
        )
    if plan.owner != proposer:
        raise WriteRefused(
            f"plan {plan.short} says that it is by {plan.body['by']['who']}, and belongs to {name_of(plan.owner)}"
        )
    if approver == proposer:
        raise WriteRefused(
            f"plan {plan.short} is by {name_of(proposer)}: another person approves it",
            hint="two persons means two users of the system",
        )
    allowed = desk.city.writes.approvers
    if allowed and name_of(approver) not in allowed:
        raise WriteRefused(
            f"{name_of(approver)} may not approve: `writes.approvers` names {', '.join(allowed)}"
        )


def approved(desk: Desk, plan: Plan) -> Approval | None:
    """The approval of a plan, or None where nobody gave one. Raises WriteRefused where it does not count."""
    path = desk.state / FOLDER / f"{plan.hash}.json"
    try:
        said = json.loads(path.read_bytes())
        uid = int(said["uid"])
        approver = owner(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise WriteRefused(f"{path} is no approval") from None
    if said.get("plan") != plan.hash or approver != uid or not is_own_word(path):
        raise WriteRefused(f"{path} was not made by who it names")
    _refuse(desk, plan, approver)
    if _used(desk, plan).exists() or any(
        entry.get("event") == USED and entry.get("plan") == plan.hash for entry in desk.audit.entries()
    ):
        raise WriteRefused(
            f"plan {plan.short} was run already: an approval counts once", hint="make a new plan"
        )
    return Approval(plan.hash, name_of(uid))


def use(desk: Desk, plan: Plan, run: str) -> None:
    """Use an approval up, before anything is written. Raises WriteRefused where another run was faster."""
    desk.audit.append(USED, plan=plan.hash, run=run, **desk.signature)
    try:
        with _used(desk, plan).open("x", encoding="utf-8") as handle:
            own_word(_used(desk, plan))
            handle.write(run + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as problem:
        raise WriteRefused(f"plan {plan.short} cannot be used up: {problem.strerror}") from None


def _used(desk: Desk, plan: Plan) -> Path:
    return desk.state / FOLDER / f"{plan.hash}.used"
