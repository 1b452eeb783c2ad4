"""A city's readings for Python: `cityctl.open("my-city").readings(zone="hafen", since="2026-11").pandas()`.

Values come in the units that the city speaks, or in one that is asked for. Knows city.yaml and the store;
Arrow, pandas and DuckDB are loaded when something is asked in their form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cityctl import clock, units
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.errors import UsageProblem, listed, near
from cityctl.store.choice import chosen
from cityctl.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from cityctl.city.model import City
    from cityctl.city.points import Point
    from cityctl.engine.duck import Engine, Relation
    from cityctl.store.store import Store

When = str | date | datetime
"""A word of the command line (`2026-11`, `7d`, `yesterday`), a date, or an instant; naive ones are local."""


_EARLIEST = "1900-01-01"  # no reading is older


class OpenCity:
    """A city and its readings. A context manager; `close` gives back what relations hold."""

    def __init__(self, folder: str | Path | None = None, *, profile: str | None = None) -> None:
        self.project = Project(Path(folder) if folder is not None else None, profile=profile)
        self.city: City = self.project.city
        self._engines: list[tuple[Store, Engine]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<{self.city.name}: {counted(len(self.city.points()), 'point')} in {self.project.store_folder}>"
        )

    def close(self) -> None:
        """Give back what relations hold; they are of no use afterwards."""
        while self._engines:
            store, engine = self._engines.pop()
            engine.close()
            store.close()

    def points(self, *, zone: str | None = None, network: str | None = None) -> list[Point]:
        """The points of city.yaml, or those of a zone (and the zones below it) or a network."""
        among = self._among(zone, network)
        return [point for name, point in self.city.points().items() if among is None or name in among]

    def meters(self, *, zone: str | None = None, network: str | None = None) -> list[Point]:
        """The points that count what somebody uses: registers (counters) and amounts (intervals)."""
        return [p for p in self.points(zone=zone, network=network) if p.kind in ("counter", "interval")]

    @property
    def devices(self) -> list[str]:
        """Names of the PLCs and meters that answer."""
        return list(self.city.devices)

    @property
    def zones(self) -> list[str]:
        """Names of the zones."""
        return list(self.city.zones)

    @property
    def networks(self) -> list[str]:
        """Names of the networks."""
        return list(self.city.networks)

    def span(self) -> tuple[datetime, datetime] | None:
        """Times of the first and the last reading (aware, UTC); None where there is none."""
        with self._store() as store:
            return store.span()

    def readings(
        self,
        points: str | Iterable[str] | None = None,
        *,
        zone: str | None = None,
        network: str | None = None,
        since: When | None = None,
        until: When | None = None,
        last: str | None = None,
        unit: str | None = None,
    ) -> Readings:
        """Readings of points (`"b0_*"` names several), of a zone and those below it, or of a network.

        Without any of them: of all points. `since`, `until`, `last`: as on the command line; half-open, a bare
        date as `until` is that day's end. `unit`: values in this unit in place of the city's own, such as
        "L/s". Nothing is read yet. Raises UsageProblem (no such point, zone or unit), StoreProblem.
        """
        words = [points] if isinstance(points, str) else None if points is None else list(points)
        interval = None
        if since is not None or until is not None or last is not None:
            begin = _word(since) or (None if last else _EARLIEST)
            now = datetime.now(UTC)
            interval = clock.interval(begin, _word(until), last, zone=self.city.zone_info, now=now)
        with self._store() as store:
            names = None if words is None else (chosen(store, self.city, words) if words else [])
            if (among := self._among(zone, network)) is not None:
                names = [name for name in (names if names is not None else among) if name in among]
            factors = self._factors(store, names, unit)
        return Readings(self, names, interval, factors)

    def _among(self, zone: str | None, network: str | None) -> set[str] | None:
        if zone is None and network is None:
            return None
        _known("zone", zone, self.city.zones)
        _known("network", network, self.city.networks)
        within = None if zone is None else set(self.city.zones_within(zone))
        return {
            name
            for name, point in self.city.points().items()
            if (within is None or point.zone in within) and (network is None or point.network == network)
        }

    def _factors(self, store: Store, names: Sequence[str] | None, unit: str | None) -> list[Factor]:
        known = self.city.points()
        series = store.series()
        found = []
        for name in dict.fromkeys([*known, *series]) if names is None else names:
            point, kept = known.get(name), series.get(name)
            stored = point.unit if point is not None else kept.unit if kept is not None else None
            shown = point.shown_unit if point is not None else stored
            if unit is not None:
                if stored is None:
                    raise UsageProblem(f"the unit of `{name}` is not known: it cannot be shown in {unit}")
                shown = units.unit(unit).symbol
            scale, shift = units.linear(stored, shown) if stored and shown else (1.0, 0.0)
            found.append(Factor(name, scale, shift, shown))
        return found

    @contextmanager
    def _store(self) -> Iterator[Store]:
        from cityctl.store.store import Store

        with Store.open(self.project.store_folder, create=False) as store:
            yield store

    def _engine(self) -> tuple[Store, Engine]:
        from cityctl.engine.duck import Engine
        from cityctl.store.store import Store

        return Store.open(self.project.store_folder, create=False), Engine()

    def _keep(self, store: Store, engine: Engine) -> None:
        self._engines.append((store, engine))


@dataclass(frozen=True)
class Factor:
    """How a point's stored value becomes one of the unit that is shown: value * scale + shift."""

    point: str
    scale: float
    shift: float
    unit: str | None


class Readings:
    """Readings that were asked for, in the form that suits: point, time, value, unit, quality.

    Sorted by point and time; `time` is UTC, `quality` good, estimated, suspect or bad.
    """

    def __init__(
        self, city: OpenCity, points: list[str] | None, interval: Interval | None, factors: list[Factor]
    ) -> None:
        self.interval = interval
        self._city = city
        self._points = points
        self._factors = factors

    def __repr__(self) -> str:
        named = listed(self.points, 3) if self.points else "no points"
        when = f", {self.interval}" if self.interval else ""
        return f"<readings of {named}{when}; ask .arrow(), .pandas(), .batches() or .relation()>"

    @cached_property
    def points(self) -> list[str]:
        """The points that readings were asked of."""
        return [factor.point for factor in self._factors]

    def arrow(self) -> pa.Table:
        """An Arrow table; `time` is timestamp[us, UTC]."""
        with self._attached() as engine:
            return _in_utc(engine.arrow(_QUERY))

    def batches(self, *, size: int = 131_072) -> Iterator[pa.RecordBatch]:
        """Arrow batches of about `size` rows, for what does not fit in memory."""
        import pyarrow as pa

        with self._attached() as engine:
            for batch in engine.batches(_QUERY, size=size):
                yield from _in_utc(pa.Table.from_batches([batch])).to_batches()

    def pandas(self, *, wide: bool = False) -> pd.DataFrame:
        """A data frame; its index is the time in the city's own time zone.

        `wide`: one column of values a point, and one row an instant.
        """
        table = self.arrow()
        frame = table.to_pandas(strings_to_categorical=True)
        frame["time"] = frame["time"].dt.tz_convert(self._city.city.time_zone)
        if wide:
            spread = frame.pivot(index="time", columns="point", values="value")
            spread.columns = spread.columns.astype(str).rename("point")
            return spread
        return frame.set_index("time")

    def relation(self) -> Relation:
        """A DuckDB relation over the store's files, of use until the city is closed; `time` is naive UTC.

        It reads the segments as they are now: after a `data compact` ask for it anew.
        """
        store, engine = self._city._engine()
        self._city._keep(store, engine)
        self._attach(store, engine)
        return engine.relation(_RELATION)

    @contextmanager
    def _attached(self) -> Iterator[Engine]:
        store, engine = self._city._engine()
        with store, engine:
            self._attach(store, engine)
            yield engine

    def _attach(self, store: Store, engine: Engine) -> None:
        from cityctl.arrow import floats, octets, table, texts
        from cityctl.reading import Quality

        store.attach(engine, self._city.city, points=self._points, interval=self.interval)
        factors = self._factors
        engine.keep(
            "shown",
            table(
                point=texts([factor.point for factor in factors]),
                scale=floats([factor.scale for factor in factors]),
                shift=floats([factor.shift for factor in factors]),
                unit=texts([factor.unit for factor in factors]),
            ),
        )
        engine.keep(
            "grades",
            table(
                grade=octets([int(grade) for grade in Quality]),
                quality=texts([grade.name.lower() for grade in Quality]),
            ),
        )


_RELATION = (
    "SELECT r.point, r.time, r.value * u.scale + u.shift AS value, u.unit, g.quality "
    "FROM readings AS r JOIN shown AS u ON u.point = r.point JOIN grades AS g ON g.grade = r.quality"
)
_QUERY = f"{_RELATION} ORDER BY r.point, r.time"


def _in_utc(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    at = table.schema.get_field_index("time")
    return table.set_column(at, "time", table["time"].cast(pa.timestamp("us", "UTC")))


def _word(when: When | None) -> str | None:
    """What the command line would say for it."""
    if isinstance(when, datetime):
        return when.replace(microsecond=0).isoformat() if not when.microsecond else when.isoformat()
    if when is not None and not isinstance(when, str | date):
        raise UsageProblem(
            f"{when!r} is no time",
            hint='give a date, a datetime or a word such as "2026-11", "yesterday", "7d"',
        )
    return when.isoformat() if isinstance(when, date) else when


def _known(word: str, name: str | None, known: Iterable[str]) -> None:
    if name is None or name in known:
        return
    match = near(name, known)
    hint = f"did you mean `{match}`?" if match else f"there are: {listed(list(known))}"
    raise UsageProblem(f"no {word} named `{name}`", hint=hint)
