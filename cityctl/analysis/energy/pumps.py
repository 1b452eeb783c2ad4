"""Pumps: what each m³ costs, how good they are and whether they wear, which to run, and in which hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from cityctl.analysis.energy import pumping
from cityctl.analysis.energy.network_balance import by_window, with_next
from cityctl.analysis.energy.pump_station import HOURS, PumpPoints, head_of, pumps_of, tank_of
from cityctl.analysis.energy.pump_words import BEST, BY_KEY, NOTES, PUMPS, SHIFT, TOGETHER
from cityctl.analysis.energy.pump_words import COLUMNS as _COLUMNS
from cityctl.analysis.energy.tariffs import load as load_tariff
from cityctl.analysis.energy.windowed import sum_up
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.tariff.model import Tariff
from cityctl.tariff.scenarios import prices
from cityctl.tariff.terms import Energy, Version
from cityctl.tariff.use import Use

TITLE = "Pumps"
COLUMNS = _COLUMNS
SUMMARY = "efficiency, wear and cost of each pump and combination, and the value of other hours"
PARAMETERS = (
    Parameter(
        "tariff", "text", None, None, "recipe of recipes/tariffs; city.yaml's price of power where left out"
    ),
    Parameter(
        "worse",
        "share",
        0.2,
        None,
        "more energy for each m³ and m of head than the station's best: worn",
        least=0,
    ),
    Parameter("tank_low", "share", 0.3, None, "the tank is never to be emptier than this", least=0, most=1),
    Parameter("tank_high", "share", 0.95, None, "the tank is never to be fuller than this", least=0, most=1),
    Parameter(
        "good",
        "share",
        0.5,
        None,
        "wire-to-water efficiency below which a pump is worth a look",
        least=0,
        most=1,
    ),
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Flow, head and power of pumps, and levels of their tanks."""
    del parameters
    pumps = pumps_of(city)
    tanks = [tank.level for zone in {one.zone for one in pumps} if (tank := tank_of(city, zone)) is not None]
    return sorted({point for one in pumps for point in one.all} | set(tanks))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it, which tell the last rise of counters."""
    del parameters, city
    return with_next(interval)


def answer(question: Question) -> Result:
    """Each pump with its verdict, the combinations, the cheapest for each duty, and the value of other hours."""
    pumps = pumps_of(question.city)
    if not pumps:
        raise UsageProblem(
            "no pump in city.yaml",
            hint="assets: {pump-1: {kind: pump}}, and points of its flow, head and power with `asset: pump-1`",
        )
    at, values = _values(question)
    if not len(at):
        hint = "`cityctl data status` lists the points"
        raise UsageProblem(f"no readings of a pump in {question.interval}", hint=hint)
    tariff = _tariff(question)
    price = None if tariff is None else _prices(question, tariff, at)
    lacking = [Missing(one.asset, f"no {one.lacking} is metered") for one in pumps if one.lacking]
    lacking += [Missing("price", doubt) for doubt in (tariff.doubts() if tariff is not None else [])]
    arrays = {one.asset: _Arrays(one, values, question.city, len(at)) for one in pumps if not one.lacking}
    for one in arrays.values():
        one.share([other for other in arrays.values() if other.pump.zone == one.pump.zone])
    day = at.astype("datetime64[D]").astype(int)
    best = _best_specific(arrays)
    rows, findings = [], []
    for name, one in arrays.items():
        row, verdict = _row(question, one, day, price, best.get(one.pump.zone))
        rows.append(row)
        if verdict != "normal":
            findings.append(
                Finding("pump", question.city.assets[name].name or name, question.interval.start, verdict)
            )
    rows.sort(key=lambda row: (row[-1] == "normal", str(row[0])))
    currency = question.city.currency if tariff is None else tariff.currency
    tables = [Table("pumps", TITLE, _columns(PUMPS, currency), rows)]
    stations = sorted({one.pump.zone or "" for one in arrays.values()})
    together, choice, shift = [], [], []
    for station in stations:
        members = [one for one in arrays.values() if (one.pump.zone or "") == station]
        together += _together(station, members)
        choice += _choice(station, members)
        shift += _shift(question, station, members, at, values, price)
    for key, title, columns, found in (
        ("together", "Combinations, the cheapest first", TOGETHER, together),
        ("choice", "The cheapest combination for each duty", BEST, choice),
        ("shift", "The value of other hours", SHIFT, shift),
    ):
        if found:
            tables.append(Table(key, title, _columns(columns, currency), found))
    return Result(
        title=TITLE,
        tables=tables,
        interval=question.interval,
        findings=findings,
        completeness=Completeness(len(pumps), len(arrays), lacking, "pumps"),
        notes=list(NOTES),
        summary=f"{len(findings)} of {len(arrays)} pumps are worth a look",
    )


class _Arrays:
    """One pump's windows: flow [m³/h], head [m], power [kW], whether it ran; `part` is its part of a shared flow."""

    def __init__(self, pump: PumpPoints, values: dict[str, Any], city: City, size: int) -> None:
        import numpy as np

        nothing = np.full(size, np.nan)
        self.pump = pump
        self.power = values.get(str(pump.power), nothing)
        self.on = pumping.running(self.power)
        self.flow = self.part = values.get(str(pump.flow), nothing)
        self.head = head_of(pump, values, city, size)

    def share(self, station: list[_Arrays]) -> None:
        """Of a flow that a station shares: all of it while this pump runs alone, else its part by power."""
        import numpy as np

        if self.pump.shares:
            others = [one for one in station if one.pump.flow == self.pump.flow]
            used = np.array([np.where(one.on, np.nan_to_num(one.power), 0.0) for one in others])
            alone = np.array([one.on for one in others]).sum(axis=0) == 1
            total = used.sum(axis=0)
            mine = np.where(self.on, np.nan_to_num(self.power), 0.0)
            self.part = self.flow * np.where(total > 0, mine / np.where(total > 0, total, 1.0), 0.0)
            self.flow = np.where(alone & self.on, self.flow, np.nan)
        self.duty = pumping.duty(HOURS, self.flow, self.head, self.power, self.on)


def _columns(keys: tuple[str, ...], currency: str) -> list[Column]:
    return [
        replace(BY_KEY[key], unit=str(BY_KEY[key].unit).replace("money", currency))
        if str(BY_KEY[key].unit).startswith("money")
        else BY_KEY[key]
        for key in keys
    ]


def _values(question: Question) -> tuple[Any, dict[str, Any]]:
    """(starts of the quarters of an hour, point -> its mean in each; nan where there is none).

    Counters and intervals are rates of their quarter, [kW] or [m³/h]; what is read more seldom holds until the next.
    """
    import numpy as np
    import pyarrow as pa

    known = question.city.points()
    names = points(question.city, question.parameters)
    quarter = np.timedelta64(15, "m")
    start, end = (
        np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
        for moment in (question.interval.start, question.interval.end)
    )
    first = start - (start - np.datetime64(0, "us")) % quarter
    grid = np.arange(first, end, quarter)
    values: dict[str, Any] = {}
    summed = [name for name in names if known[name].kind in ("counter", "interval")]
    if summed:
        sum_up(question, summed, 15)
        values = by_window(question, summed, 15)
    wanted: dict[str, Any] = {"point": pa.array([name for name in names if name not in values], pa.string())}
    question.engine.register("pump_points", pa.table(wanted))
    table = question.engine.arrow(question.sql("quarters"))
    owner = np.array(table["point"].to_pylist(), dtype=object)
    at = table["at"].to_numpy().astype("datetime64[us]")
    mean = table["value"].to_numpy()
    for name in dict.fromkeys(owner.tolist()):
        mine = (owner == name) & (at >= first) & (at < end)
        place = ((at[mine] - first) // quarter).astype(int)
        series = np.full(len(grid), np.nan)
        series[place] = mean[mine]
        values[name] = _held(series, known[name].every)
    there = [np.isfinite(one) for one in values.values()]
    some = np.flatnonzero(np.logical_or.reduce(there)) if there else np.array([], int)
    if not len(some):
        return grid[:0], {}
    span = slice(int(some[0]), int(some[-1]) + 1)
    return grid[span], {name: series[span] for name, series in values.items()}


def _held(series: Any, every: timedelta | None) -> Any:
    """A mean holds for the quarters until the next one, where a point is read more seldom than each quarter."""
    import numpy as np

    steps = round(every / timedelta(minutes=15)) if every is not None else 1
    held = series.copy()
    for shift in range(1, steps):
        later = np.concatenate([np.full(shift, np.nan), series[:-shift]])[: len(series)]
        held = np.where(np.isfinite(held), held, later)
    return held


def _tariff(question: Question) -> Tariff | None:
    """The tariff that was asked for, or city.yaml's one of power; None without either."""
    name, city = question.parameters["tariff"], question.city
    if name is not None:
        return load_tariff(city.library, name)
    power = [one for one in city.tariffs.values() if city.networks[one.network].kind == "power"]
    if len(power) != 1:
        return None
    if power[0].recipe:
        return load_tariff(city.library, power[0].recipe)
    version = Version(energy=[Energy(price=power[0].price or 0.0)])
    return Tariff(tariff="flat", currency=city.currency, versions=[version])


def _prices(question: Question, tariff: Tariff, at: Any) -> Any:
    """Price of energy in each window."""
    import numpy as np
    import pandas as pd

    local = pd.DatetimeIndex(at, tz="UTC").tz_convert(question.interval.zone)
    holidays = question.city.holidays(int(local.year.min()), int(local.year.max()))
    use = Use(
        energy=np.ones(len(at)),
        hours=np.full(len(at), HOURS),
        month=(local.year * 12 + local.month - 1).to_numpy(),
        minute=(local.hour * 60 + local.minute).to_numpy(),
        weekday=local.day_of_week.to_numpy(),
        holiday=np.array([day in holidays for day in local.date]),
        day=local.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64),
    )
    return prices(use, tariff)


def _best_specific(arrays: dict[str, _Arrays]) -> dict[str | None, float]:
    """Station -> the least energy for each m³ and m of head among its pumps."""
    found: dict[str | None, float] = {}
    for one in arrays.values():
        if one.duty.efficiency and pumping.plausible(one.duty.efficiency):
            found[one.pump.zone] = max(found.get(one.pump.zone, 0.0), one.duty.efficiency)
    return found


def _row(
    question: Question, one: _Arrays, day: Any, price: Any | None, best: float | None
) -> tuple[tuple[object, ...], str]:
    import numpy as np

    asked, asset, total = question.parameters, question.city.assets[one.pump.asset], one.duty
    change = pumping.drift(day, one.flow, one.head, one.power, one.on)
    curve = asset.pump.curve if asset.pump is not None else []
    cost = paid = mean = None
    if price is not None:
        used = np.nan_to_num(one.power) * one.on * HOURS
        cost = float((used * price).sum())
        paid, mean = cost / float(used.sum()) if used.sum() > 0 else None, float(price.mean())
    verdict = _verdict(total.efficiency, change, best, asked["worse"], asked["good"], ran=bool(one.on.any()))
    row: tuple[object, ...] = (
        one.pump.asset, one.pump.zone, total.hours, pumping.starts(one.on), total.volume, total.energy, total.specific,
        total.head, total.efficiency, change, pumping.off_curve(curve, one.flow, one.head, one.on), cost, paid, mean,
        verdict,
    )  # fmt: skip
    return row, verdict


def _verdict(
    efficiency: float | None,
    change: float | None,
    best: float | None,
    worse: float,
    good: float,
    *,
    ran: bool,
) -> str:
    if efficiency is None:
        return (
            "did not run"
            if not ran
            else "NOT ASSESSABLE it never ran with flow, head and power metered together"
        )
    guess = pumping.wrong_unit(efficiency, best)
    if guess is not None:
        return f"IMPLAUSIBLE efficiency {efficiency:.0%}: is its flow {guess}, not m³/h?"
    if not pumping.plausible(efficiency):
        return f"IMPLAUSIBLE efficiency {efficiency:.0%}: check the units of flow, head and power"
    said = []
    if best is not None and best / efficiency - 1 > worse:
        said.append(f"WORN needs {best / efficiency - 1:.0%} more than the station's best")
    elif efficiency < good:
        said.append(f"POOR efficiency {efficiency:.0%}")
    if change is not None and change < -0.03:
        said.append(f"WEARS {-100 * change:.1f} points a year")
    return "; ".join(said) or "normal"


def _together(station: str, members: list[_Arrays]) -> list[tuple[object, ...]]:
    import numpy as np

    if len(members) < 2:
        return []
    on, flow, power = (np.array([getattr(one, key) for one in members]) for key in ("on", "part", "power"))
    head = np.array([np.where(one.on, one.head, np.nan) for one in members])
    known = np.isfinite(head)
    mean = np.where(known.any(axis=0), np.nansum(head, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    return [
        (station, " + ".join(one.pumps), one.duty.hours, one.duty.volume, one.duty.energy, one.duty.specific,
         one.duty.head, one.duty.efficiency)
        for one in pumping.combinations([one.pump.asset for one in members], on, HOURS, np.nan_to_num(flow), mean,
                                        np.nan_to_num(power))
    ]  # fmt: skip


def _choice(station: str, members: list[_Arrays]) -> list[tuple[object, ...]]:
    import numpy as np

    if len(members) < 2:
        return []
    on, flow, power = (np.array([getattr(one, key) for one in members]) for key in ("on", "part", "power"))
    flow, power = np.where(on, flow, 0.0), np.where(on, power, 0.0)
    names = [one.pump.asset for one in members]
    return [
        (station, one.low, one.high, " + ".join(one.pumps), one.specific, one.wasted)
        for one in pumping.best_by_duty(names, on, HOURS, flow, power)
    ]


def _shift(
    question: Question,
    station: str,
    members: list[_Arrays],
    at: Any,
    values: dict[str, Any],
    price: Any | None,
) -> list[tuple[object, ...]]:
    """One row for a station with one tank and a price that changes."""
    import numpy as np

    tank = tank_of(question.city, station or None)
    if tank is None or tank.level not in values or price is None or float(np.ptp(price)) == 0:
        return []
    pumped = (
        sum((np.where(one.on, np.nan_to_num(one.part), 0.0) for one in members), np.zeros(len(at))) * HOURS
    )
    level = values[tank.level] * tank.area
    known = np.isfinite(level)
    energy, volume = (sum(getattr(one.duty, key) for one in members) for key in ("energy", "volume"))
    if known.mean() < 0.9 or not volume:
        return [(station, volume, None, None, None, "its level has too many gaps")]
    level = np.interp(np.arange(len(level)), np.flatnonzero(known), level[known])
    low, high = (question.parameters[key] * tank.volume for key in ("tank_low", "tank_high"))
    found = pumping.cheapest(
        price, pumped, level, specific=energy / volume, most=float(pumped.max()), low=low, high=high
    )
    if found is None:
        return [(station, volume, None, None, None, "the tank's limits cannot be kept")]
    return [(station, volume, found.was, found.cost, found.was - found.cost, "possible")]
