"""What a pull is going to ask: services, their series, and the windows of each; nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cityctl import clock
from cityctl.city.model import Service
from cityctl.city.points import Point
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.collect.ledger import Ledger, Line
from cityctl.collect.match import Match, fit
from cityctl.collect.watermark import Watermarks, Window, windows
from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.exports import asking, service
from cityctl.exports.asking import Ask
from cityctl.exports.parsed import Series
from cityctl.exports.service import Connector
from cityctl.exports.source import Source
from cityctl.glossary import column
from cityctl.result import Column, Result, Table

ALL = "*"  # the series of a request that brings all
REQUEST = Column("request", "Request", meaning="what would be asked; secrets are not shown", priority=1)
AUTHORISED = Column("auth", "Auth", meaning="how the request would prove who asks", priority=4)
COLUMNS: tuple[Column, ...] = (REQUEST, AUTHORISED)


@dataclass
class SeriesMatcher:
    """The series of answers to a question for one series: `usage-point`, `usage-point#reverse`, `usage-point#2`.

    Without `#`, what is fed in is only taken where the answer holds nothing else.
    """

    spec: str
    point: Point
    _seen: set[str] = field(default_factory=set)
    _wanted: set[str] = field(default_factory=set)
    _taken: str | None = None

    def look(self, series: Iterable[Series]) -> None:
        """The series of an answer, before its readings are counted."""
        wish = self.spec.partition("#")[2]
        found = list(series)
        fitting = [one for one in found if one.quantity in (None, self.point.quantity)]
        if wish in ("forward", "reverse", "net", "total"):
            fitting = [one for one in fitting if one.direction == wish]
        elif wish:
            fitting = [one for one in fitting if one.id.rstrip("/").endswith(f"/{wish}") or one.id == wish]
        else:
            fitting = [one for one in fitting if one.direction != "reverse"] or fitting
        self._seen |= {one.id for one in found}
        self._wanted |= {one.id for one in fitting}

    def wants(self, series: Series) -> bool:
        """Whether a series of an answer is what was asked for; what is only named in rejections may be."""
        return series.id in self._wanted or series.id not in self._seen

    def match(self, series: Series) -> Match:
        """Where it goes."""
        if series.id in self._wanted:
            self._taken = self._taken or series.id
        if self._taken not in (None, series.id):
            why = f"`{self._taken}` goes to `{self.point.id}` already: name one with `#` behind the series"
            return Match(None, why=why)
        return fit(series, self.point)

    def silent_line(self, source: str) -> Line:
        """The balance of a series of which nothing came."""
        series = Series(self.spec, quantity=self.point.quantity, kind=self.point.kind)
        return Line(source, series, Match(self.point.id, unit=self.point.shown_unit), self.spec)


@dataclass
class TableMatcher:
    """The series of an answer that brings all of a service's series."""

    points: dict[str, Point]

    def look(self, series: Iterable[Series]) -> None:
        """The series of an answer; their names say it all."""

    def wants(self, series: Series) -> bool:
        """Whether a point of the city takes it."""
        return series.id in self.points

    def match(self, series: Series) -> Match:
        """Where it goes."""
        return fit(series, self.points[series.id])


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
    """What is to be asked of one service."""

    name: str
    service: Service
    connector: Connector
    words: dict[str, str]
    marks: Watermarks
    tasks: list[Task]
    zone: str
    answered: int = 0

    def ask(self, task: Task, window: Window) -> Ask:
        """The request for one window of a task."""
        series = "" if task.series == ALL else task.series.partition("#")[0]
        return asking.ask(self.connector, self.service, self.words, series, *window)


def plans(
    project: Project, names: Sequence[str] | None, since: str | None, until: str | None, now: datetime
) -> list[Plan]:
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
                rows.append((plan.name, task.series, *window, f"GET {asked.url}", auth))
    columns = [column("service"), column("series"), column("since"), column("until"), REQUEST, AUTHORISED]
    said = f"{len(rows)} requests to {len(plans)} services; nothing was sent"
    return Result("Pull", [Table("requests", "Requests", columns, rows)], interval=interval, summary=said)
