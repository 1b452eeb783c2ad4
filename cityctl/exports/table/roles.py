"""What the columns of a table are, once that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cityctl.exports.table.slots import Slot
from cityctl.reading import Kind


@dataclass(frozen=True)
class SeriesColumn:
    """A column that holds one series, or one of each meter."""

    index: int
    name: str
    unit: str | None
    kind: Kind | None = None  # where its name and first values tell it
    quality: int | None = None  # the column beside it that says how good its readings are
    said: int | None = None  # the column beside it that says the unit of each of them


@dataclass(frozen=True)
class Period:
    """A column that numbers the intervals of a local day.

    `first` is the number of the one at midnight, `minutes` its length. `wall` hours may skip and repeat numbers when
    the clocks change; other numbers count what has gone by since midnight.
    """

    first: int
    minutes: int
    wall: bool = False


@dataclass(frozen=True)
class Roles:
    """What each column is, by index. Exactly one of `value`, `series` and `slots` says where values are.

    With `point`, `series` are of each point. `usual` is what stands in `channel` in all first rows.
    """

    layout: Literal["long", "wide", "day"]
    time: tuple[int, ...]
    point: int | None = None
    value: int | None = None
    value_unit: str | None = None
    factor: int | None = None  # what each value is to be multiplied by
    times_factor: bool = False  # it is said to be; else one that is not 1 leaves the value open
    quality: int | None = None
    channel: int | None = None
    usual: str = ""
    kind: Kind | None = None  # where names and first rows tell it
    ends: bool = False  # the times label the ends of intervals
    zone: int | None = None  # of each row's time
    until: int | None = None  # when the period of a row ends, beside its beginning
    period: Period | None = None  # of the second column of `time`
    unit: int | None = None
    direction: int | None = None
    series: tuple[SeriesColumn, ...] = ()
    slots: tuple[Slot, ...] = ()
    behind: Mapping[int, str] = field(default_factory=dict)  # units that stand in the cells of a column
    left_out: tuple[str, ...] = ()
    again: tuple[
        tuple[int, int], ...
    ] = ()  # a column of `time`, and one of a table beside it that says the same

    @property
    def read(self) -> tuple[int, ...]:
        """Indices of the columns that are read at all, ascending."""
        found = {*self.time, *(column.index for column in self.series), *(slot.index for slot in self.slots)}
        more = (
            self.point,
            self.value,
            self.factor,
            self.quality,
            self.channel,
            self.unit,
            self.direction,
            self.until,
            self.zone,
        )
        found |= {index for index in more if index is not None}
        found |= {other for _, other in self.again}
        found |= {column.quality for column in self.series if column.quality is not None}
        found |= {column.said for column in self.series if column.said is not None}
        return tuple(sorted(found))
