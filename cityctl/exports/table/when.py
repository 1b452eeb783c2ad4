"""Which columns of a table hold its times: stamps, a day and a clock, or a day and the number of an interval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from cityctl.errors import InputRefused, listed
from cityctl.exports.shape import Shape
from cityctl.exports.table.cells import days_only, mostly, plain_name
from cityctl.exports.table.clock.patterns import EXCEL, StampFormat, said_format
from cityctl.exports.table.clock.said import is_utc, place_named, without_zone
from cityctl.exports.table.clock.stamps import (
    is_written,
    looks_like_clock,
    looks_like_dotted,
    looks_like_epoch,
    looks_like_figures,
    looks_like_time,
    names_offset,
    says_zone,
)
from cityctl.exports.table.kinds import hours, labels_end
from cityctl.exports.table.names import match_column, unknown_column
from cityctl.exports.table.numbers import is_blank
from cityctl.exports.table.roles import Period
from cityctl.exports.table.slots import USUAL_LENGTHS, find_slots
from cityctl.exports.table.words import TIME_WORDS

Cells = Sequence[Sequence[str]]

_TIMES = ("time", "timestamp", "datetime", "dateandtime", "zeitstempel", "horodate")
_NUMBERED = re.compile(
    r"(?:settlement|trading|dispatch)?(?:period|interval|slot|halfhour|quarterhour|quarter|viertelstunde|kvart|sp|hh)"
    r"(?:number|no|nr|id|index)?"
)
_ZONES = re.compile(r"zone|offset|^tz|zeitzone|huso|fuseau|fuso")
_CLOCK_NAMES = (
    "time", "zeit", "hora", "heure", "ora", "ore", "tid", "tijd", "tijdstip", "klokkeslett", "godzina", "kello",
    "tm", "hhmm", "hhmmss",
)  # fmt: skip
_CLOCK = re.compile(r"(?:^|[\sT])(\d{1,2}):(\d{2})")
_ALONE = re.compile(r"^(\d{1,2})[:.h](\d{2})")
_FEWEST_CLOCKS = 12
_WHOLE_FILE = 100  # rows: a file of fewer is seen to its end


def time_columns(
    name: str, columns: Sequence[str], cells: Cells, shape: Shape, times: Sequence[int]
) -> tuple[tuple[int, ...], Period | None]:
    """The column of times, or of days and of clocks or numbers. Raises InputRefused and UsageProblem."""
    if shape.time is not None:
        return _said(name, columns, cells, shape.time)
    if times:
        return (times[0],), None
    dated = [index for index, column in enumerate(cells) if mostly(looks_like_time, column)]
    if dated:
        day = _begins(columns, cells, dated)
        if all(":" not in cell for cell in cells[day]) and not find_slots(columns):
            clocks = [index for index, column in enumerate(cells) if mostly(looks_like_clock, column)]
            clocks += [index for index, column in enumerate(cells) if hours(columns[index], column)]
            if clocks:  # the beginning of the day goes with that of the clock
                alike = [index for index in clocks if labels_end(columns[index]) == labels_end(columns[day])]
                return _paired(columns, cells, day, (alike or clocks)[0])
            others = [index for index in range(len(columns)) if index != day]
            for index in others:
                named = plain_name(without_zone(columns[index])).endswith(_CLOCK_NAMES)
                if named and (looks_like_figures(cells[index]) or mostly(looks_like_dotted, cells[index])):
                    return (day, index), None
            for index in others:
                if _NUMBERED.fullmatch(plain_name(columns[index])) and _counts(cells[index]):
                    return (day, index), _period(name, cells, day, index, shape)
        return (day,), None
    since = looks_like_epoch
    if shape.time_format is not None:
        form = said_format(shape.time_format)
        since = partial(is_written, form=form) if form.pattern is not None else since
    for index, column in enumerate(columns):
        if plain_name(column).startswith(TIME_WORDS) and mostly(since, cells[index]):
            return (index,), None
    for exact in (True, False):
        for index, column in enumerate(columns):
            plain = plain_name(column)
            fits = plain.startswith(TIME_WORDS) if exact else any(word in plain for word in TIME_WORDS[:4])
            if fits and all(is_blank(cell) or looks_like_time(cell) for cell in cells[index][:1]):
                return (index,), None
    first = [column[0] for column in cells if column]  # where no row of names was seen
    across = [said for said in (first if list(columns[:1]) == ["1"] else columns) if looks_like_time(said)]
    if len(across) > 1:
        raise InputRefused(
            f"{name}: its columns are called by days or times: {listed(across, 3)}, and no column holds others",
            hint="turn the table: a row for each reading, or for each day",
        )
    serial = partial(is_written, form=StampFormat("ymd", EXCEL))
    days = [
        i
        for i, column in enumerate(columns)
        if plain_name(column).startswith(TIME_WORDS) and mostly(serial, cells[i])
    ]
    raise InputRefused(
        f"{name}: no column holds times",
        tried=[f"columns: {listed(columns, 40)}"],
        hint=f"does `{columns[days[0]]}` hold a spreadsheet's days since 1900? --time-format excel reads them"
        if days
        else "name it with --time, and what it is written like with --time-format",
    )


def label_ends(columns: Sequence[str], cells: Cells, time: Sequence[int], shape: Shape) -> bool:
    """Whether the times label the ends of intervals: by the column's name, or as days end at 24:00."""
    if shape.time is not None or shape.stamp == "end":  # what is said holds
        return False
    alone = len(time) > 1  # 24.00 may be a clock
    clocks = {
        f"{found[1]}:{found[2]}"
        for cell in cells[time[-1]]
        if (found := (_ALONE if alone else _CLOCK).search(cell.strip()))
    }
    through = len(clocks) >= _FEWEST_CLOCKS and "24:00" in clocks and not clocks & {"00:00", "0:00"}
    return through or labels_end(columns[time[-1]])


def _said(
    name: str, columns: Sequence[str], cells: Cells, said: str
) -> tuple[tuple[int, ...], Period | None]:
    found = match_column(columns, said)
    if found is not None:
        return (found,), None
    parts = [part for part in said.split("+") if part.strip()]
    joined = [match_column(columns, part) for part in parts]
    if len(parts) == 2 and joined[0] is not None and joined[1] is not None:
        return _paired(columns, cells, joined[0], joined[1])
    raise unknown_column(name, columns, said, "time")


def _paired(
    columns: Sequence[str], cells: Cells, day: int, clock: int
) -> tuple[tuple[int, ...], Period | None]:
    """A day and a clock; a clock of whole numbers counts the hours."""
    counted = hours(columns[clock], cells[clock])
    return (day, clock), Period(int(counted == "end"), 60, wall=True) if counted else None


def _begins(columns: Sequence[str], cells: Cells, dated: Sequence[int]) -> int:
    """Of several columns of times, the one of the readings: by its name, else the first that moves and is no end."""
    named = [index for index in dated if plain_name(without_zone(columns[index])) in _TIMES]
    moving = [index for index in dated if len(set(cells[index])) > 1] or list(dated)
    starts = [index for index in moving if not labels_end(columns[index])]
    if not starts and all(days_only(cells[index]) for index in moving):  # one day, and the next where it ends
        starts = [index for index in dated if days_only(cells[index]) and not labels_end(columns[index])]
    first = (named or starts or moving)[0]
    # Beside `HourDK`, `HourUTC` has no hour twice.
    begin = plain_name(columns[first])[:3]
    alike = [i for i in starts if is_utc(columns[i]) and plain_name(columns[i])[:3] == begin]
    return alike[0] if alike and not is_utc(columns[first]) else first


def zone_column(columns: Sequence[str], cells: Cells, time: Sequence[int]) -> int | None:
    """The column that says the zone of each row's time: UTC, CET and CEST, +02:00, or a place such as Europe/Berlin."""
    if any(says_zone(cell) for cell in cells[time[0]]):
        return None
    for index, column in enumerate(columns):
        said = {cell.strip() for cell in cells[index]}
        known = all(place_named(text) is not None or names_offset(text) for text in said)
        figures = any(text[:1] in "+-" for text in said)
        if said and known and index not in time and (not figures or _ZONES.search(plain_name(column))):
            return index
    return None


def _counts(cells: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in cells if not is_blank(cell)]
    return bool(filled) and all(re.fullmatch(r"\d{1,3}", cell) for cell in filled)


def _period(name: str, cells: Cells, day: int, index: int, shape: Shape) -> Period:
    """The intervals of a day, from a day that stands whole in the first rows or as it is said."""
    numbers = [int(cell) for cell in cells[index] if not is_blank(cell)]
    first = min(numbers)
    ended = {before for before, after in pairwise(numbers) if after == first != before}
    ended |= {after for before, after in pairwise(numbers) if before == first != after and after - before > 1}
    if len(cells[day]) < _WHOLE_FILE:
        ended.add(numbers[-1] if numbers[0] == first else numbers[0])
    minutes = USUAL_LENGTHS.get(max(ended) - first + 1) if ended else None
    if shape.every is not None:
        minutes = round(shape.every.total_seconds() / 60)
    if minutes is None or first > 1:
        raise InputRefused(
            f"{name}: its times are a day and the number of an interval, and how long that is does not show",
            hint="say the length with --every 15m",
        )
    return Period(first, minutes)
