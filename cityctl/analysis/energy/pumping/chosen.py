"""Which pumps of a station to run, and in which hours: combinations, the best of each duty, and a tank's room."""

from __future__ import annotations

from typing import Any

from cityctl.analysis.energy.basis.switched import SELDOM
from cityctl.analysis.energy.pumping import figures
from cityctl.analysis.energy.pumping.series import PumpSeries
from cityctl.analysis.energy.pumping.station import tank_of
from cityctl.analysis.question import Question
from cityctl.errors import listed

MOST_UNKNOWN = 0.1  # of the windows in which a pump ran without a flow, to tell what other hours are worth
LEVEL_KNOWN = 0.9  # of the windows, to tell the tank's room
OUTSIDE = 0.1  # of the tank's volume: a level so far above or below it cannot be right
QUARTER = 0.25  # hours: the steps of the cheapest schedule


def _sound(members: list[PumpSeries]) -> tuple[list[PumpSeries], Any]:
    """The pumps whose figures can be right, and whether each ran while no other one did: arrays pumps x windows."""
    import numpy as np

    sound = [one for one in members if one.sound]
    if len(sound) < 2:
        return [], None
    beside = np.logical_or.reduce(
        [one.on for one in members if not one.sound] or [np.zeros(len(sound[0].on), bool)]
    )
    return sound, np.array([one.on & ~beside for one in sound])


def together(station: str, members: list[PumpSeries]) -> list[tuple[object, ...]]:
    """A row for each combination of pumps that ran: hours, m³, kWh, efficiency."""
    import numpy as np

    members, on = _sound(members)
    if not members:
        return []
    flow, power = (np.array([getattr(one, key) for one in members]) for key in ("part", "power"))
    head = np.array([np.where(one.on, one.head, np.nan) for one in members])
    known = np.isfinite(head)
    mean = np.where(known.any(axis=0), np.nansum(head, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    names = [one.pump.asset for one in members]
    return [
        (station, " + ".join(one.pumps), one.duty.hours, one.duty.volume, one.duty.energy, one.duty.specific,
         one.duty.head, one.duty.efficiency)
        for one in figures.combinations(names, on, members[0].hours, flow, mean, power)
    ]  # fmt: skip


def choice(station: str, members: list[PumpSeries]) -> list[tuple[object, ...]]:
    """A row for each range of flow: the combination that takes least for a m³, and what others took more."""
    import numpy as np

    members, on = _sound(members)
    if not members:
        return []
    flow, power = (np.array([getattr(one, key) for one in members]) for key in ("part", "power"))
    flow, power = np.where(on, flow, 0.0), np.where(on, power, 0.0)
    names = [one.pump.asset for one in members]
    return [
        (station, one.low, one.high, " + ".join(one.pumps), one.specific, one.wasted)
        for one in figures.best_by_duty(names, on, members[0].hours, flow, power)
    ]


def _put_together(values: Any, per: int) -> Any:
    """Windows, `per` of them in a row; what is over at the end is left out."""
    return values[: len(values) // per * per].reshape(-1, per)


def shift(
    question: Question,
    station: str,
    members: list[PumpSeries],
    values: dict[str, Any],
    price: Any | None,
    *,
    peaks: bool = False,
) -> list[tuple[object, ...]]:
    """One row for a station with one tank and a price that changes; `peaks`: whether its demand is charged too."""
    import numpy as np

    tank = tank_of(question.city, station or None)
    if tank is None or tank.level not in values or price is None or float(np.ptp(price)) == 0:
        return []
    wrong = [one.pump.asset for one in members if not one.sound]
    if wrong:
        return [
            (
                station,
                None,
                None,
                None,
                None,
                f"NOT ASSESSABLE what {listed(wrong)} tells cannot be right",
            )
        ]
    flows = np.array([np.where(one.on, one.part, 0.0) for one in members])
    unknown = ~np.isfinite(flows)
    if unknown.any(axis=0).mean() > MOST_UNKNOWN:
        return [(station, None, None, None, None, "NOT ASSESSABLE the flow of its pumps has too many gaps")]
    usual = [
        float(np.nanmean(flow[one.on])) if np.isfinite(flow[one.on]).any() else 0.0
        for one, flow in zip(members, flows, strict=True)
    ]
    pumped = np.where(unknown, np.array(usual)[:, None], flows).sum(axis=0) * members[0].hours
    level = values[tank.level] * tank.area
    known = np.isfinite(level)
    inside = known & (level >= -OUTSIDE * tank.volume) & (level <= (1 + OUTSIDE) * tank.volume)
    energy, volume = (sum(getattr(one.duty, key) for one in members) for key in ("energy", "volume"))
    doubt = _tank_doubt(level[inside], inside.mean(), known.mean()) if volume else "nothing was pumped"
    if doubt:
        return [(station, volume, None, None, None, f"NOT ASSESSABLE {doubt}")]
    level = np.interp(np.arange(len(level)), np.flatnonzero(inside), level[inside])
    low, high = (question.parameters[key] * tank.volume for key in ("tank_low", "tank_high"))
    per = round(QUARTER / members[0].hours)
    pumped = _put_together(pumped, per).sum(axis=1)
    price, level = (_put_together(one, per).mean(axis=1) for one in (price, level))
    most = float(np.quantile(pumped[pumped > 0], 1 - SELDOM))
    found = figures.cheapest(price, pumped, level, specific=energy / volume, most=most, low=low, high=high)
    if found is None:
        return [(station, volume, None, None, None, "NOT ASSESSABLE the tank's limits cannot be kept")]
    verdict = "possible, but for its demand charge, which is not counted" if peaks else "possible"
    return [(station, volume, found.was, found.cost, found.was - found.cost, verdict)]


def _tank_doubt(level: Any, inside: float, metered: float) -> str:
    """Why a tank's level [m³] tells no room for other hours; empty where it does.

    `metered` is the share of the windows in which it is, `inside` of those in which the tank can hold it.
    """
    if metered < LEVEL_KNOWN:
        return "its level has too many gaps"
    if inside < LEVEL_KNOWN:
        return "its level lies outside of the tank: check its unit, and the tank's area and volume"
    return "its level stands still" if level.max() == level.min() else ""
