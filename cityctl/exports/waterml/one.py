"""WaterML 1.0 and 1.1: timeSeries with sourceInfo, variable and blocks of values, one for each method."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from cityctl.exports.gather import Gather
from cityctl.exports.meaning import Instants
from cityctl.exports.parsed import Series
from cityctl.exports.shape import Shape
from cityctl.exports.tree.xmls import attribute, child, forget, local, text
from cityctl.exports.waterml.words import kind_of_data, quality_of, unit_of
from cityctl.reading import Quality


@dataclass
class One:
    """Reads the elements of a 1.x document as they go by."""

    gather: Gather
    shape: Shape
    instants: Instants
    series: Series | None = None
    blocks: int = 0
    points: int = 0
    nothing: tuple[float, ...] = ()
    offset: str = ""

    def take(self, event: str, element: Any) -> None:
        """One element's start or end."""
        name = local(element)
        if event == "start":
            if name == "timeSeries":
                self.blocks = 0
            elif name == "values":
                self.blocks += 1
                self.series = None
            return
        if name == "value" and local(element.getparent()) == "values":
            self._value(element)
            forget(element)
        elif name == "timeSeries":
            forget(element)

    def _value(self, element: Any) -> None:
        block = element.getparent()
        if self.series is None:
            self.series = self._series(block.getparent())
        self.points += 1
        line = element.sourceline or 0
        said = text(element)
        if not said:
            self.gather.blank()
            return
        try:
            value = float(said)
        except ValueError:
            value = float("nan")
        if "_" in said or not isfinite(value):
            self.gather.refuse(line, self.series.id, "is no number", f"`{said[:40]}`")
            return
        if value in self.nothing:
            self.gather.blank()
            return
        try:
            micros = self._time(element)
        except ValueError as problem:
            self.gather.refuse(line, self.series.id, str(problem))
            return
        graded = quality_of(attribute(element, "qualifiers"))
        if attribute(element, "censorCode").casefold() not in ("", "nc"):
            graded = Quality.SUSPECT
        self.gather.add(self.series.id, micros, value, int(graded), line)

    def _time(self, element: Any) -> int:
        utc = attribute(element, "dateTimeUTC")
        if utc:
            return self.instants.of(utc if utc.endswith("Z") else f"{utc}Z")
        said = attribute(element, "dateTime")
        if not said:
            raise ValueError("the value has no dateTime")
        if re.search(r"(Z|[+-]\d\d:?\d\d)$", said):
            return self.instants.of(said)
        own = attribute(element, "timeOffset")
        if own:
            return self.instants.of(f"{said}{own}")
        if self.shape.time_zone is None and self.offset:
            self.gather.note(
                f"{self.gather.file}: times without an offset are taken in the site's standard time (UTC{self.offset})"
            )
            return self.instants.of(f"{said if 'T' in said else said + 'T00:00'}{self.offset}")
        return self.instants.of(said)

    def _series(self, around: Any) -> Series:
        source, variable = child(around, "sourceInfo"), child(around, "variable")
        code = child(source, "siteCode")
        site = ":".join(part for part in (attribute(code, "network"), text(code)) if part)
        what = text(child(variable, "variableCode"))
        name = attribute(around, "name") or ":".join(part for part in (site, what) if part) or "timeSeries"
        if self.blocks > 1:
            name = f"{name}/{self.blocks}"
        self.offset = attribute(child(source, "timeZoneInfo", "defaultTimeZone"), "zoneOffset")
        if not re.fullmatch(r"[+-]\d\d:\d\d", self.offset):
            self.offset = ""
        said = [text(child(variable, "noDataValue")), text(child(variable, "NoDataValue"))]
        self.nothing = (
            *self.shape.missing,
            *(float(one) for one in said if re.fullmatch(r"-?\d+(\.\d*)?", one)),
        )
        unit, word = None, ""
        element = child(variable, "unit") if child(variable, "unit") is not None else child(variable, "units")
        words = [text(child(element, key)) for key in ("unitCode", "unitAbbreviation", "unitName")]
        words += [attribute(element, key) for key in ("unitsAbbreviation", "unitsCode")] + [text(element)]
        for candidate in [self.shape.unit or "", *words]:
            word = word or candidate
            unit = unit or (unit_of(candidate) if candidate and not candidate.isdigit() else None)
        quantity = unit.quantity if unit else None
        return self.gather.declare(
            Series(
                name,
                unit=unit.symbol if unit else None,
                quantity=quantity,
                kind=self.shape.kind or kind_of_data(text(child(variable, "dataType"))),
                title=text(child(variable, "variableName")),
                usage_point=site,
                said_unit="" if unit else word,
            )
        )
