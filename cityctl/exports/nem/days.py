"""The days of a NEM12 file: a 200 record says what is measured, a 300 record holds a day, 400 its qualities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cityctl.errors import InputRefused
from cityctl.exports.meaning import known_unit
from cityctl.exports.nem.records import KINDS, Record, day, quality
from cityctl.reading import Quality
from cityctl.wording import counted

# Cells of a record; 300 has one for each interval beside them.
_CELLS = {"200": 10, "300": 7, "400": 6, "500": 5}
_LENGTHS = (1, 5, 10, 15, 30, 60)  # minutes; the specification knows 5, 15 and 30


@dataclass(frozen=True)
class Stream:
    """A data stream of a meter: a 200 record."""

    line: int
    nmi: str
    suffix: str
    unit: str
    length: int  # minutes
    serial: str

    @property
    def count(self) -> int:
        """Intervals a day."""
        return 1440 // self.length


@dataclass
class Day:
    """One day of a data stream: a 300 record with the 400 records below it."""

    line: int
    stream: Stream
    start: int  # µs since 1970 UTC
    cells: list[str]
    method: str
    updated: str
    ranges: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What a re-issued day replaces."""
        unit = known_unit(self.stream.unit)
        measured = unit.quantity if unit else self.stream.unit.upper()
        return self.stream.nmi, self.stream.suffix, measured, self.start


def days(
    name: str, records: Iterable[Record], barren: Callable[[Stream], None] | None = None
) -> Iterator[Day]:
    """The days of a file; `barren` is told of each data stream that has none.

    Raises InputRefused, naming the line, where a record contradicts another.
    """
    stream: Stream | None = None
    held: Day | None = None
    filled = True
    for record in records:
        where = f"{name}:{record.line}"
        _alone(where, record, stream)
        if record.kind == "400":
            if held is None:
                raise _refused(f"{where}: a 400 record without a 300 record above it")
            held.ranges.append(_range(where, record, held))
            continue
        if held is not None:
            yield held
            held = None
        if record.kind == "200":
            if stream is not None and not filled and barren is not None:
                barren(stream)
            stream, filled = _stream(where, record), False
        elif record.kind == "300":
            if stream is None:
                raise _refused(f"{where}: a 300 record without a 200 record above it")
            held, filled = _day(where, record, stream), True
        elif record.kind not in ("500",):
            raise _refused(f"{where}: a record {record.kind} in a NEM12 file")
    if held is not None:
        yield held
    if stream is not None and not filled and barren is not None:
        barren(stream)


def _refused(message: str) -> InputRefused:
    return InputRefused(
        f"{message}; nothing of the file was taken", hint="ask the data provider for a sound file"
    )


def _alone(where: str, record: Record, stream: Stream | None) -> None:
    """Refuse a line that goes on behind its record: another one may have got into it, and would be lost."""
    most = _CELLS.get(record.kind, len(record.cells))
    if record.kind == "300":
        most = most + stream.count if stream is not None else len(record.cells)
    goes_on = any(cell.strip() for cell in record.cells[most:])
    # A reason may hold commas.
    if goes_on and (record.kind in ("200", "300") or KINDS & set(record.cells[4:])):
        raise _refused(f"{where}: a record {record.kind} of {len(record.cells)} cells, where {most} make one")


def _stream(where: str, record: Record) -> Stream:
    length = record.cell(8)
    if not length.isdecimal() or int(length) not in _LENGTHS:
        raise _refused(f"{where}: an interval length of `{length[:20]}` minutes")
    nmi = record.cell(1)
    if not nmi:
        raise _refused(f"{where}: a 200 record without NMI")
    return Stream(
        record.line,
        nmi,
        record.cell(4) or record.cell(3) or record.cell(5),
        record.cell(7),
        int(length),
        record.cell(6),
    )


def _day(where: str, record: Record, stream: Stream) -> Day:
    try:
        start = day(record.cell(1))
    except ValueError as problem:
        raise _refused(f"{where}: {problem}") from None
    cells, count = record.cells, stream.count
    method = record.cell(2 + count)
    if (method.upper() != "V" and quality(method) is None) or any(
        cell[:1].isalpha() for cell in cells[2 : 2 + count]
    ):
        found = next((at for at, cell in enumerate(cells[2:]) if cell[:1].isalpha()), len(cells) - 2)
        raise _refused(
            f"{where}: {counted(found, 'value')}, where intervals of {stream.length} min (line {stream.line}) "
            f"make {count} a day"
            if found != count
            else f"{where}: `{method[:20]}` is no quality method"
        )
    return Day(record.line, stream, start, cells[2 : 2 + count], method, record.cell(5 + count))


def _range(where: str, record: Record, day: Day) -> tuple[int, int, str]:
    first, last, method = record.cell(1), record.cell(2), record.cell(3)
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= day.stream.count):
        raise _refused(
            f"{where}: intervals {first[:8]} to {last[:8]} of a day of {day.stream.count} (line {day.line})"
        )
    if method.upper() != "V" and quality(method) is None:
        raise _refused(f"{where}: `{method[:20]}` is no quality method")
    return int(first), int(last), method


def qualities(day: Day) -> list[int | None]:
    """The quality of each interval; None where the day is variable and no 400 record covers it."""
    whole = quality(day.method)
    graded: list[int | None] = [None if whole is None else int(whole)] * day.stream.count
    for first, last, method in day.ranges:
        found = quality(method)
        graded[first - 1 : last] = [int(Quality.SUSPECT if found is None else found)] * (last - first + 1)
    return graded
