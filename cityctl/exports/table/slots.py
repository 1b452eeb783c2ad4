"""Tables with a row for each day and a column for each slot of it: `00:15 ... 24:00`, `P01 ... P96`, `H1 ... H24`.

A slot with a clock label is a wall time. A numbered slot counts either the wall's slots or the elapsed ones;
which of both is told by the days on which the clocks change, row by row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cityctl.exports.table.names import without_word

_CLOCK = re.compile(r"(?:^|.*[^\d:])(\d{1,2}):(\d{2})(?::00)?\s*([AaPp]\.?[Mm]\.?)?(?:\s*#(\d))?$")
_RANGE = re.compile(r"^\D*(\d{1,2})[:.](\d{2})\s*(?:-|–|~|～|to)\s*(\d{1,2})[:.](\d{2})(?:\s*#(\d))?$")
_HOURS = re.compile(
    r"^\D*(\d{1,2})()\s*(?:-|–|to|bis|a|à)\s*(\d{1,2})\s*(?:h|Uhr)?(?:\s*#(\d))?$"
)  # 00-01, 23 - 24 h
_FIGURES = re.compile(r"^\D*?(\d{2})([0-5]\d)(?:\s*#(\d))?$")
_NUMBER = re.compile(r"^([A-Za-z]{0,12})[\s_-]*0*(\d{1,3})$")
_HOUR = re.compile(r"^[A-Za-z]{0,12}[\s_-]*0*(\d{1,2})\s*([ABab])?$")
_LENGTHS = {24: 60, 25: 60, 48: 30, 50: 30, 96: 15, 100: 15, 144: 10, 150: 10, 288: 5, 300: 5}
# Minutes of an interval by how many of them a day has, also of 23 and 25 hours.
USUAL_LENGTHS = _LENGTHS | {23: 60, 46: 30, 92: 15, 138: 10, 276: 5}


@dataclass(frozen=True)
class Slot:
    """A column of a day table. `start` is in minutes after midnight on the wall (clock), or a number from 0."""

    index: int
    start: int
    length: int  # minutes
    label: Literal["clock", "number"]
    again: bool = False  # the second column of a wall time: the doubled hour's second pass


def find_slots(columns: Sequence[str]) -> tuple[Slot, ...]:
    """The slot columns of a table; none where it is no table of days."""
    plain = [without_word(column.strip()) for column in columns]
    return _clock_slots(plain) or _lettered_slots(plain) or _numbered_slots(plain)


def _lettered_slots(columns: Sequence[str]) -> tuple[Slot, ...]:
    """Hours 1 to 24 of which one has a column for each of its passes: 2, 3A, 3B, 4; or 2, 3, 3A, 4."""
    found = [(index, match) for index, column in enumerate(columns) if (match := _HOUR.match(column))]
    seen: set[int] = set()
    slots: list[Slot] = []
    for index, match in found:
        hour = int(match[1])
        slots.append(Slot(index, hour * 60 - 60, 60, "clock", hour in seen and bool(match[2])))
        seen.add(hour)
    first = [slot.start // 60 + 1 for slot in slots if not slot.again]
    if len(found) != 25 or first != list(range(1, 25)):
        return ()
    return tuple(slots)


def _clock_slots(columns: Sequence[str]) -> tuple[Slot, ...]:
    for form in (_RANGE, _CLOCK, _FIGURES, _HOURS):
        found: list[tuple[int, int, bool]] = []
        for index, column in enumerate(columns):
            match = form.match(column.strip())
            minute = _minute(match, form) if match else None
            if match and minute is not None:
                again = match[match.re.groups] is not None and match[match.re.groups] != "1"
                found.append((index, minute, again))
        first = [minute for _, minute, again in found if not again]
        if len(first) < 12 or len(first) * 2 < len(columns):
            continue
        if first[-1] == 0 < first[0]:  # 12:00 AM, or 00:00, ends the day
            first[-1] = 24 * 60
            found = [(index, minute or 24 * 60, again) for index, minute, again in found]
        steps = sorted({later - earlier for earlier, later in pairwise(first)})
        if len(steps) != 1 or steps[0] <= 0 or len(first) * steps[0] != 24 * 60:
            continue
        step = steps[0]
        ends = form not in (_RANGE, _HOURS) and first[0] == step and first[-1] == 24 * 60
        return tuple(
            Slot(index, minute - (step if ends else 0), step, "clock", again)
            for index, minute, again in found
        )
    return ()


def _minute(match: re.Match[str], form: re.Pattern[str]) -> int | None:
    hour, minute = int(match[1]), int(match[2] or 0)
    if form is _HOURS and int(match[3]) not in (hour + 1, hour - 23):
        return None
    if form is _CLOCK and match[3]:
        hour = hour % 12 + (12 if match[3][0] in "pP" else 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    return hour * 60 + minute


def _numbered_slots(columns: Sequence[str]) -> tuple[Slot, ...]:
    groups: dict[str, list[tuple[int, int]]] = {}
    for index, column in enumerate(columns):
        match = _NUMBER.match(column.strip())
        if match:
            groups.setdefault(match[1].casefold(), []).append((index, int(match[2])))
    for found in groups.values():
        slots = _run(found)
        # Columns of as many flags, one beside each slot, are no columns of something else.
        flags = sum(
            len(other) for other in groups.values() if other is not found and len(other) == len(slots)
        )
        if slots and len(slots) * 2 >= len(columns) - flags:
            return slots
    return ()


def _run(found: Sequence[tuple[int, int]]) -> tuple[Slot, ...]:
    """The longest run 1, 2, 3 ... or 0, 1, 2 ... at the end of the numbered columns; ids before it are not meant."""
    for count in sorted(_LENGTHS, reverse=True):
        run = [number for _, number in found[-count:]]
        if len(run) == count and run[0] in (0, 1) and run == list(range(run[0], run[0] + count)):
            return tuple(
                Slot(index, number - run[0], _LENGTHS[count], "number") for index, number in found[-count:]
            )
    return ()
