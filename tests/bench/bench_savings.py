"""Savings of 1 000 meters from the store to the ranked table; beside it opendsm and camber on some of the same meters.

The peers are installed into environments of their own where the index can be reached. Ratios are of a meter's CPU s.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_METERS, _SHARED = 1000, 2  # how many are judged here, and how many of them by the peers too
_METHODS = ("caltrack2", "split", "towt", "billing")
_READ = """
import json, logging, sys, time, warnings
logging.disable(50); warnings.filterwarnings("ignore")
import pandas as pd
table = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True)
found = {}
def judge(way, saved):
    for meter in table.columns[1:]:
        begin = time.process_time()
        told = saved(table[meter], table["temperature"])
        found.setdefault(way, {})[meter] = {"cpu": time.process_time() - begin, "saved": told}
"""
_OPENDSM = """
from opendsm import eemeter as peer
def daily(use, degrees):
    before, after = (kind.from_series(use[year], degrees[year], is_electricity_data=True)
                     for kind, year in ((peer.DailyBaselineData, "2023"), (peer.DailyReportingData, "2024")))
    return told(peer.DailyModel(), before, after)
def hourly(use, degrees):
    both = pd.DataFrame({"observed": use, "temperature": degrees})
    before, after = (kind(both.loc[year], is_electricity_data=True)
                     for kind, year in ((peer.HourlyBaselineData, "2023"), (peer.HourlyReportingData, "2024")))
    return told(peer.HourlyModel(), before, after)
def told(model, before, after):
    rows = model.fit(before, ignore_disqualification=True).predict(after, ignore_disqualification=True)
    rows = rows.dropna(subset=["observed", "predicted"])
    return 100 * float(1 - rows.observed.sum() / rows.predicted.sum())
first = table.columns[1]
hourly(table[first], table["temperature"])  # its machine code is made on first use, and not counted
judge("split", daily)
judge("towt", hourly)
print(json.dumps(found))
"""
_CAMBER = """
from camber.mandv.caltrack_daily import caltrack_daily_savings
from camber.mandv.caltrack_hourly import caltrack_hourly_savings
table.index = table.index.tz_localize(None)
def by(ask):
    def saved(use, degrees):
        told = ask(use["2023"], degrees["2023"], use["2024"], degrees["2024"], eemeter_compat=True).savings
        return 100 * told.avoided_energy / told.baseline_projected
    return saved
judge("caltrack2", by(caltrack_daily_savings))
judge("towt", by(caltrack_hourly_savings))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class _Peer:
    """A tool that is asked too: what is installed, and how it is asked."""

    name: str
    packages: tuple[str, ...]
    script: str


_PEERS = (
    _Peer("opendsm 1.2.7", ("opendsm==1.2.7", "multimethod<2"), _READ + _OPENDSM),
    _Peer("camber-toolkit 0.110", ("camber-toolkit==0.110.0",), _READ + _CAMBER),
)


def bench() -> Iterator[tuple[str, str]]:
    """Savings of made-up meters by each method, then some of them by the peers."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        shared = _project(folder)
        _cityctl(folder, "data", "import")
        cost: dict[str, float] = {}
        saved: dict[str, dict[str, float]] = {}
        for method in _METHODS:
            asked = ("report", "run", "savings", "--since", "2024", "--until", "2024", "--method", method)
            answer, used = _cityctl(folder, *asked, "-o", "json")
            rows = json.loads(answer)["rows"]
            saved[method] = {row["meter"]: row["saving_pct"] for row in rows}
            spent = used.ru_utime + used.ru_stime
            cost[method] = spent / len(rows)
            yield (
                f"{method}, {len(rows)} meters x 2 years by the hour",
                f"{spent:.1f} CPU s, {used.ru_maxrss / 1024:.0f} MB",
            )
        for peer in _PEERS:
            told = _asked(folder, peer, shared)
            if told is None:
                yield peer.name, "not reachable: not compared"
                continue
            for method, found in told.items():
                each = sum(one["cpu"] for one in found.values()) / len(found)
                apart = max(abs(saved[method][meter] - one["saved"]) for meter, one in found.items())
                yield (
                    f"{peer.name} beside {method}, {len(found)} meters",
                    f"{each:.2f} CPU s a meter, {each / cost[method]:,.0f} times as much; "
                    f"{apart:.2f} points apart at most",
                )


def _cityctl(folder: Path, *words: str) -> tuple[str, resource.struct_rusage]:
    """What a command prints, and what it took; it may end with 4, where something is incomplete."""
    told, wrong = folder / "stdout", folder / "stderr"
    with told.open("wb") as out, wrong.open("wb") as err:
        started = subprocess.Popen(
            [sys.executable, "-m", "cityctl", *words], cwd=folder, stdout=out, stderr=err
        )
        _, status, used = os.wait4(started.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 4):
        raise RuntimeError(wrong.read_text(encoding="utf-8"))
    return told.read_text(encoding="utf-8"), used


def _project(folder: Path) -> dict[str, Any]:
    """A project whose import holds two years by the hour, 10 % saved in the second; what the peers are asked about."""
    random = np.random.default_rng(0)
    times = np.arange(np.datetime64("2022-12-31", "h"), np.datetime64("2025-01-02", "h"))
    day = (times - times[0]) / np.timedelta64(1, "D")
    degrees = 10 - 11 * np.cos(2 * np.pi * (day - 20) / 365.25) + 3 * np.sin(2 * np.pi * (day - 0.4))
    degrees = degrees + np.repeat(random.normal(0, 2.5, len(times) // 24 + 1), 24)[: len(times)]
    weekend = (times.astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    saved = np.where(times >= np.datetime64("2024-01-01"), 0.9, 1.0)
    names = [f"meter-{number}" for number in range(_METERS)]
    (folder / "city.yaml").write_text(
        "name: Bench\ntime_zone: UTC\nnetworks: {power: {kind: power}}\nzones: {house: {network: power}}\n"
        "files:\n  all: {path: all.parquet, layout: long, time: time, point: point, value: value, time_zone: UTC}\n"
        "points:\n"
        + "".join(
            f"  {name}: {{unit: kWh, kind: interval, every: 1h, zone: house, role: consumption}}\n"
            for name in names
        )
        + "  temperature: {unit: degC, every: 1h}\n"
        "weather: {temperature: temperature}\ninterventions: [{date: 2024-01-01}]\n",
        encoding="utf-8",
    )
    shared: dict[str, Any] = {"time": times, "temperature": degrees * 1.8 + 32}
    schema = pa.schema([("point", pa.string()), ("time", pa.timestamp("us")), ("value", pa.float64())])
    with pq.ParquetWriter(folder / "all.parquet", schema) as writer:
        for number, name in enumerate(["temperature", *names]):
            values = degrees
            if name != "temperature":
                base, heating, rest = (
                    random.uniform(3, 20),
                    random.uniform(0.1, 1.5),
                    random.uniform(0.4, 1.0),
                )
                load = (base + heating * np.maximum(13 - degrees, 0)) * np.where(weekend, rest, 1.0)
                values = load * saved * random.normal(1, 0.1, len(times))
                if number <= _SHARED:
                    shared[name] = values
            stamps = pa.array(times.astype("datetime64[us]"))
            writer.write_table(
                pa.table([pa.array([name] * len(times)), stamps, pa.array(values)], schema=schema)
            )
    return shared


def _asked(folder: Path, peer: _Peer, shared: dict[str, Any]) -> dict[str, Any] | None:
    """method -> meter -> its CPU seconds and saving in per cent; None where the peer cannot be had."""
    import pandas as pd

    home = folder / peer.name.split()[0]
    script, table = folder / f"ask-{home.name}.py", folder / "meters.csv"
    script.write_text(peer.script, encoding="utf-8")
    stamps = pd.DatetimeIndex(shared["time"].astype("datetime64[s]"), tz="UTC")
    columns = {key: values for key, values in shared.items() if key != "time"}
    pd.DataFrame(columns, index=stamps).to_csv(table)
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True, timeout=300)
        python = home / "bin" / "python"
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *peer.packages],
            check=True,
            capture_output=True,
            timeout=600,
        )
        ended = subprocess.run(
            [python, script, table], check=True, capture_output=True, text=True, timeout=600
        )
    except (subprocess.SubprocessError, OSError):
        return None
    found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found
