"""Leaks against their truth: L-Town 2018, a leak-free year, five real areas with steps put in, demand forecasts.

The reference data lie beside the checkout (or where CITYCTL_SHARED says); without them nothing is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.measure import python

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CITYCTL_SHARED") or ROOT.parent / "shared")
DATA = SHARED / "data/water"
ZONES = {"Zone A+B": "A+B", "Zone C": "C"}


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    if not DATA.is_dir():
        yield "reference data", f"not beside the project ({SHARED})"
        return
    with tempfile.TemporaryDirectory() as name:
        yield from _ltown(Path(name))
        yield from _leak_free(Path(name))
    yield from _crowded()
    yield from _areas()
    yield from _forecasts()


def _ltown(folder: Path) -> Iterator[tuple[str, str]]:
    for what, sensors in (("flows alone", False), ("all sensors", True)):
        city = folder / what.replace(" ", "-")
        shutil.copytree(ROOT / "tests/cities/ltown", city)
        _with_sensors(city, sensors)
        _cityctl(city, "data", "import")
        _cityctl(city, "report", "run", "leaks", "--since", "2018", "--until", "2018", "-o", "json",
                 "--output-file", city / "out.json")  # fmt: skip
        told = json.loads((city / "out.json").read_text())
        for zone in ZONES:
            score, leakage = _score(told, zone, city)
            yield (
                f"L-Town 2018, {zone}, {what}",
                f"{score['TP']} of {score['leaks']} found, {score['FP']} false (random alarms: {score['chance_TP']}), "
                f"skill {score['skill']}, volume avoided {score['volume_avoided_pct']} %, abrupt {score['abrupt']}, "
                f"incipient {score['incipient']}, daily leakage MAE {leakage['mae_m3h']} m³/h",
            )
    promise = folder / "promise.json"
    _cityctl(folder / "flows-alone", "leak", "selftest", "--since", "2018", "--until", "2018", "-o", "json",
             "--output-file", promise)  # fmt: skip
    for row in json.loads(promise.read_text())["rows"][:6]:
        yield (
            f"selftest on L-Town: {row['leak']} of {row['leak_share']:.0%}",
            f"{row['detected']} of {row['put_in']} found "
            f"({row['detection_low']:.0%} to {row['detection_high']:.0%}), median {row['detection_delay']} d",
        )


def _with_sensors(city: Path, wanted: bool) -> None:
    text = (city / "city.yaml").read_text(encoding="utf-8").replace("../../../../shared", str(SHARED))
    head, _, tail = text.partition("  pressures:\n")
    if not wanted:
        text = head + tail[tail.index("\npoints:") :]
        text = text[: text.index("# 33 pressure sensors")]
    else:
        import pyarrow.parquet as pq

        path = DATA / "ltown_2018/demands.parquet"
        names = [name for name in pq.read_schema(path).names if name != "Timestamp"]
        (city / "customers.csv").write_text("meter\n" + "".join(f"use_{name}\n" for name in names))
        source = f"  demands: {{path: {path}, layout: wide, time: Timestamp, unit: L/h, every: 5m, prefix: use_}}\n"
        text = text.replace("\npoints:", source + "\npoints:", 1)
        text += "  - {register: customers.csv, zone: c, unit: L/h, kind: gauge, every: 5m}\n"
    (city / "city.yaml").write_text(text, encoding="utf-8")


def _cityctl(city: Path, *words: str | Path) -> None:
    ended = subprocess.run(
        [*map(str, python("-m", "cityctl")), *map(str, words), "--project", str(city)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode not in (0, 3, 4):
        raise RuntimeError(ended.stderr)


def _score(told: dict[str, Any], zone: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    alarms = [
        {"start": row["detected_at"][:16].replace("T", " "), "zone": ZONES[zone], "flow_m3h": row["flow_m3h"]}
        for row in told["rows"]
        if row["zone"] == zone
    ]
    (folder / "alarms.json").write_text(json.dumps(alarms))
    (folder / "daily.csv").write_text("date,zone,m3h\n" + "".join(
        f"{row['date']},{ZONES[zone]},{row['leakage_m3h']}\n"
        for row in told["daily"] if row["zone"] == zone and row["leakage_m3h"] is not None
    ))  # fmt: skip
    words = [SHARED / "tools/score_leaks.py", folder / "alarms.json", DATA / "ltown_2018/truth.json", "--json",
             "--zones", ZONES[zone], "--leakflow", folder / "daily.csv"]  # fmt: skip
    ended = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=True)
    score = json.loads(ended.stdout)
    return score["zone_level"], score["leakflow"]


def _leak_free(folder: Path) -> Iterator[tuple[str, str]]:
    """Inflow less the true leaks' flow, through the whole program."""
    import numpy as np
    import pandas as pd

    truth = json.loads((DATA / "ltown_2018/truth.json").read_text())
    flows = pd.read_parquet(DATA / "ltown_2018/flows.parquet").set_index("Timestamp").astype(float)
    level = pd.read_parquet(DATA / "ltown_2018/levels.parquet").set_index("Timestamp")["T1"].astype(float)
    inflows = {
        "AB": flows["p227"] + flows["p235"] - flows["PUMP_1"],
        "C": flows["PUMP_1"] - 201.06 * 12 * level.diff().fillna(0.0),
    }
    free = pd.DataFrame({"Timestamp": flows.index})
    for zones, inflow in inflows.items():
        leaks = sum(np.diff(leak["cum_m3_hourly"]) for leak in truth["leaks"] if leak["zone"] in zones)
        hour = np.minimum(np.arange(len(inflow)) // 12, len(leaks) - 1)
        free[zones.lower()] = inflow.to_numpy() - leaks[hour]
    city = folder / "free"
    city.mkdir()
    free.to_parquet(city / "free.parquet")
    (city / "city.yaml").write_text("""
name: L-Town without leaks
time_zone: UTC
networks: {water: {kind: water}}
zones: {zab: {network: water, kind: dma, inflow: ab}, zc: {network: water, kind: dma, inflow: c}}
files: {free: {path: free.parquet, layout: wide, time: Timestamp, unit: m3/h, every: 5m}}
points: {ab: {unit: m3/h, every: 5m}, c: {unit: m3/h, every: 5m}}
""")
    _cityctl(city, "data", "import")
    _cityctl(city, "report", "run", "leaks", "--since", "2018", "--until", "2018", "-o", "json",
             "--output-file", city / "out.json")  # fmt: skip
    rows = json.loads((city / "out.json").read_text())["rows"]
    yield "L-Town 2018 without its leaks: alarms in A+B and C", str(len(rows))


def _areas() -> Iterator[tuple[str, str]]:
    from cityctl.analysis.water.watch.changes import Watchfulness
    from cityctl.analysis.water.watch.expected import Assumptions
    from cityctl.analysis.water.watch.watching import watch
    from tests.analysis.water.areas import alarm_rate, areas, score, seen, with_steps

    table = areas(SHARED)
    yield (
        "five real areas: alarms an area-year, mean of seven rounds of the calendar",
        f"{alarm_rate(table, range(0, 28, 4)):.2f}",
    )
    for seed, phase in ((1, 0), (2, 9), (3, 18)):
        puts, rows = with_steps(table, (0.1, 0.2), 12, seed=seed)
        nights = replace(seen(rows, table.index[0]), phase=phase)
        told = score(puts, watch(Assumptions(), Watchfulness(), nights).events, nights)
        yield (
            f"five real areas, steps put in (seed {seed})",
            f"{told.alarm_rate:.2f} alarms an area-year; within 14 d "
            f"+10 % {told.rate(0.1):.0%}, +20 % {told.rate(0.2):.0%}",
        )
        for area, count in told.alarms.items():
            yield (
                f"  {area}",
                f"{count} alarms; +10 % {told.found[0.1][area]:.0%}, +20 % {told.found[0.2][area]:.0%}",
            )


def _crowded() -> Iterator[tuple[str, str]]:
    """Years in which one leak follows the other before the last is mended."""
    import numpy as np

    from tests.analysis.water.crowded import watched

    years = [year for phase in (0, 9, 19) for year in watched(SHARED, 24, seed=900, phase=phase)]
    yield (
        "L-Town with 17 other leaks put in, 24 years in three rounds of the calendar",
        f"{np.mean([year.found for year in years]):.1f} of 17 found, "
        f"{np.mean([year.false for year in years]):.2f} false a year, "
        f"skill {np.mean([year.skill for year in years]):.2f}, "
        f"daily leakage {np.mean([year.error for year in years]):.1f} m³/h off",
    )


def _forecasts() -> Iterator[tuple[str, str]]:
    import numpy as np

    from cityctl.analysis.water.forecasts.model import outlook
    from tests.analysis.water.areas import areas

    table = areas(SHARED)
    count = len(table) // 24
    hours = table.to_numpy()[: count * 24].T.reshape(len(table.columns), count, 24)
    kinds = table.index[::24].day_of_week.to_numpy()[:count].astype(np.int64)
    for label, days in (("24 h", 1), ("7 days", 7)):
        errors: dict[str, list[Any]] = {"forecast": [], "naive week": [], "same weekdays": []}
        inside = []
        for day in range(140, count - 8, 4):
            told = outlook(hours, kinds, day, 0, days, 0.95)
            came = hours[:, day : day + days]
            weeks = [hours[:, day - 7 * back : day - 7 * back + days] for back in (1, 2, 3, 4)]
            known = np.isfinite(np.array([came, *weeks])).all(axis=0)
            scale = np.nanmean(hours, axis=(1, 2))[:, None, None]
            for name, made in (
                ("forecast", told.flow),
                ("naive week", weeks[0]),
                ("same weekdays", sum(weeks) / 4),
            ):
                errors[name].append((np.abs(came - made) / scale)[known].mean() if known.any() else np.nan)
            sure = known & np.isfinite(told.low)
            inside.append((sure & (came >= told.low) & (came <= told.high)).sum() / max(1, sure.sum()))
        figures = ", ".join(f"{name} {100 * np.nanmean(rows):.2f} %" for name, rows in errors.items())
        yield (
            f"forecast of five real areas, {label}: MAE of the mean inflow",
            f"{figures}; {np.mean(inside):.1%} inside 95 %",
        )
