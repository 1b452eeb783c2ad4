"""A stream is taken in parts: as large as its points need for good segments, and no larger. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cityctl.store import Store
from cityctl.store.incoming import STREAMED, chunks
from cityctl.store.segments.segment_list import Segment

SCHEMA = pa.schema(
    [("point", pa.dictionary(pa.int32(), pa.string())), ("time", pa.timestamp("us")), ("value", pa.float64())]
)


def batches(points: int, rows: int, of_each: int = 50_000) -> Iterator[pa.RecordBatch]:
    names = pa.array([f"p{number}" for number in range(points)])
    for first in range(0, rows, of_each):
        places = np.arange(first, min(first + of_each, rows))
        codes = pa.array((places % points).astype(np.int32))
        times = pa.array(places // points * 900_000_000).view(pa.timestamp("us"))
        columns = [pa.DictionaryArray.from_arrays(codes, names), times, pa.array(places % 100 / 10)]
        yield pa.record_batch(columns, schema=SCHEMA)


@pytest.mark.parametrize(("points", "most"), [(1, 240_000), (5, 400_000), (100, STREAMED)])
def test_few_points_need_few_readings_at_a_time(points: int, most: int) -> None:
    reader = pa.RecordBatchReader.from_batches(SCHEMA, batches(points, 1_500_000))
    sizes = [part.num_rows for part in chunks(reader)]
    assert sum(sizes) == 1_500_000
    assert most <= max(sizes) < most + 50_000


def test_a_part_is_compared_with_what_holds_its_points_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, rows: Callable[..., Any]
) -> None:
    """Three parts: a's readings, b's, and a's again with one changed; the third needs the first one's segments."""
    from cityctl.store import adding, incoming

    monkeypatch.setattr(incoming, "STREAMED", 100)
    asked: list[list[Segment]] = []
    classify = adding.classify

    def watched(opened: Any, folder: Any, batch: Any, segments: Any, *more: Any, **words: Any) -> Any:
        asked.append(list(segments))
        return classify(opened, folder, batch, segments, *more, **words)

    monkeypatch.setattr(adding, "classify", watched)
    a = next(batches(1, 100))
    b = a.set_column(0, "point", pa.array(["q"] * 100).dictionary_encode())
    changed = np.arange(100) % 100 / 10
    changed[7] = 50.0
    again = a.set_column(2, "value", pa.array(changed))
    with Store.open(tmp_path / "store") as store:
        reader = pa.RecordBatchReader.from_batches(SCHEMA, [a, b, again])
        balance = store.add(reader, source="x", received=datetime(2026, 1, 1, tzinfo=UTC))
        assert (balance.total.new, balance.total.duplicate) == (200, 100)
        assert len(rows(store)) == 200
        assert {value for point, _, value, _ in rows(store) if point == "p0"} == set(changed.tolist())
    # Each part is compared with this add's own segments, then with those that were stored before (none).
    assert [len(segments) for segments in asked] == [0, 0, 0, 0, 1, 0]
