"""The same use, otherwise spread over its days: a capped peak, a shifted load. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from cityctl.tariff.charges import Days, at_the_margin
from cityctl.tariff.model import Tariff
from cityctl.tariff.use import Use


def capped(use: Use, day: Any, cap: float) -> Use:
    """Use with no window above `cap` [kW]: what lies above goes to the emptiest windows of the same day.

    `day` is the local day of each window. What a day cannot hold below the cap stays where it was, evenly.
    """
    import numpy as np

    energy = use.energy.astype(float).copy()
    limit = cap * use.hours
    for begin, end in _runs(day):
        part, most = energy[begin:end], limit[begin:end]
        above = float(np.maximum(part - most, 0).sum())
        if above <= 0:
            continue
        part[:] = np.minimum(part, most)
        for place in np.argsort(part / most, kind="stable"):
            moved = min(above, float(most[place] - part[place]))
            part[place] += moved
            above -= moved
            if above <= 1e-12:
                break
        if above > 0:
            part += above / len(part)
    return replace(use, energy=energy)


def shifted(use: Use, day: Any, share: float, tariff: Tariff, days: Mapping[int, Days]) -> Use:
    """Use with a share of each day's dearest windows moved evenly to its cheapest ones.

    `days`: which days of a month are billed: prices are those of the tier that their use has reached, of the first tier
    on other days.
    """
    import numpy as np

    price = at_the_margin(tariff, use, days)
    price = np.where(np.isfinite(price), price, prices(use, tariff))
    energy = use.energy.astype(float).copy()
    for begin, end in _runs(day):
        of_day = price[begin:end]
        dearest, cheapest = of_day == of_day.max(), of_day == of_day.min()
        if of_day.max() <= of_day.min():
            continue
        part = energy[begin:end]
        moved = share * part[dearest]
        part[dearest] -= moved
        part[cheapest] += moved.sum() / cheapest.sum()
    return replace(use, energy=np.asarray(energy))


def prices(use: Use, tariff: Tariff) -> Any:
    """Price of the first tier of energy in each window, in the tariff's currency for each kWh."""
    import numpy as np

    found = np.zeros(len(use.energy))
    epoch = date(1970, 1, 1).toordinal()
    for version, following in pairwise([*tariff.versions, None]):
        assert version is not None
        chosen = use.day >= version.from_.toordinal() - epoch
        if following is not None:
            chosen &= use.day < following.from_.toordinal() - epoch
        for entry in version.energy:
            if entry.above == 0:
                holds = entry.holds(use.month % 12 + 1, use.minute, use.weekday, use.holiday)
                found = found + np.where(chosen & holds, entry.price, 0.0)
    return found


def _runs(day: Any) -> list[tuple[int, int]]:
    """[begin, end) of each run of the same day."""
    import numpy as np

    if not len(day):
        return []
    edges = [0, *(np.flatnonzero(day[1:] != day[:-1]) + 1).tolist(), len(day)]
    return [(edges[at], edges[at + 1]) for at in range(len(edges) - 1)]
