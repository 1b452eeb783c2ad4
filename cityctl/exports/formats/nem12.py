"""NEM12: interval data of the Australian market, a record for each day of a data stream.

Times are market time (UTC+10, no daylight saving) and stand for the start of an interval. A day that comes
again in the file replaces the earlier one as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from cityctl.errors import InputRefused
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import kind_of, known_unit
from cityctl.exports.nem.days import Day, Stream, days, qualities
from cityctl.exports.nem.records import begins, direction, records
from cityctl.exports.parsed import Chunk, Replaced, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.numbers import is_blank
from cityctl.reading import Quality

SUMMARY = "NEM12 interval data of AEMO's meter data file format"
SUFFIXES: tuple[str, ...] = ()

_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE


def recognises(head: bytes) -> bool:
    """Whether the file begins with a header 100,NEM12."""
    return begins(head, "NEM12")


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:  # noqa: ARG001 - the format says all
    """The readings of a file. Raises InputRefused where it is not whole or contradicts itself."""
    last = _last_of_each_day(source)
    if not last:
        raise InputRefused(
            f"{source.name}: empty: no 300 record between header and end", hint="was there nothing to send?"
        )
    gather = Gather(source.name)

    def barren(stream: Stream) -> None:
        gather.lacks(
            f"{stream.nmi}/{stream.suffix} (line {stream.line}) is announced and has no day: no 300 record"
        )

    for day in days(source.name, records(source, "NEM12"), barren):
        series, factor = _series(gather, day)
        line, print_ = last[day.key]
        if line != day.line and _print(day) != print_:
            reason = f"a later record of the same day replaces it (line {line})"
            gather.refuse_many(day.line, series.id, reason, sum(not is_blank(cell) for cell in day.cells))
        else:
            _take(gather, day, series, factor)
            if line == day.line:
                gather.replace(Replaced(series.id, day.start, day.start + _DAY, day.stream.length * 60))
        yield from gather.due()
    yield from gather.rest()


def _last_of_each_day(source: Source) -> dict[tuple[str, str, str, int], tuple[int, bytes]]:
    """(line, what stands in it) of the record that counts for each day: updated last, or else the last one."""
    last: dict[tuple[str, str, str, int], tuple[str, int, bytes]] = {}
    for day in days(source.name, records(source, "NEM12")):
        known = last.get(day.key)
        if known is None or day.updated >= known[0]:
            last[day.key] = (day.updated, day.line, _print(day))
    return {key: (line, print_) for key, (_, line, print_) in last.items()}


def _print(day: Day) -> bytes:
    said = f"{day.stream.unit.upper()}|{day.stream.length}|{day.method}|{day.ranges}|{','.join(day.cells)}"
    return blake2b(said.encode(), digest_size=8).digest()


def _series(gather: Gather, day: Day) -> tuple[Series, float]:
    """The series of a day, and what its values are multiplied by: one whose unit changes in a file keeps its first."""
    stream = day.stream
    unit = known_unit(stream.unit)
    name, known, factor = gather.going_on(f"{stream.nmi}/{stream.suffix}", unit, stream.unit)
    if known is not None:
        return known, factor
    quantity = unit.quantity if unit else None
    series = Series(
        name,
        unit=unit.symbol if unit else None,
        quantity=quantity,
        direction=direction(stream.suffix),
        kind=kind_of(quantity),
        every=stream.length * 60,
        usage_point=stream.nmi,
        said_unit="" if unit else stream.unit,
    )
    return gather.declare(series), factor


def _take(gather: Gather, day: Day, series: Series, factor: float) -> None:
    count = day.stream.count
    times = day.start + np.arange(count, dtype=np.int64) * (day.stream.length * _MINUTE)
    graded = qualities(day)
    if None in graded:
        gather.note(
            f"{gather.file}:{day.line}: {graded.count(None)} intervals of a variable day (V) are covered by no "
            "400 record; taken as suspect"
        )
    told = np.array([Quality.SUSPECT if one is None else one for one in graded], np.uint8)
    values, good = _numbers(day.cells)
    for at in np.flatnonzero(~good).tolist():
        if is_blank(day.cells[at]):
            gather.blank()
        else:
            place = f"line {day.line}, interval {at + 1}"
            gather.refuse(day.line, series.id, "is no number", f"`{day.cells[at][:40]}`", place)
    gather.add_many(series.id, times[good], values[good] * factor, told[good], day.line)


def _numbers(
    cells: list[str],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    values = np.empty(len(cells), np.float64)
    try:
        values[:] = cells
    except ValueError:
        for at, cell in enumerate(cells):
            try:
                values[at] = float(cell)
            except ValueError:
                values[at] = np.nan
    if any("_" in cell for cell in cells):
        values[[at for at, cell in enumerate(cells) if "_" in cell]] = np.nan
    return values, np.isfinite(values)
