"""A CSV with a row for each charge as a tariff.

Source: the CSV of Chapin et al. (2024), "Energy and demand charges of 100 wastewater treatment plants": 0 is Monday,
the last month and day are included, the last hour is not. A limit counts the whole month's use, at whatever hours it
was; demand rows of one period are one charge, rows without a period are charges of their own.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cityctl.errors import InputRefused
from cityctl.tariff.when import DAYS

Entry = dict[str, Any]
Spans = tuple[date | None, date | None]  # the first day of a charge and the day after its last one

_WANTED = (
    "utility",
    "type",
    "month_start",
    "month_end",
    "hour_start",
    "hour_end",
    "weekday_start",
    "weekday_end",
)
_PARTS = {"customer": "standing", "energy": "energy", "demand": "demand", "export": "sell"}
_UNITS = {
    "customer": {"$/month": "month", "$/day": "day", "$/year": "year"},
    "energy": {"$/kWh": "", "$/therm or $/m3": "", "$/m3": ""},
    "demand": {"$/kW": "", "$/kVA": "kVA", "$/kW/day": "", "$/therm/hr or $/m3/hr": "", "$/m3/hr": ""},
    "export": {"$/kWh": "", "$/m3": ""},
}


def read(text: str, name: str, path: Path, utility: str) -> Entry:
    """The charges of one utility. Raises InputRefused with the line of what cannot be said in a recipe."""
    reader = csv.DictReader(io.StringIO(text))
    try:
        lacking = set(_WANTED) - set(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as problem:
        raise InputRefused(f"{path}: neither URDB JSON nor a CSV of charges: {problem}") from None
    if lacking:
        raise InputRefused(
            f"{path}:1: neither URDB JSON nor a CSV of charges: no column {', '.join(sorted(lacking))}"
        )
    charges: list[tuple[Spans, str, Entry]] = []
    there = []
    for line, row in rows:
        there.append(row["utility"])
        if row["utility"] != utility:
            continue
        place = f"{path}:{line}"
        kind = row["type"]
        if kind not in _PARTS:
            raise InputRefused(f"{place}: a charge of type `{kind}` cannot be said in a recipe")
        try:
            charges.append((_spans(row), _PARTS[kind], _charge(row, kind, place, charges)))
        except ValueError:
            raise InputRefused(
                f"{place}: a number (or a day as 2024-05-31) is wanted where none is"
            ) from None
    if not charges:
        raise InputRefused(
            f"{path}: no charge of `{utility}`: there are {', '.join(sorted(set(there))) or 'none'}"
        )
    unit = {} if utility == "electric" else {"unit": "m3"}
    return {"title": f"{name}, from {path.name}", "currency": "USD", **unit, "versions": _versions(charges)}


def _charge(row: dict[str, str], kind: str, place: str, before: list[tuple[Spans, str, Entry]]) -> Entry:
    price = float(row.get("charge (metric)") or row.get("charge") or "")
    known = _UNITS[kind]
    unit = (row.get("units") or next(iter(known))).strip()
    if unit not in known:
        raise InputRefused(f"{place}: a charge in `{unit}` cannot be said in a recipe")
    limit = float(row.get("basic_charge_limit (metric)") or row.get("basic_charge_limit") or 0)
    called = (row.get("name") or row.get("period") or "").strip()
    if kind == "customer":
        if limit:
            raise InputRefused(f"{place}: a customer charge with a limit cannot be said in a recipe")
        return {"name": called or "customer", "price": price, "per": known[unit]}
    entry: Entry = {"name": called or kind, "price": price, **_times(row)}
    if kind == "export":
        if limit:
            raise InputRefused(f"{place}: an export price with a limit cannot be said in a recipe")
        return entry
    if limit:
        entry["above"] = limit
    if kind == "demand":
        if not called:
            rows = sum(part == "demand" and one.get("above", 0) == limit for _, part, one in before)
            entry["name"] = f"demand {rows + 1}"
        if (row.get("assessed") or "monthly").strip() == "daily" or unit.endswith("/day"):
            entry["per"] = "day"
        if known[unit]:
            entry["of"] = known[unit]
    return entry


def _times(row: dict[str, str]) -> Entry:
    first, last = int(row["month_start"]), int(row["month_end"])
    start, end = float(row["hour_start"]), float(row["hour_end"])
    monday, sunday = int(row["weekday_start"]), int(row["weekday_end"])
    if not (0 <= monday <= 6 and 0 <= sunday <= 6):
        raise ValueError
    entry: Entry = {}
    if (first, last) != (1, 12):
        entry["months"] = f"{first}-{last}" if first != last else str(first)
    if (start, end) != (0, 24):
        entry["hours"] = f"{_clock(start)}-{_clock(end)}"
    if (monday, sunday) != (0, 6):
        entry["days"] = f"{DAYS[monday]}-{DAYS[sunday]}" if monday != sunday else DAYS[monday]
    return entry


def _clock(hour: float) -> str:
    minutes = round(hour * 60)
    return str(minutes // 60) if minutes % 60 == 0 else f"{minutes // 60}:{minutes % 60:02d}"


def _spans(row: dict[str, str]) -> Spans:
    """From when and until when a charge holds; None where the row does not say."""
    first, last = (row.get(f"effective_{edge}_date") or "" for edge in ("start", "end"))
    return (
        date.fromisoformat(first.strip()[:10]) if first.strip() else None,
        date.fromisoformat(last.strip()[:10]) + timedelta(days=1) if last.strip() else None,
    )


def _versions(charges: list[tuple[Spans, str, Entry]]) -> list[Entry]:
    """The charges that hold together, from each day on which one of them begins or ends."""
    cuts = sorted({day for spans, _, _ in charges for day in spans if day is not None})
    versions: list[Entry] = []
    for start in [None, *cuts]:
        version: Entry = {} if start is None else {"from": start}
        entries: dict[str, list[Entry]] = {part: [] for part in _PARTS.values()}
        for (first, last), part, entry in charges:
            begun = first is None or (start is not None and first <= start)
            if begun and (last is None or start is None or start < last):
                entries[part].append(dict(entry))
        held = {part: each for part, each in entries.items() if each}
        if any(one.get("above") for one in held.get("energy", ())):
            for one in held["energy"]:
                one["group"] = "whole month"
        if held or versions:
            versions.append({**version, **held})
    return versions
