"""How a table is written, in the words that city.yaml, a service connector and the command line share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from cityctl.reading import Kind

Layout = Literal["auto", "long", "wide"]


@dataclass(frozen=True)
class Shape:
    """What is said about a table; None or "auto" is found out from the table, where that is unambiguous.

    `time` may join two columns (`Date + Time`), `value` be multiplied by one (`Reading * Multiplier`). `columns` are
    the only ones wanted, under `layout` wide. `units` holds units by column, `unit` the unit of all others. `stamp`
    "end" marks times that label the end of their interval, which is `every` long. `missing` are values that stand
    for "no reading". `qualities` maps the words of the quality column to good, estimated, suspect and bad. `series`
    names the series of a table that names none.

    In JSON, `rows`, `time`, `point`, `value`, `quality`, `unit_from` and `direction` are JMESPath expressions,
    in XML they are XPath.
    `rows` gives the rows; `meters[] > readings` goes down level by level. The others are asked of a row; one
    that begins with `^` of the row around it, with `$` of the whole document. Where `value` gives a list, it
    holds the values one after the other: `time` is then a list as long, or the first one's time. `unit_from`
    gives each row's unit (in a table: its column), `direction` its direction of flow, or says it for all.

    `states` tells series whose cells may be words (modes, alarms) and the codes of those that have a name in small
    letters; None for the others, whose words are refused.
    """

    layout: Layout = "auto"
    time: str | None = None
    point: str | None = None
    value: str | None = None
    quality: str | None = None
    columns: tuple[str, ...] = ()
    unit: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    time_format: str | None = None
    stamp: Literal["start", "end"] = "start"
    every: timedelta | None = None
    kind: Kind | None = None
    decimal: Literal[".", ","] | None = None
    delimiter: str | None = None
    encoding: str | None = None
    missing: tuple[float, ...] = ()
    qualities: Mapping[str, str] = field(default_factory=dict)
    series: str | None = None
    rows: str | None = None
    unit_from: str | None = None
    direction: str | None = None
    states: Callable[[str], Mapping[str, float] | None] | None = None
