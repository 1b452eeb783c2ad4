"""Rows of days as readings: a row is a local day, a column a slot of it.

On the days on which the clocks change, a row is read by itself: a slot with a clock label is a wall time; the
numbered slots count elapsed time where the row's filled cells fit the day's 23 or 25 hours, and wall time
otherwise. What exists twice and is written once is rejected as ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.exports.parsed import Rejections, readings_table
from cityctl.exports.table import numbers
from cityctl.exports.table.clock.zone import DOUBLED, GAP, WallClock
from cityctl.exports.table.slots import Slot

_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE
Cells = tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]


class DayRows:
    """Some rows of a day table: local midnights in µs on the wall, series names, lines."""

    def __init__(
        self,
        clock: WallClock | None,
        rejections: Rejections,
        days: npt.NDArray[np.int64],
        names: Any,
        lines: npt.NDArray[np.int64],
    ) -> None:
        self.clock = clock
        self.rejections = rejections
        self.days = days
        self.names = names
        self.lines = lines
        if clock is None:
            self.begins = days
            self.lengths = np.full(len(days), _DAY, np.int64)
        else:
            self.begins, _ = clock.to_utc(days)
            following, _ = clock.to_utc(days + _DAY)
            self.lengths = following - self.begins

    def readings(
        self,
        slots: Sequence[Slot],
        cells: Mapping[Slot, Cells],
        unread: Mapping[int, str],
        columns: Sequence[str],
    ) -> Iterator[tuple[Any, int]]:
        """(readings or None, blank cells), slot by slot, then the days on which the clocks change."""
        usual = self.lengths == _DAY
        usual[list(unread)] = False
        for slot in slots:
            values, states = cells[slot]
            start = slot.start * (slot.length if slot.label == "number" else 1)
            offset = start * _MINUTE
            known = usual & (states != numbers.BLANK)
            if slot.again or offset >= _DAY:
                for row in np.flatnonzero(known).tolist():
                    self._refuse(
                        row, columns[slot.index], "this day has no such slot: the clocks do not change"
                    )
                yield None, 0
                continue
            good = known & (states == numbers.OK)
            for row in np.flatnonzero(known & ~good).tolist():
                self._refuse(row, columns[slot.index], "the cell is no number")
            readings = None
            if good.any():
                names = self.names.filter(arrow.flags(good))
                readings = readings_table(
                    names, self.begins[good] + offset, values[good], None, self.lines[good]
                )
            yield readings, int((usual & (states == numbers.BLANK)).sum())
        for row in np.flatnonzero(~usual).tolist():
            if row in unread:
                for slot in slots:
                    if cells[slot][1][row] != numbers.BLANK:
                        self._refuse(row, columns[slot.index], unread[row])
                yield None, 0
            else:
                yield self._change_day(row, slots, cells, columns)

    def _change_day(
        self, row: int, slots: Sequence[Slot], cells: Mapping[Slot, Cells], columns: Sequence[str]
    ) -> tuple[Any, int]:
        """The readings of a day of 23 or 25 hours."""
        assert self.clock is not None
        filled = [slot for slot in slots if cells[slot][1][row] != numbers.BLANK]
        elapsed = slots[0].label == "number" and self._counts_elapsed(row, filled)
        starts = {slot.start for slot in slots if slot.again}
        times: list[int] = []
        values: list[float] = []
        for slot in filled:
            name = columns[slot.index]
            if cells[slot][1][row] == numbers.BAD:
                self._refuse(row, name, "the cell is no number")
                continue
            minutes = slot.start * (slot.length if slot.label == "number" else 1)
            if elapsed:
                if minutes * _MINUTE >= self.lengths[row]:
                    self._refuse(row, name, "the day is over before this slot")
                    continue
                times.append(int(self.begins[row]) + minutes * _MINUTE)
            else:
                local = np.array([self.days[row] + minutes * _MINUTE], np.int64)
                utc, state = self.clock.to_utc(local)
                if state[0] == GAP:
                    old, new = self.clock.change_near(int(local[0]))
                    self._refuse(row, name, f"does not exist on this day: the clocks go from {old} to {new}")
                    continue
                if slot.again and state[0] != DOUBLED:
                    self._refuse(row, name, "this wall time does not come twice on this day")
                    continue
                if state[0] == DOUBLED and slot.start not in starts:
                    self._refuse(row, name, "comes twice on this day and is written once: ambiguous")
                    continue
                times.append(int(self.clock.second_pass(local)[0]) if slot.again else int(utc[0]))
            values.append(float(cells[slot][0][row]))
        if not times:
            return None, len(slots) - len(filled)
        name = self.names[row].as_py()
        lines = np.full(len(times), self.lines[row], np.int64)
        told = readings_table(name, np.array(times, np.int64), np.array(values, np.float64), None, lines)
        return told, len(slots) - len(filled)

    def _counts_elapsed(self, row: int, filled: Sequence[Slot]) -> bool:
        """Whether a row's numbered slots count elapsed time: they end where the day ends."""
        if not filled:
            return True
        last = max(slot.start for slot in filled)
        in_day = int(self.lengths[row] // (filled[0].length * _MINUTE))
        usual = _DAY // (filled[0].length * _MINUTE)
        return last < in_day if in_day < usual else last >= usual

    def _refuse(self, row: int, column: str, why: str) -> None:
        name = self.names[row].as_py()
        self.rejections.add(int(self.lines[row]), name, why, f"column `{column}`:")
