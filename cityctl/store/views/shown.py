"""Shows a store to an engine: the view `readings`, and the city's points, zones, calendar and interventions.

Views read the segments of one snapshot of the list. A file that compaction took away meanwhile makes the
engine attach the newest snapshot and ask again, so no query sees half of a change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cityctl.arrow import table, texts
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import ConfigInvalid, StoreProblem, listed
from cityctl.store.segments.overlay import with_landed
from cityctl.store.segments.quarantine import name_damaged
from cityctl.store.segments.scan import COLUMNS, INNER, Filter, micros
from cityctl.store.views.city_tables import attach_city
from cityctl.store.views.derive import Derivation

if TYPE_CHECKING:
    from cityctl.city.model import City
    from cityctl.city.points import Point
    from cityctl.store.opened import Opened
    from cityctl.store.segments.segment_list import Snapshot


def attach(
    store: Opened,
    engine: Engine,
    city: City | None,
    *,
    points: Iterable[str] | None,
    interval: Interval | None,
    name: str,
    snapshot: Snapshot | None = None,
) -> Attachment:
    """See `Store.attach`. Raises ConfigInvalid where city.yaml and store disagree on a point's quantity."""
    known = city.points() if city is not None else {}
    wanted = None if points is None else tuple(dict.fromkeys(points))
    _check_quantities(store, known, wanted)
    attachment = Attachment(store, engine, city, known, wanted, name, snapshot)
    attachment.show(interval)
    engine.on_vanished(attachment.rebuild)
    return attachment


def attach_none(engine: Engine) -> None:
    """Show a view `readings` without any, to a question that asks for none: there may be no store yet."""
    columns = (
        "NULL::VARCHAR AS point, NULL::TIMESTAMP AS time, NULL::DOUBLE AS value, NULL::UTINYINT AS quality"
    )
    engine.execute(
        f"CREATE OR REPLACE VIEW readings AS SELECT * FROM (SELECT {columns}, NULL::TIMESTAMP AS received) WHERE false"
    )


def _check_quantities(store: Opened, known: dict[str, Point], wanted: tuple[str, ...] | None) -> None:
    named = known if wanted is None else {point: known[point] for point in wanted if point in known}
    against = store.conflicts({point: entry for point, entry in named.items() if entry.formula is None})
    if against:
        raise ConfigInvalid(
            f"city.yaml: {next(iter(against.values()))}",
            tried=[f"also: {listed(list(against)[1:])}"] if len(against) > 1 else [],
            hint="give the point its former unit, or another name",
        )


__all__ = ["attach", "attach_city"]


class Attachment:
    """One view over one snapshot, and how to make it anew over the next one, or for another interval."""

    def __init__(
        self,
        store: Opened,
        engine: Engine,
        city: City | None,
        known: dict[str, Point],
        wanted: tuple[str, ...] | None,
        name: str,
        snapshot: Snapshot | None,
    ) -> None:
        self.store = store
        self.engine = engine
        self.city = city
        self.name = name
        self.generation = -1
        self.snapshot = snapshot
        self.start_us: int | None = None
        self.end_us: int | None = None
        self._building = False
        chosen = known if wanted is None else [point for point in wanted if point in known]
        derived = [point for point in chosen if known[point].formula is not None]
        self.derivation = Derivation(known, derived) if derived else None
        self.shown_derived = tuple(derived)
        self.base = None if wanted is None else tuple(sorted(set(wanted) - set(derived)))
        # A formula takes the place of readings that may have been stored under the same name before.
        self.without = tuple(derived) if wanted is None else ()
        engine.execute(f"CREATE SCHEMA IF NOT EXISTS {INNER}")

    def show(self, interval: Interval | None) -> None:
        """Let the view hold the readings of an interval; None is all."""
        self.start_us = micros(interval.start) if interval else None
        self.end_us = micros(interval.end) if interval else None
        self.build()

    def rebuild(self) -> bool:
        """Attach the newest snapshot; False where nothing has changed since."""
        if self._building or self.store.list.generation() == self.generation:
            return False
        self.snapshot = None
        self.build()
        return True

    def build(self) -> None:
        """Make or replace the view, over a newer snapshot where a file vanishes meanwhile."""
        for attempt in range(5):
            self._building = True
            try:
                self._build()
            except StoreProblem:
                if attempt == 4 or self.store.list.generation() == self.generation:
                    raise
                self.snapshot = None
            else:
                return
            finally:
                self._building = False

    def _build(self) -> None:
        snapshot = self.snapshot or self.store.snapshot()
        self.generation = snapshot.generation
        name_damaged(snapshot, self.start_us, self.end_us)
        self.engine.allow(self.store.folder / segment.path for segment in snapshot.segments)
        which = self._filter(self.base, "points", self.start_us, self.end_us)
        parts = [self._relation(snapshot, which, "shown")]
        if self.derivation is not None:
            parts.append(self._derived(snapshot, self.derivation))
        self.engine.execute(f"CREATE OR REPLACE VIEW {self.name} AS {' UNION ALL '.join(parts)}")

    def _filter(
        self, points: tuple[str, ...] | None, label: str, start_us: int | None, end_us: int | None
    ) -> Filter:
        if points is None or Filter.few(points):
            return Filter(start_us, end_us, points=points, without=self.without)
        kept = f"{INNER}.{self.name}_{label}"
        self.engine.keep(kept, table(point=texts(points)))
        return Filter(start_us, end_us, table=kept)

    def _relation(self, snapshot: Snapshot, which: Filter, label: str) -> str:
        """The query for base readings: segments, and over them what has landed."""
        landed = f"{INNER}.{self.name}_{label}_landed"
        return with_landed(self.engine, self.store.folder, snapshot, which, landed=landed)

    def _derived(self, snapshot: Snapshot, derivation: Derivation) -> str:
        """Work the derived points out into a table, and give the query for the wanted ones."""
        table = f"{INNER}.{self.name}_derived"
        before, after = derivation.reach_us
        start = None if self.start_us is None else self.start_us - before
        end = None if self.end_us is None else self.end_us + after
        sources = tuple(sorted(derivation.sources))
        which = self._filter(sources, "sources", start, end)
        relation = self._relation(
            snapshot, Filter(which.start_us, which.end_us, which.points, which.table), "source"
        )
        zone = self.city.zone_info if self.city is not None else None
        derivation.work_out(self.engine, relation, into=table, zone=zone)
        shown = Filter(self.start_us, self.end_us, points=self.shown_derived)
        return f"SELECT {COLUMNS} FROM {table} WHERE {shown.sql}"
