"""What pumps need: efficiency, specific energy, combinations, and the cheapest hours. Arrays in, figures out.

Sources: P_hyd [kW] = Q [m³/h] x H [m] / 367; wire-to-water efficiency = P_hyd / P_el; specific energy
[kWh/m³] = 0.002725 H / efficiency (rho g / 3.6e6 with 999.7 kg/m³ and 9.80665 m/s², rounded as the field does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HYDRAULIC = 367.0  # m³/h x m for each kW
PLAUSIBLE = (0.2, 0.9)  # wire-to-water efficiency of pumps with motor: beyond it a unit is wrong
UNIT_FACTORS = {
    4.0: "m³ in a quarter of an hour",
    3.6: "l/s",
}  # a flow taken for m³/h, by what it is too small
UNIT_BAND = 0.05  # how near such a factor the best of a station has to be
LEAST_HOURS = 2.0  # of a combination, to be told
BINS = 5  # duties, by the flow's quantiles


def plausible(efficiency: float) -> bool:
    """Whether a wire-to-water efficiency can be that of a pump with its motor."""
    return PLAUSIBLE[0] <= efficiency <= PLAUSIBLE[1]


def wrong_unit(efficiency: float, best: float | None) -> str | None:
    """What the flow may be in place of m³/h where the station's best is better by just that factor."""
    if best is None or not plausible(best):
        return None
    near = min(UNIT_FACTORS, key=lambda factor: abs(best / efficiency / factor - 1))
    return UNIT_FACTORS[near] if abs(best / efficiency / near - 1) <= UNIT_BAND else None


@dataclass(frozen=True)
class Duty:
    """Sums over windows that ran: hours, volume [m³], energy [kWh], mean head [m], efficiency 0..1."""

    hours: float
    volume: float
    energy: float
    head: float | None
    efficiency: float | None

    @property
    def specific(self) -> float | None:
        """kWh for each m³."""
        return self.energy / self.volume if self.volume > 0 else None


def duty(hours: float, flow: Any, head: Any, power: Any, chosen: Any) -> Duty:
    """The duty of the windows of `hours` [h] each that are chosen.

    Efficiency is sum of hydraulic over sum of electric energy, over windows that have all three of flow [m³/h], head
    [m] and power [kW].
    """
    import numpy as np

    both = chosen & np.isfinite(flow) & np.isfinite(power)
    three = both & np.isfinite(head)
    volume, energy = float(flow[both].sum()) * hours, float(power[both].sum()) * hours
    lifted = float((flow[three] * head[three]).sum()) / HYDRAULIC * hours
    used = float(power[three].sum()) * hours
    mean = float(np.average(head[three], weights=np.maximum(flow[three], 1e-9))) if three.any() else None
    return Duty(
        int(chosen.sum()) * hours, volume, energy, mean, lifted / used if used > 0 and lifted > 0 else None
    )


def starts(power: Any, on: Any) -> int:
    """How often it was switched on; a window without its power tells nothing of it."""
    import numpy as np

    return int((np.diff(on[np.isfinite(power)].astype(np.int8)) == 1).sum())


@dataclass(frozen=True)
class Combination:
    """Pumps that ran together, and what for: `duties` are the bins of total flow in which they did."""

    pumps: tuple[str, ...]
    duty: Duty


def combinations(
    names: list[str], on: Any, hours: float, flow: Any, head: Any, power: Any
) -> list[Combination]:
    """Each set of pumps that ran together, the cheapest first; arrays `on`, `flow`, `power` are pumps x windows.

    `head` [m] of each window is that of the station.
    """
    import numpy as np

    code = (on * (1 << np.arange(len(names)))[:, None]).sum(axis=0)
    found = []
    for number in np.unique(code[code > 0]):
        chosen = code == number
        if chosen.sum() * hours < LEAST_HOURS:
            continue
        together = tuple(name for place, name in enumerate(names) if number >> place & 1)
        members = [place for place in range(len(names)) if number >> place & 1]
        total = duty(hours, flow[members].sum(axis=0), head, power[members].sum(axis=0), chosen)
        if total.volume > 0:
            found.append(Combination(together, total))
    return sorted(found, key=lambda one: one.duty.specific if one.duty.specific is not None else float("inf"))


@dataclass(frozen=True)
class Best:
    """For one band of total flow [m³/h]: the cheapest combination, and what the hours with others cost more [kWh]."""

    low: float
    high: float
    pumps: tuple[str, ...]
    specific: float
    wasted: float


def best_by_duty(names: list[str], on: Any, hours: float, flow: Any, power: Any) -> list[Best]:
    """The combination with the least kWh for each m³ in each fifth of the flows, where there was a choice.

    Flows of which there are few, as of pumps that run at one speed, make fewer bands.
    """
    import numpy as np

    total, used = flow.sum(axis=0), power.sum(axis=0)
    ran = on.any(axis=0) & np.isfinite(total) & np.isfinite(used) & (total > 0)
    if ran.sum() * hours < BINS * LEAST_HOURS:
        return []
    edges = np.unique(np.quantile(total[ran], np.linspace(0, 1, BINS + 1)))
    band = np.searchsorted(edges, total, side="right") - 1
    if (ran & (band == len(edges) - 1)).sum() * hours < LEAST_HOURS:  # the highest flow alone is no band
        band = np.minimum(band, len(edges) - 2)
    code = (on * (1 << np.arange(len(names)))[:, None]).sum(axis=0)
    found = []
    for at in range(len(edges)):
        within = ran & (band == at)
        each: dict[int, float] = {}
        for number in np.unique(code[within]):
            chosen = within & (code == number)
            if chosen.sum() * hours >= LEAST_HOURS:
                each[int(number)] = float(used[chosen].sum() / total[chosen].sum())
        if len(each) < 2:
            continue
        cheapest = min(each, key=lambda number: each[number])
        wasted = float((used[within] - each[cheapest] * total[within]).sum()) * hours
        pumps = tuple(name for place, name in enumerate(names) if cheapest >> place & 1)
        low, high = float(total[within].min()), float(total[within].max())
        found.append(Best(low, high, pumps, each[cheapest], wasted))
    return found


def off_curve(curve: list[tuple[float, float]], flow: Any, head: Any, chosen: Any) -> float | None:
    """Mean head over what the maker's curve gives at the same flow, less 1; None without both.

    Flows beyond the curve's ends are left out, and those at which it gives no head.
    """
    import numpy as np

    if len(curve) < 2:
        return None
    flows, heads = (np.array([one[side] for one in sorted(curve)], float) for side in (0, 1))
    told = np.interp(flow, flows, heads, left=np.nan, right=np.nan)
    good = chosen & np.isfinite(head) & (flow > 0) & (np.nan_to_num(told) > 0)
    return float((head[good] / told[good]).mean() - 1) if good.any() else None


@dataclass(frozen=True)
class Schedule:
    """The cheapest hours: pumped volume of each step [m³], its cost, and that of the hours as they were."""

    pumped: Any
    cost: float
    was: float


def cheapest(
    price: Any, pumped: Any, level: Any, *, specific: float, most: float, low: float, high: float
) -> Schedule | None:
    """When to pump for least money without leaving the tank's limits (a linear programme, HiGHS).

    `price` [money/kWh], `pumped` [m³] and the tank's `level` [m³] of each step as they were; `specific`
    [kWh/m³]; `most` [m³] in a step; `low` and `high` [m³] of the tank. The tank ends at least as full
    as it was. None where the limits cannot be kept.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import diags, eye, hstack

    steps = len(price) - 1
    if steps < 1 or not (np.isfinite(level).all() and np.isfinite(pumped).all()):
        return None
    drawn = pumped[:-1] - np.diff(level)  # what left the tank in each step
    # Unknown are what is pumped in each step, and the level after it: level - level before - pumped = - drawn.
    after: Any = diags([np.ones(steps), -np.ones(steps - 1)], [0, -1])
    balance: Any = hstack([-eye(steps), after], format="csr")
    known = -drawn
    known[0] += level[0]
    bounds: Any = np.empty((2 * steps, 2))
    bounds[:steps] = 0.0, most
    bounds[steps:] = min(low, float(level.min())), max(high, float(level.max()))
    bounds[-1, 0] = max(bounds[-1, 0], float(level[-1]))
    cost = np.concatenate([price[:-1] * specific, np.zeros(steps)])
    found: Any = linprog(cost, A_eq=balance, b_eq=known, bounds=bounds, method="highs")
    if not found.success:
        return None
    was = float((price[:-1] * pumped[:-1]).sum() * specific)
    return Schedule(found.x[:steps], float(found.fun or 0.0), was)
