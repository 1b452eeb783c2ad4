"""The store: size, import and five questions, each beside bare DuckDB over the same Parquet, in CPU seconds.

20 M readings (1 000 meters, 210 days, every 15 min, two decimals, 0.3 % missing); figures "a 100 M" are five times
what was measured. STORE_READINGS sets another number; STORE_BILLION=1 adds the daily question over 1 G readings
(STORE_BILLION=3e8: over so many), which takes 2 B of disk a reading; with STORE_READINGS=0 it is all that is measured.
"""

from __future__ import annotations

import os
import resource  # POSIX: benchmarks are run by developers
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.bench.measure import cpu_seconds, python

if TYPE_CHECKING:
    from cityctl.engine.duck import Engine

METERS, STEP = 1000, 15
DAY = 96
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
CITY = """\
name: Bench
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones:
"""


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """(CPU, wall) seconds; the better of two runs."""
    runs = []
    for _ in range(2):
        cpu, wall = _seconds(), time.perf_counter()
        work()
        runs.append((_seconds() - cpu, time.perf_counter() - wall))
    return min(runs)


def _values(meters: int, first: int, count: int, seed: int = 0) -> str:
    """SQL of `count` intervals of some meters from the interval `first` on."""
    return (
        f"SELECT 'meter_' || lpad((n + {seed})::VARCHAR, 6, '0') AS point, "
        f"TIMESTAMP '2025-01-01' + to_minutes({STEP} * k) AS time, round(greatest(0, (8 * sin(2 * pi() * (k % 96 - 28) "
        "/ 96) + 10) * (1 + n % 5) + 2 * (hash(n * 100000 + k) % 1000) / 1000.0), 2) AS value "
        f"FROM range({meters}) AS meters(n), range({first}, {first + count}) AS steps(k) "
        "WHERE hash(k * 7919 + n) % 1000 > 2 ORDER BY n, k"
    )


def _city(folder: Path) -> None:
    zones = "".join(f"  z{n}: {{network: water}}\n" for n in range(20))
    meters = "meters: [{register: meters.csv, unit: m3/h, kind: gauge, every: 15m}]\n"
    files = (
        "files:\n  flows: {path: flows.csv, layout: long, time: time, point: point, value: value, unit: m3/h, "
        "time_zone: UTC}\n"
    )
    (folder / "city.yaml").write_text(CITY + zones + meters + files, encoding="utf-8")
    rows = "".join(f"meter_{n:06d},z{n % 20}\n" for n in range(METERS))
    (folder / "meters.csv").write_text(f"meter,zone\n{rows}", encoding="utf-8")


NIGHT = """
SELECT p.zone AS zone, s.day AS day, avg(r.value) AS flow FROM readings AS r
JOIN points AS p ON p.point = r.point
JOIN (SELECT epoch_us(slot) // 1800000000 AS half, day FROM calendar WHERE minute >= 120 AND minute < 240) AS s
  ON s.half = epoch_us(r.time) // 1800000000
WHERE r.quality < 3 GROUP BY p.zone, s.day
"""
DAILY = """
SELECT r.point AS point, s.day AS day, sum(r.value) AS used, count(*) AS readings FROM readings AS r
JOIN (SELECT epoch_us(slot) // 1800000000 AS half, day FROM calendar) AS s ON s.half = epoch_us(r.time) // 1800000000
GROUP BY r.point, s.day
"""
TEMPERATURES = "(SELECT epoch_us(slot) // 1800000000 AS half, minute / 144.0 - 5 AS degrees FROM calendar)"
# The normal equations about the mean temperature: six sums in place of the seven running means of regr_slope, regr_r2.
REGRESSION = f"""
SELECT point, (n * xy - x * y) / (n * xx - x * x) AS slope,
       pow(n * xy - x * y, 2) / ((n * xx - x * x) * (n * yy - y * y)) AS r2
FROM (
    SELECT r.point AS point, count(r.value) AS n, sum(t.degrees) AS x, sum(t.degrees * t.degrees) AS xx,
           sum(r.value) AS y, sum(r.value * r.value) AS yy, sum(r.value * t.degrees) AS xy
    FROM readings AS r JOIN {TEMPERATURES} AS t ON t.half = epoch_us(r.time) // 1800000000 GROUP BY r.point
)
"""
BY_DUCKDB = f"""
SELECT r.point AS point, regr_slope(r.value, t.degrees) AS slope, regr_r2(r.value, t.degrees) AS r2
FROM readings AS r JOIN {TEMPERATURES} AS t ON t.half = epoch_us(r.time) // 1800000000 GROUP BY r.point
"""
# A run of 24 hours above zero holds a whole 12-hour bucket above zero: only such are looked at reading by reading.
LEAKS = """
WITH suspected AS (
    SELECT point, epoch_us(time) // 43200000000 AS bucket FROM readings GROUP BY point, bucket HAVING min(value) > 0
), near AS (
    SELECT DISTINCT point, bucket + step AS bucket FROM suspected, (VALUES (-1), (0), (1)) AS steps(step)
)
SELECT point, min(time) AS since FROM (
    SELECT r.point AS point, r.time AS time, min(r.value) OVER (PARTITION BY r.point ORDER BY r.time
        RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW) AS least
    FROM readings AS r JOIN near AS n ON n.point = r.point AND n.bucket = epoch_us(r.time) // 43200000000
) WHERE least > 0 GROUP BY point
"""
# Meters stand still at night and in the afternoon, but for one in fifty.
CUSTOMERS = (
    "CREATE OR REPLACE VIEW readings AS SELECT point, time, CASE WHEN hash(point) % 50 > 0 AND extract(hour FROM time) "
    "IN (1, 2, 3, 14, 15) THEN 0 ELSE value + 0.01 END AS value, quality FROM measured"
)


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    if wanted := int(float(os.environ.get("STORE_READINGS", "2e7"))):
        yield from _all_of(wanted)
    if told := os.environ.get("STORE_BILLION"):
        yield from _billion(int(float(told)) if float(told) > 1 else 1_000_000_000)


def _all_of(wanted: int) -> Iterator[tuple[str, str]]:
    import duckdb

    from cityctl.store import Store

    steps = max(DAY, wanted // METERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = duckdb.sql(_values(METERS, 0, steps)).to_arrow_table()
        rows = table.num_rows
        with Store.open(folder / "store") as store:
            cpu = _seconds()
            store.add(table, source="bench", received=BEGIN + timedelta(days=900))
            cpu = _seconds() - cpu
        yield f"{rows / 1e6:.1f} M readings of Arrow in", f"{cpu:.1f} CPU s, {rows / cpu / 1e6:.1f} M a CPU s"
        bare = folder / "bare.parquet"
        duckdb.register("readings_in", table)
        cpu, _ = _measured(
            lambda: duckdb.sql(f"COPY readings_in TO '{bare}' (FORMAT parquet, COMPRESSION zstd)")
        )
        size = sum(path.stat().st_size for path in (folder / "store").rglob("*.parquet"))
        yield (
            "size",
            f"{size / rows:.2f} B a reading; DuckDB's COPY of the same {bare.stat().st_size / rows:.2f} B "
            f"({cpu:.1f} CPU s)",
        )
        yield from _one_month(folder)
        yield from _csv(folder, table.slice(0, min(rows, 5_000_000)))
        del table
        yield from _questions(folder, rows, steps)
        yield from _register(folder)


def _one_month(folder: Path) -> Iterator[tuple[str, str]]:
    import duckdb

    from cityctl.store import Store

    for meters in (50, 300):
        table = duckdb.sql(_values(meters, 0, 30 * DAY)).to_arrow_table()
        with Store.open(folder / f"month{meters}") as store:
            store.add(table, source="bench", received=BEGIN + timedelta(days=900))
        size = sum(path.stat().st_size for path in (folder / f"month{meters}").rglob("*.parquet"))
        yield f"size of one month of {meters} meters", f"{size / table.num_rows:.2f} B a reading"


def _csv(folder: Path, table: object) -> Iterator[tuple[str, str]]:
    import duckdb
    import pyarrow as pa

    assert isinstance(table, pa.Table)
    _city(folder)
    duckdb.register("some_in", table)
    duckdb.sql(f"COPY some_in TO '{folder / 'flows.csv'}' (FORMAT csv)")
    rows = table.num_rows
    env = {"CITYCTL_STORE": str(folder / "from_csv")}
    where = ["--project", folder, "-o", "json", "--output-file", folder / "out.json"]
    spent = cpu_seconds(python("-m", "cityctl", "data", "import", *where), **env)
    code = f"import duckdb; duckdb.sql(\"COPY (FROM '{folder / 'flows.csv'}') TO '{folder / 'x.parquet'}'\")"
    peer = cpu_seconds(python("-c", code))
    yield (
        f"{rows / 1e6:.0f} M readings of CSV in, the whole program",
        f"{spent:.1f} CPU s, {rows / spent / 1e6:.2f} M a CPU s; DuckDB's COPY {rows / peer / 1e6:.2f} M",
    )
    for form in ("csv", "parquet"):
        out = ["--project", folder, "--output-file", folder / f"out.{form}"]
        spent = cpu_seconds(python("-m", "cityctl", "data", "export", *out), **env)
        yield f"the same out as {form}", f"{spent:.1f} CPU s, {rows / spent / 1e6:.2f} M a CPU s"


def _questions(folder: Path, rows: int, steps: int) -> Iterator[tuple[str, str]]:
    from cityctl.city.load import load
    from cityctl.clock import Interval
    from cityctl.engine.duck import Engine
    from cityctl.store import Store
    from cityctl.store.asked.coverage import coverage
    from cityctl.store.views.shown import attach_city

    city = load(folder)
    interval = Interval(BEGIN, BEGIN + timedelta(minutes=STEP * steps), ZONE)
    times = 100e6 / rows
    every = {name: timedelta(minutes=STEP) for name in city.points()}
    with Store.open(folder / "store") as store, Engine() as engine:
        store.attach(engine, None, interval=interval, name="measured")
        attach_city(engine, city, interval)
        files = ", ".join(f"'{folder / 'store' / segment.path}'" for segment in store.snapshot().segments)
        scan = "SELECT count(point), count(time), sum(value), sum(quality) FROM"
        bare, _ = _measured(lambda: engine.rows(f"{scan} read_parquet([{files}])"))
        ours, _ = _measured(lambda: engine.rows(f"{scan} measured"))
        yield "scan of all readings", f"{ours * times:.1f} CPU s a 100 M, bare DuckDB {bare * times:.1f}"
        engine.execute("CREATE OR REPLACE VIEW readings AS SELECT * FROM measured")
        for label, sql, aim in (
            ("night flow by zone", NIGHT, 2),
            ("daily by meter", DAILY, 4),
            ("regression by meter", REGRESSION, 3),
        ):
            cpu, wall = _measured(lambda sql=sql: engine.arrow(sql))  # type: ignore[misc]
            yield label, _said(cpu, wall, times, bare, aim)
        yield "regression beside DuckDB's regr_slope and regr_r2", _agreement(engine)
        cpu, wall = _measured(lambda: coverage(engine, every, interval, interval.end))
        yield "gaps", _said(cpu, wall, times, bare, 15)
        engine.execute(CUSTOMERS)
        cpu, wall = _measured(lambda: engine.arrow(LEAKS))
        yield "customer leak check", _said(cpu, wall, times, bare, 10)


def _agreement(engine: Engine) -> str:
    """Largest relative difference of the two ways to reckon a regression; raises where they do not agree."""
    ((apart, meters),) = engine.rows(
        "SELECT max(greatest(abs(a.slope / b.slope - 1), abs(a.r2 / b.r2 - 1))), count(*) "
        f"FROM ({REGRESSION}) AS a JOIN ({BY_DUCKDB}) AS b ON b.point = a.point"
    )
    assert meters == METERS
    assert apart < 1e-9
    return f"equal within {apart:.0e} for {meters} meters"


def _said(cpu: float, wall: float, times: float, bare: float, aim: int) -> str:
    return (
        f"{cpu * times:.1f} CPU s, {wall * times:.1f} s on {os.cpu_count()} cores a 100 M (aim {aim} s); "
        f"{cpu / bare:.1f} x the bare scan"
    )


def _register(folder: Path) -> Iterator[tuple[str, str]]:
    """A city of 100 000 meters."""
    rows = "".join(f"c{n:06d},z{n % 20}\n" for n in range(100_000))
    (folder / "meters.csv").write_text(f"meter,zone\n{rows}", encoding="utf-8")
    for words in (["config", "validate"], ["doctor"]):
        command = python("-m", "cityctl", *words, "--project", folder)
        spent = cpu_seconds(command, CITYCTL_STORE=str(folder / "store"))
        yield f"cityctl {' '.join(words)}, 100 000 meters in a register", f"{spent:.1f} CPU s"


def _month(first: int, seed: int, days: int) -> object:
    """A thousand meters from day `first` on for a month, in an order that the store need not sort by time."""
    import duckdb

    steps = f"range({first * DAY}, {min(first + 31, days) * DAY}) AS steps(k)"
    wave = f"(SELECT k, 100 * (8 * sin(2 * pi() * (k % 96 - 28) / 96) + 10) AS wave FROM {steps}) AS steps"
    with duckdb.connect() as connection:  # of its own: this is another thread
        return connection.sql(
            f"SELECT 'meter_' || lpad((n + {seed})::VARCHAR, 6, '0') AS point, TIMESTAMP '2025-01-01' + "
            f"to_minutes({STEP} * k) AS time, (greatest(0, wave * (1 + n % 5))::INT "
            "+ hash(n * 100000 + k) % 200) / 100.0 "
            f"AS value FROM range(1000) AS meters(n), {wave} WHERE hash(k * 7919 + n) % 1000 > 2"
        ).to_arrow_table()


def _billion(wanted: int) -> Iterator[tuple[str, str]]:
    """10 000 meters, a month at a time in, then daily in a process of its own."""
    import subprocess
    from concurrent.futures import ThreadPoolExecutor

    from cityctl.store import Store

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = 0
        days = max(31, wanted // (10_000 * DAY))
        parts = [(first, seed) for first in range(0, days, 31) for seed in range(0, 10_000, 1000)]
        spent, began = _seconds(), time.perf_counter()
        # The next month is made while the one before is stored.
        with Store.open(folder / "store") as store, ThreadPoolExecutor(1) as maker:
            made = maker.submit(_month, *parts[0], days)
            for part in (*parts[1:], None):
                table = made.result()
                if part is not None:
                    made = maker.submit(_month, *part, days)
                rows += store.add(table, source="bench", received=BEGIN + timedelta(days=2000)).total.new
        spent, wall = _seconds() - spent, time.perf_counter() - began
        size = sum(path.stat().st_size for path in (folder / "store").rglob("*.parquet"))
        yield (
            f"{rows / 1e9:.2f} G readings made and stored",
            f"{spent:.0f} CPU s, {wall:.0f} s, {size / rows:.2f} B a reading",
        )
        code = (
            "import resource, sys, time; from pathlib import Path; from datetime import timedelta\n"
            "from tests.bench.bench_store import BEGIN, CITY, DAILY, ZONE\n"
            "from cityctl.city.load import load; from cityctl.clock import Interval\n"
            "from cityctl.engine.duck import Engine; from cityctl.store import Store\n"
            "from cityctl.store.views.shown import attach_city\n"
            f"folder = Path({str(folder)!r}); (folder / 'city.yaml').write_text(CITY.replace('zones:', ''))\n"
            f"interval = Interval(BEGIN, BEGIN + timedelta(days={days}), ZONE); began = time.perf_counter()\n"
            "with Store.open(folder / 'store') as store, Engine(memory='3GB') as engine:\n"
            "    store.attach(engine, None, interval=interval); attach_city(engine, load(folder), interval)\n"
            "    rows = engine.arrow(DAILY).num_rows\n"
            "used = resource.getrusage(resource.RUSAGE_SELF)\n"
            "print(f'{used.ru_utime + used.ru_stime:.0f} CPU s, {time.perf_counter() - began:.0f} s, '\n"
            "      f'{used.ru_maxrss / 1e6:.1f} GB, {rows} days of meters')\n"
        )
        ended = subprocess.run(python("-c", code), check=True, capture_output=True, text=True)
        yield f"daily by meter over {rows / 1e9:.2f} G readings (aim 45 s, 4 GB)", ended.stdout.strip()
