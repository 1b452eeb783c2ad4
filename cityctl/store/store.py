"""The store of a city's readings: add, land, attach, compact; safe with many processes at once.

One add becomes visible in one transaction of the segment list, or not at all. Knows readings and points; knows
no device, no service, no analysis and no terminal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cityctl.clock import Interval
from cityctl.errors import ConfigInvalid, listed
from cityctl.reading import Quality, Reading
from cityctl.store.balance import Balance
from cityctl.store.folder import locked
from cityctl.store.opened import Opened
from cityctl.store.register import series_of
from cityctl.store.segments.scan import micros
from cityctl.store.segments.segment_list import SegmentList

if TYPE_CHECKING:
    import pyarrow as pa

    from cityctl.city.model import City
    from cityctl.city.points import Point
    from cityctl.engine.duck import Engine
    from cityctl.store.segments.compaction import Compaction
    from cityctl.store.segments.retain import Keep, Retention
    from cityctl.store.segments.segment_list import Snapshot
    from cityctl.store.views.shown import Attachment


class Store(Opened):
    """Readings of one city in one folder. Open it with `Store.open`."""

    @classmethod
    def open(cls, folder: Path, *, create: bool = True) -> Store:
        """The store in a folder; made where there is none and `create` is set.

        Raises StoreProblem where there is none, or where it cannot be read.
        """
        folder = folder.absolute()
        return cls(folder, SegmentList(folder, create=create))

    def add(
        self,
        readings: pa.Table | pa.RecordBatchReader,
        *,
        source: str,
        received: datetime,
        points: Mapping[str, Point] | None = None,
        words: dict[int, str] | None = None,
        wait: float = 60.0,
        engine: Callable[[], Engine] | None = None,
    ) -> Balance:
        """Take readings in, all of them at once as others see it.

        `readings`: columns point (text), time (timestamp, UTC), value (in the canonical unit; null or NaN: no
        value) and, where given, quality (0..3). `source`: where they come from, for people. `received`: aware
        instant; of two versions of a reading the later received wins. `points`: the city's points, by which
        the quantity of each series is noted at its first reading, and held to from then on. Of points of kind
        `state` values may be texts, in a column of text; or their codes (`reading.code_of`), and then `words` says
        which texts these are, at the latest when the reading is handed in. `wait`: seconds to
        wait for another run's add. What is stored already is not written again. `engine`: gives one that several
        adds share; each opens its own where it is None.

        Raises InputRefused (a column is missing), LockHeld and StoreProblem.
        """
        from cityctl.store.adding import add

        with locked(self.folder, purpose=f"adding readings of {source}", wait=wait):
            return add(
                self,
                readings,
                source=source,
                received_us=micros(received),
                points=points,
                words=words,
                engine=engine,
            )

    def land(
        self,
        readings: Sequence[Reading],
        *,
        batch: str,
        received: datetime,
        points: Mapping[str, Point] | None = None,
    ) -> int:
        """Take the readings of one poll in: durable when this returns, visible at once.

        `batch`: a key of the caller's; the same key again takes nothing. Returns how many were taken. A value
        that is no finite number is stored as no value of quality BAD. Raises ConfigInvalid where a point is
        stored in another quantity (see `conflicts`), and StoreProblem.
        """
        names = {reading.point for reading in readings} if points else set()
        against = self.conflicts({name: points[name] for name in names if name in points}) if points else {}
        if against:
            raise ConfigInvalid(
                next(iter(against.values())),
                tried=[f"also: {listed(list(against)[1:])}"] if len(against) > 1 else [],
                hint="give the point another name, or its former unit",
            )
        now_us = micros(received)
        return self.list.land(
            _landed(readings),
            batch=batch,
            received_us=now_us,
            series=lambda name: series_of(name, points, now_us),
        )

    def refuse_reader(self) -> None:
        """Raises StoreProblem where nothing can land: this user may only read the store, or it is out of order."""
        self.list.landing.refuse_reader()

    def attach(
        self,
        engine: Engine,
        city: City | None,
        *,
        points: Iterable[str] | None = None,
        interval: Interval | None = None,
        name: str = "readings",
        snapshot: Snapshot | None = None,
    ) -> Attachment:
        """Show readings to an engine as a view: point, time (UTC), value, quality, received.

        Each (point, time) once. `points`: only these, derived ones included; None is all. `interval`: only
        readings in it; what is returned shows others. With a city, derived points are worked out from their sources.
        `snapshot`: what the store held then, as long as its files are there; None is what it holds now.
        """
        from cityctl.store.views.shown import attach

        return attach(self, engine, city, points=points, interval=interval, name=name, snapshot=snapshot)

    def compact(self, *, when_it_pays: bool = False, wait: float = 60.0) -> Compaction:
        """Flush the landing, merge each month's segments, settle revisions, sweep what no reader needs.

        `when_it_pays`: only what has piled up, cheap enough to call after every poll; a lock that another run
        holds is then no error. Results of queries are the same before, during and after.
        """
        from cityctl.store.segments.compaction import compact

        return compact(self, when_it_pays=when_it_pays, wait=wait)

    def retain(
        self,
        keep: Keep,
        *,
        zone: ZoneInfo,
        now: datetime,
        every: Mapping[str, timedelta] | None = None,
        wait: float = 60.0,
        dry_run: bool = False,
    ) -> Retention:
        """Roll up the months that are over, then drop what is older than `keep` says; see `retain.retain`."""
        from cityctl.store.segments.retain import retain

        return retain(self, keep, zone=zone, now=now, every=every, wait=wait, dry_run=dry_run)


def _landed(readings: Sequence[Reading]) -> list[tuple[str, int, float | None, int]]:
    rows = []
    last: datetime | None = None
    at_us = 0
    for reading in readings:
        if reading.time is not last:  # those of one poll share their time
            last, at_us = reading.time, micros(reading.time)
        value, quality = reading.value, int(reading.quality)
        if value is not None:
            value = float(value) + 0.0  # -0.0 becomes 0.0, as in every add
            if not math.isfinite(value):
                value, quality = None, int(Quality.BAD)
        rows.append((reading.point, at_us, value, quality))
    return rows
