"""Times as exports write them, as microseconds: on the wall, or in UTC where the text says so.

Nothing is guessed: where days and months cannot be told apart, the file is refused until the order is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.errors import InputRefused
from cityctl.exports.table.clock.dates import in_numbers
from cityctl.exports.table.clock.letters import STANDING, ahead
from cityctl.exports.table.clock.order import order_of_place, order_of_steps
from cityctl.exports.table.clock.patterns import EXCEL, EXCEL_1904, StampFormat, said_format

_DATE = r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{1,2})"
_HALF = r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?"
_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?" + _HALF
# Behind a date nothing else is meant by 13.15, 13h15 and 13:15 Uhr.
_BEHIND = (
    r"(?P<h>\d{1,2})(?P<colon>[:.h])(?P<m>\d{2})(?:(?P=colon)(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?:\s*(?:Uhr|hrs?))?"
    + _HALF
)
_WEEKDAY = (
    r"(?:(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mittwoch"
    r"|(?:Mon|Diens|Donners|Frei|Sams|Sonn)tag|Mo|Di|Mi|Do|Fr|Sa|So)\.?,?\s+)?"
)
_TEXT = re.compile(
    rf"{_WEEKDAY}{_DATE}(?:[T\s,;]+{_BEHIND})?\s*(?P<zone>Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}}|[A-Z]{{3,4}})?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?(Z)?")
# The hour that comes twice, in each of its passes: 2A:15 and 2B:15, 02:15A and 02:15B.
_PASS = re.compile(r"(?<=\d)[AB](?=:\d{2})|(?<=:\d{2})\s?[AB]$")
_RANGE = re.compile(r"\s+(?:to|until|bis|[-–])\s+(?=\S*\d)")
_ISO = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?Z?)?$"
_SINCE_1970 = re.compile(r"(\d{9,10})(?:\d{3}){0,3}(?:\.\d{1,6})?")
_SERIALS = {EXCEL: 25_569, EXCEL_1904: 24_107}  # days up to 1970: from 1899-12-30, and from 1904-01-01
_CENTURY = (946_684_800, 4_102_444_800)  # 2000 and 2100, in seconds since 1970
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock's, or UTC's: the text decides
_MICRO = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stamps:
    """Times of a column: µs since 1970, whether they are UTC (else on the wall), and where they are none."""

    micros: npt.NDArray[np.int64]
    utc: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]


def find_format(
    name: str, column: str, texts: Iterable[str], *, commas: bool = False, zone: str | None = None
) -> StampFormat:
    """The format of a file's times, from their column's head and from the times themselves.

    Nobody who writes a decimal comma (`commas`) writes the month before the day; nothing but the `zone` of the times
    tells a `taken` order. Raises InputRefused where days and months cannot be told apart.
    """
    head = re.search(r"(?:DD|MM|YYYY)[-/.](?:DD|MM)[-/.](?:YYYY|DD)", column, re.I)
    if head:
        return said_format(head[0].upper())
    seen: list[str] = []
    first_large = second_large = False
    years: set[str] = set()
    for text in texts:
        found = _TEXT.match(text.strip())
        if found is None or len(found["a"]) == 4:
            if len(seen) > 5000:
                break
            continue
        if found["sep"] == ".":
            return StampFormat("dmy")  # the dotted date is day.month.year wherever it is used
        seen.append(text.strip()[found.start("a") :])
        years.add(found["c"])
        first_large = first_large or int(found["a"]) > 12
        second_large = second_large or int(found["b"]) > 12
        if len(seen) > 5000 and first_large != second_large:
            break
    if not seen:
        return StampFormat("ymd")
    year_last = len(years) == 1 or any(len(year) == 4 for year in years)
    if year_last and first_large != second_large:
        return StampFormat("dmy" if first_large else "mdy")
    told = order_of_steps(seen) if year_last and not first_large else None
    if told is None and commas and year_last and not second_large:
        told = "dmy"
    if told is not None:
        return StampFormat(told)
    usual = order_of_place(zone, seen) if year_last and not (first_large and second_large) else None
    if usual is not None:
        return StampFormat(usual, taken=seen[0])
    why = "they mix both orders" if first_large else "the day or the month may come first"
    if not year_last:
        why = "the year may come first or last"
    raise InputRefused(
        f"{name}: times such as `{seen[0]}` in column `{column}` cannot be read safely: {why}",
        hint='say it with --time-format "DD/MM/YYYY HH:mm" or "MM/DD/YYYY HH:mm"',
    )


def looks_like_time(text: str) -> bool:
    """Whether a cell holds a date, with or without a time of day."""
    said = _PASS.sub("", _RANGE.split(text.replace("\xa0", " ").strip(), maxsplit=1)[0])
    if _TEXT.fullmatch(said) or _is_compact(said):
        return True
    return in_numbers(said) is not None


def is_written(text: str, form: StampFormat) -> bool:
    """Whether a cell holds a time in a format that was said."""
    try:
        read_stamp(text, form)
    except (ValueError, OverflowError):
        return False
    return True


def looks_like_epoch(text: str) -> bool:
    """Whether a cell may hold seconds since 1970, of this century; or milli-, micro- or nanoseconds."""
    found = _SINCE_1970.fullmatch(text.strip())
    return found is not None and _CENTURY[0] <= int(found[1]) < _CENTURY[1]


def looks_like_clock(text: str) -> bool:
    """Whether a cell holds a time of day alone, such as `07:15`, or a span of it: `07:15 - 07:30`."""
    return bool(
        re.fullmatch(
            rf"{_CLOCK}(?:\s*(?:-|–|to|until|bis)\s*\d{{1,2}}:\d{{2}}.*)?(?:\s*(?:Uhr|hrs?))?",
            _PASS.sub("", text.strip()),
        )
    )


def looks_like_dotted(text: str) -> bool:
    """Whether a cell may hold a time of day such as 7.15, 07.15.00 or 7h15."""
    return bool(re.fullmatch(r"(?:[01]?\d|2[0-4])(?:\.[0-5]\d(?:\.[0-5]\d)?|h(?:[0-5]\d)?)", text.strip()))


def looks_like_figures(cells: Sequence[str]) -> bool:
    """Whether cells are times of day in figures alone, such as 0015 and 1300, or 001500; zeros in front may be lost."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    whole = bool(filled) and all(re.fullmatch(r"\d{1,4}|\d{6}", cell) for cell in filled)
    return whole and any(int(cell) >= 100 for cell in filled) and all(_is_clock(cell) for cell in filled)


def _is_clock(figures: str) -> bool:
    clock = figures.zfill(4).ljust(6, "0")
    return int(clock[:2]) <= 24 and int(clock[2:4]) < 60 and int(clock[4:]) < 60


def _is_compact(text: str) -> bool:
    found = _COMPACT.fullmatch(text)
    if found is None or not 1900 <= int(found[1]) <= 2200:
        return False
    return 1 <= int(found[2]) <= 12 and 1 <= int(found[3]) <= 31


def read_stamp(text: str, form: StampFormat) -> tuple[int, bool]:
    """(µs since 1970, whether that is UTC) of one time. `24:00` is the next day's 00:00.

    Raises ValueError, and SeveralZones where letters of its zone are shared and nobody said whose they are.
    """
    said = text.replace("\xa0", " ").strip()
    if form.pattern in _SERIALS:
        return _serial(said, _SERIALS[form.pattern]), False
    if form.pattern is not None:
        moment = datetime.strptime(said, form.pattern)  # noqa: DTZ007  it says itself where it is aware
        if moment.tzinfo is not None:
            return (moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MICRO, True
        return (moment - _EPOCH) // _MICRO, False
    said = _RANGE.split(said, maxsplit=1)[0]
    found = _TEXT.fullmatch(said) or _TEXT.fullmatch(in_numbers(said) or "")
    if found is None:
        return _read_figures(said)
    first, second, third = found["a"], found["b"], found["c"]
    if len(first) == 4:
        year, month, day = first, second, third
    elif form.order == "dmy":
        day, month, year = first, second, third
    elif form.order == "mdy":
        month, day, year = first, second, third
    else:
        raise ValueError("the year does not come first")
    if len(year) == 2:
        year = f"20{year}"
    if len(year) != 4 or not 1900 <= int(year) <= 2200:
        raise ValueError("no year of four figures")
    hour, minute, second_ = int(found["h"] or 0), int(found["m"] or 0), int(found["s"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of a twelve-hour clock")
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    over = timedelta()
    if hour == 24 and minute == 0 and second_ == 0:
        hour, over = 0, timedelta(days=1)
    micro = int((found["f"] or "0")[:6].ljust(6, "0"))
    moment = datetime(int(year), int(month), int(day), hour, minute, second_, micro) + over  # noqa: DTZ001 - a wall clock's
    micros = (moment - _EPOCH) // _MICRO
    if found["zone"] is None:
        return micros, False
    return micros - _offset(found["zone"], form.zone), True


def _serial(said: str, of_1970: int) -> int:
    """Days as a spreadsheet counts them, in µs since 1970 and to the second."""
    if not re.fullmatch(r"\d{4,6}(?:[.,]\d+)?", said):
        raise ValueError("no days of a spreadsheet")
    return (round(float(said.replace(",", ".")) * 86_400) - of_1970 * 86_400) * 1_000_000


def _read_figures(said: str) -> tuple[int, bool]:
    """20210131, 202101310015, 20210131T001500Z, or seconds, ms, µs or ns since 1970."""
    if re.fullmatch(r"\d{10}(?:\.\d{1,6})?", said):
        seconds, _, fraction = said.partition(".")
        return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")), True
    if re.fullmatch(r"\d{13}(?:\d{3}){0,2}", said):
        return int(said[:10] + said[10:].ljust(6, "0")[:6]), True
    found = _COMPACT.fullmatch(said)
    if found is None or not _is_compact(said):
        raise ValueError("no time")
    year, month, day, hour, minute, second, zulu = found.groups()
    over = timedelta()
    if hour == "24" and minute == "00" and second in (None, "00"):
        hour, over = "00", timedelta(days=1)
    moment = datetime(  # noqa: DTZ001 - a wall clock's
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
    )
    return (moment + over - _EPOCH) // _MICRO, zulu is not None


def says_zone(text: str) -> bool:
    """Whether a time says its own offset from UTC."""
    found = _TEXT.fullmatch(text.strip())
    return found is not None and found["zone"] is not None


def names_offset(text: str) -> bool:
    """Whether a text is an offset from UTC: `UTC`, `CEST`, `+02:00`."""
    said = text.strip()
    return said in STANDING or bool(re.fullmatch(r"Z|[+-](?:0\d|1[0-8])(?::?[0-5]\d)?", said))


def _offset(text: str, zone: str | None) -> int:
    """µs ahead of UTC. Raises ValueError and SeveralZones."""
    if text == "Z":
        return 0
    if text.isalpha():
        if text not in STANDING:
            raise ValueError("no time zone of that name")
        return ahead(text, zone) // _MICRO
    figures = text[1:].replace(":", "")
    minutes = int(figures[:2]) * 60 + int(figures[2:] or 0)
    if minutes > 18 * 60:
        raise ValueError("no offset from UTC")
    return (-minutes if text[0] == "-" else minutes) * 60_000_000


_cached = lru_cache(maxsize=1 << 16)(read_stamp)


def read_stamps(texts: Any, form: StampFormat) -> Stamps:
    """The times of a column of text; each distinct text is read once."""
    coded = pc.dictionary_encode(texts)
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.chunk(0)
    distinct = coded.dictionary
    micros, utc, bad = _read_distinct(distinct, form)
    at = arrow.array_of(pc.fill_null(coded.indices, len(distinct)))
    micros, utc, bad = np.append(micros, 0), np.append(utc, False), np.append(bad, True)
    return Stamps(micros[at], utc[at], bad[at])


def _read_distinct(
    texts: Any, form: StampFormat
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    count = len(texts)
    micros, utc, bad = np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool)
    left: Iterable[int] = range(count)
    if form.pattern is None and count:
        plain = texts
        if form.order != "ymd":
            day, month = (r"\1", r"\2") if form.order == "dmy" else (r"\2", r"\1")
            plain = pc.replace_substring_regex(
                plain,
                r"^\s*(\d{2})[-/.](\d{2})[-/.](\d{4})(?:[ T](\d{2}:\d{2}.*))?$",
                rf"\3-{month}-{day} \4",
            )
            plain = pc.utf8_rtrim_whitespace(plain)
        usual = pc.match_substring_regex(plain, _ISO)
        zulu = pc.and_(usual, pc.ends_with(plain, "Z"))
        try:
            bare: Any = pc.utf8_rtrim(pc.if_else(usual, plain, None), "Z")
            moments: Any = pc.cast(bare, pa.timestamp("us"))
        except pa.ArrowInvalid:  # a day that is not in the calendar, or 24:00: one by one, then
            pass
        else:
            read = moments.view(pa.int64())
            known = arrow.array_of(pc.is_valid(read))
            micros = arrow.array_of(pc.fill_null(read, 0)).astype(np.int64)
            utc = arrow.array_of(pc.fill_null(zulu, False)).copy()
            left = np.flatnonzero(~known).tolist()
    for index in left:
        try:
            micros[index], utc[index] = _cached(texts[index].as_py(), form)
        except (ValueError, OverflowError):
            bad[index] = True
    return micros, utc, bad
