"""What goes into a network against what is metered out of it, day by day, and power by windows (day_sums.sql).

Losses = (in - out) / in, technical and commercial ones together, over the days on which every meter was metered whole:
a day on which one of them is silent would book its use as a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.amounts import DAILY_S
from cityctl.analysis.energy.basis.meters import network_of
from cityctl.analysis.energy.basis.windowed import OFFSETS, sum_up
from cityctl.analysis.question import Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval, local_days
from cityctl.result import Column

BALANCE_DAYS = Column(
    "balance_days",
    "Balanced",
    None,
    "local days on which supply and every meter were metered whole",
    "integer",
    0,
    4,
)
UNEVEN_DAYS = Column("uneven_days", "Uneven", None, "days on which only some were: left out", "integer", 0, 5)
DAY = 86400.0  # s
WHOLE_DAY = 0.99  # share of a day that has to be metered
NO_POWER = 1e-3  # of a feeder's highest power: what meters of no load and of differences tell


def with_next(interval: Interval) -> Interval:
    """An interval with the reading after it, which tells the last rise of a counter that is read once a day."""
    return replace(interval, end=interval.end + timedelta(hours=26))


def zone_of(city: City, point: Point) -> str | None:
    """The zone that a point, or the asset that it belongs to, stands in."""
    if point.zone is None and point.asset is not None:
        return city.assets[point.asset].zone
    return point.zone


def kind_at(city: City, point: Point) -> str | None:
    """The kind of network that a point is metered for: its own, else that of where it stands."""
    return network_of(city, point) or city.network_kind(zone_of(city, point))


@dataclass(frozen=True)
class Balance:
    """Sums over `days` common days [kWh]; `uneven` days had some meters only; `silent` meters had no whole day."""

    days: int
    uneven: int
    into: float
    out: float
    silent: tuple[str, ...]

    @property
    def lost(self) -> float:
        """What went in and was not metered out [kWh]."""
        return self.into - self.out

    @property
    def share(self) -> float | None:
        """Losses over what went in."""
        return self.lost / self.into if self.into > 0 else None


def balance(into: Mapping[str, Any], out: Mapping[str, Any]) -> Balance:
    """Balance of meters, each an array of the same local days [kWh], nan where it was not metered whole."""
    import numpy as np

    every = {**into, **out}
    stacked = np.array(list(every.values()))
    known = np.isfinite(stacked)
    common = known.all(axis=0)

    def total(meters: Mapping[str, Any]) -> float:
        return float(sum(values[common].sum() for values in meters.values()))

    return Balance(
        days=int(common.sum()),
        uneven=int((known.any(axis=0) & ~common).sum()),
        into=total(into),
        out=total(out),
        silent=tuple(name for name, row in zip(every, known, strict=True) if not row.any()),
    )


@dataclass(frozen=True)
class DaySums:
    """Meter -> its net use of each local day of the interval, and what of that flowed back as values below zero [kWh].

    nan where it was not metered whole.
    """

    net: dict[str, Any]
    back: dict[str, Any]

    def parted(self, meters: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What came forward through meters, and what flowed back, of those through which anything did."""
        back = {name: self.back[name] for name in meters if (self.back[name] > 0).any()}
        forward = {name: self.net[name] + back.get(name, 0.0) for name in meters}
        return forward, {f"{name}, back": values for name, values in back.items()}


def by_day(question: Question, meters: Iterable[str]) -> DaySums:
    """The use of meters by local days.

    What of a whole day was not metered is taken as the rest of it: a minute without a reading is no loss. A day of
    which the interval holds a part only is none, although readings after the interval may fill it.
    """
    import numpy as np

    names = list(dict.fromkeys(meters))
    steps = sum_up(question, names, OFFSETS)
    days = local_days(question.interval)
    place = {day: at for at, (day, _, end) in enumerate(days) if end <= question.interval.end}
    length = np.array([(end - start).total_seconds() for _, start, end in days])
    net, back = ({name: np.full(len(days), np.nan) for name in names} for _ in range(2))
    for meter, day, amount, below, held in question.engine.rows(question.sql("day_sums")):
        at = place.get(day)
        if at is None:
            continue
        asked = (
            min(length[at], DAY) if steps.get(meter, 0.0) >= DAILY_S else length[at]
        )  # one read tells all 25 h
        if held >= WHOLE_DAY * asked:
            filled = max(asked / held, 1.0)
            net[meter][at], back[meter][at] = amount * filled, below * filled
    return DaySums(net, back)


def by_window(question: Question, meters: Sequence[str], width: int) -> dict[str, Any]:
    """meter -> its mean power of each window of `width` [min] of the interval [kW], after `by_day`; nan: not metered.

    The windows of a counter's gap are left out: its rise is that of the whole gap. Of readings longer than a window
    each window has the mean.
    """
    import numpy as np

    names = list(dict.fromkeys(meters))
    question.engine.register("shown_meters", arrow.table(meter=arrow.texts(names)))
    table = question.engine.arrow(question.sql("window_rows"), {"width": width})
    owner = np.array(table["meter"].to_pylist(), dtype=object)
    start, end = (round(one.timestamp() * 1e6) for one in (question.interval.start, question.interval.end))
    size = width * 60_000_000
    start -= start % size
    count = -(-(end - start) // size)
    at = (
        (arrow.array_of(table["at"]).astype("datetime64[us]").astype(np.int64) - start) // size
        if len(owner)
        else owner
    )
    found = {}
    for name in names:
        power = np.full(count, np.nan)
        mine = owner == name
        inside = mine & (at >= 0) & (at < count) if len(owner) else mine
        places = at[inside].astype(np.int64)
        amount = arrow.array_of(table["amount"])[inside].astype(float)
        held, gap = (arrow.array_of(table[name])[inside].astype(float) for name in ("held", "spread"))
        for step in range(max(1, round(float(held.max(initial=0.0)) / (width * 60)))):
            later = places + step
            fits = (later < count) & (held - gap >= 0.8 * width * 60) & (step * width * 60 < held)
            fits[fits] &= (step == 0) | np.isnan(power[later[fits]])  # what a window holds itself prevails
            power[later[fits]] = amount[fits] / held[fits] * 3600
        found[name] = power
    return found


@dataclass(frozen=True)
class Reverse:
    """Time [h], highest power [kW] and energy [kWh] that flowed back."""

    hours: float
    peak: float
    energy: float


def reverse_of(net: Any, hours: float) -> Reverse:
    """Reverse power of windows of `hours` from the net power into the network [kW].

    Less than a thousandth of the highest power is the meters' own.
    """
    import numpy as np

    power = np.nan_to_num(net)
    back = np.where(power < -NO_POWER * np.abs(power).max(initial=0.0), -power, 0.0)
    return Reverse(float((back > 0).sum()) * hours, float(back.max(initial=0.0)), float(back.sum()) * hours)


@dataclass(frozen=True)
class Charging:
    """EV charging of a feeder: highest power [kW], and its power at the feeder's peak; the peak without it [kW].

    `coincidence`: highest sum over the sum of the rated powers (`rated` kW), or of each charger's own peak.
    """

    peak: float
    at_peak: float
    share_of_peak: float | None
    without: float
    rated: float
    coincidence: float | None


def charging(net: Any, chargers: Mapping[str, Any], rated: Mapping[str, float | None]) -> Charging | None:
    """EV charging against the net power [kW] of a feeder; None where they have no window in common."""
    import numpy as np

    stacked = np.array(list(chargers.values()))
    total = stacked.sum(axis=0)
    known = np.isfinite(total) & np.isfinite(net)
    if not known.any():
        return None
    power, load = total[known], net[known]
    place = int(load.argmax())
    top = float(load[place])
    sizes = [rated.get(name) or float(np.nanmax(row)) for name, row in chargers.items()]
    return Charging(
        peak=float(power.max()),
        at_peak=float(power[place]),
        share_of_peak=float(power[place]) / top if top > 0 else None,
        without=float((load - power).max()),
        rated=sum(sizes),
        coincidence=float(power.max()) / sum(sizes) if sum(sizes) > 0 else None,
    )
