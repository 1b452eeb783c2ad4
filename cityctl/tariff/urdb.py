"""A rate as the Utility Rate Database writes it, as a tariff.

Source: OpenEI Utility Rate Database, API version 7: names, units and meaning of the fields. `adj` is added to `rate`;
schedules hold a period for each hour of each month, for weekdays and for weekends. Where the periods of a month have
the same tiers these count the whole month's use in order of time, as SAM's utilityrate5 does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from cityctl.errors import InputRefused

Entry = dict[str, Any]

# Charges that no recipe can say; a rate that has one is refused.
_UNSAID = (
    "coincidentratestructure",
    "coincidentrateschedule",
    "fueladjustmentsmonthly",
    "demandreactivepowercharge",
)
_WITH_TIMES = "coincident"  # the database does not say when the network has its peaks
_KW_OF_HP = 0.745699872  # mechanical horsepower: 550 ft lbf/s
# The camel-case names of the database's own dump: the same things in another shape.
_DUMP = ("energyRateStrux", "flatDemandStrux", "demandRateStrux", "energyWeekdaySched")
_TIERS = {"kWh": "month", "kWh daily": "day", "kWh/kW": "kW", "kWh/kW daily": "kW day"}
_DEMAND = {
    "kW": ("kW", "month"),
    "hp": ("kW", "month"),
    "hp daily": ("kW", "day"),
    "kVA": ("kVA", "month"),
    "kW daily": ("kW", "day"),
    "kVA daily": ("kVA", "day"),
}
_FIXED = {"$/month": "month", "$/day": "day", "$/year": "year"}
_WINDOWS = {5: "5m", 10: "10m", 15: "15m", 30: "30m", 60: "60m"}


def read(text: str, name: str, path: Path) -> Entry:
    """One rate. Raises InputRefused with the name of the field that cannot be said in a recipe."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as problem:
        raise InputRefused(f"{path}:{problem.lineno}:{problem.colno}: {problem.msg}") from None
    if isinstance(found, dict) and isinstance(found.get("items"), list):
        found = found["items"][0] if len(found["items"]) == 1 else found["items"]
    if isinstance(found, list):
        raise InputRefused(f"{path}: holds {len(found)} rates", hint="keep the one that is wanted")
    try:
        return _rate(found, name, path)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError) as problem:
        raise InputRefused(f"{path}: not as the database writes a rate: {problem}") from None


def _rate(found: Entry, name: str, path: Path) -> Entry:
    for field in _DUMP:
        if field in found:
            raise InputRefused(
                f"{path}: `{field}` is a field of the database's dump",
                hint="fetch the rate from its API, version 7",
            )
    for field in _UNSAID:
        if found.get(field) and any(_numbers(found[field])):
            hint = "leave it out, and give the recipe a demand `at` the local times of the network's peaks"
            raise InputRefused(
                f"{path}: `{field}` cannot be said in a recipe",
                hint=hint if field.startswith(_WITH_TIMES) else None,
            )
    version: Entry = {}
    if started := found.get("startdate"):
        version["from"] = datetime.fromtimestamp(int(started), UTC).date()
    window = float(found.get("demandwindow") or 15)
    if window not in _WINDOWS:
        raise InputRefused(f"{path}: a `demandwindow` of {window:g} min cannot be said in a recipe")
    version["window"] = _WINDOWS[int(window)]
    version["standing"] = _standing(found, path)
    version["energy"] = _energy(found, path)
    version["demand"] = [*_flat_demand(found, path), *_timed_demand(found, path)]
    version["sell"] = _sell(found, path)
    if str(found.get("dgrules") or "").strip() == "Net Metering" or found.get("usenetmetering") is True:
        version["net_metering"] = True
    version |= _minimum(found, path)
    version["annual_minimum"] = float(found.get("annualmincharge") or 0) + version.get("annual_minimum", 0.0)
    _look_back(found, version["demand"], path)
    if not any(version.get(part) for part in ("standing", "energy", "demand", "minimum", "annual_minimum")):
        raise InputRefused(
            f"{path}: no charge in it",
            hint="wanted are fields as `energyratestructure`, `flatdemandstructure`",
        )
    title = " ".join(str(found[key]) for key in ("utility", "name") if found.get(key)) or name
    if ended := found.get("enddate"):
        title += f" (ended on {datetime.fromtimestamp(int(ended), UTC).date()})"
    used = {
        key: value for key, value in version.items() if value and (key, value) != ("minimum_per", "month")
    }
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
    unit = str(found.get("fixedchargeunits") or "$/month")
    if unit not in _FIXED:
        raise InputRefused(f"{path}: a fixed charge in `{unit}` cannot be said in a recipe")
    return [{"name": "fixed charge", "price": float(amount), "per": _FIXED[unit]}]


def _minimum(found: Entry, path: Path) -> Entry:
    amount = float(found.get("mincharge") or found.get("minmonthlycharge") or 0)
    unit = str(found.get("minchargeunits") or "$/month")
    if amount and unit not in _FIXED:
        raise InputRefused(f"{path}: `mincharge` in `{unit}` cannot be said in a recipe")
    if not amount:
        return {}
    per = _FIXED[unit]
    return {"annual_minimum": amount} if per == "year" else {"minimum": amount, "minimum_per": per}


def _energy(found: Entry, path: Path) -> list[Entry]:
    entries: list[Entry] = []
    schedules = [
        _schedule(found, "energy", at, path) for at in range(len(found.get("energyratestructure") or ()))
    ]
    together = _tiers_together(found)
    for period, times in enumerate(schedules):
        tiers = found["energyratestructure"][period]
        above, unit = 0.0, "kWh"
        for place, tier in enumerate(tiers):
            own = str(tier.get("unit") or "kWh")
            if own not in _TIERS:
                raise InputRefused(f"{path}: an energy tier in `{own}` cannot be said in a recipe")
            if place and above <= 0:
                raise InputRefused(
                    f"{path}: tier {place} of period {period} has no `max`, and another follows"
                )
            name = f"period {period + 1}" + (f" tier {place + 1}" if len(tiers) > 1 else "")
            entry: Entry = {"name": name, "price": _price(tier)}
            if above:
                entry["above"] = above
                if _TIERS[unit] != "month":
                    entry["above_per"] = _TIERS[unit]
            if len(tiers) > 1:
                entry["group"] = "whole month" if together else f"period {period + 1}"
            entries += [{**entry, **when} for when in times]
            above, unit = float(tier.get("max") or 0), own
    return entries


def _tiers_together(found: Entry) -> bool:
    """Whether periods that share a month have the same tiers: then these count the whole month's use."""
    limits = [
        [(tier.get("max"), tier.get("unit")) for tier in tiers[:-1]]
        for tiers in found.get("energyratestructure") or ()
    ]
    weekday, weekend = (found.get(f"energy{days}schedule") or [] for days in ("weekday", "weekend"))
    months = [{*first, *second} for first, second in zip(weekday, weekend, strict=False)]
    return all(limits[one] == limits[other] for held in months for one in held for other in held)


def _price(tier: Entry) -> float:
    return round(float(tier.get("rate") or 0) + float(tier.get("adj") or 0), 12)


def _sell(found: Entry, path: Path) -> list[Entry]:
    """What each period pays for what is fed in; tiers of it cannot be said."""
    entries: list[Entry] = []
    for period, tiers in enumerate(found.get("energyratestructure") or ()):
        prices = {float(tier.get("sell") or 0) for tier in tiers}
        if prices == {0.0}:
            continue
        if len(prices) > 1:
            raise InputRefused(f"{path}: a `sell` price in tiers cannot be said in a recipe")
        entries += [
            {"name": f"feed-in in period {period + 1}", "price": prices.copy().pop(), **when}
            for when in _schedule(found, "energy", period, path)
        ]
    return entries


def _flat_demand(found: Entry, path: Path) -> list[Entry]:
    months = found.get("flatdemandmonths") or []
    structure = found.get("flatdemandstructure") or ()
    if structure and not months:
        if len(structure) > 1:
            raise InputRefused(
                f"{path}: `flatdemandstructure` has several periods, and no `flatdemandmonths`"
            )
        months = [0] * 12
    entries: list[Entry] = []
    for period, tiers in enumerate(structure):
        chosen = [month + 1 for month, at in enumerate(months) if at == period]
        if chosen:
            when = {} if len(chosen) == 12 else {"months": chosen}
            said = found.get("flatdemandunit")
            unit = _unit(said, "flatdemandunit", path)
            entries += _demand_tiers(f"demand {period + 1}", _of_kw(tiers, said), unit, [when], path)
    return entries


def _timed_demand(found: Entry, path: Path) -> list[Entry]:
    said = found.get("demandrateunit")
    unit = _unit(said, "demandrateunit", path)
    entries: list[Entry] = []
    for period, tiers in enumerate(found.get("demandratestructure") or ()):
        if any(_price(tier) for tier in tiers):
            times = _schedule(found, "demand", period, path)
            entries += _demand_tiers(f"demand in period {period + 1}", _of_kw(tiers, said), unit, times, path)
    return entries


def _demand_tiers(name: str, tiers: list[Entry], unit: Entry, times: list[Entry], path: Path) -> list[Entry]:
    entries: list[Entry] = []
    above = 0.0
    for place, tier in enumerate(tiers):
        if place and above <= 0:
            raise InputRefused(f"{path}: tier {place} of {name} has no `max`, and another follows")
        entry: Entry = {"name": name, "price": _price(tier), **unit, **({"above": above} if above else {})}
        entries += [{**entry, **when} for when in times]
        above = float(tier.get("max") or 0)
    return entries


def _of_kw(tiers: list[Entry], said: Any) -> list[Entry]:
    """Tiers whose prices and limits are by the horsepower, by the kW."""
    if not str(said or "").startswith("hp"):
        return tiers
    return [
        {
            **tier,
            "rate": _price(tier) / _KW_OF_HP,
            "adj": 0,
            **({"max": float(tier["max"]) * _KW_OF_HP} if tier.get("max") else {}),
        }
        for tier in tiers
    ]


def _unit(said: Any, field: str, path: Path) -> Entry:
    unit = str(said or "kW")
    if unit not in _DEMAND:
        raise InputRefused(f"{path}: a `{field}` of `{unit}` cannot be said in a recipe")
    of, per = _DEMAND[unit]
    return {key: value for key, value, usual in (("of", of, "kW"), ("per", per, "month")) if value != usual}


def _schedule(found: Entry, kind: str, period: int, path: Path) -> list[Entry]:
    """When a period holds: months with the same hours together, weekdays and weekends apart."""
    weekday, weekend = (found.get(f"{kind}{days}schedule") or [] for days in ("weekday", "weekend"))
    if not weekday and not weekend:
        if len(found[f"{kind}ratestructure"]) > 1:
            raise InputRefused(
                f"{path}: `{kind}ratestructure` has several periods, and there is no schedule of them"
            )
        return [{}]
    most = len(found[f"{kind}ratestructure"]) - 1
    for days, table in (("weekday", weekday), ("weekend", weekend)):
        where = f"{path}: `{kind}{days}schedule`"
        if len(table) != 12 or any(len(row) != 24 for row in table):
            raise InputRefused(f"{where} is not 12 months of 24 hours")
        if (named := max(map(max, table))) > most:
            raise InputRefused(f"{where} names period {named}, and the last one is {most}")
    by_hours: dict[tuple[str, str], list[int]] = {}
    for month in range(12):
        pair = (_hours(weekday[month], period), _hours(weekend[month], period))
        by_hours.setdefault(pair, []).append(month + 1)
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
    looked = found.get("lookbackMonths") or found.get("lookbackmonths") or []
    shares = {float(one) for one in found.get("demandratchetpercentage") or () if one}
    if len(shares) > 1:
        raise InputRefused(f"{path}: a ratchet that differs by month cannot be said in a recipe")
    if shares and not share:
        share, months = shares.pop(), months or 11
    if not share:
        return
    ratchet: Entry = {"share": float(share) / (100 if float(share) > 1 else 1), "months": int(months or 11)}
    of = [place + 1 for place, held in enumerate(looked) if held]
    if of and len(of) < 12:
        ratchet["of"] = of
    for demand in demands:
        if demand.get("per") == "day":
            raise InputRefused(f"{path}: a ratchet on demand of each day cannot be said in a recipe")
        demand["ratchet"] = ratchet
