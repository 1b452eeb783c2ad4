"""The main job on many zones and meters: import, minimum night flow, savings, in CPU seconds.

The peer for savings is the published 12 to 23 CPU s a meter of eemeter 2.10 (CalTRACK 2.0 daily) and about
0.3 s of camber-toolkit, measured on another machine: the figures here are a meter's share of one whole run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import cpu_seconds, python

ZONES, METERS = 100, 300
CITY = f"""\
name: Bench
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}, power: {{kind: power}}}}
zones:
  estate: {{network: power}}
{"".join(f"  z{n}: {{network: water, inflow: z{n}_inflow}}" + chr(10) for n in range(ZONES))}
files:
  flows: {{path: flows.parquet, layout: long, time: time, point: point, value: value, unit: m3/h, time_zone: UTC}}
  meters: {{path: meters.parquet, layout: long, time: time, point: point, value: value, unit: kWh, time_zone: UTC}}
  air: {{path: air.parquet, layout: wide, time: time, unit: degC, time_zone: UTC}}
points:
  air: {{unit: degC, every: 1h}}
{"".join(f"  z{n}_inflow: {{unit: m3/h, every: 15m, zone: z{n}}}" + chr(10) for n in range(ZONES))}
weather: {{temperature: air}}
meters: [{{register: meters.csv, zone: estate, unit: kWh, kind: interval, every: 1h}}]
interventions: [{{date: 2025-01-01, zone: estate, what: retrofit}}]
"""


def _write(folder: Path) -> None:
    import duckdb

    (folder / "city.yaml").write_text(CITY, encoding="utf-8")
    (folder / "meters.csv").write_text(
        "meter\n" + "".join(f"m{n}\n" for n in range(METERS)), encoding="utf-8"
    )
    air = "12 - 10 * cos(2 * pi() * dayofyear(t) / 365) - 4 * cos(2 * pi() * (hour(t) - 3) / 24)"
    hours = "range(TIMESTAMP '2024-01-01', TIMESTAMP '2026-01-01', INTERVAL 1 HOUR) AS hours(t)"
    quarters = "range(TIMESTAMP '2024-12-01', TIMESTAMP '2026-01-01', INTERVAL 15 MINUTE) AS quarters(t)"
    day = "20 + 8 * sin(2 * pi() * (hour(t) - 7) / 24)"
    for name, sql in {
        "air": f"SELECT t AS time, {air} AS air FROM {hours}",
        "meters": f"SELECT t AS time, 'm' || n AS point, 5 + n % 7 + greatest(15 - ({air}), 0) * (1 + n % 3)"
        f" + random() AS value FROM {hours}, range({METERS}) AS meters(n)",
        "flows": f"SELECT t AS time, 'z' || n || '_inflow' AS point, ({day}) * (1 + n % 5) + random() AS value"
        f" FROM {quarters}, range({ZONES}) AS zones(n)",
    }.items():
        duckdb.sql(f"COPY ({sql}) TO '{folder / name}.parquet' (FORMAT parquet)")


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder)
        env = {"CITYCTL_STORE": str(folder / "store")}
        where = ["--project", folder, "-o", "json", "--output-file", folder / "out.json"]
        readings = METERS * 17544 + ZONES * 396 * 96 + 17544
        spent = cpu_seconds(python("-m", "cityctl", "data", "import", *where), **env)
        yield (
            f"import {readings / 1e6:.1f} M readings of Parquet",
            f"{spent:.1f} CPU s, {readings / spent / 1e6:.2f} M/s",
        )
        size = sum(path.stat().st_size for path in (folder / "store").rglob("*.parquet"))
        yield "size of the store", f"{size / readings:.2f} B a reading (noise in every reading)"
        span = ["--since", "2025", "--until", "2025"]
        spent = cpu_seconds(python("-m", "cityctl", "report", "run", "leaks", *span, *where), **env)
        yield f"leaks, {ZONES} zones x 1 year x 15 min", f"{spent:.1f} CPU s"
        span = ["--since", "2024", "--until", "2025"]
        spent = cpu_seconds(python("-m", "cityctl", "report", "run", "savings", *span, *where), **env)
        yield (
            f"savings, {METERS} meters x 2 years x 1 h",
            f"{spent:.1f} CPU s, {1000 * spent / METERS:.0f} ms a meter",
        )
