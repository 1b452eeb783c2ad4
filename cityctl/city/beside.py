"""Small CSV files beside city.yaml, as people keep them in spreadsheets: rows by column, their place, their times."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cityctl.city.model import City
from cityctl.errors import ConfigInvalid, listed, near

DAY_FIRST, MONTH_FIRST = "day/month/year", "month/day/year"
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?=$|[ T])")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")


class Row(NamedTuple):
    """A row's cells by column, in small letters, and its place: file:line."""

    cells: dict[str, str]
    place: str


def rows(
    path: Path,
    setting: str,
    columns: Sequence[str],
    needed: Sequence[str],
    *,
    others: bool = False,
    called: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Row]:
    """Every row of a CSV that is not empty; `,` `;` or tab between cells.

    `setting` is the key of city.yaml that names the file. A column that is none of `columns` is an error,
    unless `others` may stand there too; `called` are other heads of a column. Raises ConfigInvalid with file:line.
    """
    try:
        handle = path.open(encoding="utf-8-sig", newline="")
    except OSError as problem:
        hint = f"`{setting}:` is a path beside city.yaml"
        raise ConfigInvalid(f"{path}: {problem.strerror}", hint=hint) from None
    line = 1
    with handle:
        try:
            sample = handle.readline()
            handle.seek(0)
            reader = csv.reader(handle, delimiter=max(",;\t", key=sample.count))
            header = [cell.strip().casefold() for cell in next(reader, [])]
            written = header
            header = _as_meant(path, written, needed, called or {})
            _check(path, header, columns, needed, others, written)
            for row in reader:
                line = reader.line_num
                if any(cell.strip() for cell in row):
                    cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
                    yield Row(cells, f"{path}:{line}")
        except UnicodeDecodeError as problem:
            raise ConfigInvalid(f"{path}: {problem.reason}", hint="save it as UTF-8 CSV") from None
        except csv.Error as problem:
            raise ConfigInvalid(f"{path}:{line}: {problem}", hint="save it as UTF-8 CSV") from None


def _as_meant(
    path: Path, header: list[str], needed: Sequence[str], called: Mapping[str, Sequence[str]]
) -> list[str]:
    """The heads, each that is another word for a column that is not there by that column's own name."""
    meant = {}
    for column, words in called.items():
        there = [word for word in words if word in header]
        if column in header or not there:
            continue
        if column in needed and len(there) > 1:
            raise ConfigInvalid(
                f"{path}:1: {listed(f'`{word}`' for word in there)} may each be the column `{column}`",
                hint=f"rename the one that holds it to `{column}` in line 1",
            )
        meant[there[0]] = column
    return [meant.get(name, name) for name in header]


def _check(
    path: Path,
    header: list[str],
    columns: Sequence[str],
    needed: Sequence[str],
    others: bool,
    written: list[str],
) -> None:
    unknown = [] if others else [name for name in header if name not in columns]
    lacking = [name for name in needed if name not in header]
    for name in unknown:
        if match := near(name, lacking or columns):
            raise ConfigInvalid(f"{path}:1: unknown column `{name}`", hint=f"did you mean `{match}`?")
    if lacking:
        raise ConfigInvalid(
            f"{path}:1: no column {listed(f'`{name}`' for name in lacking)}",
            tried=[f"columns there: {listed(written) or 'none'}"],
            hint=f"write {listed(f'`{name}`' for name in lacking)} in line 1 above the cells that hold it; "
            f"columns: {listed(columns)}{', and any others' if others else ''}",
        )
    if unknown:
        raise ConfigInvalid(f"{path}:1: unknown column `{unknown[0]}`", hint=f"columns: {listed(columns)}")


def order_of(texts: Iterable[str]) -> str | None:
    """DAY_FIRST or MONTH_FIRST, where dates such as 20/7/2026 among a file's cells can be read in one way only."""
    pairs = [(int(told[1]), int(told[2])) for text in texts if (told := _SLASHED.match(text))]
    day_first, month_first = any(one > 12 for one, _ in pairs), any(other > 12 for _, other in pairs)
    if day_first == month_first:
        return None
    return DAY_FIRST if day_first else MONTH_FIRST


def read_moment(text: str, order: str | None = None) -> datetime | None:
    """A cell's time: 2026-05-01 or 1.5.2026, with or without a time of day behind it; None of anything else.

    1/5/2026 is the first of May in one country and the fifth of January in another: it is no date unless the `order` of
    its file's dates is known, see order_of.
    """
    if order is not None:
        text = _SLASHED.sub(r"\1.\2.\3" if order == DAY_FIRST else r"\2.\1.\3", text, count=1)
    dotted = _DOTTED.fullmatch(text)
    try:
        if dotted is None:
            return datetime.fromisoformat(text)
        day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  as it is written
    except ValueError:
        return None


def known_zone(city: City, name: str, place: str) -> str:
    """The name of a zone of the city. Raises ConfigInvalid with the near match."""
    if name not in city.zones:
        match = near(name, city.zones)
        hint = f"did you mean `{match}`?" if match else f"there are: {listed(city.zones)}"
        raise ConfigInvalid(f"{place}: no zone `{name}`", hint=hint)
    return name
