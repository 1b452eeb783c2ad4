"""Works derived points out: `p227 + p235 - pump_1`, `pump_1 - tank_1.area * rate(t1)`, as SQL on a grid.

Sources are reduced to the slots of the point's `every`: a gauge to the slot's mean, an interval to the slot's
sum, a counter or state, and whatever stands inside delta, rate or prev, to the last reading of the slot; of a
counter inside delta or rate that is its repaired register (see `counters`). There is a value only in slots where
every source has one; its quality is the worst of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cityctl.city.formula import Call, walk
from cityctl.clock import short
from cityctl.engine.duck import Engine, text_literal
from cityctl.errors import ConfigInvalid
from cityctl.store.segments.scan import COLUMNS, INNER
from cityctl.store.views.counters import keep_counters, registers
from cityctl.store.views.formula_sql import FormulaSql, Reduction
from cityctl.store.views.grid import Grid

if TYPE_CHECKING:
    from cityctl.city.points import Point

_MICROSECOND = timedelta(microseconds=1)
_BACKWARDS = ("delta", "rate", "prev")
_COUNTERS = f"{INNER}.formula_counters"


class Derivation:
    """The derived points that are wanted, those they are made of, and the readings that they need."""

    def __init__(self, known: Mapping[str, Point], wanted: Sequence[str]) -> None:
        self.known = known
        self.order: list[Point] = []
        self.sources: set[str] = set()
        self._seen: set[str] = set()
        for name in wanted:
            self._visit(name, ())
        self.grids = {point.id: Grid(self._every(point)) for point in self.order}
        self._formulas = {
            point.id: FormulaSql(point.formula.tree, self._how, self._is_counter)
            for point in self.order
            if point.formula is not None
        }

    @property
    def reach_us(self) -> tuple[int, int]:
        """How far before and after an interval readings are needed to work it out as if there were no interval [µs]."""
        reach: dict[str, int] = {}
        for point in self.order:
            assert point.formula is not None
            every = self.grids[point.id].every_us
            backwards = sum(
                isinstance(node, Call) and node.function in _BACKWARDS for node in walk(point.formula.tree)
            )
            inner = max((reach.get(name, 0) for name in point.formula.names), default=0)
            # One slot more for the one that the interval cuts, and an hour for days of 25 hours.
            reach[point.id] = inner + (backwards + 1) * (every + 3_600_000_000)
        furthest = max(reach.values(), default=0)
        return furthest, furthest

    def work_out(self, engine: Engine, base: str, *, into: str, zone: ZoneInfo | None) -> None:
        """Fill a table with the readings of all derived points; `base` is the query for those of the sources."""
        engine.execute(
            f"CREATE OR REPLACE TABLE {into} (point VARCHAR, time TIMESTAMP, value DOUBLE, quality UTINYINT, "
            "received TIMESTAMP)"
        )
        low, high = engine.row(f"SELECT min(time), max(time) FROM ({base})")
        if low is None:
            return
        grids = list(dict.fromkeys(self.grids.values()))
        for grid in grids:
            grid.prepare(engine, zone or ZoneInfo("UTC"), _micros(low), _micros(high))
            engine.execute(
                f"CREATE OR REPLACE TABLE {_reduced(grid)} (point VARCHAR, how VARCHAR, slot BIGINT, "
                "value DOUBLE, quality UTINYINT, received TIMESTAMP, readings BIGINT)"
            )
            self._reduce(engine, grid, self.sources, base)
        for point in self.order:
            engine.execute(f"INSERT INTO {into} {self._query(point)}")
            again = f"SELECT {COLUMNS} FROM {into} WHERE point = {text_literal(point.id)}"
            for grid in grids:
                self._reduce(engine, grid, {point.id}, again)
        for grid in grids:
            engine.execute(f"DROP TABLE {_reduced(grid)}")

    def _reduce(self, engine: Engine, grid: Grid, points: set[str], readings: str) -> None:
        """Reduce some points' readings to a grid, in each way that a formula on this grid asks for."""
        ways: dict[Reduction, list[str]] = {}
        for name, how in dict.fromkeys(
            source
            for user, sql in self._formulas.items()
            if self.grids[user] == grid
            for source in sql.sources
        ):
            if name in points:
                ways.setdefault(how, []).append(name)
        for how, names in ways.items():
            listed = ", ".join(text_literal(name) for name in names)
            chosen = f"SELECT {COLUMNS} FROM ({readings}) WHERE point IN ({listed}) AND value IS NOT NULL"
            if how == "register":
                keep_counters(engine, {name: self.known[name] for name in names}, _COUNTERS)
                chosen = registers(chosen, _COUNTERS)
            query = grid.numbered(chosen)
            value, quality = _AGGREGATES[how]
            engine.execute(
                f"INSERT INTO {_reduced(grid)} SELECT point, '{how}', slot, {value}, {quality}, max(received), "
                f"count(*) FROM ({query}) GROUP BY point, slot"
            )

    def _visit(self, name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ConfigInvalid(
                f"city.yaml: derived points lead in a circle: {' -> '.join((*above[above.index(name) :], name))}",
                hint="let one of them be a measured point",
            )
        point = self.known.get(name)
        if point is None or point.formula is None:
            self.sources.add(name)
            return
        if name in self._seen:
            return
        self._seen.add(name)
        if not point.formula.names:
            raise ConfigInvalid(
                f"city.yaml: the formula of `{name}` names no point", hint="a derived point needs a source"
            )
        for inner in point.formula.names:
            self._visit(inner, (*above, name))
        self.order.append(point)

    def _every(self, point: Point) -> timedelta:
        """The length of a derived point's slots: its own, or the coarsest of its sources'."""
        named = [self.known[name] for name in _names(point) if name in self.known]
        lengths = [entry.every for entry in named if entry.every is not None]
        every = point.every or max(lengths, default=None)
        if every is None or every <= timedelta():
            raise ConfigInvalid(
                f"city.yaml: derived point `{point.id}` has no `every`, and none of its sources has one",
                hint=f"add `every: 15m` to `{point.id}`",
            )
        for entry in named:
            if entry.kind == "interval" and entry.every is not None and entry.every > every:
                raise ConfigInvalid(
                    f"city.yaml: `{point.id}` is worked out every {short(every)}, "
                    f"finer than the amounts of `{entry.id}`, which come every {short(entry.every)}",
                    hint=f"set `every: {short(entry.every)}` for `{point.id}`",
                )
        return every

    def _query(self, point: Point) -> str:
        """The query for a derived point's readings, from the reduced readings of its sources."""
        grid = self.grids[point.id]
        sql = self._formulas[point.id]
        columns, asked = [], []
        for at, (name, how) in enumerate(sql.sources):
            row = f"point = {text_literal(name)} AND how = '{how}'"
            columns.append(f"max({self._cell(name, how, grid)}) FILTER (WHERE {row}) AS s{at}")
            columns.append(f"max(quality) FILTER (WHERE {row}) AS q{at}")
            asked.append(f"({row})")
        dated = grid.dated(f"SELECT * FROM {_reduced(grid)} WHERE {' OR '.join(asked)}")
        pivot = (
            f"SELECT slot, start, hours, max(received) AS received, {', '.join(columns)} FROM ({dated}) "
            "GROUP BY slot, start, hours"
        )
        present = " AND ".join(f"s{at} IS NOT NULL" for at in range(len(sql.sources)))
        value, quality, final = sql.over(pivot)
        return (
            f"SELECT {text_literal(point.id)} AS point, start AS time, {value} AS value, "
            f"({quality})::UTINYINT AS quality, received FROM ({final}) "
            f"WHERE {present} AND isfinite({value})"
        )

    def _how(self, name: str, backwards: bool) -> Reduction:
        point = self.known.get(name)
        kind = point.kind if point is not None else "gauge"
        if kind == "interval":
            return "total"
        return "last" if backwards or kind in ("counter", "state") else "mean"

    def _is_counter(self, name: str) -> bool:
        point = self.known.get(name)
        return point is not None and point.kind == "counter"

    def _cell(self, name: str, how: Reduction, grid: Grid) -> str:
        """A source's value in a slot; the sum of amounts only where no amount of the slot is missing."""
        point = self.known.get(name)
        every = self.grids[name].every if name in self.grids else point.every if point is not None else None
        if how != "total" or every is None or every >= grid.every:
            return "value"
        return f"CASE WHEN readings >= round(hours / {every / timedelta(hours=1)!r}) THEN value END"


_AGGREGATES: dict[Reduction, tuple[str, str]] = {
    "mean": ("avg(value)", "max(quality)"),
    "total": ("sum(value)", "max(quality)"),
    "last": ("arg_max(value, time)", "arg_max(quality, time)"),
    "register": ("arg_max(value, time)", "arg_max(quality, time)"),
}


def _names(point: Point) -> tuple[str, ...]:
    return point.formula.names if point.formula is not None else ()


def _reduced(grid: Grid) -> str:
    return f"{INNER}.reduced_{grid.every_us}"


def _micros(naive_utc: datetime) -> int:
    return (naive_utc - datetime(1970, 1, 1)) // _MICROSECOND  # noqa: DTZ001  (DuckDB gives naive UTC)
