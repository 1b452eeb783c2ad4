"""The evidence of one meter's saving: which days counted, which models were tried, and a hash of what went in.

Looks at the tables that savings.sql has left behind, so that what it shows is what the account was made of.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy import split
from cityctl.analysis.energy.account import Row
from cityctl.analysis.energy.baseline import COLDEST, WARMEST
from cityctl.analysis.energy.columns import BY_KEY
from cityctl.analysis.question import Question
from cityctl.result import Column, Table

MOST_SHOWN = 25  # of the models that were tried, the best
LEAST_NONZERO, LEAST_DEGREE_DAYS = 10, 20.0  # CalTRACK 2.0, 3.2.2

COLUMNS = (
    Column("known", "Known", None, "what is known of it", priority=1),
    Column("status", "Status", None, "taken, qualified, or why a model may not be taken", priority=1),
    Column("criterion", "Criterion", None, "misfit of the whole baseline plus a price for its terms; the smallest wins",
           "number", 1, 2),
    Column("misfit", "RMSE", "kWh/d", "scatter of the baseline's days around the model", "number", 2, 3),
    Column("degree_f", "Outdoor", "degF", "mean outdoor temperature of the day", "number", 1, 3),
    Column("use_kwh", "Use", "kWh", "metered use of the day", "number", 1, 3),
)  # fmt: skip
_BY_KEY = {one.key: one for one in COLUMNS}
_SHOWN = ("model", "heating_balance_point", "cooling_balance_point", "r2_adj")


def tables(question: Question, row: Row) -> list[Table]:
    """Facts, models tried and days left out of one meter."""
    days = question.engine.rows(
        "select d.day, d.reporting, d.y, d.t, m.cooling, d.cell, d.y / d.length from savings_daily as d "
        "join savings_meters as m on m.meter = d.meter where d.meter = $meter order by d.day",
        {"meter": row.meter},
    )
    return [_facts(question, row, days), *_models(row, days), _left_out(row, days)]


def _facts(question: Question, row: Row, days: list[tuple[Any, ...]]) -> Table:
    zone = question.interval.zone
    told: list[tuple[str, str]] = []
    for what, reporting in (("baseline", False), ("reporting", True)):
        of = [day for day in days if bool(day[1]) is reporting]
        valid = [day for day in of if day[2] is not None and day[3] is not None]
        if not of:
            continue
        told.append((f"{what} days", f"{of[0][0]} to {of[-1][0]}: {len(of)}, of which {len(valid)} count"))
        if valid:
            coldest, warmest = min(day[3] for day in valid), max(day[3] for day in valid)
            told.append(
                (f"{what} temperature", f"{coldest:.1f} to {warmest:.1f} °F "
                 f"({(coldest - 32) / 1.8:.1f} to {(warmest - 32) / 1.8:.1f} °C)")
            )  # fmt: skip
            told.append((f"{what} use", f"{sum(day[2] for day in valid):.3f} kWh"))
    # Ten digits: the last ones of a sum depend on the order in which threads add it up.
    text = "\n".join(f"{day}|{reporting}|{_digits(y)}|{_digits(t)}" for day, reporting, y, t, *_ in days)
    told.append(
        (
            "input",
            f"sha256 {hashlib.sha256(text.encode()).hexdigest()} of the days, their use and temperature",
        )
    )
    told.append(("method", f"{row.method}; days of {zone}"))
    told += [("reason", reason) for reason in (*row.failures, *row.remarks)]
    return Table(
        f"facts_{row.meter}",
        f"{row.label}: what went in",
        [glossary.column("what"), _BY_KEY["known"]],
        list(told),
    )


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.10g}"


def _models(row: Row, days: list[tuple[Any, ...]]) -> list[Table]:
    import numpy as np

    valid = [day for day in days if not day[1] and day[2] is not None and day[3] is not None]
    if len(valid) < split.LEAST_DAYS or row.method not in ("caltrack2", "split"):
        return []
    y, t = (np.array([day[at] for day in valid], float) for at in (6, 3))
    if row.method == "split":
        return [_ways(row, t, y, np.array([day[5] for day in valid]), cooling=bool(valid[0][4]))]
    tried = candidates(t, y, cooling=bool(valid[0][4]))
    qualified = sorted(
        (one for one in tried if one.status == "qualified"), key=lambda one: (-one.r2_adj, one.terms)
    )
    taken = tuple(row.figures.get(key) for key in ("heating_balance_point", "cooling_balance_point"))
    if row.figures:  # thresholds beyond every temperature fit alike: the model is one of several
        qualified.sort(key=lambda one: (one.heating, one.cooling) != taken)
    rows: list[tuple[object, ...]] = [
        (one.model, one.heating, one.cooling, one.r2_adj, "taken" if place == 0 else "qualified")
        for place, one in enumerate(qualified[:MOST_SHOWN])
    ]
    refused = Counter(one.status for one in tried if one.status != "qualified")
    note = f"{len(tried)} models tried, {len(qualified)} qualified" + "".join(
        f"; {count} refused: {status}" for status, count in refused.most_common()
    )
    columns = [*(BY_KEY[key] for key in _SHOWN), _BY_KEY["status"]]
    return [
        Table(f"candidates_{row.meter}", f"{row.label}: models tried, the best first", columns, rows, note)
    ]


@dataclass(frozen=True)
class Candidate:
    """One degree-day model, and whether it may be taken."""

    heating: int | None
    cooling: int | None
    r2_adj: float
    status: str

    @property
    def terms(self) -> int:
        """Its degree-day terms."""
        return (self.heating is not None) + (self.cooling is not None)

    @property
    def model(self) -> str:
        """Its terms in words."""
        named = [
            word for word, at in (("heating", self.heating), ("cooling", self.cooling)) if at is not None
        ]
        return " and ".join(named) or "intercept only"


def candidates(temperature: Any, use: Any, *, cooling: bool) -> list[Candidate]:
    """Every model of CalTRACK 2.0 daily, each fitted by itself with least squares: 2 014 with cooling.

    Plain and slow (some 0.2 s a meter), so that it stands beside savings.sql as a second calculation.
    """
    import numpy as np

    grid = range(COLDEST, WARMEST + 1)
    pairs: list[tuple[int | None, int | None]] = [(None, None), *((low, None) for low in grid)]
    if cooling:
        pairs += [(None, high) for high in grid]
        pairs += [(low, high) for low in grid for high in grid if low <= high]
    total = float(((use - use.mean()) ** 2).sum())
    below = {low: np.maximum(low - temperature, 0) for low in grid}
    above = {high: np.maximum(temperature - high, 0) for high in grid}
    found = []
    for low, high in pairs:
        columns = [*([] if low is None else [below[low]]), *([] if high is None else [above[high]])]
        if any((one > 0).sum() < LEAST_NONZERO or one.sum() < LEAST_DEGREE_DAYS for one in columns):
            found.append(Candidate(low, high, float("nan"), "too few degree days"))
            continue
        x = np.column_stack([np.ones(len(use)), *columns])
        fitted = np.linalg.lstsq(x, use, rcond=None)[0]
        terms = len(columns)
        sse = float(((use - x @ fitted) ** 2).sum())
        r2 = 1 - sse / total * (len(use) - 1) / (len(use) - terms - 1) if total > 0 and terms else 0.0
        status = "qualified"
        if (fitted[1:] <= 0).any():
            status = "a slope is not above 0"
        elif fitted[0] < -1e-9 * abs(use.mean()):
            status = "the base is below 0"
        found.append(Candidate(low, high, r2, status))
    return found


def _ways(row: Row, temperature: Any, use: Any, cells: Any, *, cooling: bool) -> Table:
    import math

    tried = sorted(split.tried(temperature, use, cells, cooling=cooling), key=lambda one: one.cost)
    rows: list[tuple[object, ...]] = [
        (one.said, one.cost, math.sqrt(one.sse / len(use)), "taken" if place == 0 else "qualified")
        for place, one in enumerate(tried[:MOST_SHOWN])
    ]
    columns = [BY_KEY["model"], _BY_KEY["criterion"], _BY_KEY["misfit"], _BY_KEY["status"]]
    note = f"{len(tried)} of {len(split.ways())} ways to put kinds of day together have enough days"
    return Table(f"candidates_{row.meter}", f"{row.label}: ways tried, the best first", columns, rows, note)


def _left_out(row: Row, days: list[tuple[Any, ...]]) -> Table:
    rows: list[tuple[object, ...]] = []
    for day, _, y, t, *_ in days:
        lacking = [word for word, value in (("use", y), ("outdoor temperature", t)) if value is None]
        if lacking:
            reason = f"no {' and no '.join(lacking)}: less than half of its readings"
            rows.append((day, y, t, reason))
    columns = [glossary.column("date"), _BY_KEY["use_kwh"], _BY_KEY["degree_f"], glossary.column("reason")]
    return Table(f"left_out_{row.meter}", f"{row.label}: days left out", columns, rows)
