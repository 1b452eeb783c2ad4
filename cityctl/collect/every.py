"""Poll again and again, on the marks of the city's clock, until somebody ends it.

Keeps counts a device and nothing that grows. A round that fails is told and the next one comes all the same;
marks that a long round ran over are left out and told, and so is a clock that was set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cityctl.city.project import Project
from cityctl.clock import duration, short
from cityctl.collect import poll as polling
from cityctl.disk import Lock
from cityctl.errors import CityctlError, DiskProblem, LockHeld, StoreProblem, Unreachable, UsageProblem
from cityctl.glossary import column
from cityctl.modbus.ask import Answer
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

ROUNDS = Column("rounds", "Rounds", meaning="polls in which the device was asked", kind="integer", priority=3)
WHOLE = Column(
    "whole",
    "Whole",
    meaning="polls that brought every point, a value, and no doubt",
    kind="integer",
    priority=3,
)
PART = Column(
    "part",
    "Part",
    meaning="polls that brought some points, no value, or another device's",
    kind="integer",
    priority=3,
)
DEAD = Column("dead", "Dead", meaning="polls without any answer", kind="integer", priority=2)
COLUMNS: tuple[Column, ...] = (ROUNDS, WHOLE, PART, DEAD)


_ASKS = 0.9
"""Part of the time to the next mark: a round that asked up to it would leave that one out each time, and store late."""


_HOUR = timedelta(hours=1)


def next_mark(now: datetime, every: timedelta, zone: tzinfo) -> datetime:
    """The next instant at a whole multiple of `every` behind the local midnight, UTC; each day begins anew.

    By the clock on the wall where that is more than an hour: every 6 h is 06:00 also on a day of 25 hours, and
    every day is midnight. Up to an hour all hours count, the one that comes twice as well.
    """
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if every <= _HOUR:
        begun = midnight.astimezone(UTC)
        mark = begun + ((now.astimezone(UTC) - begun) // every + 1) * every
    else:
        wall = midnight + ((local.replace(fold=0) - midnight) // every) * every
        while (mark := wall.replace(fold=0).astimezone(UTC)) <= now:
            wall += every
    if every > timedelta(days=1):
        return mark
    return min(mark, (midnight + timedelta(days=1)).astimezone(UTC))


@dataclass(frozen=True)
class Times:
    """How often, how many times, and how long a run may take (s)."""

    every: timedelta | None = None
    rounds: int | None = None
    deadline: float | None = None

    @classmethod
    def of(cls, every: str | None, rounds: int | None, deadline: str | None) -> Times:
        """As people write them. Raises UsageProblem."""
        if rounds is not None and every is None:
            raise UsageProblem("--rounds goes with --every", hint="cityctl poll --every 15m --rounds 4")
        often = duration(every) if every is not None else None
        if often is not None and often < timedelta(seconds=1):
            raise UsageProblem("--every is one second or longer")
        longest = duration(deadline).total_seconds() if deadline is not None else None
        if longest is not None and longest <= 0:
            raise UsageProblem("--deadline is longer than nothing", hint="cityctl poll --deadline 20s")
        return cls(often, rounds, longest)


class _Tally:
    """How each device fared, over all rounds."""

    def __init__(self) -> None:
        self.devices: dict[str, list[int]] = {}
        self.reasons: dict[str, str] = {}

    def take(self, answers: Sequence[Answer]) -> None:
        """A round's, once the round is over: what it says of one device may follow from the others."""
        for answer in answers:
            counts = self.devices.setdefault(answer.target.device, [0, 0, 0])
            counts[2 if answer.is_dead else 1 if answer.trouble else 0] += 1
            if answer.trouble:
                self.reasons[answer.target.device] = answer.trouble


def poll_every(
    project: Project,
    devices: Sequence[str] | None,
    times: Times,
    *,
    group: str | None = None,
    say: Callable[[str], None],
) -> Result:
    """Poll at each mark; `times.rounds` ends it, otherwise a signal does. The result counts each device's rounds.

    A round asks until the next mark is near, and has stored what it got by then. `say` gets a line a round. Raises
    LockHeld where another such loop is at work, StoreProblem where nothing can be stored at its begin; and where no
    round stored anything, why that was: Unreachable, StoreProblem or DiskProblem.
    """
    from cityctl.store import Store

    every, rounds = times.every or timedelta(minutes=15), times.rounds
    asked = polling.chosen(project, devices, group)
    tally = _Tally()
    done = missed = stored_rounds = 0
    trouble: CityctlError | None = None
    # Fast and slow points are two loops; where both fall on one mark, one waits for the other.
    name = f"poll-every-{group}.lock" if group else "poll-every.lock"
    with Lock(project.state / name, purpose=f"cityctl poll --every {short(every)}"):
        with Store.open(project.store_folder) as store:
            store.refuse_reader()  # found out before the first mark
        mark = next_mark(datetime.now(UTC), every, project.city.zone_info)
        say(f"polling {counted(len(asked), 'device')} every {short(every)}, first at {_clock(mark, project)}")
        while rounds is None or done < rounds:
            while not _slept_until(mark, every):
                mark = next_mark(datetime.now(UTC), every, project.city.zone_info)
                say(f"the clock was set back: the next round is at {_clock(mark, project)}")
            answers: list[Answer] = []
            deadline = longest(mark, every, project.city.zone_info, times.deadline)
            try:
                result = polling.poll(
                    project,
                    asked=asked,
                    deadline=deadline,
                    wait=deadline / 2,
                    on_answer=answers.append,
                    say=say,
                )
            except Unreachable as nobody:
                trouble = nobody
                say(f"{_clock(mark, project)} {nobody.message}")
            except (LockHeld, StoreProblem, DiskProblem) as kept:
                # The disk may have room again at the next mark.
                missed += 1
                trouble = kept if not isinstance(kept, LockHeld) else trouble
                say(f"{_clock(mark, project)} left out: {kept.message}")
            else:
                stored_rounds += 1
                say(f"{_clock(mark, project)} {result.summary}")
            tally.take(answers)
            done += 1
            mark, left_out = marks_behind(mark, datetime.now(UTC), every, project.city.zone_info)
            if left_out:
                missed += len(left_out)
                say(
                    f"{_spoken(left_out, project)} left out: the round before took too long, or the clock was set"
                )
    if trouble is not None and not stored_rounds:
        raise trouble
    return _result(tally, done, missed, every)


def longest(mark: datetime, every: timedelta, zone: tzinfo, deadline: float | None) -> float:
    """How long (s) the round of a mark may ask, where `deadline` is what was said."""
    left = _ASKS * (next_mark(mark, every, zone) - mark).total_seconds()
    return min(deadline or left, left)


def marks_behind(
    mark: datetime, now: datetime, every: timedelta, zone: tzinfo
) -> tuple[datetime, Sequence[datetime]]:
    """The first mark behind `mark` that is not over, and those before it; of a day at most, behind which all is new."""
    over: list[datetime] = []
    following = next_mark(mark, every, zone)
    while following < now:
        over.append(following)
        if now - following > timedelta(days=1):
            return next_mark(now, every, zone), over
        following = next_mark(following, every, zone)
    return following, over


def _slept_until(mark: datetime, every: timedelta) -> bool:
    """Whether a mark is there; False where it is farther away than marks are apart: the clock was set back."""
    apart = every if every <= _HOUR else every + 2 * _HOUR  # at most, where an hour comes twice
    while (left := mark - datetime.now(UTC)) > timedelta():
        if left > apart:
            return False
        # Short naps: Windows delivers Ctrl-C only between them, and a clock that is set is noticed.
        time.sleep(min(left.total_seconds(), 0.5))
    return True


def _spoken(marks: Sequence[datetime], project: Project) -> str:
    """Rounds by their marks."""
    first = _clock(marks[0], project)
    if len(marks) == 1:
        return first
    return f"{first} to {_clock(marks[-1], project)}: {counted(len(marks), 'round')}"


def _clock(mark: datetime, project: Project) -> str:
    return f"{mark.astimezone(project.city.zone_info):%Y-%m-%d %H:%M:%S}"


def _result(tally: _Tally, done: int, missed: int, every: timedelta) -> Result:
    rows = [
        (device, sum(counts), *counts, tally.reasons.get(device, ""))
        for device, counts in tally.devices.items()
    ]
    whole = sum(counts[0] for counts in tally.devices.values())
    asked = sum(sum(counts) for counts in tally.devices.values())
    missing = [
        Missing(device, f"{part + dead} of {whole_ + part + dead} rounds: {tally.reasons.get(device, '')}")
        for device, (whole_, part, dead) in tally.devices.items()
        if part or dead
    ]
    if missed:
        missing.append(Missing("rounds", f"{missed} left out"))
    columns = [column("device"), ROUNDS, WHOLE, PART, DEAD, column("reason")]
    return Result(
        f"Polled every {short(every)}",
        [Table("devices", "Devices", columns, rows)],
        completeness=Completeness(wanted=asked + missed, had=whole, missing=missing),
        summary=f"{counted(done, 'round')}, {missed} left out; {whole} of {asked} devices' rounds whole",
    )
