"""What nights are made of, in small tables: worked out month by month, and remembered month by month.

A year of readings is hundreds of times as large as what the watch needs of it, and what was read in March does not
change in May. So each month of nights is asked for by itself, and each week of the month that is not over; where
nothing has changed that it depends on, what it was reduced to before is taken as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

from cityctl.analysis.question import Question
from cityctl.arrow import flags, floats, table, texts
from cityctl.clock import Interval

if TYPE_CHECKING:
    import pyarrow as pa

WORKED_OUT = ("slots", "parts", "steps", "windows")
WEEK = 7
TABLES = ("nights", "courses", "sensors", "fullest")
BEFORE, AFTER = timedelta(days=3), timedelta(hours=12)  # what a counter counted at an edge shows beyond it


@dataclass(frozen=True)
class Beside:
    """Further statements about the nights of a month, and the tables that they name."""

    statements: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


class Digest:
    """Nights of the given dates, by the names of statements: `of("nights")`, also those of `beside`.

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
        self._names = (*TABLES, *beside.statements)
        for name, handed in {"night_points": asked_of, **beside.tables}.items():
            question.engine.register(name, handed)
        given = {key: question.parameters[key] for key in ("window_start", "window_end")}
        asked = [question.sql(name) for name in (*self._flows, *WORKED_OUT, *self._names)]
        handed_in = [
            pack({name: one}) for name, one in sorted({"night_points": asked_of, **beside.tables}.items())
        ]
        self._meaning = digest_of([*(text.encode() for text in (*asked, str(given))), *handed_in])
        self._months: list[dict[str, pa.Table]] = []
        for month in self._asked_for(dates):
            self._months.append(self._month(month, self._months[-1]["fullest"] if self._months else None))

    def of(self, name: str) -> pa.Table:
        """The rows of a statement over all the nights; names of points are dictionary-encoded."""
        import pyarrow as pa

        return pa.concat_tables([month[name] for month in self._months]).unify_dictionaries()

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

    def _month(self, dates: list[date], before: pa.Table | None) -> dict[str, pa.Table]:
        """The tables of a month, or of a week; `before` tells the fullest nights of the one before it."""
        memory = self._question.memory
        if memory is None:
            return self._worked_out(dates, before)
        span = self._span(dates)
        stamp = memory.stamp(span)
        slot = f"{self._meaning[:12]}-{dates[0]}"
        known = b"" if before is None else pack({"fullest": before})
        key = digest_of(
            [text.encode() for text in (self._meaning, str(stamp), str(dates[-1]), str(span))] + [known]
        )
        kept = None if stamp is None else memory.recall(slot, key)
        if kept is not None:
            return unpack(kept)
        memory.show(span)
        told = self._worked_out(dates, before)
        if stamp is not None:
            memory.keep(slot, key, pack(told))
        return told

    def _span(self, dates: list[date]) -> Interval:
        """The readings that these nights are made of."""
        end, zone = self._question.parameters["window_end"], self._question.interval.zone
        first, last = closing([dates[0] - timedelta(days=1), dates[-1]], end, zone)
        if self._counts:
            first, last = first - BEFORE, max(last, min(last + AFTER, self._question.interval.end))
        return Interval(first, last, zone)

    def _worked_out(self, dates: list[date], before: pa.Table | None) -> dict[str, pa.Table]:
        ask, asked = self._question.engine, self._question.parameters
        ask.register("night_before", table(point=texts([]), fullest=floats([])) if before is None else before)
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
        return {name: _coded(ask.arrow(self._question.sql(name))) for name in self._names}


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
    """Make the view night_flows(point, at, flow): readings of night_points as flows [m³/h], a head as it is."""
    union = " union all ".join(question.sql(name) for name in flows)
    question.engine.execute(f"create or replace view night_flows as {union}")


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


def pack(tables: Mapping[str, pa.Table]) -> bytes:
    """Tables as Arrow streams, one after the other."""
    import pyarrow as pa

    sink = BytesIO()
    for name, one in tables.items():
        named = one.replace_schema_metadata({"name": name})
        with pa.ipc.new_stream(
            sink, named.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
        ) as stream:
            stream.write_table(named)
    return sink.getvalue()


def unpack(content: bytes) -> dict[str, pa.Table]:
    """What `pack` packed."""
    import pyarrow as pa

    source = pa.BufferReader(content)
    tables = {}
    while source.tell() < source.size():
        with pa.ipc.open_stream(source) as stream:
            table = stream.read_all()
        tables[table.schema.metadata[b"name"].decode()] = table.replace_schema_metadata(None)
    return tables


def _coded(table: pa.Table) -> pa.Table:
    """The table with its texts as codes."""
    import pyarrow as pa

    for at, entry in enumerate(table.schema):
        if pa.types.is_string(entry.type):
            table = table.set_column(at, entry.name, table.column(at).dictionary_encode())
    return table
