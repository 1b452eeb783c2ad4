"""WaterML 2.0: observations whose points inherit the metadata that their series begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from cityctl.exports.gather import Gather
from cityctl.exports.meaning import Instants
from cityctl.exports.parsed import Series
from cityctl.exports.shape import Shape
from cityctl.exports.tree.xmls import attribute, child, forget, local, text
from cityctl.exports.waterml.words import kind_of_data, quality_of, unit_of

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def duration(said: str) -> int | None:
    """An ISO 8601 duration of days and smaller, in µs; None where the text is none."""
    found = _DURATION.fullmatch(said.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part) if part else 0.0 for part in found.groups())
    return round(((days * 24 + hours) * 60 + minutes) * 60_000_000 + seconds * 1_000_000)


@dataclass
class _Defaults:
    """What the points of a series inherit."""

    unit: str = ""
    quality: str = ""
    interpolation: str = ""
    aggregation: int | None = None


@dataclass
class Two:
    """Reads the elements of a 2.0 document as they go by."""

    gather: Gather
    shape: Shape
    instants: Instants
    series: Series | None = None
    defaults: _Defaults = field(default_factory=_Defaults)
    base: str = ""
    spacing: int | None = None
    index: int = 0
    points: int = 0
    sites: int = 0

    def take(self, event: str, element: Any) -> None:
        """One element's start or end."""
        name = local(element)
        if event == "start":
            if name in ("MeasurementTimeseries", "Timeseries"):
                self.series, self.defaults, self.base, self.spacing, self.index = (
                    None,
                    _Defaults(),
                    "",
                    None,
                    0,
                )
            return
        if name == "defaultPointMetadata":
            self.defaults = self._defaults(element)
        elif name == "baseTime":
            self.base = text(element)
        elif name == "spacing":
            self.spacing = duration(text(element))
        elif name == "point":
            self._point(element)
            forget(element)
        elif name == "observationMember":
            forget(element)

    def _defaults(self, element: Any) -> _Defaults:
        said = next(iter(element), None)
        return _Defaults(
            _word(child(said, "uom")),
            " ".join(filter(None, (_quality(child(said, "quality")), _qualifier(said)))),
            attribute(child(said, "interpolationType"), "href")
            or attribute(child(said, "interpolationType"), "title"),
            duration(text(child(said, "aggregationDuration"))),
        )

    def _point(self, point: Any) -> None:
        pair = next(iter(point), None)
        index, self.index = self.index, self.index + 1
        self.points += 1
        if pair is None or local(pair) != "MeasurementTVP":
            self.gather.refuse(
                point.sourceline or 0,
                None,
                "is no measurement",
                f"`{local(pair) if pair is not None else ''}`",
            )
            return
        own = child(pair, "metadata", "TVPMeasurementMetadata")
        series = self._series(point, _word(child(own, "uom")))
        line = point.sourceline or 0
        value_element = child(pair, "value")
        said = text(value_element)
        if not said or attribute(value_element, "nil") in ("true", "1"):
            self.gather.blank()
            return
        try:
            value = float(said)
        except ValueError:
            value = float("nan")
        if "_" in said or not isfinite(value):
            self.gather.refuse(line, series.id, "is no number", f"`{said[:40]}`")
            return
        if value in self.shape.missing:
            self.gather.blank()
            return
        try:
            micros = self._time(text(child(pair, "time")), index)
        except ValueError as problem:
            self.gather.refuse(line, series.id, str(problem))
            return
        told = (
            " ".join(filter(None, (_quality(child(own, "quality")), _qualifier(own))))
            or self.defaults.quality
        )
        self.gather.add(series.id, micros, value, int(quality_of(told)), line)

    def _time(self, said: str, index: int) -> int:
        if said:
            micros = self.instants.of(said)
        elif self.base and self.spacing:
            micros = self.instants.of(self.base) + index * self.spacing
        else:
            raise ValueError("the point has a value and no time")
        if self.defaults.interpolation.rsplit("/", 1)[-1].casefold() in (
            "totalprec",
            "averageprec",
            "precedingtotal",
        ):
            length = self.defaults.aggregation or self.spacing
            if length:
                return micros - length
            self.gather.note(
                f"{self.gather.file}: times label the end of intervals of unknown length; kept as they are"
            )
        return micros

    def _series(self, point: Any, own_unit: str) -> Series:
        if self.series is not None and not own_unit:
            return self.series
        around: Any = point
        while around is not None and local(around) != "OM_Observation":
            around = around.getparent()
        timeseries = point.getparent()
        what = child(around, "observedProperty")
        where = child(around, "featureOfInterest")
        names = [
            attribute(where, "title") or _tail(attribute(where, "href")),
            attribute(what, "title") or _tail(attribute(what, "href")),
        ]
        self.sites = self.sites if self.series is not None else self.sites + 1
        name = (
            attribute(timeseries, "id") or attribute(around, "id") or "/".join(part for part in names if part)
        )
        name = name or f"series {self.sites}"
        word = own_unit or self.defaults.unit or self.shape.unit or ""
        unit = unit_of(word) if word else None
        if own_unit and own_unit != self.defaults.unit:
            name = f"{name} ({own_unit})"
        series = self.gather.declare(
            Series(
                name,
                unit=unit.symbol if unit else None,
                quantity=unit.quantity if unit else None,
                kind=self.shape.kind or kind_of_data(self.defaults.interpolation),
                title="/".join(part for part in names if part),
                said_unit="" if unit else word,
            )
        )
        if not own_unit:
            self.series = series
        return series


def _word(uom: Any) -> str:
    """The unit of a uom element: a code (UCUM), a title, or the last part of an address."""
    return (
        attribute(uom, "code")
        or attribute(uom, "uom")
        or attribute(uom, "title")
        or _tail(attribute(uom, "href"))
    )


def _tail(href: str) -> str:
    return re.split(r"[/#=]", href.rstrip("/"))[-1] if href else ""


def _quality(element: Any) -> str:
    return _tail(attribute(element, "href")) or attribute(element, "title") if element is not None else ""


def _qualifier(element: Any) -> str:
    """The codes of qualifiers: swe:value, or their title."""
    if element is None:
        return ""
    found = []
    for one in element:
        if local(one) == "qualifier":
            inside = next(iter(one), None)
            found.append(
                text(child(inside, "value"))
                or _tail(attribute(inside, "definition"))
                or "P" * bool("rovisional" in attribute(one, "title"))
            )
    return " ".join(filter(None, found))
