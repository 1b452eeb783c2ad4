"""A plan as a file: what would be sent, on which values, by whose wish, until when. Signed by its content.

It is run only while it is still true: recipe, connectors, live values and every step as they were.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cityctl.disk import is_own_word, own_word, write_atomic
from cityctl.errors import UsageProblem, WriteRefused
from cityctl.runbook.audit import canonical, digest
from cityctl.runbook.desk import owner
from cityctl.runbook.job import Job
from cityctl.runbook.walk import CANNOT_TELL, Walk

LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class Plan:
    """What a plan says; `hash` is its signature: one changed byte, and it is another plan."""

    body: dict[str, Any]
    hash: str
    owner: int | None = None

    @property
    def short(self) -> str:
        """The first letters of the hash, for people."""
        return self.hash[:8]

    @property
    def expires(self) -> datetime:
        """Until when it may be run."""
        return datetime.fromisoformat(self.body["expires"])

    def write(self, path: Path) -> None:
        """Keep it as a file, whole or not at all."""
        write_atomic(
            path,
            (json.dumps({"plan": self.body, "hash": self.hash}, indent=1) + "\n").encode(),
            rights=own_word,
        )


def made(job: Job, walk: Walk, *, lasts: timedelta | None = None) -> Plan:
    """The plan of a walk. Raises UsageProblem where it should last longer than a day."""
    desk = job.desk
    length = lasts or desk.city.writes.plan_lasts
    if length > LONGEST:
        raise UsageProblem("a plan lasts a day at most: a plant does not stay as it is")
    now = desk.clock.now()
    body = {
        "runbook": job.loaded.runbook.runbook,
        "recipe": job.loaded.hash,
        "recipe_text": job.loaded.text,
        "recipe_path": str(job.loaded.path),
        "inputs": job.given,
        "answers": {key: str(value) for key, value in walk.people.answers.items()},
        "connectors": job.connectors(),
        "named": _named(job),
        "places": job.places(),
        "city": str(desk.city.project),
        "profile": desk.profile,
        "reason": desk.reason,
        "work_order": desk.work_order,
        "by": {"who": desk.who.name, "uid": desk.who.uid, "host": desk.who.host},
        "made": now.isoformat(),
        "expires": (now + length).isoformat(),
        "steps": essence(walk),
    }
    body = json.loads(canonical(body))
    return Plan(body, digest(canonical(body)))


def _named(job: Job) -> list[str]:
    return [f"{name} is {at}" for name, at in job.named()]


def essence(walk: Walk) -> list[list[Any]]:
    """What must not change between plan and run: each step with its verdict, each write with its words."""
    words = {
        key: [
            str(change.at), change.host, change.unit, change.telegram.function, change.telegram.address,
            list(change.telegram.words), list(change.telegram.masks or ()), list(change.old_words),
        ]
        for key, change in walk.changes
    }  # fmt: skip
    return [
        [line.step, line.verb, line.what, _sort(line.verdict), words.get(line.step, [])]
        for line in walk.lines
    ]


def _sort(verdict: str) -> str:
    """A verdict without its live values."""
    for word in ("REFUSED", CANNOT_TELL, "skipped", "already in place", "ok"):
        if verdict.startswith(word):
            return word
    return verdict.partition(";")[0]


def read(path: Path) -> Plan:
    """A saved plan. Raises WriteRefused where it is none, or was edited."""
    try:
        held = json.loads(path.read_bytes())
        body, said = held["plan"], str(held["hash"])
        _ = (datetime.fromisoformat(body["expires"]), body["steps"], body["by"]["uid"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise WriteRefused(
            f"{path} is no saved plan: {getattr(problem, 'strerror', None) or problem}",
            hint="`cityctl runbook plan NAME --save FILE`",
        ) from None
    if digest(canonical(body)) != said:
        raise WriteRefused(
            f"{path} was edited after it was made: its content does not have its hash", hint=_ANEW
        )
    if not is_own_word(path):
        raise WriteRefused(
            f"{path} may be changed by others than who made it, so that nobody vouches for it", hint=_ANEW
        )
    return Plan(body, said, owner(path))


_ANEW = "make a new plan: `cityctl runbook plan NAME --save FILE`"


def still_true(plan: Plan, job: Job, walk: Walk) -> None:
    """Raises WriteRefused where a plan is too old, or anything is no longer as it was."""
    body = plan.body
    expired(plan, job)
    for what, was, now in (
        ("the project", body["city"], str(job.desk.city.project)),
        ("the profile", body["profile"], job.desk.profile),
        ("the recipe", body["recipe"], job.loaded.hash),
        ("a connector", body["connectors"], job.connectors()),
        ("what a name stands for", body.get("named"), _named(job)),
        ("the address of a device", body.get("places"), job.places()),
        ("an input", body["inputs"], json.loads(canonical(job.given))),
    ):
        if was != now:
            raise WriteRefused(f"plan {plan.short} is stale: {what} changed since", hint=_ANEW)
    before, after = body["steps"], json.loads(json.dumps(essence(walk)))
    for was, now in zip(before, after, strict=False):
        if was != now:
            what = f"step {now[0]} ({now[1]} {now[2]})"
            raise WriteRefused(
                f"plan {plan.short} is stale: {what} is no longer as it was",
                tried=[f"then: {was[3]} {was[4] or ''}", f"now:  {now[3]} {now[4] or ''}"],
                hint=_ANEW,
            )
    if len(before) != len(after):
        raise WriteRefused(f"plan {plan.short} is stale: it has other steps now", hint=_ANEW)


def expired(plan: Plan, job: Job) -> None:
    """Raises WriteRefused for a plan that is past its time, or not yet in it."""
    now, zone = job.desk.clock.now(), job.desk.city.zone_info
    made = datetime.fromisoformat(plan.body["made"])
    if now < made - timedelta(minutes=5):
        raise WriteRefused(
            f"plan {plan.short} was made on {made.astimezone(zone):%d %b %Y at %H:%M}, and it is "
            f"{now.astimezone(zone):%d %b %Y, %H:%M}: the clock was set back",
            hint=_ANEW,
        )
    if now >= plan.expires:
        local = plan.expires.astimezone(zone)
        raise WriteRefused(f"plan {plan.short} expired on {local:%d %b %Y at %H:%M}", hint=_ANEW)
