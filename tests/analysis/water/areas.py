"""Five real district metered areas as arrays of nights, with steps put into them, and faults of sensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import watch

BEGIN, DAY = 4, 24  # a night's 24 hours end at 04:00


def areas(shared: Path) -> pd.DataFrame:
    """Hourly inflow [m³/h] by area, on an even grid of local hours; nan where readings are missing."""
    table = pd.read_csv(shared / "data/water/bwdf_inflow.csv")
    table.index = pd.to_datetime(table.iloc[:, 0], format="%d/%m/%Y %H:%M")
    hours = table.iloc[:, 1:][~table.index.duplicated()] * 3.6
    return hours.reindex(pd.date_range(hours.index[0], hours.index[-1], freq="h"))


def days(hours: Any) -> Any:
    """(days x 24) from 04:00 on."""
    rest = np.asarray(hours, float)[BEGIN:]
    count = len(rest) // DAY
    return rest[: count * DAY].reshape(count, DAY)


def seen(rows: list[Any], first: pd.Timestamp, phase: int = 0) -> Seen:
    """Nights of hourly rows that all begin at the midnight `first`, as night_flow.sql reduces them."""
    hours = np.array([days(row) for row in rows])
    with np.errstate(all="ignore"):
        window = hours[:, :, 22:]
        least, mean = window.min(axis=2), window.mean(axis=2)
        by_day = _mean(hours[:, :, :18], 14)
        parts = np.stack([_mean(part, 2) for part in np.split(hours, 8, axis=2)], axis=2)
        whole = _mean(hours, 20)
    usual = trailing(whole, 56, 7)
    # Two readings: where they lie far apart, the lower one is believed.
    with np.errstate(invalid="ignore"):
        flow = np.where(mean - least > np.maximum(1.0 * least, 0.1 * usual), least, mean)
    by_day[np.isnan(flow)] = np.nan
    parts[np.isnan(flow)] = np.nan
    ends = pd.date_range(first + pd.Timedelta(days=1), periods=hours.shape[1], freq="D")
    kinds = ends.day_of_week.to_numpy().astype(np.int64)
    return Seen(flow, day_use(by_day, flow), kinds, usual, by_day, parts, phase=phase)


def _mean(values: Any, least: int) -> Any:
    known = np.isfinite(values)
    count = known.sum(axis=2)
    return np.where(count >= least, np.where(known, values, 0).sum(axis=2) / np.maximum(count, 1), np.nan)


@dataclass(frozen=True)
class Put:
    """A step of `share` of an area's mean inflow from an hour on; share 0: the area as it is."""

    area: str
    share: float
    hour: int

    @property
    def night(self) -> int:
        """The first night that it may show in."""
        return (self.hour - BEGIN) // DAY


def with_steps(
    table: pd.DataFrame, shares: tuple[float, ...], each: int, seed: int
) -> tuple[list[Put], list[Any]]:
    """Each area as it is, and `each` times with a step of each share at a random hour."""
    rng = np.random.default_rng(seed)
    puts, rows = [], []
    for area in table.columns:
        flow = table[area].to_numpy()
        puts.append(Put(area, 0.0, 0))
        rows.append(flow)
        for share in shares:
            for _ in range(each):
                hour = int(rng.integers(60, len(flow) // DAY - 30)) * DAY + int(rng.integers(0, DAY))
                moved = flow.copy()
                moved[hour:] += share * np.nanmean(flow)
                puts.append(Put(area, share, hour))
                rows.append(moved)
    return puts, rows


@dataclass(frozen=True)
class Score:
    """Alarms an area and year without a step, and the share of each step found within 14 days, by area."""

    alarms: dict[str, int]
    years: float
    found: dict[float, dict[str, float]]

    @property
    def alarm_rate(self) -> float:
        return sum(self.alarms.values()) / self.years

    def rate(self, share: float) -> float:
        return float(np.mean(list(self.found[share].values())))


def score(puts: list[Put], events: list[Any], seen_: Seen) -> Score:
    """What a watch made of `with_steps`; an alarm that is raised without the step too still counts as found."""
    plain = [at for at, put in enumerate(puts) if not put.share]
    years = sum(float(np.isfinite(seen_.flow[at]).sum()) for at in plain) / 365.25
    shares = sorted({put.share for put in puts if put.share})
    found = {
        share: {
            area: float(
                np.mean(
                    [
                        any(put.night <= event.detected <= put.night + 14 for event in one)
                        for put, one in zip(puts, events, strict=True)
                        if (put.area, put.share) == (area, share)
                    ]
                )
            )
            for area in {put.area for put in puts}
        }
        for share in shares
    }
    return Score({puts[at].area: len(events[at]) for at in plain}, years, found)


def alarm_rate(table: pd.DataFrame, phases: Iterable[int]) -> float:
    """Alarms an area and year without a step: the mean over rounds of the calendar that begin on different days."""
    plain = seen([table[area].to_numpy() for area in table.columns], table.index[0])
    told = [watch(Assumptions(), Watchfulness(), replace(plain, phase=phase)).events for phase in phases]
    years = len(told) * float(np.isfinite(plain.flow).sum()) / 365.25
    return sum(len(area) for events in told for area in events) / years
