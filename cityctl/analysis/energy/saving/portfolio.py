"""All meters together: ranked rows, the total with its uncertainty, findings, and what cannot be judged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityctl.analysis.energy.saving.columns import (
    BY_KEY,
    FUELS,
    METHOD_NAMES,
    METHOD_NOTES,
    NOTES,
    OWN_DEGREES,
    ROW,
    TITLE,
    TOTAL,
)
from cityctl.analysis.energy.saving.figures import speaks_fahrenheit
from cityctl.analysis.energy.saving.fuels import Building, said_proof, summed
from cityctl.analysis.energy.saving.row import Row, said_change, said_uncertainty
from cityctl.analysis.question import Question
from cityctl.clock import midnight
from cityctl.result import Column, Completeness, Finding, Missing, Plot, Result, Table
from cityctl.wording import counted, grouped, percent

_TOLD = ("avoided_kwh", "avoided_low", "avoided_high", "uncertainty", "fsu", "cvrmse")  # of a rise


def result(question: Question, rows: list[Row], buildings: list[Building], plots: list[Plot]) -> Result:
    """Rows ranked by saved use, the total, what rose with proof, and what cannot be judged."""
    judged = sorted(
        (row for row in rows if row.figures), key=lambda row: (row.apart, -row.avoided, row.meter)
    )
    lacking = [row for row in rows if not row.figures]
    booked = [row for row in judged if not row.apart]
    saved, apart = sum(row.saves for row in judged), len(judged) - len(booked)
    moved = sum(one.moved for one in buildings)
    rose = [row for row in judged if row.proven and row.avoided < 0 and not row.moved]
    labels = Counter(row.label for row in rows)
    shifted = sum(row.moved for row in judged)
    said_moved = f"{shifted} moved between fuels in {counted(moved, 'building')}, " if moved else ""
    more = sum(not row.apart for row in rose)
    method = question.parameters["method"]
    money = replace(BY_KEY["saved_money"], unit=question.city.currency)
    columns = {**BY_KEY, "saved_money": money}
    if speaks_fahrenheit(question.city):
        columns |= {key: replace(BY_KEY[key], unit=unit) for key, unit in OWN_DEGREES.items()}
    ranked = [row.cells() for row in [*judged, *lacking]]
    total = _total(booked)
    note = "uncertainties combined as those of independent meters; meters set apart are left out"
    return Result(
        title=TITLE,
        subtitle=f"{METHOD_NAMES[method]}, uncertainty at {percent(question.parameters['confidence'])} confidence",
        tables=[
            Table("savings", TITLE, [columns[key] for key in ROW], ranked),
            *_fuels(buildings, columns),
            Table(
                "portfolio",
                "All judged meters together",
                [columns[key] for key in TOTAL],
                total,
                note,
            ),
        ],
        interval=question.interval,
        findings=[
            *(
                _rise(question, row, _subject(row, labels))
                for row in sorted(rose, key=lambda row: row.avoided)
            ),
            *(_step(question, row, _subject(row, labels)) for row in judged if row.step is not None),
        ],
        completeness=Completeness(
            wanted=len(rows),
            had=len(judged),
            missing=[Missing(row.meter, "; ".join(row.failures)) for row in lacking],
            unit="meters",
        ),
        plots=plots,
        notes=[*METHOD_NOTES[method], *NOTES],
        summary=f"{saved} of {len(rows)} meters saved with proof, {more} use more with proof, "
        f"{len(booked) - saved - more - shifted} not proven, {said_moved}{apart} set apart, "
        f"{len(lacking)} cannot be judged{_in_all(total)}",
    )


def _fuels(buildings: list[Building], columns: Mapping[str, Column]) -> list[Table]:
    """The table of buildings with several fuels, where there are any."""
    if not buildings:
        return []
    rows = [tuple(one.figures.get(key) for key in FUELS) for one in buildings]
    note = "all fuels of a building together; use that moved from one to another is no saving of the first"
    return [Table("buildings", "Buildings with several fuels", [columns[key] for key in FUELS], rows, note)]


def _subject(row: Row, labels: Counter[str]) -> str:
    """Its label, with the meter where others go by the same one."""
    return row.label if labels[row.label] == 1 else f"{row.label}, {row.meter}"


def _step(question: Question, row: Row, subject: str) -> Finding:
    """A use that lies on another level from a day on: the account is to be without it if the measure is not why."""
    assert row.step is not None
    return Finding(
        kind="energy-step",
        subject=subject,
        since=midnight(row.step.first, question.interval.zone),
        text=f"{row.step} Where it was not the measure, `non_routine` in city.yaml takes it out of the account",
        evidence={"meter": row.meter, "kwh_per_day": row.step.kwh},
    )


def _rise(question: Question, row: Row, subject: str) -> Finding:
    start = row.figures["reporting_start"]
    told = f"{said_change(row)} against the weather since {start}"
    return Finding(
        kind="energy-rise",
        subject=subject,
        since=midnight(start, question.interval.zone),
        text=f"{row.verdict}; {told}" if row.apart else told,
        evidence={"meter": row.meter, **{key: row.figures[key] for key in _TOLD}},
    )


def _in_all(total: list[tuple[object, ...]]) -> str:
    """`; in all 34 500 kWh (12.0 %) saved, uncertainty 31 % of it`."""
    if not total:
        return ""
    told: dict[str, Any] = dict(zip(TOTAL, total[0], strict=True))
    if told["saving_pct"] is None or not told["avoided_kwh"] or not math.isfinite(told["uncertainty"]):
        return ""
    way = "saved" if told["avoided_kwh"] >= 0 else "more"
    amount = f"{grouped(abs(told['avoided_kwh']))} kWh ({abs(told['saving_pct']):.1f} %)"
    return f"; in all {amount} {way}, {said_uncertainty(told['uncertainty'])}"


def _total(booked: list[Row]) -> list[tuple[object, ...]]:
    """One row: sums, and the root of the sum of squares of the uncertainties."""
    if not booked:
        return []
    told = {"meters": len(booked), "proven": sum(row.saves for row in booked), **summed(booked)}
    told["verdict"] = said_proof(told)
    return [tuple(told[key] for key in TOTAL)]
