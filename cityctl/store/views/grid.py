"""The grid of equal slots that readings are reduced to before points are put together.

Slots shorter than a day count from 1970 UTC; slots of whole days are days of the city's calendar, with 23, 24
or 25 hours (weeks begin on Monday). Knows SQL text and time zones, no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cityctl.arrow import integers, table, times
from cityctl.clock import midnight
from cityctl.engine.duck import Engine
from cityctl.store.segments.scan import INNER, micros

_DAY = timedelta(days=1)
_QUARTER_US = 900_000_000  # every time zone's offset is a multiple of 15 minutes


@dataclass(frozen=True)
class Grid:
    """Slots of one length, `every`."""

    every: timedelta

    @property
    def every_us(self) -> int:
        """Length of a slot, of a day of 24 h where slots are days [µs]."""
        return self.every // timedelta(microseconds=1)

    @property
    def days(self) -> int | None:
        """Whole local days in a slot; None where slots are shorter."""
        return self.every // _DAY if self.every >= _DAY and self.every % _DAY == timedelta() else None

    @property
    def slots(self) -> str:
        """The table of the slots of this grid, where they are days: slot, start, next_start."""
        return f"{INNER}.slots_{self.days}d"

    def prepare(self, engine: Engine, zone: ZoneInfo, start_us: int, end_us: int) -> None:
        """Make the tables that days need, for instants from `start_us` to `end_us`."""
        if self.days is None:
            return
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        first = (epoch + timedelta(microseconds=start_us)).astimezone(zone).date() - (self.days + 1) * _DAY
        last = (epoch + timedelta(microseconds=end_us)).astimezone(zone).date() + (self.days + 1) * _DAY
        slots: dict[int, int] = {}
        quarters: list[tuple[int, int]] = []
        day = first
        begin = micros(midnight(day, zone))
        while day <= last:
            end = micros(midnight(day + _DAY, zone))
            slot = self._slot_of(day)
            slots.setdefault(slot, begin)
            quarters += [(at, slot) for at in range(begin // _QUARTER_US, end // _QUARTER_US)]
            day, begin = day + _DAY, end
        starts = [*slots.values(), begin]
        engine.keep(
            self.slots,
            table(slot=integers(list(slots)), start=times(starts[:-1]), next_start=times(starts[1:])),
        )
        engine.keep(
            f"{self.slots}_quarters",
            table(
                quarter=integers([at for at, _ in quarters]), slot=integers([slot for _, slot in quarters])
            ),
        )

    def _slot_of(self, day: date) -> int:
        assert self.days is not None
        number = (day - date(1970, 1, 1)).days
        # 1970-01-01 was a Thursday: three days later weeks begin on Monday.
        return (number + 3) // self.days if self.days % 7 == 0 else number // self.days

    def numbered(self, query: str) -> str:
        """The readings of a query with the number of their slot in a column `slot`."""
        if self.days is None:
            return (
                f"SELECT r.*, {floor_division('epoch_us(r.time)', self.every_us)} AS slot FROM ({query}) AS r"
            )
        return (
            f"SELECT r.*, q.slot FROM ({query}) AS r JOIN {self.slots}_quarters AS q "
            f"ON q.quarter = {floor_division('epoch_us(r.time)', _QUARTER_US)}"
        )

    def dated(self, query: str) -> str:
        """The rows of a query with a column `slot`, with the slot's UTC `start` and its length `hours`."""
        if self.days is None:
            start = f"make_timestamp(r.slot * {self.every_us})"
            return f"SELECT r.*, {start} AS start, {self.every_us / 3.6e9!r}::DOUBLE AS hours FROM ({query}) AS r"
        hours = "(epoch_us(s.next_start) - epoch_us(s.start)) / 3.6e9"
        return f"SELECT r.*, s.start, {hours} AS hours FROM ({query}) AS r JOIN {self.slots} AS s ON s.slot = r.slot"


def floor_division(number: str, size: int) -> str:
    """SQL of `number // size` rounded down, also before 1970; DuckDB's own cuts off towards zero."""
    beyond = 2_300_000_000_000_000 // size + 1
    return f"({number} + {beyond * size}) // {size} - {beyond}"
