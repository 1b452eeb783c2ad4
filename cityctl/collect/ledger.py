"""What came from one source, counted on its way into the store.

For each series received = new + unchanged + revised + duplicate + rejected; a balance that does not close is a
bug and ends the run with an error. Knows no format and no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cityctl import arrow
from cityctl.collect.doors import Doors, suspected
from cityctl.collect.lengths import Lengths
from cityctl.collect.lines import Line
from cityctl.collect.match import Match
from cityctl.collect.order import Order, Repeats, coded, columns_of, grouped, outside_years, split
from cityctl.errors import CityctlError
from cityctl.exports.parsed import Chunk, Rejection, Replaced, Series
from cityctl.reading import EARLIEST, LATEST, Kind
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.store import Balance

# Readings of a series at a time: with fewer, looking at each series costs more than at its readings.
_THIN = 24
_MOST = 1_000_000  # readings that are held for it


class Matching(Protocol):
    """Says which series are wanted, and where they go."""

    def wants(self, series: Series) -> bool: ...

    def match(self, series: Series) -> Match: ...


@dataclass
class Ledger:
    """What came from one source (a file, a service), on its way into the store."""

    source: str
    matcher: Matching
    label: str | None = None
    lines: dict[str, Line] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, None] = field(default_factory=dict)
    blank: int = 0
    absent: list[str] = field(default_factory=list)
    order: Order = field(default_factory=Order)
    replaced: list[Replaced] = field(default_factory=list)
    by_days: set[str] = field(default_factory=set)  # series whose days are replaced as a whole
    following: str = ""
    words: dict[int, str] = field(default_factory=dict)
    doors: Doors = field(default_factory=Doors)
    lengths: Lengths | None = None  # what amounts are held against
    after: list[Any] = field(default_factory=list)  # readings held back until the others are stored
    held_back: Counter[str] = field(default_factory=Counter)  # of them, by series
    flags_doubts: bool = False  # readings in doubt are kept as suspect
    place_word: str = "line"  # what the places of readings count

    def batches(self, chunks: Iterable[Chunk]) -> Iterator[Any]:
        """The readings that points take, as the store wants them; everything is counted on the way."""
        import pyarrow as pa

        held: list[Any] = []
        names: set[str] = set()
        rows = 0
        for chunk in chunks:
            readings = self._noted(chunk)
            if readings is None:
                continue
            held.append(readings)
            rows += readings.num_rows
            for part in readings["series"].chunks:
                names.update(part.dictionary.to_pylist())
            # Of a hundred thousand meters by turns, a part has one reading or two each: it pays to wait for more.
            if rows >= min(_MOST, _THIN * len(names)):
                yield from self._readings(pa.concat_tables(held))
                held, names, rows = [], set(), 0
        if held:
            yield from self._readings(pa.concat_tables(held))

    def take(self, chunk: Chunk) -> Iterator[Any]:
        """One chunk; see `batches`."""
        readings = self._noted(chunk)
        if readings is not None:
            yield from self._readings(readings)

    def _noted(self, chunk: Chunk) -> Any:
        """What a chunk says beside its readings is noted, and these are given on; None where there are none."""
        for series in chunk.series:
            if self.matcher.wants(series):
                label = self.label or series.id
                line = self.lines.setdefault(series.id, Line(self.source, series, Match(None), label))
                if not line.handed_in:
                    line.series, line.match = series, self.matcher.match(series)
            else:
                self.left_out[series.id] = None
        self.words |= chunk.words
        self.blank += chunk.blank
        self.notes += [note for note in chunk.notes if note not in self.notes]
        self.replaced += [span for span in chunk.replaced if span.start >= EARLIEST and span.end <= LATEST]
        self.by_days.update(span.series for span in chunk.replaced)
        self.absent += [said for said in chunk.absent if said not in self.absent]
        self.following = chunk.following or self.following
        for rejection in chunk.rejections:
            self.reject(rejection)
        if chunk.readings is None or not chunk.readings.num_rows:
            return None
        readings = self._within_years(chunk.readings)
        return readings if readings.num_rows else None

    def _within_years(self, readings: Any) -> Any:
        """The readings that the store has room for; the others are rejected with their place."""
        odd = outside_years(readings)
        if odd is None:
            return readings
        for name, (times, _, _, places) in split(readings.filter(odd)):
            if name:
                word = self.place_word
                line = int(places[0]) if word in ("line", "row") else None
                why = f"its time is outside of 1900 to 2199 ({counted(len(times), 'reading')} from here on)"
                self.reject(Rejection(self.source, line, f"{word} {places[0]}", name, why, len(times)))
        return readings.filter(~odd)

    def reject(self, rejection: Rejection) -> None:
        """Readings that cannot be taken."""
        name = rejection.series
        if name in self.left_out:
            return
        if name is not None and name not in self.lines and not self.matcher.wants(Series(name)):
            self.left_out[name] = None
            return
        self.rejections.append(rejection)
        self._line(name).rejected += rejection.count

    def _line(self, name: str | None) -> Line:
        key = name or ""
        if key not in self.lines:
            series = Series(key)
            match = self.matcher.match(series) if name else Match(None, why="no series")
            self.lines[key] = Line(self.source, series, match, self.label or key)
        return self.lines[key]

    def _readings(self, readings: Any) -> Iterator[Any]:
        import pyarrow as pa

        names, codes = coded(readings)
        times, values, qualities, places = columns_of(readings)
        missing = np.isnan(values)
        counts = np.bincount(codes, minlength=len(names)).tolist()
        present = [code for code, count in enumerate(counts) if count]
        stays = np.zeros(len(names), bool)
        scale, offset = np.ones(len(names)), np.zeros(len(names))
        points: list[str | None] = [None] * len(names)
        sums = np.bincount(
            codes, weights=np.nan_to_num(values) if missing.any() else values, minlength=len(names)
        ).tolist()
        first, last = _ends(codes, times, len(names))
        kinds: list[Kind | None] = [None] * len(names)
        for code in present:
            name = names[code]
            if name in self.left_out:
                continue
            line = self.lines.get(name) or self._line(name)
            line.first = first[code] if line.first is None else min(line.first, first[code])
            line.last = last[code] if line.last is None else max(line.last, last[code])
            match = line.match
            if match.point is None:
                line.rejected += counts[code]
                continue
            line.handed_in += counts[code]
            line.total += sums[code] * match.scale
            points[code], kinds[code] = match.point, line.kind
            stays[code], scale[code], offset[code] = True, match.scale, match.offset
        if not stays.any():
            return
        if not stays[present].all():
            chosen = stays[codes]
            codes, times = codes[chosen], times[chosen]
            values, qualities, places = values[chosen], qualities[chosen], places[chosen]
        late = None
        if self.lengths is not None:
            kept, late = self._once(
                names, points, codes, times, values * scale[codes] + offset[codes], places
            )
            if not kept.all():
                codes, times, late = codes[kept], times[kept], late[kept]
                values, qualities, places = values[kept], qualities[kept], places[kept]
            if not len(times):
                return
        groups = grouped(codes)
        self.order.watch(names, codes, times, groups)
        doubtful = self.doors.judge(names, kinds, codes, times, values, places, groups)
        if self.flags_doubts:
            qualities = suspected(qualities, doubtful)
        if len(present) == 1:
            if (scale[present[0]], offset[present[0]]) != (1.0, 0.0):
                values = values * scale[present[0]] + offset[present[0]]
        elif (scale != 1.0).any() or offset.any():
            values = values * scale[codes] + offset[codes]
        batch = pa.record_batch(
            [
                arrow.named(codes, [point or "" for point in points]),
                arrow.times(times),
                arrow.floats(values),
                arrow.octets(qualities),
            ],
            names=["point", "time", "value", "quality"],
        )
        if late is not None and late.any():
            self.after.append(batch.filter(arrow.flags(late)))
            batch = batch.filter(arrow.flags(~late))
        yield batch

    def _once(
        self, names: list[str], points: list[str | None], codes: Any, times: Any, values: Any, places: Any
    ) -> tuple[Any, Any]:
        """(which readings are taken, which of them only after the others): amounts count once, whatever their lengths.

        Those that lie over finer ones in the store are rejected. Values in the points' units.
        """
        kept, late = np.ones(len(times), np.bool_), np.zeros(len(times), np.bool_)
        lines = [self.lines.get(name) for name in names]
        amounts = np.array(
            [
                point is not None and line is not None and (line.match.kind or line.kind) == "interval"
                for point, line in zip(points, lines, strict=True)
            ]
        )  # fmt: skip
        rows = np.flatnonzero(amounts[codes])
        if self.lengths is None or not len(rows):
            return kept, late
        said = [
            line.series.every if line is not None and amounts[code] else None
            for code, line in enumerate(lines)
        ]
        found, late[rows] = self.lengths.judge(
            [point or "" for point in points],
            said,
            [name in self.by_days for name in names],
            codes[rows],
            times[rows],
            values[rows],
        )
        for code in np.unique(codes[rows[late[rows]]]).tolist():
            count = int((late & (codes == code)).sum())
            self.held_back[names[code]] += count
            self.lines[names[code]].handed_in -= count
        over = rows[found > 0]
        kept[over] = False
        for code in np.unique(codes[over]).tolist():
            some = over[codes[over] == code]
            finer = int(np.median(found[found > 0][codes[over] == code]))
            line, count, place = self.lines[names[code]], len(some), int(places[some[0]])
            line.handed_in -= count
            line.not_taken += float(np.nansum(values[some]))
            why = f"its interval lies over stored ones of {finer} s: not counted twice"
            said_line = place if self.place_word in ("line", "row") else None
            where = f"{self.place_word} {place}"
            self.reject(Rejection(self.source, said_line, where, names[code], why, count))
        return kept, late

    def close_unmatched(self) -> None:
        """Series that nothing takes: one rejection each, so that their balance closes."""
        told: Counter[str | None] = Counter()
        for rejection in self.rejections:
            told[rejection.series] += rejection.count
        for name, line in self.lines.items():
            left = line.rejected - told[name]
            if line.match.point is None and line.first is not None and left > 0:
                self.rejections.append(Rejection(self.source, None, "", name, line.match.why, left))

    def settle_repeats(self, found: Mapping[str, Repeats], rejections: Sequence[Rejection]) -> None:
        """Readings that gave one instant another value are no duplicates: they were not taken."""
        self.rejections += rejections
        for name, repeat in found.items():
            line = self.lines[name]
            conflicts = min(repeat.conflicts, line.duplicate)
            line.duplicate -= conflicts
            line.handed_in -= conflicts
            line.rejected += conflicts
            line.total = repeat.total * line.match.scale
            line.check()


def settle(ledgers: Sequence[Ledger], balance: Balance) -> None:
    """What the store made of the readings of one add. Raises CityctlError where the balance does not close."""
    by_point = {
        line.match.point: (ledger, line)
        for ledger in ledgers
        for line in ledger.lines.values()
        if line.match.point is not None
    }
    for point, entry in balance.series.items():
        if point not in by_point:
            raise CityctlError(f"the store balances `{point}`, which nobody handed in")
        ledger, line = by_point[point]
        line.new += entry.new
        line.unchanged += entry.unchanged
        line.revised += entry.revised
        line.duplicate += entry.duplicate
        line.handed_in -= entry.rejected
        line.gave_way += entry.gave_way
        line.outdated += entry.outdated
        line.not_taken += entry.not_taken
        line.even += entry.even
        line.rejected += entry.rejected
    for told in balance.rejections:
        ledger, line = by_point[told.series]
        ledger.rejections.append(
            Rejection(ledger.source, None, told.place, line.series.id, told.reason, told.count)
        )
    for ledger in ledgers:
        for line in ledger.lines.values():
            line.check()


def _ends(codes: Any, times: Any, count: int) -> tuple[list[int], list[int]]:
    """(earliest, latest) time of each code."""
    first = np.full(count, np.iinfo(np.int64).max)
    last = np.full(count, np.iinfo(np.int64).min)
    if count == 1:
        first[0], last[0] = times.min(), times.max()
    else:
        np.minimum.at(first, codes, times)
        np.maximum.at(last, codes, times)
    return first.tolist(), last.tolist()


def schema() -> Any:
    """The Arrow schema of what a ledger hands to the store."""
    import pyarrow as pa

    kinds: Any = [
        ("point", pa.dictionary(pa.int32(), pa.string())),
        ("time", pa.timestamp("us")),
        ("value", pa.float64()),
        ("quality", pa.uint8()),
    ]
    return pa.schema(kinds)
