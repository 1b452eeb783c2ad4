"""The balance as a result: a row for each series, a row for each rejection, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cityctl.clock import Interval
from cityctl.collect.ledger import Ledger
from cityctl.collect.lines import Line
from cityctl.collect.order import moment
from cityctl.errors import listed
from cityctl.exports.meaning import kind_of
from cityctl.exports.parsed import Rejection
from cityctl.glossary import column
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.units import canonical, unit
from cityctl.wording import counted, grouped

NOTHING = "no readings in it"

DIRECTION = Column(
    "direction",
    "Direction",
    meaning="forward, reverse, net or total flow, where the export says it",
    priority=6,
)
RECEIVED = Column("received", "Received", meaning="readings that came", kind="integer", priority=2)
NEW = Column("new", "New", meaning="readings that were not stored before", kind="integer", priority=1)
UNCHANGED = Column("unchanged", "Unchanged", meaning="readings stored already", kind="integer", priority=3)
REVISED = Column(
    "revised", "Revised", meaning="readings that replace a stored value", kind="integer", priority=2
)
DUPLICATE = Column(
    "duplicate", "Duplicate", meaning="readings that came more than once", kind="integer", priority=4
)
REJECTED = Column(
    "rejected", "Rejected", meaning="readings that could not be taken", kind="integer", priority=1
)
SUM = Column(
    "sum", "Sum", meaning="of the amounts taken, each once; none where values are no amounts of intervals",
    kind="number", digits=3, priority=5,
)  # fmt: skip
LINE = Column("line", "Line", meaning="line or row of the file", kind="integer", priority=3)
PLACE = Column("place", "Place", meaning="where in the file", priority=4)
COLUMNS: tuple[Column, ...] = (
    DIRECTION,
    RECEIVED,
    NEW,
    UNCHANGED,
    REVISED,
    DUPLICATE,
    REJECTED,
    SUM,
    LINE,
    PLACE,
)


def balance_result(
    title: str,
    ledgers: Sequence[Ledger],
    refused: Sequence[Missing],
    *,
    interval: Interval | None,
    dry_run: bool,
    notes: Sequence[str] = (),
) -> Result:
    """The balance as tables: a row for each series, and a row for each rejection."""
    lines = [line for ledger in ledgers for line in ledger.lines.values()]
    lines = [line for line in lines if line.received or line.series.id]
    rows = [_row(line) for line in lines]
    columns = [
        column("series"), column("point"), column("quantity"), column("unit"), DIRECTION, RECEIVED, NEW,
        UNCHANGED, REVISED, DUPLICATE, REJECTED, SUM, column("first"), column("last"), column("file", priority=6),
    ]  # fmt: skip
    told: list[tuple[object, ...]] = [
        (one.file, one.line, one.place, one.series or "", one.reason, one.count)
        for ledger in ledgers
        for one in ledger.rejections
    ]
    told += [_refused(one) for one in refused]
    tables = [Table("balance", "Balance", columns, rows)]
    tables.append(
        Table(
            "rejections",
            "Rejections",
            [column("file"), LINE, PLACE, column("series"), column("reason"), column("count")],
            list(told),
        )
    )
    doubts = list(_doubts(ledgers))
    if doubts:
        columns = [column("file"), LINE, PLACE, column("series"), column("reason"), column("count")]
        tables.append(Table("doubts", "In doubt", columns, doubts, note="kept, and to be looked at"))
    received = sum(line.received for line in lines)
    rejected = sum(line.rejected for line in lines)
    missing = [*_missing(ledgers), *refused]
    taken = received - rejected - sum(line.outdated + line.even for line in lines)
    completeness = Completeness(wanted=received, had=taken, missing=missing)
    said = list(notes)
    left_out: dict[str, dict[str, None]] = {}
    for ledger in ledgers:
        said += [*ledger.notes, *_disagreements(ledger)]
        left_out.setdefault(ledger.source, {}).update(ledger.left_out)
        if ledger.blank:
            said.append(
                f"{ledger.source}: {counted(ledger.blank, 'cell')} blank or in place of a missing reading"
            )
    for source, series in left_out.items():
        if series:
            names = listed(f"`{name}`" for name in series)
            said.append(f"{source}: not asked for, left out: {names}")
    said += _revised_in_one_run(lines)
    return Result(
        title,
        tables,
        interval=interval,
        findings=_findings(ledgers),
        completeness=completeness,
        notes=said,
        summary=_summary(lines, refused, dry_run),
    )


def _disagreements(ledger: Ledger) -> list[str]:
    """What was not taken because a better value for the same instant came in the same run."""
    gave_way = {line.match.point: line.gave_way for line in ledger.lines.values() if line.gave_way}
    if not gave_way:
        return []
    return [
        f"{ledger.source}: {counted(sum(gave_way.values()), 'reading')} of "
        f"{listed(f'`{name}`' for name in gave_way)} gave way to another value for their instant that came in the "
        "same run: the better quality, then the larger value is kept; "
        "`cityctl data history POINT` shows both; bring a correction by an import of its own"
    ]


def _revised_in_one_run(lines: Sequence[Line]) -> Iterator[str]:
    """Two sheets or files of one run that bring one point for the same time, with other values."""
    before: dict[str, Line] = {}
    for later in lines:
        point = later.match.point
        if point is None or later.first is None or later.last is None:
            continue
        former = before.get(point, later)
        before[point] = later
        overlap = (former.first or 0) <= later.last and later.first <= (former.last or 0)
        revised = min(later.revised, later.even - later.gave_way)  # by the larger value alone
        if former.source != later.source and revised > 0 and overlap:
            yield (
                f"`{point}` comes from {former.source} and from {later.source} for the same time, and "
                f"{counted(revised, 'value')} of the latter are others than those before; where these are two "
                "meters, give their columns names of their own"
            )


def _refused(one: Missing) -> tuple[object, ...]:
    """A file that was refused; its reason may begin with the file and a line."""
    found = re.match(re.escape(one.what) + r":(\d+)(?::\d+)?: ", one.why)
    line = int(found[1]) if found else None
    return one.what, line, f"line {line}" if line else "", "", one.why[found.end() :] if found else one.why, 0


def _row(line: Line) -> tuple[object, ...]:
    known = line.match.unit or line.series.unit
    quantity = line.series.quantity
    if known is not None:
        quantity = quantity or unit(known).quantity
        known = canonical(unit(known).quantity).symbol
    kind = line.series.kind or line.match.kind or kind_of(quantity)
    summed = kind == "interval" and line.match.point is not None
    return (
        line.label,
        line.match.point,
        quantity,
        known,
        line.series.direction,
        line.received,
        line.new,
        line.unchanged,
        line.revised,
        line.duplicate,
        line.rejected,
        float(f"{line.total - line.not_taken:.12g}")
        if summed
        else None,  # what lies below is noise of the addition
        moment(line.first) if line.first is not None else None,
        moment(line.last) if line.last is not None else None,
        line.source,
    )


def _doubts(ledgers: Sequence[Ledger]) -> Iterator[tuple[object, ...]]:
    for ledger in ledgers:
        for doubt in ledger.doors.doubts.values():
            word = ledger.place_word
            line = doubt.places[0] if doubt.places and word in ("line", "row") else None
            more = ", ..." if doubt.count > len(doubt.places) else ""
            place = f"{word} {', '.join(map(str, doubt.places))}{more}"
            yield ledger.source, line, place, doubt.series, f"{doubt.kind}: {doubt.text}", doubt.count


def _findings(ledgers: Sequence[Ledger]) -> list[Finding]:
    return [
        Finding(
            doubt.kind,
            doubt.series,
            moment(doubt.first),
            f"{ledger.source}, {ledger.place_word} {doubt.places[0]}: {doubt.text} ({counted(doubt.count, 'reading')})",
        )
        for ledger in ledgers
        for doubt in ledger.doors.doubts.values()
    ]


# Counts of a line, and what is said of the readings that they count.
_OTHER_VALUES = {
    "even": "and what came for the same instants in the same run are other values of one quality: the larger one is "
    "kept, and nothing says that it is the right one",
    "outdated": "gave way to other values that the store received later: another run brought them meanwhile, or the "
    "clock was set back since; `cityctl data history POINT` shows both, a correction is brought once the clock is "
    "past them",
}


def _missing(ledgers: Sequence[Ledger]) -> Iterator[Missing]:
    for ledger in ledgers:
        reasons: dict[str, tuple[int, Rejection]] = {}
        for one in ledger.rejections:
            kind = one.reason.split("` ", 1)[-1]
            count, first = reasons.get(kind, (0, one))
            reasons[kind] = (count + one.count, first)
        for count, first in reasons.values():
            where = f"{first.file}:{first.line}" if first.line is not None else first.file
            yield Missing(where, f"{counted(count, 'reading')} rejected: {first.reason}")
        for said in ledger.absent:
            yield Missing(ledger.source, said)
        for key, why in _OTHER_VALUES.items():
            found = {
                line.match.point: count for line in ledger.lines.values() if (count := getattr(line, key))
            }
            if found:
                names = listed(f"`{name}`" for name in found)
                yield Missing(ledger.source, f"{counted(sum(found.values()), 'reading')} of {names} {why}")
        if not any(line.received for line in ledger.lines.values()):
            yield Missing(ledger.source, NOTHING)


def _summary(lines: Sequence[Line], refused: Sequence[Missing], dry_run: bool) -> str:
    received = sum(line.received for line in lines)
    parts = [f"{grouped(received)} readings received"]
    told = [
        (sum(getattr(line, key) for line in lines), key)
        for key in ("new", "unchanged", "revised", "duplicate", "rejected")
    ]
    parts += [f"{grouped(count)} {word}" for count, word in told if count or word == "new"]
    said = ", ".join(parts)
    if refused:
        said += f"; refused: {', '.join(one.what for one in refused)}"
    return f"{said} (dry run: nothing was stored)" if dry_run else said
