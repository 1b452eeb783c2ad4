"""Zones that were made: what flows in by season, weekday and hour, with leaks whose size is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tests.analysis.conftest import local_hours, slots

BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Leak:
    """A flow [m³/h] from an instant of UTC on, at once or growing over `days`, until `end`."""

    start: str
    flow: float
    days: float = 0.0
    end: str | None = None

    def shape(self, times: Any) -> Any:
        since = (times - np.datetime64(self.start)) / np.timedelta64(1, "D")
        grown = np.clip(since / self.days, 0, 1) if self.days else (since >= 0) * 1.0
        running = (since >= 0) & (True if self.end is None else times < np.datetime64(self.end))
        return self.flow * grown * running


def inflow(
    since: str,
    until: str,
    *,
    seed: int = 1,
    night: float = 6.0,
    day: float = 24.0,
    season: float = 0.1,
    noise: float = 0.04,
    minutes: int = 15,
    leaks: Sequence[Leak] = (),
) -> tuple[Any, Any]:
    """(stamps in UTC, flow [m³/h]): little by night, more by day, later and more on Sundays, a tenth by season.

    `noise`: scatter of a single reading as a share; a tenth of it is shared by all readings of a day.
    """
    times = slots(since, until, minutes)
    local, hour = local_hours(times, BERLIN)
    weekday = (local.astype(int) + 3) % 7
    late = np.where(weekday >= 5, 1.5, 0.0)
    curve = np.clip(np.sin((hour - 5 - late) / 19 * np.pi), 0, None) ** 0.7
    yearly = 1 + season * np.cos(2 * np.pi * (local.astype(int) % 365.25 - 200) / 365.25)
    rng = np.random.default_rng(seed)
    index = (local - local[0]).astype(int)
    daily = 1 + 0.1 * noise * rng.normal(0, 1, index[-1] + 1)[index] * 3
    weekend = np.where(weekday == 6, 1.12, np.where(weekday == 5, 1.06, 1.0))
    flow = (night + day * curve) * yearly * weekend * daily * (1 + noise * rng.normal(0, 1, len(times)))
    return times, flow + sum((leak.shape(times) for leak in leaks), np.zeros(len(times)))


CITY = """
name: Made
time_zone: Europe/Berlin
country: DE
networks: {water: {kind: water}}
zones:
  hafen: {name: Hafen, network: water, kind: dma, connections: 1280, people: 3100, inflow: hafen_inflow}
  altstadt: {name: Altstadt, network: water, kind: dma, inflow: altstadt_inflow}
tariffs: {water: {network: water, price: 1.5}}
points:
  hafen_inflow: {unit: m3/h, every: 15m, zone: hafen}
  altstadt_inflow: {unit: m3/h, every: 15m, zone: altstadt}
"""
