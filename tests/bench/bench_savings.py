"""Savings beside opendsm: CPU seconds a meter, and how far the savings lie apart, on the same made-up meters.

opendsm 1.2.7 is installed into an environment of its own where the index can be reached; camber-toolkit is not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.city.load import load
from cityctl.clock import Interval, midnight
from cityctl.engine.duck import Engine
from cityctl.store.city_tables import attach_city

_PEER = ("opendsm==1.2.7", "multimethod<2")
_METERS, _SHARED = 60, 2  # how many are judged here, and how many of them by opendsm too
_PEER_FITS = """
import json, logging, sys, time, warnings
logging.disable(50); warnings.filterwarnings("ignore")
import pandas as pd
from opendsm.eemeter import DailyBaselineData, DailyModel, DailyReportingData
table = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True)
found = {}
for meter in table.columns[1:]:
    begin = time.process_time()
    before, after = (kind.from_series(table[meter][year], table["temperature"][year], is_electricity_data=True)
                     for kind, year in ((DailyBaselineData, "2023"), (DailyReportingData, "2024")))
    told = DailyModel().fit(before, ignore_disqualification=True).predict(after, ignore_disqualification=True)
    told = told.dropna(subset=["observed", "predicted"])
    saved = 100 * (1 - told.observed.sum() / told.predicted.sum())
    found[meter] = {"cpu": time.process_time() - begin, "saved": saved}
print(json.dumps(found))
"""


def bench() -> Iterator[tuple[str, str]]:
    """Savings of made-up meters by each method, then some of them by opendsm."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        times, degrees, use = _made()
        rows: dict[str, dict[str, Any]] = {}
        cost: dict[str, float] = {}
        for method in ("caltrack2", "split", "towt"):
            begin = time.process_time()
            found = _asked(folder, times, degrees, use, method)
            cost[method] = (time.process_time() - begin) / _METERS
            rows[method] = found
            yield (
                f"{method}, {_METERS} meters x 2 years by the hour",
                f"{1000 * cost[method]:.1f} ms CPU a meter",
            )
        peer = _opendsm(folder, times, degrees, use)
        if peer is None:
            yield "opendsm", "not reachable: not compared"
            return
        each = sum(one["cpu"] for one in peer.values()) / len(peer)
        apart = [abs(rows["split"][meter]["saving_pct"] - one["saved"]) for meter, one in peer.items()]
        yield f"opendsm 1.2.7 daily, {len(peer)} meters", f"{each:.1f} s CPU a meter"
        yield (
            "split beside it",
            f"1/{each / cost['split']:,.0f} of the CPU, savings {max(apart):.2f} points apart at most",
        )


def _made() -> tuple[Any, Any, dict[str, Any]]:
    """(times, outdoor temperature [degC], meter -> kWh by the hour): two years, 10 % saved in the second."""
    random = np.random.default_rng(0)
    times = np.arange(np.datetime64("2022-12-31", "h"), np.datetime64("2025-01-02", "h"))
    day = (times - times[0]) / np.timedelta64(1, "D")
    degrees = 10 - 11 * np.cos(2 * np.pi * (day - 20) / 365.25) + 3 * np.sin(2 * np.pi * (day - 0.4))
    degrees = degrees + np.repeat(random.normal(0, 2.5, len(times) // 24 + 1), 24)[: len(times)]
    weekend = (times.astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    saved = np.where(times >= np.datetime64("2024-01-01"), 0.9, 1.0)
    use = {}
    for number in range(_METERS):
        base, heating = random.uniform(3, 20), random.uniform(0.1, 1.5)
        load = (base + heating * np.maximum(13 - degrees, 0)) * np.where(
            weekend, random.uniform(0.4, 1.0), 1.0
        )
        use[f"meter-{number}"] = load * saved * random.normal(1, 0.1, len(times))
    return times, degrees, use


def _asked(folder: Path, times: Any, degrees: Any, use: dict[str, Any], method: str) -> dict[str, Any]:
    meters = "\n".join(
        f"  {name}: {{unit: kWh, kind: interval, every: 1h, zone: house, role: consumption}}" for name in use
    )
    (folder / "city.yaml").write_text(
        "name: Bench\ntime_zone: UTC\nnetworks: {power: {kind: power}}\nzones: {house: {network: power}}\n"
        f"points:\n{meters}\n  temperature: {{unit: degC, every: 1h}}\n"
        "weather: {temperature: temperature}\ninterventions: [{date: 2024-01-01}]\n",
        encoding="utf-8",
    )
    city = load(folder)
    analysis = find("energy/savings")
    settled = analysis.settle({"method": method, "plots": 0})
    zone = city.zone_info
    interval = Interval(midnight(date(2024, 1, 1), zone), midnight(date(2025, 1, 1), zone), zone)
    stamps = times.astype("datetime64[us]")
    parts = [
        pa.table({"point": pa.array([name] * len(stamps)), "time": stamps, "value": values,
                  "quality": np.zeros(len(stamps), np.uint8)})
        for name, values in {**use, "temperature": degrees}.items()
    ]  # fmt: skip
    with Engine(threads=1) as engine:
        engine.keep("readings", pa.concat_tables(parts))
        attach_city(engine, city, analysis.window(interval, settled, city))
        result = analysis.answer(Question(city, interval, settled, engine))
    keys = [column.key for column in result.tables[0].columns]
    rows = [dict(zip(keys, row, strict=True)) for row in result.tables[0].rows]
    return {str(row["meter"]): row for row in rows}


def _opendsm(folder: Path, times: Any, degrees: Any, use: dict[str, Any]) -> dict[str, Any] | None:
    """meter -> CPU seconds and saving in per cent by opendsm; None where it cannot be had."""
    import pandas as pd

    home = folder / "peer"
    script, table = folder / "peer.py", folder / "meters.csv"
    script.write_text(_PEER_FITS, encoding="utf-8")
    chosen = dict(list(use.items())[:_SHARED])
    stamps = pd.DatetimeIndex(times.astype("datetime64[s]"), tz="UTC")
    pd.DataFrame({"temperature": degrees * 1.8 + 32, **chosen}, index=stamps).to_csv(table)
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True, timeout=300)
        python = home / "bin" / "python"
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *_PEER], check=True, capture_output=True, timeout=600
        )
        ended = subprocess.run(
            [python, script, table], check=True, capture_output=True, text=True, timeout=600
        )
    except (subprocess.SubprocessError, OSError):
        return None
    found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found
