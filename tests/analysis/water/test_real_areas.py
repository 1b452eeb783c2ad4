"""Five real district metered areas with steps put into them: how often found, and how often raised for nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import watch
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.areas import alarm_rate, areas, score, seen, with_steps

CITY = """
name: Areas
time_zone: Europe/Rome
country: IT
networks: {{water: {{kind: water}}}}
zones:
{zones}
points:
{points}
"""


@pytest.mark.slow
def test_steps_and_false_alarms(shared: Path) -> None:
    """Not all of the alarms are false: area 9 draws half more, day and night, for two days.

    +10 % of the mean inflow is found within 14 days in more than half of the cases, +20 % in three of four: area 1
    wets its gardens by night and hides either. Aims: 0.5 alarms an area-year, 65 % and 90 %. On which days of the
    calendar weeks begin decides some of the alarms, so that the rate is that of several such rounds.
    """
    table = areas(shared)
    puts, rows = with_steps(table, (0.1, 0.2), 12, seed=1)
    nights = seen(rows, table.index[0])
    told = score(puts, watch(Assumptions(), Watchfulness(), nights).events, nights)
    rate = alarm_rate(table, (0, 4, 9, 19))
    print(f"{rate:.2f} alarms a year; +10 % {told.rate(0.1):.0%}, +20 % {told.rate(0.2):.0%}", told)
    assert told.alarm_rate <= 0.5
    assert rate <= 0.55
    assert told.rate(0.1) >= 0.5
    assert told.rate(0.2) >= 0.75


Alarms = list[tuple[str, date]]


def _alarms(ask: Callable[..., Result], hours: pd.DataFrame, spoil: Callable[[Any, Any], Any]) -> Alarms:
    """(area, local day) of the alarms where hours of local time went through `spoil`, asked as a report does."""
    stamps = hours.index.tz_localize("Europe/Rome", ambiguous="NaT", nonexistent="NaT")
    there = ~stamps.isna()
    series = {}
    for at, area in enumerate(hours.columns):
        values = spoil(hours[area].to_numpy()[there].copy(), stamps[there].day_of_year)
        known = np.isfinite(values)
        times = stamps[there].tz_convert("UTC").tz_localize(None).to_numpy()[known]
        series[f"inflow_{at}"] = (times, values[known])
    count = range(len(hours.columns))
    city = CITY.format(
        zones="\n".join(f"  a{at}: {{network: water, kind: dma, inflow: inflow_{at}}}" for at in count),
        points="\n".join(f"  inflow_{at}: {{unit: m3/h, every: 1h}}" for at in count),
    )
    result = ask("water/leaks", city, series, "2021-01-02", "2021-12-31")
    return [(row["zone"], row["detected_at"].date()) for row in rows_of(result, "events")]


FAULTS = (90, 150, 240, 300)  # days of the year on which a fault begins ...
LASTS = 3  # ... and for how many days at most


def _gaps(values: Any, day: Any) -> Any:
    for begin in FAULTS:
        values[(day >= begin) & (day < begin + LASTS)] = np.nan
    values[np.random.default_rng(5).random(len(values)) < 0.05] = np.nan
    return values


def _frozen(values: Any, day: Any) -> Any:
    """Stuck at a busy hour's value for two days."""
    for begin in FAULTS:
        at = int(np.flatnonzero((day == begin) & np.isfinite(values))[8])
        values[at : at + 44] = values[at]
    return values


def _spikes(values: Any, day: Any) -> Any:
    """A reading in ten is five times what it was, by night too."""
    rng = np.random.default_rng(6)
    for begin in FAULTS:
        inside = (day >= begin) & (day < begin + LASTS)
        values = np.where(inside & (rng.random(len(values)) < 0.1), 5 * values, values)
    return values


def _another_unit(values: Any, day: Any) -> Any:
    """Read as L/s, from ten in the morning on."""
    for begin in FAULTS:
        at = int(np.flatnonzero(day == begin)[10])
        values[at : at + 24 * LASTS] /= 3.6
    return values


@pytest.mark.slow
def test_faulty_sensors_raise_nothing_more(ask: Callable[..., Result], shared: Path) -> None:
    """Gaps, a frozen sensor, spikes and another unit in all five areas; clocks change twice within the year.

    No alarm falls into a fault or the three nights after it that is not raised without the fault too.
    """
    hours = areas(shared).loc["2021-01-01":"2021-12-31"]  # type: ignore[misc]  # labels
    plain = _alarms(ask, hours, lambda values, _: values)
    changes = [86, 87, 88, 303, 304, 305]  # nights around 28 March and 31 October
    assert not [alarm for alarm in plain if alarm[1].timetuple().tm_yday in changes]
    for spoil in (_gaps, _frozen, _spikes, _another_unit):
        more = [
            (area, day)
            for area, day in _alarms(ask, hours, spoil)
            if any(begin <= day.timetuple().tm_yday <= begin + LASTS + 3 for begin in FAULTS)
            and not any(area == other and abs((day - when).days) <= 7 for other, when in plain)
        ]
        assert more == [], spoil.__name__
