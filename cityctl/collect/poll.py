"""Poll: the city's devices asked, their readings in canonical units, landed in the store.

What some devices give is kept whatever the others do; a device that fails is named with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.project import Project
from cityctl.disk import Lock
from cityctl.errors import ConfigInvalid, UsageProblem, listed
from cityctl.glossary import column
from cityctl.modbus.alone import LOCKS, Alone
from cityctl.modbus.ask import Answer, Failure, Target
from cityctl.modbus.explain import explain as explained
from cityctl.modbus.look import UNIT_ID, completeness, refuse_silence, unconfirmed
from cityctl.modbus.memory import Memory
from cityctl.modbus.run import STOPPED, ask_all
from cityctl.modbus.targets import targets
from cityctl.reading import Quality, Reading
from cityctl.result import Column, Result, Table
from cityctl.signals import held_back
from cityctl.units import linear
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.store import Store

REQUESTS = Column("requests", "Requests", meaning="requests sent to the device", kind="integer", priority=5)
DURATION = Column(
    "duration", "Took", unit="ms", meaning="from the first request to the last answer", kind="number", digits=0,
    priority=4,
)  # fmt: skip
INVALID = Column(
    "invalid",
    "No value",
    meaning="points for which the device itself says that it has none",
    kind="integer",
    priority=5,
)
SUSPECT = Column(
    "suspect",
    "Suspect",
    meaning="values outside their plausible limits, kept as suspect",
    kind="integer",
    priority=5,
)

COLUMNS: tuple[Column, ...] = (REQUESTS, DURATION, INVALID, SUSPECT)


def chosen(project: Project, devices: Sequence[str] | None = None, group: str | None = None) -> list[Target]:
    """The devices to poll, with the points that can be stored. Raises UsageProblem, ConfigInvalid.

    `group` "fast" or "slow" leaves the other points out, and the devices that have none of it.
    """
    if group not in (None, "fast", "slow"):
        raise UsageProblem(f"`--group {group}`: no such group", hint="--group fast or --group slow")
    if not project.city.devices:
        raise UsageProblem("the city has no devices", hint="add them under `devices:` in city.yaml")
    found = targets(project.city, project.library, devices)
    asked = []
    for each in found:
        kept = [each.connector.points[name] for name in each.points]
        names = tuple(p.name for p in kept if not p.is_text and group in (None, p.group))
        if names or group is None:
            asked.append(replace(each, points=names))
    return asked


def explain(project: Project, devices: Sequence[str] | None = None, group: str | None = None) -> Result:
    """The requests that a poll would send, their bytes and time, by what past polls measured. Sends nothing."""
    return explained(chosen(project, devices, group), Memory.load(project.state))


def poll(
    project: Project,
    devices: Sequence[str] | None = None,
    *,
    deadline: float | None = None,
    asked: Sequence[Target] | None = None,
    wait: float = 0.0,
    on_answer: Callable[[Answer], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Result:
    """Ask the named devices (all where none is named) and land their readings in the store.

    `deadline` in seconds ends the run early, `wait` is how long (s) of it to wait for another poll to end; `asked` are
    the targets where they were chosen before. A signal ends it behind the landing of what has come; `say` hears what
    that is. Raises Unreachable where no device answers, LockHeld where another poll is at work,
    UsageProblem, ConfigInvalid and StoreProblem (nothing can be stored) before anything is sent.
    """
    from cityctl.store import Store

    asked = chosen(project, devices) if asked is None else asked
    lock = Lock(project.state / "poll.lock", purpose="cityctl poll", wait=wait)
    with lock, Store.open(project.store_folder) as store:
        store.refuse_reader()
        memory = Memory.load(project.state)
        alone = Alone(project.state / LOCKS, "cityctl poll")
        left = None if deadline is None else max(0.0, deadline - round(lock.waited, 1))
        with held_back() as came:
            answers = ask_all(asked, deadline=left, memory=memory, on_answer=on_answer, alone=alone)
            points = project.city.points()
            taken, refused = _landed(store, readings(project.city, answers), points)
            _tell(answers, refused, points)
            forgotten = _kept(memory)  # behind the readings: without it the next run learns anew
            if came and say is not None:
                with suppress(OSError):  # the terminal may be gone
                    say(_cut(answers, len(taken)))
        if taken:
            store.compact(when_it_pays=True)
    refuse_silence(answers)
    result = _result(answers, len(taken))
    result.notes += forgotten
    result.completeness.had -= len(refused)
    return result


def _tell(answers: Sequence[Answer], refused: Mapping[str, str], points: Mapping[str, Point]) -> None:
    """Say in a device's answer which of its points came and could not be stored."""
    asked = {answer.target.device: answer for answer in answers}
    for name, why in refused.items():
        device, _, point = str(points[name].device).partition("/")
        asked[device].failures.append(Failure((point,), why))


def _cut(answers: Sequence[Answer], stored: int) -> str:
    """What is kept of a poll that a signal ended."""
    left = [
        each.target.device for each in answers if any(failure.why == STOPPED for failure in each.failures)
    ]
    said = f"the poll was stopped: {counted(stored, 'reading')} stored"
    return f"{said}; not asked to the end: {listed(left)}" if left else said


def _kept(memory: Memory) -> list[str]:
    try:
        memory.save()
    except OSError as problem:
        return [f"what this poll learnt of its devices is not kept: {memory.path}: {problem.strerror}"]
    return []


def _landed(
    store: Store, taken: list[Reading], points: Mapping[str, Point]
) -> tuple[list[Reading], dict[str, str]]:
    """What was stored, and why points were not that are stored in another quantity."""
    refused: dict[str, str] = {}
    while taken:
        try:
            store.land(taken, batch=batch_key(taken), received=datetime.now(UTC), points=points)
            break
        except ConfigInvalid:
            against = store.conflicts({reading.point: points[reading.point] for reading in taken})
            if not against:
                raise
            refused |= against
            taken = [reading for reading in taken if reading.point not in refused]
    return taken, refused


def readings(city: City, answers: Sequence[Answer]) -> list[Reading]:
    """What devices answered as readings: the city's point ids, canonical units, the time of each frame.

    A point that city.yaml names takes its name; others are `device/point`. Where a connector leaves the unit
    open because it is set on the device, the value is in the unit that city.yaml gives the point. Texts are no
    readings.
    """
    named: dict[str, list[Point]] = {}
    for point in city.points().values():
        if point.device is not None:
            named.setdefault(point.device, []).append(point)
    found: list[Reading] = []
    for answer in answers:
        device, told = answer.target.device, answer.target.connector.points
        for row in answer.values.rows:
            for name, value, quality in zip(row.places, row.values, row.qualities, strict=True):
                if isinstance(value, str):
                    continue
                for point in named.get(f"{device}/{name}", ()):
                    scale, offset = linear(told[name].unit or point.shown_unit, point.unit)
                    number = None if value is None else value * scale + offset
                    found.append(Reading(point.id, row.time, number, quality))
    return found


def batch_key(taken: Sequence[Reading]) -> str:
    """The same readings have the same key, so that landing them twice lands them once."""
    digest = hashlib.sha256()
    times = {time: time.isoformat() for time in {each.time for each in taken}}
    for point, time, value, quality in sorted(taken, key=itemgetter(0, 1)):
        digest.update(f"{point}\0{times[time]}\0{value!r}\0{int(quality)}\n".encode())
    first = min(times).astimezone(UTC)
    return f"poll-{first:%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:12]}"


def _verdict(answer: Answer) -> str:
    if answer.is_dead:
        return "DEAD"
    if answer.is_empty:
        return "NO VALUE"
    return "SWAPPED" if answer.swapped else "PART" if answer.failures else "ok"


def _result(answers: Sequence[Answer], stored: int) -> Result:
    rows: list[tuple[object, ...]] = []
    for answer in answers:
        target = answer.target
        qualities = [row.qualities for row in answer.values.rows]
        marks = (sum(each.count(mark) for each in qualities) for mark in (Quality.BAD, Quality.SUSPECT))
        had = (answer.wanted, answer.had, *marks, answer.requests, answer.seconds * 1000)
        rows.append((target.device, str(target.link), target.unit, *had, _verdict(answer), answer.trouble))
    columns = [
        *(column("device"), column("host"), UNIT_ID, column("wanted"), column("had"), INVALID, SUSPECT),
        *(REQUESTS, DURATION, column("verdict"), column("reason")),
    ]
    dead = [answer.target.device for answer in answers if answer.is_dead]
    part = [answer.target.device for answer in answers if answer.failures and not answer.is_dead]
    said = f"{counted(stored, 'reading')} stored from {len(answers) - len(dead)} of {len(answers)} devices"
    said += f"; no answer from {', '.join(dead)}" if dead else ""
    said += f"; points missing on {', '.join(part)}" if part else ""
    empty = [answer.target.device for answer in answers if answer.is_empty]
    said += f"; no value on {', '.join(empty)}" if empty else ""
    swapped = [answer.target.device for answer in answers if answer.swapped]
    said += f"; in each other's place, kept as suspect: {', '.join(swapped)}" if swapped else ""
    return Result(
        "Poll",
        [Table("devices", "Devices", columns, rows)],
        completeness=completeness(answers),
        notes=unconfirmed(answers),
        summary=said,
    )
