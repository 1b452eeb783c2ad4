"""What flowed through meters within an interval, and how much of it was metered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from cityctl import arrow
from cityctl.analysis.question import Question
from cityctl.analysis.water.balancing.shares import ALL_INSIDE, LONG, Shared, course_of, shared
from cityctl.city.points import Point

BILL = timedelta(hours=12)  # from such a step on a volume is a bill: it may reach over an end of the interval
LATE = 1.1  # times its step that a register or a bill may come late


@dataclass(frozen=True)
class Metered:
    """A meter's volume [m³] within what was metered, and that share of the interval.

    `shared`: what of it was shared out of readings that reach over an end of the interval.
    """

    volume: float
    known: float
    shared: Shared = ALL_INSIDE

    @property
    def raised(self) -> float:
        """The volume of the whole interval, with the mean of what was metered in place of what was not."""
        return self.volume / min(self.known, 1.0) if self.known > 0 else 0.0


def reach_of(meters: Iterable[Point], least: timedelta) -> timedelta:
    """How far before and after an interval readings are needed: registers and bills reach over its ends."""
    steps = [
        point.every or least
        for point in meters
        if point.kind == "counter"
        or (point.kind == "interval" and (point.every is None or point.every >= BILL))
    ]
    return max(least, LATE * max(steps)) if steps else timedelta()


def volumes(
    question: Question, names: Sequence[str], inflows: Sequence[str], season: float
) -> dict[str, Metered]:
    """point -> its volume in the question's interval; points without a reading are left out.

    What reaches over an end of it is shared out as the `inflows` among them went, or by time; see shares.shared.
    """
    known = question.city.points()
    every = [known[name].every for name in names]
    table = arrow.table(
        point=arrow.texts(list(names)),
        kind=arrow.texts([known[name].kind for name in names]),
        every_s=arrow.floats([None if one is None else one.total_seconds() for one in every]),
    )
    question.engine.register("volume_points", table)
    since, until = (
        moment.astimezone(UTC).replace(tzinfo=None)
        for moment in (question.interval.start, question.interval.end)
    )
    question.engine.execute(question.sql("volume_paces"))
    between: dict[str, object] = {"since": since, "until": until}
    bill: dict[str, object] = {"bill": BILL.total_seconds()}
    question.engine.execute(question.sql("volume_bills"), bill)
    asked: dict[str, dict[str, object]] = {"volumes_read": {**between, **bill}}
    cut: dict[str, dict[str, object]] = {"bills_cut": {**between, "long": LONG.total_seconds()}}
    if any(known[name].kind == "counter" for name in names):
        asked["volumes_counted"] = between
        cut["steps_cut"] = cut["bills_cut"]
    length = question.interval.length.total_seconds()
    found = {}
    for part, given in asked.items():
        for point, volume, held in question.engine.rows(question.sql(part), given):
            if volume is not None and held:
                found[point] = Metered(float(volume), float(held) / length)
    course = course_of(question, {name: found[name].volume for name in inflows if name in found})
    for point, one in shared(question, course, cut, season).items():
        if point in found and point not in inflows:
            had = found[point]
            found[point] = Metered(had.volume + one.moved, had.known, one)
    return found
