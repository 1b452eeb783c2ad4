"""Which of an answer's series go to which point: where each is asked for, and where one answer brings all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cityctl.city.points import Point
from cityctl.collect.lines import Line
from cityctl.collect.match import Match, fit
from cityctl.exports.parsed import Series


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

    def every_point(self) -> Iterable[Point]:
        """The points that it may give readings to."""
        return (self.point,)

    def silent_line(self, source: str) -> Line:
        """The balance of a series of which nothing came."""
        series = Series(self.spec, quantity=self.point.quantity, kind=self.point.kind)
        return Line(source, series, Match(self.point.id, unit=self.point.shown_unit), self.spec)


@dataclass
class TableMatcher:
    """The series of an answer that brings all of a service's series.

    A point names its series whole, by the end of its address (`UsagePoint/5/MeterReading/1`), or by its usage point
    (`5`, `5#reverse`) where one series of that fits it.
    """

    points: dict[str, Point]
    _taken: dict[str, str] = field(default_factory=dict)

    def look(self, series: Iterable[Series]) -> None:
        """The series of an answer; their names say it all."""

    def every_point(self) -> Iterable[Point]:
        """The points that it may give readings to."""
        return self.points.values()

    def wants(self, series: Series) -> bool:
        """Whether a point of the city takes it."""
        return self._name(series) is not None

    def match(self, series: Series) -> Match:
        """Where it goes."""
        name = self._name(series)
        if name is None:
            return Match(None, why="no point takes it")
        first = self._taken.setdefault(name, series.id)
        if first != series.id:
            why = f"`{first}` goes to `{self.points[name].id}` already: name one by the end of its address"
            return Match(None, why=why)
        return fit(series, self.points[name])

    def _name(self, series: Series) -> str | None:
        if series.id in self.points:
            return series.id
        usage_point = series.usage_point.rstrip("/").rpartition("/")[2]
        for name, point in self.points.items():
            plain, _, way = name.partition("#")
            if "/" in plain and series.id.rstrip("/").endswith(f"/{plain}"):
                return name
            fits = series.quantity in (None, point.quantity)
            flows = series.direction == way if way else series.direction != "reverse"
            if plain and plain == usage_point and fits and flows:
                return name
        return None
