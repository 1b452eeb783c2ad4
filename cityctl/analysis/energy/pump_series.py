"""Readings of pumps as arrays of quarters of an hour: flow, head, power, whether they ran, and the price of energy."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from cityctl.analysis.energy import pumping
from cityctl.analysis.energy.network_balance import by_window
from cityctl.analysis.energy.pump_station import HOURS, PumpPoints, head_of
from cityctl.analysis.energy.switched import is_on
from cityctl.analysis.energy.tariffs import load as load_tariff
from cityctl.analysis.energy.windowed import sum_up
from cityctl.analysis.question import Question
from cityctl.city.model import City
from cityctl.tariff.model import Tariff
from cityctl.tariff.scenarios import prices
from cityctl.tariff.terms import Energy, Version
from cityctl.tariff.use import Use
from cityctl.wording import percent

BACKWARDS = 0.02  # of the usual: flow or power further below zero than that is no noise
ENOUGH = 0.9  # of the hours that a pump ran: below it, what is not metered is told


class PumpSeries:
    """One pump's windows: flow [m³/h], head [m], power [kW], whether it ran; `part` is its part of a shared flow.

    Flow and power below zero count as not metered; `doubts` names them and what is lacking. `turned`: its power is
    below zero too often to tell when it ran; `sound` turns false where its figures cannot be right.
    """

    def __init__(
        self, pump: PumpPoints, values: dict[str, Any], city: City, size: int, *, asked: float | None = None
    ) -> None:
        """`size` windows of values; `asked`: how many the whole interval has, of which the others hold none."""
        import numpy as np

        nothing = np.full(size, np.nan)
        self.pump = pump
        self.sound = True
        self.turned = False
        self.doubts: list[str] = []
        self.power = self._forward(values.get(str(pump.power), nothing), "power")
        self.on = is_on(self.power)
        self.flow = self.part = self._forward(values.get(str(pump.flow), nothing), "flow")
        self.head = head_of(pump, values, city, size)
        read = np.isfinite(values.get(str(pump.power), nothing)).sum() / (asked or size)
        if read < ENOUGH:
            self.doubts.append(f"its power is metered in {percent(read)} of the interval")
        ran = self.on & np.isfinite(self.flow) & np.isfinite(self.head)
        if self.on.any() and ran.sum() < ENOUGH * self.on.sum():
            share = ran.sum() / self.on.sum()
            self.doubts.append(
                f"flow, head and power are metered together in {percent(share)} of the hours that it ran"
            )

    def _forward(self, values: Any, word: str) -> Any:
        """Values without those below zero; how many these are is a doubt."""
        import numpy as np

        known = np.isfinite(values)
        if not known.any():
            return values
        usual = float(np.quantile(np.abs(values[known]), 0.95))
        below = known & (values < -BACKWARDS * usual)
        if below.any():
            self.doubts.append(
                f"{word} below zero in {below.sum() / 4:g} of {known.sum() / 4:g} h: turned round?"
            )
            back = float(np.abs(values[below]).sum() / np.abs(values[known]).sum())
            self.turned |= word == "power" and back > 1 - ENOUGH
        return np.where(below, np.nan, values)

    def share(self, station: list[PumpSeries]) -> None:
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


def quarters(question: Question, names: list[str]) -> tuple[Any, dict[str, Any]]:
    """(starts of the quarters of an hour, point -> its mean in each; nan where there is none).

    Counters and intervals are rates of their quarter, [kW] or [m³/h]; what is read more seldom holds until the next.
    """
    import numpy as np
    import pyarrow as pa

    known = question.city.points()
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


def tariff_of(question: Question) -> Tariff | None:
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


def prices_of(question: Question, tariff: Tariff, at: Any) -> Any:
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
