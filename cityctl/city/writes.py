"""Who may write to the plant, and when: the `writes` of city.yaml. Nothing may, unless it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from cityctl.city.fields import Duration, Strict, said_as_value_error
from cityctl.errors import UsageProblem

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(r"(?:([A-Za-z,\-]+)\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True)
class Window:
    """A part of each week in the city's local time; one that ends before it begins reaches over midnight."""

    text: str
    days: frozenset[int]
    begin: time
    end: time

    def holds(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether an instant lies in it; the end does not."""
        local = moment.astimezone(zone)
        at, today, before = local.time(), local.weekday(), (local.weekday() - 1) % 7
        if self.begin < self.end:
            return today in self.days and self.begin <= at < self.end
        return (today in self.days and at >= self.begin) or (before in self.days and at < self.end)

    def __str__(self) -> str:
        return self.text


def window(text: object) -> Window:
    """`Mon-Fri 07:00-16:00`, `Sat,Sun 08:00-12:00` or `22:00-04:00` (every day). Raises UsageProblem."""
    if isinstance(text, Window):
        return text
    hint = "write Mon-Fri 07:00-16:00, Sat,Sun 08:00-12:00 or 22:00-04:00"
    found = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise UsageProblem(f"`{text}` is no window of the week", hint=hint)
    days: set[int] = set()
    for part in (found[1] or "Mon-Sun").split(","):
        ends = [name.capitalize()[:3] for name in part.split("-")]
        if len(ends) > 2 or any(name not in DAYS for name in ends):
            raise UsageProblem(f"`{part}` names no days", hint=hint)
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    try:
        begin = time(int(found[2]), int(found[3]))
        end = time(0) if (found[4], found[5]) == ("24", "00") else time(int(found[4]), int(found[5]))
    except ValueError:
        raise UsageProblem(f"`{text}`: no such time of day", hint=hint) from None
    return Window(str(text).strip(), frozenset(days), begin, end)


WindowText = Annotated[
    Window,
    BeforeValidator(said_as_value_error(window)),
    WithJsonSchema({"type": "string", "description": "a window of the week, such as Mon-Fri 07:00-16:00"}),
]


class WriteLimit(Strict):
    """What holds for some points, beside what their connector says."""

    points: list[str] = Field(min_length=1, description="device/point; `*` stands for any letters")
    windows: list[WindowText] = Field([], description="when they may be written; any time where left out")
    most: int | None = Field(None, ge=0, description="most writes of one point within `per`")
    per: Duration = Field(timedelta(hours=1), description="the time in which `most` counts")
    two_person: bool = Field(
        False, description="written only with another person's approval, terminal or not"
    )

    def covers(self, point: str) -> bool:
        """Whether it is about a `device/point`."""
        return any(fnmatchcase(point, pattern) for pattern in self.points)


class Writes(Strict):
    """Whether cityctl may write to the plant at all, and what stops it. Best set in a profile alone."""

    enabled: bool = Field(False, description="writes are refused unless this is true")
    stop_folder: str = Field(
        ".",
        description="folder of the kill switch, from city.yaml's: a file STOP there stops every write, "
        "STOP.ZONE or STOP.DEVICE those of a zone or device",
    )
    windows: list[WindowText] = Field([], description="when anything may be written; any time where left out")
    limits: list[WriteLimit] = Field([], description="limits of single points")
    approvers: list[str] = Field([], description="users who may approve; any other user where left out")
    plan_lasts: Duration = Field(timedelta(minutes=30), description="how long a saved plan may be run")
