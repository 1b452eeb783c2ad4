"""One pump's windows: flow, head, power, whether it ran, and what of that is in doubt; and the price of energy."""

from __future__ import annotations

from typing import Any

from cityctl.analysis.energy.basis.switched import SELDOM, is_on, usual_of
from cityctl.analysis.energy.basis.tariffs import load as load_tariff
from cityctl.analysis.energy.pumping import figures
from cityctl.analysis.energy.pumping.station import PumpPoints, head_of
from cityctl.analysis.energy.pumping.windows import pace_of
from cityctl.analysis.question import Question
from cityctl.city.model import City
from cityctl.tariff.model import Tariff
from cityctl.tariff.scenarios import prices
from cityctl.tariff.terms import Energy, Version
from cityctl.tariff.use import Use
from cityctl.wording import counted, percent

BACKWARDS = 0.02  # of the usual: flow or power further below zero than that is no noise
SPIKE = 3.0  # times the usual: a window alone above it shows no pump's flow or power
FEWEST = 4  # readings in a run: with fewer, half of its windows and more are those of switching
UNLIKE = 0.05  # head of standing over that of running: up to here it does not matter which one a window holds
STANDBY = 0.02  # of what the largest pump of its station takes: one that never takes more stands by
ENOUGH = 0.9  # of the hours that a pump ran: below it, what is not metered is told


class PumpSeries:
    """One pump's windows: flow [m³/h], head [m], power [kW], whether it ran; `part` is its part of a shared flow.

    Flow and power below zero, and lone windows of spikes, count as not metered; `doubts` names them and what is
    lacking. `turned`: its power is below zero too often to tell when it ran; `blurred`: it runs too shortly for how
    often it is read to tell its head; `sound` turns false where its figures cannot be right.
    """

    def __init__(
        self,
        pump: PumpPoints,
        values: dict[str, Any],
        city: City,
        size: int,
        hours: float,
        *,
        asked: float | None = None,
        largest: float = 0.0,
    ) -> None:
        """`size` windows of `hours`; `asked`: how many the whole interval has, of which the others hold none.

        `largest` [kW]: what the largest pump of its station takes.
        """
        import numpy as np

        nothing = np.full(size, np.nan)
        self.pump = pump
        self.hours = hours
        self.sound = True
        self.turned = False
        self.blurred = ""
        self.doubts: list[str] = []
        self.power = self._even(self._forward(values.get(str(pump.power), nothing), "power"), "power")
        self.on = is_on(self.power) & (takes(self.power) > STANDBY * largest)
        self.flow = self._even(self._forward(values.get(str(pump.flow), nothing), "flow"), "flow")
        self.part = self.flow
        self.head = head_of(pump, values, city, size)
        read = np.isfinite(values.get(str(pump.power), nothing)).sum() / (asked or size)
        if pump.discharge_alone:
            self.doubts.append("the pressure before it is not metered: its head is all that it discharges at")
        if read < ENOUGH:
            self.doubts.append(f"its power is metered in {percent(read)} of the interval")
        ran = self.on & np.isfinite(self.flow) & np.isfinite(self.head)
        if self.on.any() and ran.sum() < ENOUGH * self.on.sum():
            share = ran.sum() / self.on.sum()
            self.doubts.append(
                f"flow, head and power are metered together in {percent(share)} of the hours that it ran"
            )
        self._sharpen(max(pace_of(pump, city), 60 * hours))

    def _sharpen(self, pace: float) -> None:
        """Leave out the head of windows in which it was switched, which mixes those of running and of standing.

        Where it runs for less than four readings at a time, each `pace` minutes, most windows are such ones: nothing
        is told of its head, unless that hardly differs from the one of standing.
        """
        import numpy as np

        runs = figures.starts(self.power, self.on) + int(self.on[:1].sum())
        lasts = float(self.on.sum()) * self.hours * 60 / max(runs, 1)
        if 0 < lasts < FEWEST * pace:
            often = f"it is switched too often to be looked at each {pace:g} min"
            self.doubts.append(f"{often}: its hours and starts are rough")
            known = np.isfinite(self.head)
            on, off = self.head[known & self.on], self.head[known & ~self.on]
            if len(on) and len(off) and abs(np.median(off) / on.mean() - 1) > UNLIKE:
                self.blurred = f"{often}: its head is a mixture"
                self.head = np.full(len(self.head), np.nan)
            return
        within = self.on.copy()
        within[1:] &= self.on[:-1]
        within[:-1] &= self.on[1:]
        self.head = np.where(self.on & ~within, np.nan, self.head)

    def _forward(self, values: Any, word: str) -> Any:
        """Values without those below zero; how many these are is a doubt."""
        import numpy as np

        known = np.isfinite(values)
        if not known.any():
            return values
        usual = float(np.quantile(np.abs(values[known]), 0.95))
        below = known & (values < -BACKWARDS * usual)
        if below.any():
            hours, of = (one.sum() * self.hours for one in (below, known))
            self.doubts.append(f"{word} below zero in {hours:.4g} of {of:.4g} h: turned round?")
            back = float(np.abs(values[below]).sum() / np.abs(values[known]).sum())
            self.turned |= word == "power" and back > 1 - ENOUGH
        return np.where(below, np.nan, values)

    def _even(self, values: Any, word: str) -> Any:
        """Values without the lone ones far above what it shows while it runs; what they claim is a doubt."""
        import numpy as np

        shown = np.pad(np.nan_to_num(values), 1)
        beside = np.maximum(shown[:-2], shown[2:])
        spikes = (shown[1:-1] > SPIKE * usual_of(values)) & (shown[1:-1] > SPIKE * beside)
        if spikes.any():
            windows = counted(int(spikes.sum()), "window")
            self.doubts.append(f"{word} spikes in {windows} of {self.hours:.4g} h, which are left out")
        return np.where(spikes, np.nan, values)

    @property
    def dry(self) -> bool:
        """Whether its flow is metered, and never moved while its power says that it ran."""
        import numpy as np

        flow = self.part[self.on & np.isfinite(self.part)]
        return len(flow) > 0 and not flow.any()

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
        self.duty = figures.duty(self.hours, self.flow, self.head, self.power, self.on)


def takes(power: Any) -> float:
    """Nearly the highest power of a pump [kW]; 0 without readings."""
    import numpy as np

    known = power[np.isfinite(power)]
    return float(np.quantile(known, 1 - SELDOM)) if len(known) else 0.0


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


def prices_of(question: Question, tariff: Tariff, at: Any, hours: float) -> Any:
    """Price of energy in each window of `hours`."""
    import numpy as np
    import pandas as pd

    local = pd.DatetimeIndex(at, tz="UTC").tz_convert(question.interval.zone)
    holidays = question.city.holidays(int(local.year.min()), int(local.year.max()))
    use = Use(
        energy=np.ones(len(at)),
        hours=np.full(len(at), hours),
        month=(local.year * 12 + local.month - 1).to_numpy(),
        minute=(local.hour * 60 + local.minute).to_numpy(),
        weekday=local.day_of_week.to_numpy(),
        holiday=np.array([day in holidays for day in local.date]),
        day=local.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64),
    )
    return prices(use, tariff)
