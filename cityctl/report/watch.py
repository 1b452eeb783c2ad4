"""The live view: zones, devices and open findings as the store, the polls' memory and the book hold them.

Nothing is sent and nothing is written: what is shown is what other commands brought. One result a round.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from cityctl import clock, glossary
from cityctl.city.points import Point
from cityctl.city.project import Project
from cityctl.errors import UsageProblem
from cityctl.report.checking.of_devices import GIVEN_UP, memory
from cityctl.report.checking.of_freshness import last_readings
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import Kept, all_kept
from cityctl.report.findings.views import listing_of
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

SHORTEST = timedelta(seconds=1)
LATE_AFTER = 3  # intervals without a reading
_UNKNOWN_INTERVAL = timedelta(hours=24)  # after which a point of no known interval is late

# fmt: off
ZONES: tuple[Column, ...] = (
    glossary.column("zone"),
    Column("zone_points", "Points", meaning="points of the zone that readings are expected of", kind="integer",
           priority=4),
    Column("fresh_points", "Fresh", meaning="those heard within three of their intervals", kind="integer", priority=2),
    Column("heard_last", "Last heard", meaning="time of the zone's newest reading", kind="time", priority=2),
    Column("open_findings", "Findings", meaning="findings on it that are not closed", kind="integer", priority=2),
    glossary.column("verdict"),
)
# fmt: on
DEVICES: tuple[Column, ...] = (
    glossary.column("device"),
    Column(
        "silent_runs", "Silent runs", meaning="polls in a row without an answer", kind="integer", priority=2
    ),
    glossary.column("verdict"),
)


def interval_of(every: str) -> float:
    """`30s` in seconds. Raises UsageProblem."""
    length = clock.duration(every)
    if length < SHORTEST:
        raise UsageProblem(f"--every {every}: 1 s is the shortest", hint="write --every 30s")
    return length.total_seconds()


def frames(
    project: Project, every: float, count: int | None, now: datetime | None = None
) -> Iterator[Result]:
    """A frame every so many seconds, `count` times or without end; `now` stands still where it is given."""
    number = 0
    while True:
        begun = time.monotonic()
        yield frame(project, now or datetime.now(UTC))
        number += 1
        if count is not None and number >= count:
            return
        time.sleep(max(0.0, every - (time.monotonic() - begun)))


def frame(project: Project, now: datetime) -> Result:
    """How the city stands at `now`. Raises StoreProblem where no reading was ever stored."""
    points = {name: point for name, point in project.city.points().items() if point.formula is None}
    heard = last_readings(project, list(points), now)
    fresh = {name for name, at in heard.items() if now - at <= _allowed(points[name])}
    with Book(project.state).reading() as connection:
        findings = [one for one in all_kept(connection) if one.state_at(now) not in ("closed", "shelved")]
    zones = _zones(project, points, heard, fresh, findings)
    devices = _devices(project)
    tables = [Table("zones", "Zones", list(ZONES), zones)]
    if devices:
        tables.append(Table("devices", "Devices that do not answer", list(DEVICES), devices))
    if findings:
        tables.append(listing_of(findings, now))
    local = now.astimezone(project.city.zone_info)
    late = [name for name in points if name not in fresh]
    return Result(
        f"{project.city.name}",
        tables,
        subtitle=f"{local:%Y-%m-%d %H:%M:%S}",
        completeness=Completeness(
            len(points), len(fresh), [Missing(name, "late") for name in late], "points"
        ),
        summary=f"{counted(len(findings), 'open finding')}, {counted(len(devices), 'device')} silent, "
        f"{len(late)} of {len(points)} points late",
    )


def _allowed(point: Point) -> timedelta:
    if point.every is None:
        return _UNKNOWN_INTERVAL
    return max(LATE_AFTER * point.every, timedelta(minutes=5))


def _zones(
    project: Project,
    points: dict[str, Point],
    heard: Mapping[str, datetime],
    fresh: set[str],
    findings: list[Kept],
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, zone in project.city.zones.items():
        own = [point for point, one in points.items() if one.zone == name]
        about = {name, zone.name, *own}
        assets = {asset for asset, one in project.city.assets.items() if one.zone == name}
        count = sum(
            one.subject in about or one.evidence.get("zone") == name or one.evidence.get("asset") in assets
            for one in findings
        )
        if not own and not count:
            continue
        times = [heard[point].replace(microsecond=0) for point in own if point in heard]
        alive = sum(point in fresh for point in own)
        if count:
            verdict = "FINDING" if count == 1 else "FINDINGS"
        elif alive < len(own):
            verdict = f"LATE {len(own) - alive} of {len(own)} points" if alive else "SILENT"
        else:
            verdict = "normal"
        rows.append((zone.name or name, len(own), alive, max(times, default=None), count, verdict))
    rows.sort(key=lambda row: (row[-1] == "normal", str(row[0])))
    return rows


def _devices(project: Project) -> list[tuple[object, ...]]:
    """Devices that were silent when they were last polled, the longest first."""
    rows: list[tuple[object, ...]] = []
    for name, held in memory(project).items():
        runs = int(held.get("silent_runs", 0))
        if runs and name in project.city.devices:
            rows.append((name, runs, "SILENT, given up" if runs >= GIVEN_UP else "SILENT"))
    rows.sort(key=lambda row: (-int(str(row[1])), str(row[0])))
    return rows
