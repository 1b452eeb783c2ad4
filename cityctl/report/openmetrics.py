"""Freshness, last values, devices and findings as OpenMetrics text, for Prometheus' textfile collector.

Source: OpenMetrics 1.0 (text format). A point's device, zone and unit are labels; values are in the unit that
city.yaml speaks, and the reading's own time is a metric of its own: the collector takes no timestamps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cityctl import units
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.report.checking.of_devices import FILE_NAME
from cityctl.report.checking.of_freshness import LOOK_BACK
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import STATES, all_kept
from cityctl.store.choice import chosen, opened

Labels = Mapping[str, str | None]


@dataclass
class Family:
    """One gauge: its name without the unit's suffix doubled, its help, its samples."""

    name: str
    about: str
    unit: str = ""
    samples: list[tuple[Labels, float]] = field(default_factory=list)

    def add(self, value: float, **labels: str | None) -> None:
        """One sample; labels that are None are left out."""
        self.samples.append((labels, value))

    @property
    def lines(self) -> Iterable[str]:
        """The family as text: TYPE, UNIT, HELP, then its samples."""
        yield f"# TYPE {self.name} gauge"
        if self.unit:
            yield f"# UNIT {self.name} {self.unit}"
        yield f"# HELP {self.name} {_escaped(self.about)}"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{_escaped(said)}"' for key, said in labels.items() if said is not None)
            yield f"{self.name}{{{inside}}} {_number(value)}" if inside else f"{self.name} {_number(value)}"


def openmetrics(project: Project, words: Iterable[str] = (), *, now: datetime) -> str:
    """The whole text, `# EOF` included. Points as for `data export`; last readings within 40 days.

    Raises UsageProblem (no such point), ConfigInvalid, StoreProblem.
    """
    families = [*_points(project, list(words), now), *_devices(project), *_findings(project, now)]
    lines = [line for family in families if family.samples for line in family.lines]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _points(project: Project, words: list[str], now: datetime) -> list[Family]:
    last = Family("cityctl_point_last_reading_timestamp_seconds", "Time of the last reading.", "seconds")
    value = Family("cityctl_point_last_value", "The last reading that has a value, in the unit of its label.")
    expected = Family("cityctl_point_interval_seconds", "How often a reading should come.", "seconds")
    city = project.city
    window = Interval(now - LOOK_BACK, now + timedelta(hours=1), city.zone_info)
    with opened(project) as store, Engine() as engine:
        names = chosen(store, city, words)
        store.attach(engine, city, points=names, interval=window)
        rows = engine.rows(
            "SELECT r.point, r.time, r.value FROM readings AS r JOIN (SELECT point, max(time) AS time FROM readings "
            "WHERE value IS NOT NULL GROUP BY point) AS z ON z.point = r.point AND z.time = r.time "
            "ORDER BY r.point"
        )
        series = store.series()
    for name, moment, read in rows:
        point = city.points().get(name)
        kept = series.get(name)
        stored = point.unit if point is not None else kept.unit if kept is not None else None
        shown = point.shown_unit if point is not None else stored
        scale, shift = units.linear(stored, shown) if stored and shown else (1.0, 0.0)
        device = point.device.partition("/")[0] if point is not None and point.device else None
        zone, network = (point.zone, point.network) if point is not None else (None, None)
        labels = {"point": name, "device": device, "zone": zone, "network": network}
        last.add(moment.replace(tzinfo=UTC).timestamp(), **labels)
        value.add(read * scale + shift, **labels, unit=shown)
        if point is not None and point.every is not None:
            expected.add(point.every.total_seconds(), point=name)
    return [last, value, expected]


def _devices(project: Project) -> list[Family]:
    silent = Family("cityctl_device_silent_runs", "Polls in a row that a device did not answer.")
    try:
        held = json.loads((project.state / FILE_NAME).read_bytes())["devices"]
        for name in project.city.devices:
            if name in held:
                silent.add(float(held[name].get("silent_runs", 0)), device=name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        silent.samples.clear()
    return [silent]


def _findings(project: Project, now: datetime) -> list[Family]:
    counts = Family(
        "cityctl_findings", "Recorded findings that are not closed, by report, severity and state."
    )
    ran = Family("cityctl_report_last_run_timestamp_seconds", "When a report was last recorded.", "seconds")
    missing = Family("cityctl_report_missing", "What the last recorded run of a report could not judge.")
    with Book(project.state).reading() as connection:
        held = all_kept(connection)
        runs = connection.execute(
            "SELECT report, at, missing FROM runs WHERE run IN (SELECT max(run) FROM runs GROUP BY report) "
            "ORDER BY report"
        ).fetchall()
    for row in runs:
        ran.add(datetime.fromisoformat(row["at"]).timestamp(), report=row["report"])
        missing.add(len(json.loads(row["missing"])), report=row["report"])
        for severity in ("alarm", "warning", "note"):
            for state in STATES[:3]:
                count = sum(
                    (one.report, one.severity, one.state_at(now)) == (row["report"], severity, state)
                    for one in held
                )
                counts.add(count, report=row["report"], severity=severity, state=state)
    return [counts, ran, missing]


def _escaped(text: str) -> str:
    """A label's value or a help text: backslash, quote and line feed are written out."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
