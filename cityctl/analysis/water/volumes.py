"""What flowed through meters within an interval, and how much of it was metered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from cityctl import arrow
from cityctl.analysis.question import Question


@dataclass(frozen=True)
class Metered:
    """A meter's volume [m³] within what was metered, and that share of the interval."""

    volume: float
    known: float

    @property
    def raised(self) -> float:
        """The volume of the whole interval, with the mean of what was metered in place of what was not."""
        return self.volume / min(self.known, 1.0) if self.known > 0 else 0.0


def volumes(question: Question, names: Sequence[str]) -> dict[str, Metered]:
    """point -> its volume in the question's interval; points without a reading are left out."""

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
    parts = ["volumes_read"]
    if any(known[name].kind == "counter" for name in names):
        parts.append("volumes_counted")
    length = question.interval.length.total_seconds()
    found = {}
    for part in parts:
        for point, volume, held in question.engine.rows(question.sql(part), {"since": since, "until": until}):
            if volume is not None and held:
                found[point] = Metered(float(volume), float(held) / length)
    return found
