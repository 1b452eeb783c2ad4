"""NEM13: accumulated meter reads of the Australian market; a 250 record holds what was used between two reads."""

from __future__ import annotations

from collections.abc import Iterator

from cityctl.errors import InputRefused
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import kind_of, known_unit
from cityctl.exports.nem.records import Record, begins, moment, quality, records
from cityctl.exports.parsed import Chunk, Direction, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.numbers import is_blank, read_number
from cityctl.reading import Quality

SUMMARY = "NEM13 accumulated data of AEMO's meter data file format"
SUFFIXES: tuple[str, ...] = ()

# From the network to the customer is "export" there, and forward here.
_DIRECTIONS: dict[str, Direction] = {"E": "forward", "I": "reverse"}


def recognises(head: bytes) -> bool:
    """Whether the file begins with a header 100,NEM13."""
    return begins(head, "NEM13")


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:  # noqa: ARG001 - the format says all
    """The amounts between reads, at the time of the earlier one. Raises InputRefused where the file is not whole."""
    for _ in records(source, "NEM13"):  # nothing of a cut file is taken
        pass
    gather = Gather(source.name)
    amounts = 0
    for record in records(source, "NEM13"):
        if record.kind == "250":
            amounts += 1
            _take(gather, record)
        elif record.kind != "550":
            raise InputRefused(
                f"{source.name}:{record.line}: a record {record.kind} in a NEM13 file",
                hint="ask the data provider",
            )
        yield from gather.due()
    if not amounts:
        raise InputRefused(
            f"{source.name}: empty: no 250 record between header and end", hint="was there nothing to send?"
        )
    yield from gather.rest()


def _take(gather: Gather, record: Record) -> None:
    series, factor = _series(gather, record)
    amount = record.cell(18)
    if is_blank(amount):
        gather.blank()
        return
    try:
        value = read_number(amount, ".")
        assert value is not None
        start, end = moment(record.cell(9)), moment(record.cell(14))
    except ValueError as problem:
        detail = f"`{amount[:40]}` " if str(problem).startswith("is ") else ""
        gather.refuse(record.line, series.id, f"{detail}{problem}")
        return
    if end < start:
        gather.refuse(record.line, series.id, "the current read is earlier than the previous one")
        return
    graded = quality(record.cell(15))
    if graded is None:
        gather.note(
            f"{gather.file}:{record.line}: `{record.cell(15)[:20]}` is no quality method; taken as suspect"
        )
        graded = Quality.SUSPECT
    gather.add(series.id, start, value * factor, int(graded), record.line)


def _series(gather: Gather, record: Record) -> tuple[Series, float]:
    unit = known_unit(record.cell(19))
    said = record.cell(19)
    name = f"{record.cell(1)}/{record.cell(4) or record.cell(5) or record.cell(3)}"
    name, known, factor = gather.going_on(name, unit, said)
    if known is not None:
        return known, factor
    quantity = unit.quantity if unit else None
    series = Series(
        name,
        unit=unit.symbol if unit else None,
        quantity=quantity,
        direction=_DIRECTIONS.get(record.cell(7).upper(), ""),
        kind=kind_of(quantity),
        usage_point=record.cell(1),
        said_unit="" if unit else said,
    )
    return gather.declare(series), factor
