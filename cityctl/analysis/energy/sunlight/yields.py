"""Yields, performance ratio and curtailment of a PV plant. Arrays in, figures out; knows no meter.

Sources: IEC 61724-1: Y_f = E_ac / P_0 [h], Y_r = H_poa / (1 kW/m²) [h], PR = Y_f / Y_r; corrected for temperature to
25 °C PR = E_ac / sum(P_0 (1 + gamma (T_module - 25)) G / (1 kW/m²) dt). Lost to curtailment: sum of max(0, expected -
actual) over the curtailed steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STEEP = 200.0  # W/m²: from here on a step tells the plant's usual ratio
BELOW_LIMITS = 600.0  # W/m²: up to here limits and inverters seldom bind
PLATEAU = 1.0  # hours of constant power
FLAT = 0.01  # of the rated power
CAPPED = 0.05  # more was to be expected
ROUNDS = 5  # of the fit of what is to be expected
AT_LIMIT = 0.97  # of the limit: from here on it binds
AT_RATING = 0.98  # of the inverter's
UNLIKE, LEAST_SHORTFALL, LEAST_DAYS = 4.0, 0.1, 8


@dataclass(frozen=True)
class Plant:
    """Rated DC power [kWp], rated AC power [kW] and temperature coefficient [1/K], where they are known."""

    peak: float
    inverter: float | None = None
    gamma: float | None = None


@dataclass(frozen=True)
class Steps:
    """Means of steps of `hours`: power [kW], irradiance in the modules' plane [W/m²], module temperature [°C] (nan:
    not known), and the limit of the power [kW] (nan: none, 0 with a mark that tells no level).
    """

    hours: float
    power: Any
    irradiance: Any
    module: Any
    limit: Any


@dataclass(frozen=True)
class Performance:
    """Yields [h] and ratios (None where unknown); hours and energy [kWh] curtailed, clipped, and left in the ratio."""

    energy: float
    final_yield: float
    reference_yield: float | None
    ratio: float | None
    corrected: float | None
    curtailed_hours: float
    curtailed: float | None
    clipped_hours: float
    clipped: float | None
    counted: Any  # which steps make the ratio
    held_back: Any  # which steps were curtailed
    cut_off: Any  # what clipping took of each step [kWh]
    nominal: Any  # energy at PR 1 of each step [kWh], corrected for temperature where that is known; nan: not known


def perform(plant: Plant, steps: Steps) -> Performance:
    """The figures of a plant over its steps."""
    import numpy as np

    sun = np.clip(steps.irradiance, 0.0, None)
    plain = plant.peak * sun / 1000 * steps.hours
    warm = None
    if plant.gamma is not None and np.isfinite(steps.module).any():
        warm = plain * (1 + plant.gamma * (steps.module - 25))
    nominal = plain if warm is None else warm
    known = np.isfinite(steps.power)
    energy = np.where(known, steps.power, 0.0) * steps.hours
    both = known & np.isfinite(plain)
    expected = _expected(sun, nominal, energy, both & ~_at_limit(plant, steps))
    curtailed, clipped = _held_back(plant, steps, expected, both)
    counted = both & ~curtailed
    lost = np.clip(np.nan_to_num(expected - energy), 0.0, None)
    able = expected is not None and bool(np.isfinite(expected).any())
    total = float(energy.sum())

    def ratio(of: Any) -> float | None:
        chosen = counted & np.isfinite(of)
        below = float(of[chosen].sum())
        return float(energy[chosen].sum()) / below if below > 0 else None

    return Performance(
        energy=total,
        final_yield=total / plant.peak,
        reference_yield=float(np.nansum(sun)) / 1000 * steps.hours if np.isfinite(sun).any() else None,
        ratio=ratio(plain),
        corrected=ratio(warm) if warm is not None else None,
        curtailed_hours=float(curtailed.sum()) * steps.hours,
        curtailed=float(lost[curtailed].sum()) if able else None,
        clipped_hours=float(clipped.sum()) * steps.hours,
        clipped=float(lost[clipped].sum()) if able else None,
        counted=counted,
        held_back=curtailed,
        cut_off=np.where(clipped, lost, 0.0),
        nominal=nominal,
    )


def _at_limit(plant: Plant, steps: Steps) -> Any:
    """Which steps stand at a limit that is known: they do not tell what the sun lets expect."""
    import numpy as np

    most = np.where(steps.limit > 0, AT_LIMIT * steps.limit, np.inf)
    if plant.inverter is not None:
        most = np.minimum(most, AT_RATING * plant.inverter)
    return np.nan_to_num(steps.power) >= most


def _expected(sun: Any, nominal: Any, energy: Any, free: Any) -> Any:
    """What each step gives at the plant's usual ratio, which the `free` steps tell [kWh]; nan: not known.

    The ratio is the median where limits seldom bind, and falls in a straight line with the sun, as warm modules do:
    fitted to the steps that are not far below the line, anew until it rests. It never rises with the sun.
    """
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(free & (nominal > 0), energy / nominal, np.nan)
    for low, high in ((STEEP, BELOW_LIMITS), (STEEP, np.inf), (50.0, np.inf)):
        chosen = np.isfinite(ratio) & (sun >= low) & (sun <= high)
        if chosen.sum() >= 8:
            break
    else:
        return np.full(len(sun), np.nan)
    usual = float(np.median(ratio[chosen]))
    line = np.full(len(sun), usual)
    steep = np.isfinite(ratio) & (sun >= STEEP)
    tolerance = 0.15
    for _ in range(ROUNDS):
        kept = steep & (np.abs(ratio / line - 1) < tolerance) if usual > 0 else steep
        if kept.sum() < 50 or np.ptp(sun[kept]) < 300:
            break
        slope, level = np.polyfit(sun[kept], ratio[kept], 1)
        slope = min(float(slope), 0.0)
        level = float(np.median(ratio[kept] - slope * sun[kept]))
        line = level + slope * sun
        tolerance = 0.06
    return nominal * line


def _held_back(plant: Plant, steps: Steps, expected: Any, both: Any) -> tuple[Any, Any]:
    """(steps curtailed, steps clipped by the inverter).

    With a limit: where the power stands at it, or below it although more is to be expected of a mark without level.
    Without one: an hour and more of constant power below what is to be expected. At the inverter's rating each step
    below it is clipped; where that is not known, an hour and more at the highest power there was.
    """
    import numpy as np

    power = steps.power
    more = np.nan_to_num(expected / steps.hours, nan=-np.inf) > np.nan_to_num(power) * (1 + CAPPED)
    limited = np.isfinite(steps.limit) & np.isfinite(power)
    binding = limited & np.where(
        steps.limit > 0, power >= AT_LIMIT * np.nan_to_num(steps.limit), np.where(both, more, True)
    )
    binding &= np.where(both, more, True)
    flat = _plateaus(power, FLAT * plant.peak, max(3, round(PLATEAU / steps.hours)))
    flat &= both & more & (np.nan_to_num(power) > 0.1 * plant.peak) & ~binding
    flat = _flatter_than(flat, power, expected)
    known_top = plant.inverter is not None
    top = plant.inverter if plant.inverter is not None else float(np.nanmax(power, initial=0.0))
    at_top = np.nan_to_num(power) >= (AT_RATING if known_top else 0.99) * top
    clipped = both & more & ~binding if known_top else flat
    return binding | (flat & ~at_top), clipped & at_top


def _plateaus(power: Any, band: float, least: int) -> Any:
    """Which steps belong to a run of at least `least` in which the power stays within a band."""
    import numpy as np

    inside = np.zeros(len(power), bool)
    if len(power) < least:
        return inside
    windows = np.lib.stride_tricks.sliding_window_view(power, least)
    with np.errstate(invalid="ignore"):
        flat = windows.max(axis=1) - windows.min(axis=1) <= band
    for place in range(least):
        inside[place : len(power) - least + 1 + place] |= flat
    return inside


def _flatter_than(flat: Any, power: Any, expected: Any) -> Any:
    """Of runs of flat power those in which the sun moves more than twice as much: noon itself is flat, too."""
    import numpy as np

    kept = np.zeros(len(flat), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(np.int8), [0]])))
    for begin, end in edges.reshape(-1, 2).tolist():
        run = slice(begin, end)
        moved, sun = (float(np.ptp(one[run]) / one[run].mean()) for one in (power, expected))
        kept[run] = 2 * moved < sun
    return kept


@dataclass(frozen=True)
class Below:
    """A day below: which (index), its energy and the one to be expected [kWh]."""

    day: int
    energy: float
    expected: float


def days_below(energy: Any, reference: Any) -> list[Below]:
    """Days whose energy over their reference lies 4 robust deviations and a tenth below the median of all days.

    `reference` [kWh] is what the sun or the other plants say, nan or 0 where they say nothing. Needs 8 days.
    """
    import numpy as np

    known = np.isfinite(reference) & (np.nan_to_num(reference) > 0) & np.isfinite(energy)
    if known.sum() < LEAST_DAYS:
        return []
    ratio = np.where(known, energy / np.where(known, reference, 1.0), np.nan)
    usual = float(np.median(ratio[known]))
    spread = 1.4826 * float(np.median(np.abs(ratio[known] - usual)))
    short = known & (ratio < usual - UNLIKE * spread) & (ratio < usual * (1 - LEAST_SHORTFALL))
    return [
        Below(int(place), float(energy[place]), float(usual * reference[place]))
        for place in np.flatnonzero(short)
    ]
