"""Tariffs as others write them, as recipes: URDB-shaped JSON, and CSV with a row for each charge.

Nothing is left out in silence: a field that cannot be said in a recipe is an error that names it.
Sources: OpenEI Utility Rate Database, API version 7, field names; the CSV of Chapin et al. (2024), "Energy and
demand charges of 100 wastewater treatment plants", with one row a charge.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from cityctl.errors import ConfigInvalid, InputRefused
from cityctl.tariff.model import from_text
from cityctl.tariff.when import DAYS

Entry = dict[str, Any]


def recipe_text(path: Path, name: str, *, utility: str = "electric") -> str:
    """The YAML of a tariff that a file holds. Raises InputRefused for what is neither, or cannot be said."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise InputRefused(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise InputRefused(f"{path}: {problem.reason}", hint="save it as UTF-8") from None
    read: Callable[[str, str, Path], Entry] = _from_urdb if text.lstrip()[:1] in "{[" else _csv_of(utility)
    tariff = {"tariff": name, **read(text, name, path)}
    import yaml

    said = yaml.safe_dump(tariff, sort_keys=False, allow_unicode=True, width=110)
    try:
        from_text(said, Path(f"{name}.yaml"))
    except ConfigInvalid as problem:
        raise InputRefused(f"{path}: makes no tariff: {problem.message}", hint=problem.hint) from None
    return said


def _csv_of(utility: str) -> Callable[[str, str, Path], Entry]:
    def read(text: str, name: str, path: Path) -> Entry:
        return _from_csv(text, name, path, utility)

    return read


def _from_csv(text: str, name: str, path: Path, utility: str) -> Entry:
    reader = csv.DictReader(io.StringIO(text))
    wanted = {
        "utility",
        "type",
        "month_start",
        "month_end",
        "hour_start",
        "hour_end",
        "weekday_start",
        "weekday_end",
    }
    lacking = wanted - set(reader.fieldnames or ())
    if lacking:
        raise InputRefused(
            f"{path}:1: neither URDB JSON nor a CSV of charges: no column {', '.join(sorted(lacking))}"
        )
    version: Entry = {"standing": [], "energy": [], "demand": []}
    there = []
    for row in reader:
        there.append(row["utility"])
        if row["utility"] != utility:
            continue
        place = f"{path}:{reader.line_num}"
        kind = row["type"]
        try:
            price = float(row.get("charge (metric)") or row.get("charge") or "")
            if kind == "customer":
                version["standing"].append({"name": "customer", "price": price, "per": "month"})
                continue
            if kind not in ("energy", "demand"):
                raise InputRefused(f"{place}: a charge of type `{kind}` cannot be said in a recipe")
            entry = _times(row)
            limit = float(row.get("basic_charge_limit (metric)") or 0)
        except ValueError:
            raise InputRefused(f"{place}: a number is wanted where none is") from None
        if kind == "energy":
            entry |= {"name": row.get("period") or "energy", "price": price}
            if limit:
                entry["above"] = limit
        else:
            if limit:
                raise InputRefused(f"{place}: demand in tiers cannot be said in a recipe")
            entry |= {"name": row.get("period") or "demand", "price": price}
        version[kind].append({key: entry[key] for key in ("name", "price", *entry) if key in entry})
    if not any(version.values()):
        raise InputRefused(
            f"{path}: no charge of `{utility}`: there are {', '.join(sorted(set(there))) or 'none'}"
        )
    unit = {} if utility == "electric" else {"unit": "m3"}
    used = {key: entries for key, entries in version.items() if entries}
    return {"title": f"{name}, from {path.name}", "currency": "USD", **unit, "versions": [used]}


def _times(row: dict[str, str]) -> Entry:
    """Months, hours and days of a CSV's row; 0 is Monday, the last month and day are included."""
    first, last = int(row["month_start"]), int(row["month_end"])
    start, end = float(row["hour_start"]), float(row["hour_end"])
    monday, sunday = int(row["weekday_start"]), int(row["weekday_end"])
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


_PRICED = ("mincharge", "minmonthlycharge", "annualmincharge", "coincidentratestructure", "fueladjustmentsmonthly",
           "energyattrs", "demandreactivepowercharge")  # fmt: skip


def _from_urdb(text: str, name: str, path: Path) -> Entry:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as problem:
        raise InputRefused(f"{path}:{problem.lineno}:{problem.colno}: {problem.msg}") from None
    if isinstance(found, dict) and isinstance(found.get("items"), list):
        found = found["items"][0] if len(found["items"]) == 1 else found["items"]
    if isinstance(found, list):
        raise InputRefused(f"{path}: holds {len(found)} rates", hint="keep the one that is wanted")
    for field in _PRICED:
        if found.get(field) and any(_numbers(found[field])):
            raise InputRefused(f"{path}: `{field}` cannot be said in a recipe")
    version: Entry = {}
    if started := found.get("startdate"):
        version["from"] = datetime.fromtimestamp(int(started), UTC).date()
    version["window"] = {15: "15m", 30: "30m", 60: "60m"}.get(
        int(float(found.get("demandwindow") or 15)), "15m"
    )
    version["standing"] = _standing(found, path)
    version["energy"] = _energy(found, path)
    version["demand"] = [*_flat_demand(found, path), *_timed_demand(found, path)]
    _look_back(found, version["demand"], path)
    title = " ".join(str(found[key]) for key in ("utility", "name") if found.get(key)) or name
    used = {key: value for key, value in version.items() if value}
    return {"title": title, "currency": "USD", "versions": [used]}


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    if isinstance(value, dict):
        return [number for one in value.values() for number in _numbers(one)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _standing(found: Entry, path: Path) -> list[Entry]:
    amount = found.get("fixedchargefirstmeter") or found.get("fixedmonthlycharge")
    if not amount:
        return []
    per = {"$/month": "month", "$/day": "day"}.get(str(found.get("fixedchargeunits") or "$/month"))
    if per is None:
        raise InputRefused(
            f"{path}: a fixed charge in `{found['fixedchargeunits']}` cannot be said in a recipe"
        )
    return [{"name": "fixed charge", "price": float(amount), "per": per}]


def _energy(found: Entry, path: Path) -> list[Entry]:
    entries = []
    for period, tiers in enumerate(found.get("energyratestructure") or ()):
        times = _schedule(found, "energy", period)
        above = 0.0
        for place, tier in enumerate(tiers):
            if tier.get("unit", "kWh") != "kWh":
                raise InputRefused(f"{path}: an energy tier in `{tier['unit']}` cannot be said in a recipe")
            price = float(tier.get("rate") or 0) + float(tier.get("adj") or 0)
            name = f"period {period + 1}" + (f" tier {place + 1}" if len(tiers) > 1 else "")
            if len(times) > 1 and len(tiers) > 1:
                raise InputRefused(f"{path}: tiers over several kinds of day cannot be said in a recipe")
            entries += [
                {"name": name, "price": price, **when, **({"above": above} if above else {})}
                for when in times
            ]
            above = float(tier.get("max") or 0)
    return entries


def _flat_demand(found: Entry, path: Path) -> list[Entry]:
    months = found.get("flatdemandmonths") or []
    entries = []
    for period, tiers in enumerate(found.get("flatdemandstructure") or ()):
        chosen = [month + 1 for month, at in enumerate(months) if at == period]
        if chosen:
            when = {} if len(chosen) == 12 else {"months": chosen}
            entries.append(
                {"name": f"demand {period + 1}", "price": _one_tier(tiers, path), **_unit(found), **when}
            )
    return entries


def _timed_demand(found: Entry, path: Path) -> list[Entry]:
    return [
        {"name": f"demand in period {period + 1}", "price": price, **_unit(found), **when}
        for period, tiers in enumerate(found.get("demandratestructure") or ())
        if (price := _one_tier(tiers, path))
        for when in _schedule(found, "demand", period)
    ]


def _one_tier(tiers: list[Entry], path: Path) -> float:
    if len(tiers) > 1:
        raise InputRefused(f"{path}: demand in tiers cannot be said in a recipe")
    return float(tiers[0].get("rate") or 0) + float(tiers[0].get("adj") or 0)


def _unit(found: Entry) -> Entry:
    return (
        {"of": "kVA"} if found.get("demandrateunit") == "kVA" or found.get("flatdemandunit") == "kVA" else {}
    )


def _schedule(found: Entry, kind: str, period: int) -> list[Entry]:
    """When a period holds: months with the same hours together, weekdays and weekends apart."""
    weekday, weekend = (found.get(f"{kind}{days}schedule") or [] for days in ("weekday", "weekend"))
    by_hours: dict[tuple[str, str], list[int]] = {}
    for month in range(12):
        pair = tuple(_hours(table[month], period) if table else "" for table in (weekday, weekend))
        by_hours.setdefault((pair[0], pair[1]), []).append(month + 1)
    times: list[Entry] = []
    for (on_weekdays, on_weekends), months in by_hours.items():
        when: Entry = {} if len(months) == 12 else {"months": months}
        if on_weekdays == on_weekends:
            times += [{**when, **_said_hours(on_weekdays)}] if on_weekdays else []
            continue
        for hours, days in ((on_weekdays, "weekdays"), (on_weekends, "weekends")):
            if hours:
                times.append({**when, "days": days, **_said_hours(hours)})
    return times


def _said_hours(hours: str) -> Entry:
    return {} if hours == "0-24" else {"hours": hours.split(",")}


def _hours(row: list[int], period: int) -> str:
    runs = []
    for at, hours in groupby(enumerate(row), key=lambda pair: pair[1]):
        held = [hour for hour, _ in hours]
        if at == period:
            runs.append(f"{held[0]}-{held[-1] + 1}")
    return ",".join(runs)


def _look_back(found: Entry, demands: list[Entry], path: Path) -> None:
    """A ratchet on every demand: lookbackPercent of the highest demand of the last lookbackRange months."""
    share = found.get("lookbackPercent") or found.get("lookbackpercent") or 0
    months = found.get("lookbackRange") or found.get("lookbackrange") or 0
    shares = {float(one) for one in found.get("demandratchetpercentage") or () if one}
    if len(shares) > 1:
        raise InputRefused(f"{path}: a ratchet that differs by month cannot be said in a recipe")
    if shares and not share:
        share, months = shares.pop(), months or 11
    if share:
        ratchet = {"share": float(share) / (100 if float(share) > 1 else 1), "months": int(months or 11)}
        for demand in demands:
            demand["ratchet"] = ratchet
