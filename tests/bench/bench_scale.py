"""Water loss of whole cities: leaks of many zones in a year, leaks at many customers, in CPU seconds and memory.

Sizes are CITYCTL_BENCH_ZONES (a year of quarter-hours each) and CITYCTL_BENCH_METERS (a fortnight of hours each).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.measure import cost, python

ZONES = int(os.environ.get("CITYCTL_BENCH_ZONES", "200"))
METERS = int(os.environ.get("CITYCTL_BENCH_METERS", "50000"))
LAST = ("2025-12-25", "2025-12-31")
AT_ONCE = 20_000_000  # readings that are made and stored at a time
HEAD = "name: Bench\ntime_zone: Europe/Berlin\nnetworks: {water: {kind: water}}\n"


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        what, zones = f"leaks of {ZONES} zones, a year by 15 min", _Zones(folder / "zones")
        zones.store(0, 364)
        yield what, _ran(folder / "zones", "leaks", "2025", "2025")
        zones.store(364, 365)
        yield f"{what}: its last week, after one more day", _ran(folder / "zones", "leaks", *LAST)
        shutil.rmtree(folder / "zones/.cityctl/memory")
        yield f"{what}: its last week, with nothing remembered", _ran(folder / "zones", "leaks", *LAST)
        for kind in ("interval", "counter"):
            _city_of_meters(folder / kind, kind)
            what = f"leaks at {METERS} customers, 14 days by the hour, {kind}s"
            yield what, _ran(folder / kind, "customer-leaks", "2025-11-01", "2025-11-14")


def _ran(city: Path, report: str, since: str, until: str) -> str:
    words = ("report", "run", report, "--since", since, "--until", until, "-o", "json")
    where = ("--output-file", city / "out.json", "--project", city)
    seconds, peak = cost(python("-m", "cityctl", *words, *where), may_end=(0, 4))
    return f"{seconds:.1f} CPU s, {peak / 1e9:.2f} GB"


class _Zones:
    """Day and night, 3 % of noise; three zones in ten get a leak of a tenth of their flow."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._names = [f"in_{at:05}" for at in range(ZONES)]
        zones = "".join(f"  z{name}: {{network: water, kind: dma, inflow: {name}}}\n" for name in self._names)
        points = "".join(f"  {name}: {{zone: z{name}, unit: m3/h, every: 15m}}\n" for name in self._names)
        folder.mkdir()
        (folder / "city.yaml").write_text(f"{HEAD}zones:\n{zones}points:\n{points}", encoding="utf-8")
        self._rng = np.random.default_rng(1)
        self._stored = _Stored(folder)
        self._size = self._rng.uniform(5, 50, ZONES)[:, None]
        self._leaks = self._rng.random(ZONES)[:, None] < 0.3
        self._begin = self._rng.integers(60, 360, ZONES)[:, None]

    def store(self, since: int, until: int) -> None:
        """The readings from one day of the year up to, and without, another."""
        import numpy as np

        for first in range(since * 96, until * 96, step := max(96, AT_ONCE // ZONES // 96 * 96)):
            at = np.arange(first, min(until * 96, first + step))
            day = 0.4 + 0.6 * np.clip(np.sin((at % 96 / 4 - 5) / 19 * np.pi), 0, None)
            flow = self._size * (day + 0.1 * (self._leaks & (at // 96 >= self._begin)))
            flow *= 1 + 0.03 * self._rng.standard_normal(flow.shape)
            times = np.datetime64("2025-01-01T00:00", "us") + at * np.timedelta64(15, "m")
            self._stored.add(self._names, times, flow)


def _city_of_meters(folder: Path, kind: str) -> None:
    """Households that rest by night, litres counted; of fifty, water never stands still at one."""
    import numpy as np

    names = [f"m{at:07}" for at in range(METERS)]
    folder.mkdir()
    (folder / "meters.csv").write_text("meter\n" + "\n".join(names) + "\n", encoding="utf-8")
    register = f"{{register: meters.csv, zone: z, unit: m3, kind: {kind}, every: 1h, role: consumption}}"
    text = f"{HEAD}zones: {{z: {{network: water}}}}\nmeters:\n  - {register}\n"
    (folder / "city.yaml").write_text(text, encoding="utf-8")
    rng = np.random.default_rng(1)
    store = _Stored(folder)
    at = np.arange(24 * 14)
    for first in range(0, METERS, step := AT_ONCE // len(at)):
        some = names[first : first + step]
        used = rng.integers(1, 60, (len(some), len(at))) * (rng.random((len(some), len(at))) < 0.45)
        used *= (at % 24 >= 5) | (rng.random(used.shape) < 0.1)
        used += (rng.random(len(some)) < 0.02)[:, None] * rng.integers(1, 12, (len(some), 1))
        value = np.cumsum(used, axis=1) if kind == "counter" else used
        store.add(some, np.datetime64("2025-11-01T00:00", "us") + at * np.timedelta64(1, "h"), value / 1000)


class _Stored:
    """A city's store, filled without a detour over files."""

    def __init__(self, folder: Path) -> None:
        from cityctl.city.project import Project
        from cityctl.store.store import Store

        project = Project(folder)
        self._known = project.city.points()
        self._store = Store.open(project.store_folder)
        self._received = datetime(2026, 1, 1, tzinfo=UTC)

    def add(self, names: list[str], times: Any, values: Any) -> None:
        """Readings of (names x times)."""
        import numpy as np
        import pyarrow as pa

        codes = np.repeat(np.arange(len(names), dtype=np.int32), len(times))
        table = pa.table(
            {
                "point": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names)).cast(pa.string()),
                "time": pa.array(np.tile(times, len(names)), pa.timestamp("us", "UTC")),
                "value": pa.array(values.ravel()),
            }
        )
        self._received += timedelta(seconds=1)
        known = {name: self._known[name] for name in names}
        self._store.add(table, source="bench", received=self._received, points=known)
