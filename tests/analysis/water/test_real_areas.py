"""Five real district metered areas with steps put into them: how often found, and how often raised for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cityctl.analysis.water.changes import Watchfulness
from cityctl.analysis.water.expected import Assumptions, day_use, trailing
from cityctl.analysis.water.leaks import watch

STEPS, EACH = (0.1, 0.2), 6  # of the mean inflow, and how many of each an area


def nightly(hours: pd.Series) -> tuple[pd.DatetimeIndex, Any, Any, Any]:
    """As night_flow.sql has it: nights end at 04:00 and hold the 24 hours before."""
    stamps = pd.DatetimeIndex(hours.index)
    frame = pd.DataFrame({"flow": hours.to_numpy(), "night": (stamps + pd.Timedelta(hours=20)).normalize()})
    clock = stamps.hour.to_numpy()
    window, by_day = (clock >= 2) & (clock < 4), (clock >= 4) & (clock < 22)

    def means(part: pd.DataFrame, least: int) -> pd.Series:
        grouped = part.groupby("night")["flow"]
        return grouped.mean().where(grouped.count() >= least)

    table = pd.DataFrame(
        {"night": means(frame[window], 2), "day": means(frame[by_day], 14), "all": means(frame, 20)}
    ).asfreq("D")
    return pd.DatetimeIndex(table.index), *(table[key].to_numpy() for key in ("night", "day", "all"))


@pytest.mark.slow
def test_steps_and_false_alarms(shared: Path) -> None:
    """About one alarm an area and year as it is, and not all of them false: some areas do have bursts.

    +10 % of the mean inflow is found within 14 days in half of the cases, +20 % in three of four: area 1 wets its
    gardens by night and hides either. Aims for a later form: 0.5 alarms, 65 % and 90 %.
    """
    table = pd.read_csv(shared / "data/water/bwdf_inflow.csv")
    table.index = pd.to_datetime(table.iloc[:, 0], format="%d/%m/%Y %H:%M")
    rng = np.random.default_rng(1)
    runs = []
    for area in table.columns[1:]:
        hours = table[area] * 3.6
        runs.append((area, 0.0, -1, *nightly(hours)))
        for share in STEPS:
            for _ in range(EACH):
                night = int(rng.integers(60, len(runs[-1][3]) - 30))
                moved = hours.copy()
                moved.iloc[night * 24 + int(rng.integers(0, 24)) :] += share * hours.mean()
                runs.append((area, share, night, *nightly(moved)))
    index = runs[0][3]
    flow, day, whole = (np.array([run[at] for run in runs]) for at in (4, 5, 6))
    kinds = index.day_of_week.to_numpy().astype(np.int64)
    arrays = (flow, day_use(day, flow), kinds, trailing(whole, 56, 7))
    events = watch(Assumptions(), Watchfulness(), arrays).events
    years = sum(np.isfinite(run[4]).sum() for run in runs if not run[1]) / 365.25
    alarms = sum(len(found) for run, found in zip(runs, events, strict=True) if not run[1])
    hits = {
        share: np.mean(
            [
                any(run[2] <= event.detected <= run[2] + 14 for event in found)
                for run, found in zip(runs, events, strict=True)
                if run[1] == share
            ]
        )
        for share in STEPS
    }
    print(
        f"real areas: {alarms / years:.2f} alarms a year; found {hits[0.1]:.0%} of +10 %, {hits[0.2]:.0%} of +20 %"
    )
    assert alarms / years < 1.3
    assert hits[0.1] >= 0.5
    assert hits[0.2] >= 0.7
