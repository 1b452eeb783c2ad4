"""Continuous flow at 46 real household meters, against a plain calculation of its own."""

from __future__ import annotations

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.test_customer_leaks import HEAD, HOUR, POINT


@pytest.fixture(scope="module")
def households(shared: Path) -> dict[str, list[tuple[datetime, float]]]:
    """meter -> its readings [L] in order of time, the first of those at one instant."""
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    with gzip.open(shared / "data/water/daiad_household_meters.csv.gz", "rt") as file:
        rows = csv.reader(file)
        meter, when, litres = map(next(rows).index, ("meter", "datetime", "reading_l"))
        for row in rows:
            day, month, year, clock = re.split("[/ ]", row[when])  # strptime made this four times as long
            moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}+00:00")
            found[row[meter]].setdefault(moment, float(row[litres]))
    return {meter: sorted(readings.items()) for meter, readings in found.items()}


def plainly(readings: list[tuple[datetime, float]]) -> list[tuple[datetime, datetime | None, float]]:
    """(start, end, L/h) of continuous flow: reading after reading, with no SQL and no hours of the clock.

    A step of at most 90 minutes with a rise flows, one of 45 minutes or more without stands still, and ends what
    ran; a longer rise is not known: it ends what had not yet run for 24 hours. The rate is the smallest but for the
    first and, of what ended, the last day, as far as 24 hours are left.
    """
    told: list[tuple[datetime, datetime | None, float]] = []
    run: list[tuple[datetime, float]] = []
    flowing, began = 0.0, None
    for (since, before), (until, after) in pairwise(readings):
        hours, rise = (until - since) / HOUR, after - before
        if rise == 0:
            if hours < 0.75:
                continue
            if began is not None:
                told.append((began, since, smallest(run, began, since)))
            run, flowing, began = [], 0.0, None
        elif rise > 0 and hours <= 1.5:
            run.append((since, rise / hours))
            flowing += hours
            if began is None and flowing >= 23.75:
                began = run[0][0]
        elif began is None:
            run, flowing = [], 0.0
    if began is not None:
        told.append((began, None, smallest(run, began, None)))
    return told


def smallest(run: list[tuple[datetime, float]], began: datetime, ended: datetime | None) -> float:
    """L/h of the smallest step of a run, as whole hours of the clock begin and end it."""
    first = began.replace(minute=0, second=0)
    last = run[-1][0].replace(minute=0, second=0)
    beyond = max(last + HOUR - first - 24 * HOUR, 0 * HOUR)
    edge = min(24 * HOUR, beyond / (1 if ended is None else 2))
    end = last + HOUR if ended is None else last + HOUR - edge
    hours = [(at.replace(minute=0, second=0), rate) for at, rate in run if at >= began]
    return min(rate for hour, rate in hours if first + edge <= hour < end)


def asked_of(
    ask: Callable[..., Result], households: dict[str, list[tuple[datetime, float]]], kind: str, series: Any
) -> dict[str, list[dict[str, Any]]]:
    text = HEAD + "".join(POINT % (meter, "L", kind, "1h") for meter in households)
    first = min(rows[0][0] for rows in households.values()).date()
    last = max(rows[-1][0] for rows in households.values()).date() + timedelta(days=1)
    found = ask("water/customer_leaks", text, series, str(first), str(last), running="no")
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows_of(found, "customer_leaks"), key=lambda row: row["leak_since"]):
        told[row["meter"]].append(row)
    return told


def naive(moments: list[datetime]) -> Any:
    return np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")


def test_real_households_agree_with_a_plain_calculation(
    ask: Callable[..., Result], households: dict[str, list[tuple[datetime, float]]]
) -> None:
    """The same leaks of the same meters, start and end to the second, rate to a millionth, where no hour is unknown."""
    assert len(households) == 46
    series = {
        meter: (naive([at for at, _ in rows]), [value / 1000 for _, value in rows])
        for meter, rows in households.items()
    }
    told = asked_of(ask, households, "counter", series)
    same = apart = 0
    for meter, rows in households.items():
        expected = plainly(rows)
        assert len(told[meter]) == len(expected), meter
        for row, (since, until, rate) in zip(told[meter], expected, strict=True):
            alike = (row["leak_since"], row["leak_until"]) == (since, until)
            assert row["leak_rate"] == pytest.approx(rate, rel=1e-6 if alike else 1e-3)
            if alike:
                same += 1
            else:
                apart += 1
                assert abs(row["leak_since"] - since) <= 12 * HOUR
                assert abs(row["leak_until"] - until) <= HOUR
    assert same > 80
    assert apart <= 5


def test_real_use_as_amounts_and_as_registers(
    ask: Callable[..., Result], households: dict[str, list[tuple[datetime, float]]]
) -> None:
    """What 46 households drew from one reading to the next, an hour each: runs of 24 hours, counted one by one."""
    start = datetime(2016, 3, 1, tzinfo=UTC)
    amounts, registers = {}, {}
    expected: dict[str, list[datetime]] = {}
    for meter, rows in households.items():
        values = np.array([value for _, value in rows[:4000]])
        rises = np.clip(np.diff(values), 0, 400)
        times = naive([start + at * HOUR for at in range(len(rises) + 1)])
        amounts[meter] = (times[:-1], rises / 1000)
        registers[meter] = (times, 50 + np.concatenate([[0], np.cumsum(rises)]) / 1000)
        expected[meter], run = [], 0
        for at, rise in enumerate(rises):
            run = run + 1 if rise > 0 else 0
            if run == 24:
                expected[meter].append(start + (at - 23) * HOUR)
    for kind, series in (("interval", amounts), ("counter", registers)):
        told = asked_of(ask, households, kind, series)
        found = {meter: [row["leak_since"] for row in told[meter]] for meter in households}
        assert found == expected, kind
    assert sum(map(len, expected.values())) > 30
