"""How often the interval of a saving holds what was truly saved: made buildings in ten climates, by each method.

Of each building it is known by what share it uses less since its measure. A third is never shut, a third shut since
the measure, a third shut likewise and known from its monthly bills alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.bench_savings import _cityctl

_BUILDINGS = 20  # of each kind in each climate
_CONFIDENCE = 0.9
_METHODS = ("caltrack2", "split", "towt", "billing")
_NEVER, _SHUT, _BILLS = "open", "shut", "bill"
_MEASURE = pd.Timestamp("2024-07-01")
_CLIMATES = {  # mean and amplitude of the year [K], its coldest day, amplitude of the day [K]
    "Europe/Berlin": (9, 9, 15, 4),
    "Europe/Helsinki": (3, 13, 25, 3),
    "America/St_Johns": (5, 9, 30, 3),
    "America/Chicago": (10, 14, 15, 5),
    "America/Santiago": (14, 6, 195, 6),
    "Australia/Adelaide": (17, 6, 200, 6),
    "Australia/Lord_Howe": (19, 3.5, 200, 3),
    "Asia/Kathmandu": (18, 7, 10, 6),
    "Asia/Singapore": (27.5, 0.7, 15, 3),
    "Africa/Nairobi": (19, 1.5, 200, 5),
}


@dataclass
class _Told:
    """What became of the buildings of one kind by one method."""

    judged: int = 0
    held: int = 0
    apart: int = 0
    wrong: int = 0

    def add(self, row: dict[str, Any], share: float) -> None:
        """`share`: what is truly saved. `wrong`: called proven, and the truth lies outside of the interval."""
        verdict = row["verdict"] or ""
        self.apart += verdict.startswith("SET APART")
        if row["avoided_low"] is None:
            return
        saved = row["observed_kwh"] * share / (1 - share)  # on the days that count
        holds = bool(row["avoided_low"] <= saved <= row["avoided_high"])
        self.judged += 1
        self.held += holds
        self.wrong += not holds and verdict.startswith(("proven", "USE ROSE proven"))


def bench() -> Iterator[tuple[str, str]]:
    """The buildings of all climates, by kind and method."""
    told: dict[tuple[str, str], _Told] = {}
    for seed, zone in enumerate(_CLIMATES):
        with tempfile.TemporaryDirectory() as held:
            folder = Path(held)
            saved = _project(folder, zone, np.random.default_rng(seed))
            _cityctl(folder, "data", "import")
            for method in _METHODS:
                answer, _ = _cityctl(
                    folder, "report", "run", "savings", "--since", "2024-07", "--until", "2025-06",
                    "--method", method, "--set", f"confidence={_CONFIDENCE}", "-o", "json",
                )  # fmt: skip
                for row in json.loads(answer)["rows"]:
                    kind = row["meter"].split("-")[0]
                    told.setdefault((kind, method), _Told()).add(row, saved[row["meter"]])
    share = f"the {100 * _CONFIDENCE:.0f} % interval holds the truth on"
    for kind, words in ((_NEVER, "never shut"), (_SHUT, "shut for 8 to 74 days since")):
        for method in _METHODS:
            one = told[kind, method]
            yield f"{words}, {method}", f"{share} {one.held} of {one.judged}, {one.apart} set apart"
    one = told[_BILLS, "billing"]
    yield "shut likewise, bills alone", f"{one.apart} set apart, {one.wrong} called proven beside the truth"


def _project(folder: Path, zone: str, random: np.random.Generator) -> dict[str, float]:
    """A project of one climate, two years by the hour; meter -> the share that is saved."""
    local = pd.date_range("2023-07-01", "2025-07-02", freq="h", tz=zone, inclusive="left")
    utc = local.tz_convert("UTC").tz_localize(None)
    degrees = _weather(random, zone, local)
    parts = [pd.DataFrame({"time": utc, "point": "outdoors", "value": degrees})]
    points, saved = ["  outdoors: {unit: degC, every: 1h}"], {}
    names = [f"{kind}-{at}" for kind in (_NEVER, _SHUT, _BILLS) for at in range(_BUILDINGS)]
    day = local.tz_localize(None).normalize()
    for name in names:
        share = random.uniform(0.0, 0.15)
        use = _use(random, local, degrees)
        if not name.startswith(_NEVER):
            use = use * np.where(_shut(random, day), 0.25, 1.0)
        saved[name] = share
        table = pd.DataFrame(
            {"time": utc, "point": name, "value": use * np.where(day >= _MEASURE, 1 - share, 1)}
        )
        step = "every: 1h, "
        if name.startswith(_BILLS):
            table, step = table.groupby(local.strftime("%Y-%m")).agg(
                {"time": "first", "point": "first", "value": "sum"}
            ), ""  # fmt: skip
        parts.append(table)
        points.append(f"  {name}: {{unit: kWh, kind: interval, {step}zone: z-{name}, role: consumption}}")
    pd.concat(parts).to_parquet(folder / "all.parquet", index=False)
    zones = [f"  z-{name}: {{network: power, kind: building}}" for name in names]
    (folder / "city.yaml").write_text(
        f"name: Bench\ntime_zone: {zone}\nnetworks: {{power: {{kind: power}}}}\nzones:\n" + "\n".join(zones)
        + f"\nweather: {{temperature: outdoors}}\ninterventions: [{{date: {_MEASURE:%Y-%m-%d}}}]\npoints:\n"
        + "\n".join(points) + "\nfiles:\n  all: {path: all.parquet, layout: long, time: time, point: point, "
        "value: value, time_zone: UTC}\n",
        encoding="utf-8",
    )  # fmt: skip
    return saved


def _weather(random: np.random.Generator, zone: str, local: pd.DatetimeIndex) -> Any:
    """Outdoor temperature [degC]: year, day, and days that resemble the day before."""
    mean, of_year, coldest, of_day = _CLIMATES[zone]
    hours = np.arange(len(local))
    phase = (local.day_of_year - coldest) / 365.25, (local.hour - 3) / 24
    days = _lasting(random, len(local) // 24 + 1, 0.75, 1.6)
    wave = of_year * np.cos(2 * np.pi * phase[0]) + of_day * np.cos(2 * np.pi * phase[1])
    return mean - np.asarray(wave) + np.interp(hours, np.arange(len(days)) * 24 + 12, days)


def _use(random: np.random.Generator, local: pd.DatetimeIndex, degrees: Any) -> Any:
    """kWh of each hour: a base, working hours in most, heating and cooling by the day's mean, ups and downs."""
    working = np.asarray((local.hour >= 7) & (local.hour < 18) & (local.day_of_week < 5))
    if random.random() < 0.3:
        working[:] = True
    mild = pd.Series(degrees).rolling(24, min_periods=1).mean().to_numpy()
    heats, cools = (random.uniform(0, 4) if random.random() < 0.7 else 0.0 for _ in range(2))
    use = random.uniform(5, 20) + random.uniform(5, 25) * working
    use = use + heats * np.maximum(random.uniform(12, 17) - mild, 0)
    use = use + cools * np.maximum(mild - random.uniform(19, 23), 0)
    days = _lasting(random, len(use) // 24 + 1, random.uniform(0.2, 0.7), random.uniform(0.01, 0.06))
    return use * (1 + days[np.arange(len(use)) // 24]) * random.normal(1, 0.05, len(use))


def _lasting(random: np.random.Generator, count: int, kept: float, scatter: float) -> Any:
    """Days of which each keeps a share of what the one before was off."""
    off = random.normal(0, scatter, count)
    for at in range(1, count):
        off[at] += kept * off[at - 1]
    return off


def _shut(random: np.random.Generator, day: pd.DatetimeIndex) -> Any:
    """One or two times of 8 to 37 days since the measure in which a building is shut."""
    found = np.zeros(len(day), bool)
    for _ in range(random.integers(1, 3)):
        first = _MEASURE + pd.Timedelta(days=int(random.integers(0, 320)))
        found |= np.asarray((day >= first) & (day < first + pd.Timedelta(days=int(random.integers(8, 38)))))
    return found
