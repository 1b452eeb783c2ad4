"""The pressure of a zone from those of its sensors, as if all of them had told every night. Numbers only.

Sensors stand at different heights: where one is silent for a while the mean of the others is no other pressure. What
cannot be a pressure, and what stands still, is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

HIGHEST = 300.0  # m: pipes of water supply are made for up to 25 bar; above it a unit is wrong
STILL = 2  # nights at one value: no fine sensor shows that
TIMES = 2  # as long as a coarse one stood before
USUAL = 3  # so many stands as long make it usual: a sensor that froze once is no coarse one
TURNS = 10  # in which sensors and nights are told apart


@dataclass(frozen=True)
class Night:
    """What a sensor showed in a night [m of head]; `still`: all of its 24 hours at one value."""

    head: float
    still: bool = False


def believed(nights: Mapping[date, Night]) -> dict[date, float]:
    """A sensor's nights [m of head] without those that tell nothing: no pressure, and stands too long for it."""
    runs: list[list[date]] = []
    for day in sorted(nights):
        one, yesterday = nights[day], day - timedelta(days=1)
        if not one.still:
            continue
        if runs and runs[-1][-1] == yesterday and nights[yesterday].head == one.head:
            runs[-1].append(day)
        else:
            runs.append([day])
    over = sorted((len(run) for run in runs if run[-1] != max(nights)), reverse=True)
    usual = over[USUAL - 1] if len(over) >= USUAL else 0
    frozen = {day for run in runs if len(run) >= max(STILL, TIMES * usual) for day in run}
    return {day: one.head for day, one in nights.items() if 0 < one.head <= HIGHEST and day not in frozen}


def heads_of(sensors: Iterable[Mapping[date, float]]) -> dict[date, float]:
    """Mean pressure of the sensors in each night [m of head]; one that is silent keeps what it lies above the others.

    The median polish of nights and sensors. Source: Tukey (1977), Exploratory data analysis.
    """
    import numpy as np

    told = [one for one in sensors if one]
    days = sorted({day for one in told for day in one})
    if not days:
        return {}
    heads = np.array([[one.get(day, np.nan) for day in days] for one in told])
    above = np.nanmedian(heads, axis=1)
    for _ in range(TURNS):
        nights = np.nanmedian(heads - above[:, None], axis=0)
        above = np.nanmedian(heads - nights, axis=1)
    nights = np.nanmedian(heads - above[:, None], axis=0)
    return dict(zip(days, (nights + above.mean()).tolist(), strict=True))


def by_sensor(rows: Iterable[tuple[str, str, date, Night]]) -> dict[str, dict[str, dict[date, float]]]:
    """Zone -> sensor -> its nights that can be believed, of (zone, sensor, night's date, night)."""
    found: dict[str, dict[str, dict[date, Night]]] = defaultdict(lambda: defaultdict(dict))
    for zone, point, day, night in rows:
        found[zone][point][day] = night
    return {zone: {point: believed(nights) for point, nights in own.items()} for zone, own in found.items()}
