"""What a pull is going to ask: services, their series, and the windows of each; nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cityctl import clock
from cityctl.city.points import Point
from cityctl.city.project import Project
from cityctl.city.services import Service
from cityctl.clock import Interval
from cityctl.collect.ledger import Ledger
from cityctl.collect.series import SeriesMatcher, TableMatcher
from cityctl.collect.watermark import Watermarks, Window, cut, windows
from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.exports import asking, service
from cityctl.exports.asking import Ask
from cityctl.exports.service import Connector
from cityctl.exports.source import Source
from cityctl.glossary import column
from cityctl.result import Column, Result, Table
from cityctl.wording import counted

ALL = "*"  # the series of a request that brings all
REQUEST = Column("request", "Request", meaning="what would be asked; secrets are not shown", priority=1)
AUTHORISED = Column("auth", "Auth", meaning="how the request would prove who asks", priority=4)
COLUMNS: tuple[Column, ...] = (REQUEST, AUTHORISED)


@dataclass
class Task:
    """One series (or all of a service), and the windows to ask for."""

    series: str
    matcher: SeriesMatcher | TableMatcher
    ledger: Ledger
    windows: list[Window]
    drained: list[Window] = field(default_factory=list)
    complete: bool = False
    sources: list[Source] = field(default_factory=list)


@dataclass
class Plan:
    """What is to be asked of one service. `answered` counts answers, `unasked` series that did not get their turn."""

    name: str
    service: Service
    connector: Connector
    words: dict[str, str]
    marks: Watermarks
    tasks: list[Task]
    zone: str
    answered: int = 0
    unasked: int = 0

    def label(self, task: Task) -> str:
        """What a series is called in messages."""
        return f"{self.name}/{task.series}" if task.series != ALL else self.name

    def in_turn(self) -> list[Task]:
        """The tasks, those first that did not get their turn in the pull before."""
        at = next((i for i, task in enumerate(self.tasks) if task.series == self.marks.turn), 0)
        return self.tasks[at:] + self.tasks[:at]

    def begin_with(self, task: Task) -> None:
        """The next pull begins with this one, if this one ends early."""
        self.marks.turn = task.series if task is not self.tasks[0] else ""

    def ask(self, task: Task, window: Window) -> Ask:
        """The request for one window of a task."""
        series = "" if task.series == ALL else task.series.partition("#")[0]
        return asking.ask(self.connector, self.service, self.words, series, *window)


def plans(
    project: Project,
    names: Sequence[str] | None,
    since: str | None,
    until: str | None,
    now: datetime,
    *,
    backfill: bool = False,
) -> list[Plan]:
    """The plan of each named service, of all where none is named. Raises UsageProblem and ConfigInvalid."""
    city = project.city
    if not city.services:
        raise UsageProblem("the city has no services", hint="add them under `services:` in city.yaml")
    for name in names or ():
        if name not in city.services:
            match = near(name, city.services)
            known = ", ".join(city.services)
            raise UsageProblem(
                f"no service named `{name}`",
                hint=f"did you mean `{match}`?" if match else f"there are: {known}",
            )
    begin = end = None
    if since is not None:
        span = clock.interval(since, until, None, zone=city.zone_info, now=now)
        begin, end = span.start, span.end
    elif until is not None:
        end = clock.interval(None, until, "1s", zone=city.zone_info, now=now).end
    made = []
    for name in dict.fromkeys(names or city.services):
        known_service = city.services[name]
        connector = service.load(project.library, known_service.connector)
        words = asking.words(connector, known_service, name)
        marks = Watermarks.read(project.state / "pull", name)
        asking.shape(
            connector, words, name, None, city.time_zone
        )  # what is wrong in it is said before asking
        plan = Plan(name, known_service, connector, words, marks, [], city.time_zone)
        wanted = _wanted(project, name)
        for series, matcher in _matchers(connector, wanted):
            span_windows = windows(
                marks.marks.get(series),
                since=begin,
                until=end,
                now=now,
                largest=connector.window.largest,
                first=connector.window.first,
                settle=connector.window.settle,
                days_of=_days_of(connector),
            )
            if backfill:
                points = list(wanted) if series == ALL else [series]
                asked_for = [wanted[name].id for name in points]
                span_windows = gap_windows(project, plan, asked_for, since, until, now)
            for window in span_windows[:1]:
                asking.ask(
                    connector,
                    known_service,
                    words,
                    "" if series == ALL else series.partition("#")[0],
                    *window,
                )
            label = series if series != ALL else None
            plan.tasks.append(Task(series, matcher, Ledger(name, matcher, label), span_windows))
        made.append(plan)
    if not any(plan.tasks for plan in made):
        raise UsageProblem(
            f"no point of the city comes from {', '.join(plan.name for plan in made)}",
            hint="add `service: NAME/SERIES` to a point in city.yaml",
        )
    return made


def _days_of(connector: Connector) -> ZoneInfo | None:
    return ZoneInfo(connector.request.time_zone) if connector.window.align == "day" else None


def gap_windows(
    project: Project, plan: Plan, points: Sequence[str], since: str | None, until: str | None, now: datetime
) -> list[Window]:
    """The windows that hold the readings which `data gaps` finds missing.

    From `since`, or else from the first instant that was ever pulled of the service.
    """
    from cityctl.store.asked.gaps import gaps

    if since is None:
        begun = [mark.since for mark in plan.marks.marks.values()]
        if not begun:
            return []
        since = min(begun).isoformat(timespec="seconds")
    found = gaps(project, points, since=since, until=until, now=now)
    keys = [entry.key for entry in found.tables[0].columns]
    at = [keys.index(key) for key in ("since", "until", "due")]
    spans: list[tuple[datetime, datetime]] = []
    for row in found.tables[0].rows:
        begin, end, due = (row[index] for index in at)
        if due == "missing" and isinstance(begin, datetime) and isinstance(end, datetime):
            spans.append((begin.replace(microsecond=0), end))
    window = plan.connector.window
    merged: list[list[datetime]] = []
    for begin, end in sorted(spans):
        # One request for neighbours: what lies between two small holes costs less than another question.
        if merged and begin - merged[-1][1] <= min(window.largest / 4, timedelta(days=1)):
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    zone = _days_of(plan.connector)
    cuts = [one for begin, end in merged for one in cut(begin, end, window.largest, zone)]
    return list(dict.fromkeys(cuts))


def _wanted(project: Project, name: str) -> dict[str, Point]:
    """The points that come from a service, by series."""
    wanted: dict[str, Point] = {}
    for point in project.city.points().values():
        if point.service is None or point.service.partition("/")[0] != name:
            continue
        series = point.service.partition("/")[2] or point.id
        if series in wanted:
            raise ConfigInvalid(
                f"points `{wanted[series].id}` and `{point.id}` both come from {name}/{series}",
                hint="keep one of them, and make the other a formula of it",
            )
        wanted[series] = point
    return wanted


def _matchers(
    connector: Connector, wanted: dict[str, Point]
) -> Iterator[tuple[str, SeriesMatcher | TableMatcher]]:
    if not connector.asks_by_series:
        if wanted:
            yield ALL, TableMatcher(wanted)
        return
    for series, point in wanted.items():
        yield series, SeriesMatcher(series, point)


def requests(plans: Sequence[Plan], interval: Interval | None) -> Result:
    rows: list[tuple[object, ...]] = []
    for plan in plans:
        secret = plan.service.secret
        auth: str = plan.connector.auth.kind
        if auth != "none":
            place = next((key for key in ("env", "file", "command") if secret and getattr(secret, key)), None)
            auth = (
                f"{auth}, secret from {place}" if place else "none" if plan.connector.auth.optional else auth
            )
        for task in plan.tasks:
            for window in task.windows:
                asked = plan.ask(task, window)
                rows.append((plan.name, task.series, *window, f"{asked.method} {asked.url}", auth))
    columns = [column("service"), column("series"), column("since"), column("until"), REQUEST, AUTHORISED]
    said = f"{counted(len(rows), 'request')} to {counted(len(plans), 'service')}; nothing was sent"
    table = Table("requests", "Requests", columns, rows)
    return Result("Pull", [table], interval=interval, summary=said, notes=list(_more(plans)))


def _more(plans: Sequence[Plan]) -> Iterator[str]:
    """The requests that cannot be known before there are answers."""
    for plan in plans:
        paging, token = plan.connector.pagination.kind, plan.connector.auth.token
        if token is not None:
            yield f"{plan.name}: a token is asked for first, at {asking.exchange(token, plan.words)}"
        if paging == "windows":
            yield f"{plan.name}: a window that brings too much is cut in halves"
        elif paging != "none":
            yield f"{plan.name}: each request may be followed by more pages ({paging})"
