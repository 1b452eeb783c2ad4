"""The evidence of one meter's saving: which days counted, which models were tried, and a hash of what went in.

Looks at the tables that savings.sql has left behind, so that what it shows is what the account was made of.
"""

from __future__ import annotations

from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.models import split
from cityctl.analysis.energy.models.parts import LEAST_DAYS
from cityctl.analysis.energy.saving import bill_evidence, candidates, drivers
from cityctl.analysis.energy.saving.candidates import MOST_SHOWN
from cityctl.analysis.energy.saving.columns import BY_KEY, EVIDENCE
from cityctl.analysis.energy.saving.digest import digest
from cityctl.analysis.energy.saving.row import Row
from cityctl.analysis.question import Question
from cityctl.result import Table
from cityctl.wording import percent

COLUMNS = EVIDENCE
_BY_KEY = {one.key: one for one in COLUMNS}


def tables(question: Question, row: Row) -> list[Table]:
    """Facts, models tried and days, or bills, left out of one meter."""
    if row.method == "billing":
        return bill_evidence.tables(question, row)
    days = question.engine.rows(
        "select d.day, d.reporting, d.y, d.t, m.cooling, d.cell, d.y / d.length - coalesce(v.use, 0), v.use, d.zeros, "
        "d.present from savings_daily as d join savings_meters as m on m.meter = d.meter "
        "left join savings_driven as v on v.meter = d.meter and v.day = d.day where d.meter = $meter order by d.day",
        {"meter": row.meter},
    )
    return [_facts(question, row, days), *_models(row, days), *_parts(question, row),
            _left_out(question, row, days)]  # fmt: skip


def _facts(question: Question, row: Row, days: list[tuple[Any, ...]]) -> Table:
    zone = question.interval.zone
    told: list[tuple[str, str]] = []
    apart = _apart(question, row)
    for what, reporting in (("baseline", False), ("reporting", True)):
        of = [day for day in days if bool(day[1]) is reporting]
        valid = [day for day in of if day[2] is not None and day[3] is not None and day[0] not in apart]
        if not of:
            continue
        told.append((f"{what} days", f"{of[0][0]} to {of[-1][0]}: {len(of)}, of which {len(valid)} count"))
        if valid:
            coldest, warmest = min(day[3] for day in valid), max(day[3] for day in valid)
            told.append(
                (f"{what} temperature", f"{(coldest - 32) / 1.8:.1f} to {(warmest - 32) / 1.8:.1f} °C "
                 f"({coldest:.1f} to {warmest:.1f} °F)")
            )  # fmt: skip
            told.append((f"{what} use", f"{sum(day[2] for day in valid):.3f} kWh"))
    went_in = (
        (day, reporting, y, t, *(() if driven is None else (driven,)))
        for day, reporting, y, t, _, _, _, driven, *_ in days
    )
    told.append(("input", f"{digest(went_in)} of the days, their use and temperature"))
    told += [
        ("cause", f"{one.point}: {one.beta:.6g} kWh for each unit; in the baseline {one.low:.6g} to {one.high:.6g}, "
                  f"{one.mean:.6g} in the mean")
        for one in drivers.known(question).get(row.meter, ())
    ]  # fmt: skip
    told.append(("method", f"{row.method}; days of {zone}"))
    told += [("reason", reason) for reason in (*row.failures, *row.remarks)]
    return Table(
        f"facts_{row.meter}",
        f"{row.label}: what went in",
        [glossary.column("what"), _BY_KEY["known"]],
        list(told),
    )


def _apart(question: Question, row: Row) -> set[Any]:
    """Days since the measure that leave the account: of a shutdown, or of an event that city.yaml states."""
    gone = question.engine.rows(
        "select p.day from savings_predicted as p left join savings_kept as k on k.meter = p.meter "
        "and k.day = p.day where p.meter = $meter and k.day is null",
        {"meter": row.meter},
    )
    return {day for (day,) in gone}


def _models(row: Row, days: list[tuple[Any, ...]]) -> list[Table]:
    import numpy as np

    valid = [day for day in days if not day[1] and day[2] is not None and day[3] is not None]
    if len(valid) < LEAST_DAYS or row.method not in ("caltrack2", "split"):
        return []
    y, t = (np.array([day[at] for day in valid], float) for at in (6, 3))
    if row.method == "split":
        return [_ways(row, t, y, np.array([day[5] for day in valid]), cooling=bool(valid[0][4]))]
    tried = candidates.of_days(t, y, cooling=bool(valid[0][4]))
    return [candidates.table(row, tried)]


def _parts(question: Question, row: Row) -> list[Table]:
    """The coefficients of each part of a split model, from which every day's expected use can be told again."""
    if row.method != "split" or not row.figures:
        return []
    rows = question.engine.rows(
        "select distinct part, model, heating, heating_bend, beta_heating, cooling, cooling_bend, beta_cooling, "
        "intercept from savings_parts where meter = $meter order by part",
        {"meter": row.meter},
    )
    shown = ("model", "heating_balance_point", "heating_bend", "beta_heating", "cooling_balance_point",
             "cooling_bend", "beta_cooling", "intercept")  # fmt: skip
    columns = [_BY_KEY["kind_of_day"], *(BY_KEY[key] for key in shown)]
    return [Table(f"parts_{row.meter}", f"{row.label}: the model that was taken", columns, rows)]


def _ways(row: Row, temperature: Any, use: Any, cells: Any, *, cooling: bool) -> Table:
    import math

    tried = sorted(split.tried(temperature, use, cells, cooling=cooling), key=lambda one: one.cost)
    rows: list[tuple[object, ...]] = [
        (one.said, one.cost, math.sqrt(one.sse / len(use)), "taken" if place == 0 else "qualified")
        for place, one in enumerate(tried[:MOST_SHOWN])
    ]
    columns = [BY_KEY["model"], _BY_KEY["criterion"], _BY_KEY["misfit"], _BY_KEY["status"]]
    note = (
        f"{len(tried)} of {len(split.ways())} ways to put kinds of day together have enough days, "
        "each kind unlike the others"
    )
    return Table(f"candidates_{row.meter}", f"{row.label}: ways tried, the best first", columns, rows, note)


def _left_out(question: Question, row: Row, days: list[tuple[Any, ...]]) -> Table:
    """Days that are no evidence."""
    least = question.parameters["day_share"]  # of its readings, that a day's use needs
    apart = _apart(question, row)
    asked = "select day from savings_struck where meter = $meter"
    struck = {day for (day,) in question.engine.rows(asked, {"meter": row.meter})}
    rows: list[tuple[object, ...]] = []
    for day, _, y, t, *_, zeros, present in days:
        why = []
        if day in struck:
            why.append("city.yaml states a non-routine event")
        elif day in apart:
            why.append("set apart: of a shutdown, or of a non-routine event that city.yaml states")
        elif y is None and present >= least:
            why.append("what drives it beside the weather is not known")
        elif y is None:
            taken = f", {zeros} of 0 taken as missing" if zeros else ""
            why.append(f"no use: {percent(present)} of its readings, {percent(least)} are needed{taken}")
        if t is None:
            why.append("no outdoor temperature: less than half of its hours")
        if why:
            rows.append((day, y, t, "; ".join(why)))
    columns = [glossary.column("date"), _BY_KEY["use_kwh"], _BY_KEY["degree_f"], glossary.column("reason")]
    return Table(f"left_out_{row.meter}", f"{row.label}: days left out", columns, rows)
