"""A report of three new files: a recipe, an analysis and its SQL, with a city for them."""

from __future__ import annotations

from datetime import UTC, datetime

from cityctl.city.project import Project

CITY = """\
name: Testville
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones:
  hafen: {network: water, inflow: hafen_inflow}
  berg: {network: water, inflow: berg_inflow}
points:
  hafen_inflow: {unit: m3/h, every: 1h, zone: hafen}
  berg_inflow: {unit: m3/h, every: 1h, zone: berg}
"""

RECIPE = """\
report: peaks
title: Highest inflow of each zone
analysis: water/peaks
last: 2d
parameters:
  threshold: 2 L/s
columns:
  zones: [zone, peak, verdict]
plots: [inflow]
words:
  intro: Which zones draw more than they should.
  method: the largest reading of each zone.
  sources: made up for this test
  limits: [knows nothing of season]
"""

ANALYSIS = '''\
"""The largest reading of each zone's inflow."""

from cityctl.analysis.question import Parameter
from cityctl.result import Column, Completeness, Finding, Line, Missing, Plot, Result, Table
from datetime import UTC

TITLE = "Peaks"
SUMMARY = "the largest inflow of each zone"
COLUMNS = (
    Column("zone", "Zone", meaning="a zone", priority=1),
    Column("readings", "Readings", kind="integer"),
    Column("peak", "Peak", "m3/h", "largest reading", "number", 2, 1),
    Column("verdict", "Verdict", kind="verdict", priority=1),
)
PARAMETERS = (
    Parameter("threshold", "number", 5.0, "m3/h", "a peak above this is reported", least=0),
    Parameter("share", "share", 0.05, None, "not used"),
    Parameter("from_time", "time", 120, None, "not used"),
    Parameter("slot", "duration", None, None, "not used"),
)


def points(city, parameters):
    return [zone.inflow for zone in city.zones.values()]


def answer(question):
    limit = question.parameters["threshold"]
    rows, findings, plots, missing = [], [], [], []
    for zone, readings, peak in question.engine.rows(question.sql("peaks")):
        over = peak is not None and peak > limit
        rows.append((zone, readings, peak, "HIGH" if over else "normal" if peak is not None else "UNKNOWN"))
        if over:
            findings.append(Finding("peak", zone, question.interval.start, f"peak of {peak} over {limit}"))
        if peak is None:
            missing.append(Missing(zone, "no readings"))
        series = question.engine.rows(question.sql("series"), [zone + "_inflow"])
        line = Line("inflow", [time.replace(tzinfo=UTC) for time, _ in series], [value for _, value in series])
        plots.append(Plot(f"inflow:{zone}", zone, "m3/h", [line]))
    plots.append(Plot("other", "Other", "m3/h", []))
    return Result(
        TITLE,
        [Table("zones", "Zones", list(COLUMNS), rows)],
        findings=findings, plots=plots,
        completeness=Completeness(len(rows), len(rows) - len(missing), missing, "zones"),
        summary=f"{len(findings)} zones over {limit} m3/h",
    )
'''

SQL = """\
-- name: peaks
select z.zone, count(r.value), max(r.value)
from zones z left join readings r on r.point = z.inflow
group by z.zone order by z.zone desc

-- name: series
select time, value from readings where point = ? order by time
"""

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
START = datetime(2026, 11, 20, 23, tzinfo=UTC)  # midnight of the 21st in Berlin


def recipe(place: Project, change: str, to: str) -> None:
    """Change the recipe's text."""
    assert change in RECIPE
    path = place.folder / "recipes/reports/peaks.yaml"
    path.write_text(RECIPE.replace(change, to), encoding="utf-8")
