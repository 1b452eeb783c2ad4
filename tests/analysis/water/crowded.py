"""Years of L-Town with other leaks than its own: its inflow less its true leaks, and 17 of ours put in.

Half of the sudden ones and most of the creeping ones stay small and are never mended, as in the true year; the others
are. They overlap, and three more creep from before the year on.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.settled import settled
from cityctl.analysis.water.watch.watching import watch
from tests.analysis.water.areas import seen

HOURS, CLOSES = 8760, 4  # a night's window ends at 04:00
BEGIN = datetime(2018, 1, 1)
SUDDEN, CREEPING = 8, 9


@dataclass(frozen=True)
class Year:
    """What came of one year: leaks found and false alarms, of how many, and the score above chance."""

    found: int
    false: int
    leaks: int
    skill: float
    error: float
    """of the daily leakage [m³/h]: mean absolute, carried over leaks left out"""


def without_leaks(shared: Path) -> Any:
    """Hourly inflow [m³/h] of zones A and B less the flow of their true leaks."""
    folder = shared / "data/water/ltown_2018"
    flows = pd.read_parquet(folder / "flows.parquet").set_index("Timestamp").astype(float)
    truth = json.loads((folder / "truth.json").read_text())
    inflow = (flows["p227"] + flows["p235"] - flows["PUMP_1"]).to_numpy()[: HOURS * 12]
    leaks = sum(np.diff(leak["cum_m3_hourly"])[:HOURS] for leak in truth["leaks"] if leak["zone"] in "AB")
    return inflow.reshape(HOURS, 12).mean(axis=1) - leaks


def put_in(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Leaks of a year as truth.json tells them, each with its hourly flow `f` [m³/h]."""
    apart = (HOURS - 260) / (SUDDEN + CREEPING)
    leaks = []
    for at, sudden in enumerate(rng.permutation([True] * SUDDEN + [False] * CREEPING)):
        start = 150 + apart * (at + rng.uniform(-0.6, 0.9))
        small = rng.random() < (0.5 if sudden else 0.6)
        if sudden:
            flow, ramp = rng.uniform(4.5, 8) if small else rng.uniform(10, 33), 1.0
            lasts = rng.uniform(10, 45) * 24
        else:
            flow = rng.uniform(5, 9) if small else rng.uniform(10, 35)
            ramp = rng.uniform(15, 95) * 24 if small else rng.uniform(4, 60) * 24
            lasts = ramp + rng.uniform(4, 20) * 24
        leaks.append(_leak(f"p{at}", sudden, flow, start, 1e5 if small else lasts, ramp, carried=False))
    carried = (5.1, 6.9, 5.5)
    leaks += [
        _leak(f"c{at}", False, flow, -1000.0, 1e5, 100.0, carried=True) for at, flow in enumerate(carried)
    ]
    return leaks


def _leak(
    name: str, sudden: bool, flow: float, start: float, lasts: float, ramp: float, *, carried: bool
) -> dict[str, Any]:
    hours = np.arange(HOURS) + 0.5
    shape = np.clip((hours - start) / ramp, 0, 1) ** (1 if sudden else 2)
    told = np.where((hours >= start) & (hours < start + lasts), flow * shape, 0.0)
    return {
        "pipe": name, "zone": "A", "type": "abrupt" if sudden else "incipient", "carryover": carried,
        "start": _text(max(start, 0)), "end": _text(min(start + lasts, HOURS - 0.1)),
        "peak": _text(min(max(start + ramp, 0), HOURS - 1)), "repaired_in_year": start + lasts < HOURS,
        "max_m3h": float(told.max()), "volume_m3": float(told.sum()),
        "cum_m3_hourly": [0.0, *np.cumsum(told).tolist()], "f": told,
    }  # fmt: skip


def _text(hour: float) -> str:
    return (BEGIN + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M")


def watched(shared: Path, years: int, seed: int, phase: int = 0) -> list[Year]:
    """Each year watched from its flows alone, and scored as tools/score_leaks.py does with its defaults."""
    free = without_leaks(shared)
    plots = [put_in(np.random.default_rng(seed + at)) for at in range(years)]
    nights = seen([free + sum(leak["f"] for leak in leaks) for leaks in plots], pd.Timestamp(BEGIN))
    watching = watch(Assumptions(), Watchfulness(), replace(nights, phase=phase))
    scorer = _scorer(shared)
    return [_scored(scorer, events, leaks) for events, leaks in zip(settled(watching), plots, strict=True)]


def _scorer(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_leaks", shared / "tools/score_leaks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _scored(scorer: ModuleType, events: list[Any], leaks: list[dict[str, Any]]) -> Year:
    given = SimpleNamespace(
        window_days=14.0, qdet=3.0, carryover="neutral", max_delay_days=None, merge_hours=0, growth_ok=False,
        eur_m3=0.8, eur_crew=500,
    )  # fmt: skip
    truth = [scorer.Leak({key: leak[key] for key in leak if key != "f"}, BEGIN, 1) for leak in leaks]
    for leak in truth:
        leak.deadline_ = leak.deadline(given)
    alarms = [
        {"id": at, "start": BEGIN + timedelta(days=int(event.detected) + 1, hours=CLOSES), "end": None,
         "zone": "A", "flow": float(event.flow), "pipe": None}
        for at, event in enumerate(sorted(events, key=lambda one: one.detected))
    ]  # fmt: skip
    told = scorer.summary(*scorer.score_zone(alarms, truth, given), given)
    chance = scorer.chance(alarms, truth, given, 60)
    own = sum(leak["f"] for leak in leaks if not leak["carryover"]).reshape(-1, 24).mean(axis=1)[1:]
    daily = np.array([
        sum(
            event.size_at(day)
            for event in events
            if event.started <= day and (event.repaired is None or day < event.repaired)
        )
        for day in range(len(own))
    ])  # fmt: skip
    skill = (told["TP"] - chance) / (told["leaks"] - chance)
    return Year(told["TP"], told["FP"], told["leaks"], skill, float(np.abs(daily - own).mean()))
