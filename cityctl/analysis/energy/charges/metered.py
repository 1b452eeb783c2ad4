"""One meter's use beside its tariff and its bills, and what its readings lack for them. Knows no table and no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from cityctl.analysis.energy.basis.load_shape import far_above, said_far_above
from cityctl.analysis.energy.basis.windowed import Windows, is_cut
from cityctl.result import Missing
from cityctl.tariff.charges import bills
from cityctl.tariff.demand import unmetered_peaks
from cityctl.tariff.lines import Bill
from cityctl.tariff.model import Tariff
from cityctl.tariff.use import Use
from cityctl.wording import counted, percent

DAY = 86400.0  # s
WHOLE = 0.999  # of a month that has to be metered
ALWAYS = ((0, 1440),)  # hours of a price that holds all day


@dataclass(frozen=True)
class Billed:
    """The days of a month that are billed: the first, the day after the last, and their seconds."""

    first: date
    last: date
    seconds: float


@dataclass
class Metered:
    """One meter's use in windows, its tariff and its bills."""

    meter: str
    tariff: Tariff
    use: Use
    days: dict[int, tuple[date, date]]
    bills: list[Bill]
    windows: Windows
    seconds: dict[int, float]
    remarks: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, meter: str, tariff: Tariff, windows: Windows, months: Mapping[int, Billed], every_s: float | None
    ) -> Metered:
        """Billed for the days of the interval; use below zero is energy that went back."""
        days = {number: (one.first, one.last) for number, one in months.items()}
        use, back = _forward(windows.use)
        asked = _within(use, min(first for first, _ in days.values()), max(last for _, last in days.values()))
        below = 0 if back is None else int((back & asked).sum())
        daily = every_s is not None and every_s >= DAY  # one read tells all 25 hours of a day in autumn
        seconds = {
            number: min(one.seconds, DAY * (one.last - one.first).days) if daily else one.seconds
            for number, one in months.items()
        }
        made = cls(meter, tariff, use, days, bills(tariff, use, days), windows, seconds)
        for number, bill in zip(sorted(days), made.bills, strict=True):
            bill.remarks += made.unmetered(number)
        versions = tariff.versions
        longest = every_s or 0.0
        shortest = min(one.slide or one.window for one in versions)
        if longest > 60 * shortest and any(one.demand for one in versions):
            made.remarks.append(f"readings are longer than the {shortest} min of the demand")
        reactive = windows.beside_steps.get("reactive", 0.0)
        in_kva = any(demand.of == "kVA" for one in versions for demand in one.demand)
        if in_kva and reactive > max(60 * shortest, longest):
            made.remarks.append(
                f"reactive energy is read each {reactive / 60:g} min: demand in kVA of {shortest} min is understated"
            )
        timed = any(entry.hours != ALWAYS for one in versions for entry in one.energy)
        if longest > 3600 and timed:
            made.doubts.append(
                f"its readings are {longest / 3600:g} h apart: prices by the hour need finer ones"
            )
        elif timed and _two_prices(use, tariff):
            made.doubts.append(
                "prices change within its readings, which are billed at the price they begin with"
            )
        unseen = windows.unseen(1 - WHOLE)
        if unseen is not None:
            made.doubts.append(unseen)
        if below and not any(one.sell or one.net_metering for one in versions):
            made.doubts.append(f"{counted(below, 'reading')} below zero billed as none: does it feed in?")
        high = far_above(use)
        if high is not None:
            made.doubts.append(said_far_above(high, "kW" if tariff.unit == "kWh" else "m³/h"))
        made.doubts += tariff.doubts()
        width = round(60 * use.hours.max()) if len(use.hours) else 0
        if width and is_cut(every_s, width):
            made.remarks.append(
                f"its readings of {longest / 60:g} min do not fill windows of {width} min: they are spread evenly"
            )
        elif width and longest > 60 * width:
            cut = any(60 * one.window > longest and is_cut(longest, one.window) for one in versions)
            what = "windows of demand end" if cut else "prices change"
            made.remarks.append(
                f"{what} within its readings of {longest / 60:g} min, which are spread evenly"
            )
        if tariff.example:
            made.remarks.append("the tariff is an example: nobody pays these prices")
        return made

    def month(self, number: int) -> Any:
        """Which windows lie in the billed days of a month: an array of truths."""
        return _within(self.use, *self.days[number])

    def coverage(self, number: int) -> float:
        """Share of the billed days of a month that was metered, 0..1."""
        return min(float(self.windows.held[self.month(number)].sum()) / self.seconds[number], 1.0)

    def unmetered(self, number: int) -> list[str]:
        """What a month lacks for its tariff: the network's own peaks, reactive energy for a time, export on whole days.

        A meter of export may say nothing by night.
        """
        import numpy as np

        chosen = self.month(number)
        held, beside = self.windows.held[chosen], self.windows.beside
        found = [
            f"the network's peak of {one:%Y-%m-%d %H:%M} was not metered" for one in self._peaks_lost(number)
        ]
        if "reactive" in beside and held.sum() and any(one.asks_reactive for one in self.tariff.versions):
            share = float(np.minimum(beside["reactive"][chosen], held).sum() / held.sum())
            if share < WHOLE:
                found.append(f"reactive energy was metered for {percent(share, 1)} of the time")
        if "fed" in beside:
            _, day = np.unique(self.use.day[chosen], return_inverse=True)
            silent = int((np.bincount(day, beside["fed"][chosen]) == 0).sum()) if len(day) else 0
            if silent:
                found.append(f"energy fed in was not metered on {counted(silent, 'day')}")
        return found

    def _peaks_lost(self, number: int) -> list[datetime]:
        first, last = self.days[number]
        lost: set[datetime] = set()
        for _, _, version in self.tariff.parts(first, last):
            if version is not None and any(demand.at for demand in version.demand):
                wide = self.use.in_windows(version.window, version.slide)
                lost |= set(unmetered_peaks(version, wide, first, last))
        return sorted(lost)

    def gaps(self) -> list[Missing]:
        """What the bills are not to be trusted for: readings that do not fit the tariff, months not metered whole."""
        found = [Missing(self.meter, doubt) for doubt in self.doubts]
        for number, bill in zip(sorted(self.days), self.bills, strict=True):
            coverage = self.coverage(number)
            lacks = [f"{percent(coverage, 1)} metered"] if coverage < WHOLE else []
            found += [
                Missing(self.meter, f"{bill.month:%Y-%m}: {lack}") for lack in lacks + self.unmetered(number)
            ]
        return found

    def peak(self, number: int) -> tuple[float, datetime]:
        """The highest mean power [kW] of a month's windows of demand, and when its window began."""
        first, last = self.days[number]
        version = next((one for _, _, one in self.tariff.parts(first, last) if one is not None), None)
        use = self.use if version is None else self.use.in_windows(version.window, version.slide)
        use = use.of(_within(use, first, last))
        if not len(use.energy):  # no window that slides was metered whole
            use = self.use.of(self.month(number))
        place = int(use.power.argmax())
        stamp = self.use.day * 1440 + self.use.minute
        at = int((stamp == use.day[place] * 1440 + use.minute[place]).argmax())
        return float(use.power[place]), self.windows.start(at)


def _two_prices(use: Use, tariff: Tariff) -> bool:
    """Whether the price of energy changes within a reading."""
    import numpy as np

    ends = {end for one in tariff.versions for entry in one.energy for span in entry.hours for end in span}
    begins = np.unique(use.minute)
    length = float(use.hours.max()) * 60
    return any(bool(((begins < end) & (end < begins + length)).any()) for end in ends)


def _within(use: Use, first: date, last: date) -> Any:
    start = date(1970, 1, 1).toordinal()
    return (use.day >= first.toordinal() - start) & (use.day < last.toordinal() - start)


def _forward(use: Use) -> tuple[Use, Any]:
    """The use without what lies below zero, which was fed in, and in which windows it did; None where in none."""
    import numpy as np

    below = use.energy < 0
    if not below.any():
        return use, None
    back = np.where(below, -use.energy, 0.0)
    fed = back if use.fed is None else use.fed + back
    return replace(use, energy=np.where(below, 0.0, use.energy), fed=fed), below
