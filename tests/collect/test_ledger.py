"""Parts of an export in which each series has a reading or two: looked at together, and balanced as alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cityctl.collect.ledger import Ledger
from cityctl.collect.match import Matcher
from cityctl.exports.parsed import Chunk, Series, readings_table

NAMES = [f"m{n}" for n in range(50)]
PARTS = 30


def _parts() -> list[Chunk]:
    """Thirty parts: of each of 50 registers one reading, the hour's number; the last falls by one at the end."""
    chunks = []
    for hour in range(PARTS):
        values = np.full(len(NAMES), float(hour))
        values[-1] -= 2.0 if hour == PARTS - 1 else 0.0
        readings = readings_table(
            pa.array(NAMES),
            np.full(len(NAMES), hour * 3_600_000_000, np.int64),
            values,
            None,
            np.arange(len(NAMES), dtype=np.int64) + hour * len(NAMES) + 2,
        )
        new = () if hour else tuple(Series(name, unit="m3", kind="counter") for name in NAMES)
        chunks.append(Chunk(readings, new))
    return chunks


def _ledger() -> Ledger:
    return Ledger("reads.csv", Matcher(None, keep_all=True), flags_doubts=True)


def test_thin_parts_are_looked_at_together_and_come_out_the_same():
    together, alone = _ledger(), _ledger()
    batches = list(together.batches(_parts()))
    singly = [batch for chunk in _parts() for batch in alone.take(chunk)]
    # 24 readings of each series at a time, and what is left at the end.
    assert [batch.num_rows for batch in batches] == [24 * len(NAMES), 6 * len(NAMES)]
    assert len(singly) == PARTS
    assert pa.Table.from_batches(batches).to_pylist() == pa.Table.from_batches(singly).to_pylist()
    assert together.lines == alone.lines
    assert {line.handed_in for line in together.lines.values()} == {PARTS}
    assert together.order.unordered == alone.order.unordered == set()
    doubts = [(doubt.series, doubt.count, doubt.places) for doubt in together.doors.doubts.values()]
    assert doubts == [("m49", 1, [PARTS * len(NAMES) + 1])]
    assert together.doors.doubts == alone.doors.doubts


def test_a_part_with_enough_of_each_series_is_not_waited_with():
    thick = [
        Chunk(
            readings_table("a", np.arange(at, at + 24, dtype=np.int64), np.ones(24), None, np.arange(24)),
            (Series("a", unit="m3"),),
        )
        for at in (0, 24)
    ]
    assert [batch.num_rows for batch in _ledger().batches(thick)] == [24, 24]
