"""A town hall whose use was made: every figure of its savings can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of, slots

Ask = Callable[..., Result]

CITY = """
name: Small
time_zone: {zone}
networks: {{power: {{kind: power}}, gas: {{kind: gas}}}}
zones:
  hall: {{name: Town hall, network: power, kind: building}}
  baths: {{name: Baths, network: gas, kind: building}}
points:
  temperature: {{unit: degC, every: 1h}}
  hall_kwh: {{unit: kWh, kind: {kind}, every: 1h, zone: hall, role: consumption}}
  baths_kwh: {{unit: kWh, kind: interval, every: 1h, zone: baths, role: consumption}}
weather: {{temperature: temperature}}
tariffs: {{power: {{network: power, price: 0.25}}}}
interventions: [{{date: 2025-01-01, what: night setback}}]
"""
BERLIN, ONE = ZoneInfo("Europe/Berlin"), {"meters": "hall_kwh"}


def city(zone: str = "UTC", kind: str = "interval", **changes: str) -> str:
    text = CITY.format(zone=zone, kind=kind)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def year(zone: str = "UTC", seed: int = 5) -> tuple[Any, Any, Any]:
    """(hourly stamps over two years, their local day's index, that day's mean temperature [degF])."""
    times = slots("2023-12-30", "2026-01-02", 60)
    day, _ = local_hours(times, ZoneInfo(zone))
    index = (day - day[0]).astype(int)
    rng = np.random.default_rng(seed)
    count = index[-1] + 1
    daily = 55 - 27 * np.cos(2 * np.pi * (np.arange(count) - 18) / 365.25) + rng.normal(0, 4, count)
    return times, index, daily


def use(fahrenheit: Any, base: float = 120.0, heating: float = 5.0, cooling: float = 8.0) -> Any:
    """A building that heats below 55 and cools above 70 degF [kWh a day]."""
    return base + heating * np.maximum(55 - fahrenheit, 0) + cooling * np.maximum(fahrenheit - 70, 0)


def made(
    saved: float = 0.1, zone: str = "UTC", noise: float = 0.0, seed: int = 5, **more: Any
) -> dict[str, Any]:
    """Hourly readings of town hall and temperature; from 2025 on the hall uses a share less."""
    times, index, daily = year(zone, seed)
    rng = np.random.default_rng(seed + 1)
    scatter = 1 + noise * rng.normal(0, 1, len(daily))
    start = (np.datetime64("2025-01-01") - np.datetime64("2023-12-30")).astype(int)
    share = np.where(np.arange(len(daily)) >= start, 1 - saved, 1.0)
    kwh = (use(daily, **more) * scatter * share)[index] / 24  # a local day of 23 hours takes 23/24 of it
    return {"hall_kwh": (times, kwh), "temperature": (times, (daily[index] - 32) / 1.8)}


def only(result: Result) -> dict[str, Any]:
    (row,) = rows_of(result, "savings")
    return row


def ask_one(ask: Ask, series: dict[str, Any], text: str | None = None, **parameters: Any) -> dict[str, Any]:
    given = {"since": "2025-01-01", "until": "2026-01-01", **ONE, **parameters}
    since, until = given.pop("since"), given.pop("until")
    return only(ask("energy/savings", text or city(), series, since, until, **given))


def lacking(row: dict[str, Any]) -> str:
    assert row["avoided_kwh"] is None
    assert row["saving_pct"] is None
    assert row["verdict"].startswith("NOT ASSESSABLE")
    return str(row["reasons"])


def part(series: dict[str, Any], point: str, keep: Callable[[Any], Any]) -> dict[str, Any]:
    times, values = series[point]
    kept = keep(times)
    return {**series, point: (times[kept], values[kept])}
