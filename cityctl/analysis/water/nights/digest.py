"""What nights are made of, in small tables: worked out month by month, and remembered month by month.

A year of readings is hundreds of times as large as what the watch needs of it, and what was read in March does not
change in May. So each month of nights is asked for by itself, and each week of the month that is not over; where
nothing has changed that it depends on, what it was reduced to before is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

from cityctl.analysis.question import Question
from cityctl.analysis.water.nights.grid import EPOCH, Grid, Sheet, sheet_of
from cityctl.analysis.water.nights.packed import pack, unpack
from cityctl.arrow import flags, floats, table, texts
from cityctl.clock import Interval

if TYPE_CHECKING:
    import pyarrow as pa

WORKED_OUT = ("slots", "parts", "steps", "windows")
WEEK = 7
TABLES = {
    "nights": 1,
    "courses": 8,
    "sensors": 4,
}  # statement -> parts of a night's 24 hours that it tells apart
COURSE = 8  # parts of three hours, as all that is asked beside these tells
FINE = 2.0**26
BEFORE, AFTER = timedelta(days=3), timedelta(hours=12)  # what a counter counted at an edge shows beyond it


@dataclass(frozen=True)
class Beside:
    """Further statements about the nights of a month, and the tables that they name."""

    statements: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


class Digest:
    """Nights of the given dates, by the names of statements: `grid("nights", ...)`, also those of `beside`.

    `points` are reduced to parts of nights, `inflows` of them to nights, and `feeds` to what tells their faults (see
    night_flow.sql). Without a memory readings are attached already, and all nights are asked for at once.
    """

    def __init__(
        self,
        question: Question,
        points: Sequence[str],
        inflows: Collection[str],
        feeds: Collection[str],
        dates: Sequence[date],
        beside: Beside,
    ) -> None:
        asked_of = points_of(question, points, inflows, feeds)
        self._question = question
        self._flows = flows_of(question, points)
        self._counts = "counters" in self._flows
        self._parts = {**TABLES, **dict.fromkeys(beside.statements, COURSE)}
        for name, handed in {"night_points": asked_of, **beside.tables}.items():
            question.engine.register(name, handed)
        given = {key: question.parameters[key] for key in ("window_start", "window_end")}
        asked = [question.sql(name) for name in (*self._flows, *WORKED_OUT, "fullest", *self._parts)]
        handed_in = [
            content(name, one) for name, one in sorted({"night_points": asked_of, **beside.tables}.items())
        ]
        self._meaning = digest_of([*(text.encode() for text in (*asked, str(given))), *handed_in])
        self._pieces: list[Piece] = []
        for nights in self._asked_for(dates):
            self._pieces.append(self._piece(nights, self._pieces[-1].fullest if self._pieces else {}))

    def grid(self, name: str, names: Sequence[str], dates: Sequence[date]) -> Grid:
        """What a statement told of these points, or zones, on some of the nights."""
        return Grid([piece.sheets[name] for piece in self._pieces], names, dates)

    def first(self, name: str) -> date | None:
        """The first night of which a statement told anything."""
        nights = [piece.sheets[name].first_night() for piece in self._pieces]
        known = [night for night in nights if night is not None]
        return EPOCH + timedelta(days=min(known)) if known else None

    def show(self, span: Interval) -> None:
        """Make the view night_flows of a span, which is there only where something was worked out anew."""
        if self._question.memory is not None:
            self._question.memory.show(span)
        show_flows(self._question, self._flows)

    def _asked_for(self, dates: Sequence[date]) -> list[list[date]]:
        """Months, and weeks of the last one, that there may be readings of; all at once without a memory."""
        memory = self._question.memory
        if memory is None:
            return [list(dates)]
        now = dates[-1].replace(day=1)

        def piece(day: date) -> tuple[date, int]:
            return day.replace(day=1), (day.day - 1) // WEEK if day >= now else 0

        *months, last = (list(group) for _, group in groupby(dates, key=piece))
        return [month for month in months if memory.holds(self._span(month))] + [last]

    def _piece(self, dates: list[date], before: Mapping[str, float]) -> Piece:
        """A month, or a week; `before` tells the fullest nights of the one before it."""
        memory = self._question.memory
        if memory is None:
            return self._worked_out(dates, before)
        span = self._span(dates)
        stamp = memory.stamp(span)
        slot = f"{self._meaning[:12]}-{dates[0]}"
        asked = (self._meaning, str(stamp), str(dates[-1]), str(span), json.dumps(before))
        key = digest_of(text.encode() for text in asked)
        kept = None if stamp is None else memory.recall(slot, key)
        if kept is not None:
            return Piece.of(kept)
        memory.show(span)
        told = self._worked_out(dates, before)
        if stamp is not None:
            memory.keep(slot, key, told.packed())
        return told

    def _span(self, dates: list[date]) -> Interval:
        """The readings that these nights are made of."""
        end, zone = self._question.parameters["window_end"], self._question.interval.zone
        first, last = closing([dates[0] - timedelta(days=1), dates[-1]], end, zone)
        if self._counts:
            first, last = first - BEFORE, max(last, min(last + AFTER, self._question.interval.end))
        return Interval(first, last, zone)

    def _worked_out(self, dates: list[date], before: Mapping[str, float]) -> Piece:
        ask, asked = self._question.engine, self._question.parameters
        ask.register("night_before", table(point=texts(list(before)), fullest=floats(list(before.values()))))
        given = {
            "begin": asked["window_start"],
            "end": asked["window_end"],
            "first": dates[0],
            "last": dates[-1],
        }
        ask.execute(self._question.sql("slots"), given)
        show_flows(self._question, self._flows)
        for name in WORKED_OUT[1:]:
            ask.execute(self._question.sql(name))
        first, nights = (dates[0] - EPOCH).days, (dates[-1] - dates[0]).days + 1
        sheets = {
            name: sheet_of(ask.arrow(self._question.sql(name)), first, nights, parts)
            for name, parts in self._parts.items()
        }
        fullest = {point: most for point, most in ask.rows(self._question.sql("fullest")) if most is not None}
        return Piece(sheets, dict(sorted(fullest.items())))


@dataclass(frozen=True)
class Piece:
    """What some nights were reduced to, by statements; `fullest`: readings of the fullest night of points."""

    sheets: dict[str, Sheet]
    fullest: dict[str, float]

    def packed(self) -> bytes:
        """All of it as bytes."""
        said = {name: (one.first, one.names, list(one.columns)) for name, one in self.sheets.items()}
        arrays = {f"{name} there": one.there for name, one in self.sheets.items()}
        for name, one in self.sheets.items():
            arrays |= {f"{name} {column}": values for column, values in one.columns.items()}
        return pack({"sheets": said, "fullest": self.fullest}, arrays)

    @staticmethod
    def of(content: bytes) -> Piece:
        """What was packed."""
        said, arrays = unpack(content)
        sheets = {
            name: Sheet(
                first, names, arrays[f"{name} there"], {one: arrays[f"{name} {one}"] for one in columns}
            )
            for name, (first, names, columns) in said["sheets"].items()
        }
        return Piece(sheets, said["fullest"])


def points_of(
    question: Question, names: Sequence[str], inflows: Collection[str], feeds: Collection[str] = ()
) -> pa.Table:
    """The table night_points of these points."""
    import numpy as np

    known = question.city.points()
    every = [known[name].every for name in names]
    seconds = [None if one is None else one.total_seconds() for one in every]
    # A volume within an interval is a mean flow over it.
    factors = [
        3600 / (second or 3600) if known[name].kind == "interval" else 1.0
        for name, second in zip(names, seconds, strict=True)
    ]
    return table(
        point=texts(names),
        kind=texts([known[name].kind for name in names]),
        every_s=floats(seconds),
        factor=floats(factors),
        inflow=flags(np.array([name in inflows for name in names], dtype=np.bool_)),
        feeds=flags(np.array([name in feeds for name in names], dtype=np.bool_)),
    )


def flows_of(question: Question, names: Iterable[str]) -> tuple[str, ...]:
    """The statements that the flows of these points are read with."""
    known = question.city.points()
    return ("gauges", "counters") if any(known[name].kind == "counter" for name in names) else ("gauges",)


def show_flows(question: Question, flows: Sequence[str]) -> None:
    """Make the view night_flows(point, at, flow): readings of night_points as flows [m³/h], a head as it is.

    They are rounded to a 2^26th, far below what any meter resolves: sums of such numbers are exact (up to 2^27 m³/h),
    so that they do not depend on the order in which threads come to them, nor do answers.
    """
    union = " union all ".join(question.sql(name) for name in flows)
    question.engine.execute(
        "create or replace view night_flows as "
        f"select f.point as point, f.at as at, round(f.flow * {FINE}) / {FINE} as flow from ({union}) as f"
    )


def closing(dates: list[date], end: int, zone: tzinfo) -> list[datetime]:
    """The UTC instants at which the windows of these nights close, `end` minutes into the local day."""
    wall = [datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=end) for day in dates]
    return [moment.astimezone(UTC) for moment in wall]


def digest_of(parts: Iterable[bytes]) -> str:
    """A word that stands for these parts in this order."""
    seen = hashlib.sha256()
    for part in parts:
        seen.update(hashlib.sha256(part).digest())
    return seen.hexdigest()


def content(name: str, handed: pa.Table) -> bytes:
    """A table as Arrow's stream, under its name."""
    import pyarrow as pa

    sink = BytesIO()
    named = handed.replace_schema_metadata({"name": name})
    with pa.ipc.new_stream(sink, named.schema) as stream:
        stream.write_table(named)
    return sink.getvalue()
