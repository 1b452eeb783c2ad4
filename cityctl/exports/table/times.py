"""The time column of a table as UTC: text, timestamps or days; on the wall or in UTC; labels of start or end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.clock import zone_named
from cityctl.errors import InputRefused, listed
from cityctl.exports.shape import Shape
from cityctl.exports.table.cells import TOTALS
from cityctl.exports.table.clock.changes import changes_of
from cityctl.exports.table.clock.doubled import DoubledHours
from cityctl.exports.table.clock.ends import Span
from cityctl.exports.table.clock.letters import SeveralZones
from cityctl.exports.table.clock.order import Order
from cityctl.exports.table.clock.patterns import StampFormat, said_format, spelled
from cityctl.exports.table.clock.said import place_named
from cityctl.exports.table.clock.stamps import find_format, is_written, read_stamps
from cityctl.exports.table.clock.zone import CERTAIN, DOUBLED, WallClock, ZoneNotSaid
from cityctl.exports.table.roles import Period
from cityctl.exports.table.texts import (
    as_text,
    counts_from_1970,
    is_text,
    shown,
    with_colons,
    without_pass,
)

NO_TIME, BLANK_TIME, OVER, TOTAL = 10, 11, 12, 13  # states beside those of zone.py
_DAY = 86_400_000_000
_MICRO = timedelta(microseconds=1)
_UTC = ("UTC", "GMT", "Z", "+00:00", "+0000", "+00")
_TOLD = 6  # zones that a message names


@dataclass(frozen=True)
class Times:
    """Times of a block's rows: UTC and wall µs, state, and the text as it was written."""

    utc: npt.NDArray[np.int64]
    local: npt.NDArray[np.int64]
    states: npt.NDArray[np.uint8]
    texts: Any


@dataclass(frozen=True)
class Raw:
    """Times as they are written: µs, and for each row whether they are UTC, no time at all, or blank."""

    micros: npt.NDArray[np.int64]
    utc: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.bool_]

    @property
    def read(self) -> npt.NDArray[np.bool_]:
        """Rows that hold a time."""
        known: npt.NDArray[np.bool_] = ~self.bad & ~self.blank
        return known


class TimeColumn:
    """Reads the time column of one table (or two, a day and a clock), block after block."""

    def __init__(
        self,
        name: str,
        column: str,
        shape: Shape,
        doubled: DoubledHours,
        *,
        ends: bool = False,
        period: Period | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        """`zone` is what the table says of itself, where it does."""
        self.name = name
        self.column = column
        self.zone = zone or (zone_named(shape.time_zone) if shape.time_zone else None)
        self.clock = WallClock(self.zone) if self.zone is not None else None
        self._known = shape.time_zone
        self.walled = False  # whether any time was read by that clock
        self._changes = changes_of(zone, shape.time_zone)
        self.ends = period is None and (ends or shape.stamp == "end")
        self.period = period
        self._said = shape.stamp == "end"
        self.every = shape.every
        self.commas = False  # whether the table's numbers have a decimal comma
        self.format: StampFormat | None = said_format(shape.time_format) if shape.time_format else None
        self._order_said = self.format is not None
        self._untried = shape.time_format  # until a time was read as it says
        self._doubled = doubled
        self.span = Span()
        self._from_starts = False  # whether ends are written as an interval after the wall time of the start

    def read(self, parts: Sequence[Any], zones: Any = None) -> Times:
        """The times of a block, and the zones of its rows where a column says them.

        Raises InputRefused where a time zone or a length of intervals is missing.
        """
        column = parts[0]
        if self.period is not None:
            return self._numbered(parts[0], as_text(parts[1]), self.period)
        if len(parts) == 2:
            column = pc.binary_join_element_wise(as_text(parts[0]), with_colons(as_text(parts[1])), " ")
        if zones is not None and not self.settle(zones) and getattr(column.type, "tz", None) is None:
            column = pc.binary_join_element_wise(as_text(column), zones, " ")
        texts = column
        column, second = without_pass(column)
        raw = self.raw(column)
        states = np.zeros(len(raw.micros), np.uint8)
        moments, local = raw.micros.copy(), raw.micros
        wall = ~raw.utc & raw.read
        if wall.any():
            if self.clock is None:
                raise ZoneNotSaid(
                    f"{self.name}: its times carry no offset from UTC, and no time zone was said"
                )
            moments[wall], states[wall] = self.clock.to_utc(local[wall])
            if self._changes is not None:
                self._changes.watch(local[wall])
            self._doubled.watch(local[wall])
            if second is not None:
                moments, states = self._as_said(moments, states, local, second)
            self._from_starts = self._from_starts or (self.ends and self.clock.ends_by_starts(local[wall]))
        self.span.watch(moments[raw.read & (states == CERTAIN)])
        if self.ends and self.every is None:
            self.every = self._length(moments[raw.read & (states == CERTAIN)])
        if self.ends and self._on_the_clock and self.clock is not None and self.every is not None:
            # A local day ends where the next one begins: back on the wall, not by 24 hours.
            local = np.where(wall, local - self.every // _MICRO, local)
            moments[wall], states[wall] = self.clock.to_utc(local[wall])
        moments = moments - self.shift()
        self._mark(states, raw, parts[0])
        return Times(moments, local, states, texts)

    def _as_said(
        self,
        moments: npt.NDArray[np.int64],
        states: npt.NDArray[np.uint8],
        local: npt.NDArray[np.int64],
        second: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Times whose pass of the doubled hour is said; a pass of another hour is no time."""
        assert self.clock is not None
        said = ~np.isnan(second)
        there = said & (states == DOUBLED)
        if there.any():
            moments[there] = np.where(second[there] > 0, self.clock.second_pass(local[there]), moments[there])
        return moments, np.where(there, CERTAIN, np.where(said, NO_TIME, states)).astype(np.uint8)

    def check_clock(self) -> None:
        """Raises InputRefused where times that are said to be of one clock all year go by the wall."""
        if self._changes is not None and (told := self._changes.shown()):
            raise InputRefused(
                f"{self.name}: its times are said to be in {self.zone} all year, but {told}, as on the clocks of "
                f"{self._changes.wall}",
                hint="both cannot be: ask the publisher, and correct what the file says of its zone "
                "(`CET/CEST` is the clock on the wall)",
            )

    def settle(self, zones: Any) -> bool:
        """Whether all rows are in one zone, whose clock is taken; False where each says its own offset.

        Raises InputRefused where they name several places.
        """
        said = [text.strip() for text in pc.unique(zones).drop_null().to_pylist() if text.strip()]
        places = [place for text in said if (place := place_named(text)) is not None]
        if len(said) > 1 and places:
            raise InputRefused(
                f"{self.name}: its rows are in several time zones: {listed(said, _TOLD)}",
                hint="import those of each zone by themselves",
            )
        if len(said) == 1 and (places or said[0] in _UTC):
            self.zone = places[0] if places else UTC
            self.clock = WallClock(self.zone)
            return True
        return not said

    def _mark(self, states: npt.NDArray[np.uint8], raw: Raw, column: Any) -> None:
        """Mark rows without a time; those of totals are no readings."""
        states[raw.bad] = NO_TIME
        if raw.bad.any() and is_text(column.type):
            said = pc.fill_null(pc.match_substring_regex(column, TOTALS), False)
            states[raw.bad & arrow.array_of(said)] = TOTAL
        states[raw.blank] = BLANK_TIME

    def _numbered(self, days: Any, numbers: Any, period: Period) -> Times:
        """Times of a column of days and one of the numbers of their intervals."""
        texts = pc.binary_join_element_wise(as_text(days), numbers, " ")
        raw = self.raw(days)
        if self.clock is None and (raw.read & ~raw.utc).any():
            raise ZoneNotSaid(f"{self.name}: its days are local days, and no time zone was said")
        whole: Any = pc.match_substring_regex(pc.fill_null(numbers, ""), r"^\s*\d{1,3}\s*$")
        counted: Any = pc.cast(pc.if_else(whole, pc.utf8_trim_whitespace(numbers), "0"), pa.int64())
        count = arrow.array_of(counted).astype(np.int64) - period.first
        begin = raw.micros // _DAY * _DAY
        begins, following = begin, begin + _DAY
        if self.clock is not None:
            begins, following = self.clock.to_utc(begin)[0], self.clock.to_utc(begin + _DAY)[0]
        passed = count * period.minutes * 60_000_000
        moments, local = begins + passed, begin + passed
        states = np.zeros(len(count), np.uint8)
        states[(count < 0) | (passed >= following - begins)] = OVER
        if period.wall and self.clock is not None:
            wall = self._on_the_wall(begin, count, following - begins)
            moments[wall], states[wall] = self.clock.to_utc(local[wall])
            self._doubled.watch(local[wall])
        states[~arrow.array_of(whole)] = NO_TIME
        self._mark(states, raw, days)
        return Times(moments, local, states, texts)

    def _on_the_wall(
        self, days: npt.NDArray[np.int64], count: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Rows of days of 23 and 25 hours whose hours are those of the wall: they do not end where the day ends."""
        found = np.zeros(len(days), bool)
        hour = _DAY // 24
        for day in np.unique(days[lengths != _DAY]).tolist():
            rows = days == day
            length = int(lengths[rows][0]) // hour
            last = int(count[rows].max())
            skipped = length < 24 and (last >= length or 2 not in count[rows])
            found[rows] = skipped or (length > 24 and last < length - 1)
        return found

    def raw(self, column: Any) -> Raw:
        """The times of a column of text, timestamps or days, as they are written."""
        blank = ~arrow.array_of(pc.is_valid(column))
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            aware = pa.types.is_timestamp(column.type) and column.type.tz is not None
            whole = pa.timestamp("us", "UTC" if aware else None)
            micros = pc.fill_null(pc.cast(column, whole, safe=False).view(pa.int64()), 0)
            read = arrow.array_of(micros).astype(np.int64)
            self.walled = self.walled or not aware
            return Raw(read, np.full(len(blank), aware), np.zeros(len(blank), bool), blank)
        if pa.types.is_integer(column.type) and counts_from_1970(column):
            column = pc.cast(column, pa.string())
        if not is_text(column.type):
            raise InputRefused(
                f"{self.name}: column `{self.column}` holds {column.type}, no times",
                hint="name the column of the time with --time",
            )
        empty = pc.equal(pc.utf8_trim_whitespace(pc.fill_null(column, "")), pa.scalar(""))
        blank |= arrow.array_of(empty)
        if self.format is None:
            distinct = pc.unique(column).drop_null()
            yearly = pc.match_substring_regex(
                distinct, r"^\s*\d{4}-"
            )  # the year comes first: nothing to find
            others = distinct.filter(pc.invert(yearly)).to_pylist()
            self.format = find_format(
                self.name, self.column, others, commas=self.commas, zone=self._known or str(self.zone)
            )
        self.format = replace(self.format, zone=self._known)
        try:
            stamps = read_stamps(column, self.format)
        except SeveralZones as problem:
            raise InputRefused(
                f"{self.name}: `{self.column}`: {problem.message}", hint=problem.hint
            ) from None
        if self._untried is not None and not blank.all():
            if (stamps.bad | blank).all():
                raise self._other_format(column.filter(arrow.flags(~blank))[0].as_py(), self._untried)
            self._untried = None
        if not self._order_said and (stamps.bad & ~blank).any():
            self._check_order(
                pc.unique(column.filter(arrow.flags(stamps.bad & ~blank))).to_pylist(), self.format
            )
        self.walled = self.walled or bool((~stamps.utc & ~stamps.bad).any())
        return Raw(stamps.micros, stamps.utc, stamps.bad & ~blank, blank)

    def _check_order(self, texts: Sequence[str], form: StampFormat) -> None:
        """Raises InputRefused where times below those that told the order can be read in the other order alone."""
        other: Order = "mdy" if form.order == "dmy" else "dmy"
        late = next(
            (text for text in texts if "." not in text and is_written(text, replace(form, order=other))), None
        )
        if form.order == "ymd" or form.pattern is not None or late is None:
            return
        first = {"dmy": "day", "mdy": "month"}
        raise InputRefused(
            f"{self.name}: `{shown(late)}` in column `{self.column}` has the {first[other]} first, and times above it "
            f"were read with the {first[form.order]} first",
            hint=f'where all have the {first[other]} first: --time-format "{spelled(late, other)}"',
        )

    def _other_format(self, text: str, said: str) -> InputRefused:
        """The error where no time is written as it was said, with the format that the first one has."""
        try:
            fits = spelled(text, find_format(self.name, self.column, [text], commas=self.commas).order)
            hint = f'say --time-format "{fits}", or leave it out'
        except InputRefused as problem:
            hint = problem.hint or ""
        return InputRefused(
            f"{self.name}: `{shown(text)}` in column `{self.column}` is not written as `{said}`, nor are those below",
            hint=hint,
        )

    def order_told(self) -> list[str]:
        """What is said of an order of day and month that nothing but the zone tells."""
        if self.format is None or not self.format.taken:
            return []
        first = "day" if self.format.order == "dmy" else "month"
        where = f"as it is written in {self._known or self.zone} (--time-format)"
        return [f"{self.name}: `{self.format.taken}`: the {first} taken as first, {where}"]

    def shift(self) -> int:
        """µs from what the times label back to the start, where that is not done on the wall already."""
        if not self.ends or self.every is None or (self._on_the_clock and self.clock is not None):
            return 0
        return self.every // _MICRO

    def why_not(self, times: Times, index: int) -> tuple[str, str]:
        """(why, what) of a row whose time cannot be taken."""
        said = f"`{shown(times.texts[index].as_py())}`"
        state = int(times.states[index])
        if state == BLANK_TIME:
            return "the time is blank", ""
        if state == NO_TIME:
            order = self.format.order if self.format is not None else "ymd"
            expected = {"dmy": " with the day first", "mdy": " with the month first"}.get(order, "")
            return f"is no time{expected}", said
        if state == OVER:
            return "this day has no such interval", said
        assert self.clock is not None
        old, new = self.clock.change_near(int(times.local[index]))
        return f"does not exist in {self.zone}: the clocks go from {old} to {new}", said

    @property
    def _on_the_clock(self) -> bool:
        """Whether an end leads to its start on the wall: those of days, and of hours called by their number."""
        days = self.every is not None and self.every % timedelta(days=1) == timedelta(0)
        return days or self._from_starts

    def _length(self, micros: npt.NDArray[np.int64]) -> timedelta | None:
        """The commonest step between times: the length of the intervals whose end they label."""
        steps = np.diff(np.unique(micros))
        if not len(micros):
            return None
        if not len(steps) and not self._said:
            self.ends = False
            return None
        if not len(steps):
            raise InputRefused(
                f"{self.name}: the times label the end of intervals of unknown length",
                hint="say the length with --every 15m",
            )
        lengths, counts = np.unique(steps, return_counts=True)
        return timedelta(microseconds=int(lengths[np.argmax(counts)]))
