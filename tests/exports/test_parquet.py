"""Parquet tables; expected figures from DuckDB's own reading of the same file, or by hand."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityctl.errors import InputRefused
from cityctl.exports import formats
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.conftest import Parsed, parse


def read(columns: dict[str, Any], **words: Any) -> Parsed:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return parse(Source("a.parquet", data=buffer.getvalue()), "parquet", Shape(**words))


def test_wide_with_types() -> None:
    times = [datetime(2021, 1, 1), datetime(2021, 1, 1, 0, 5), None]
    told = read(
        {"t": times, "a.b": [1.5, None, 2.0], "n": [1, 2, 3], "word": ["x", "y", "z"]}, time_zone="UTC"
    )
    assert told.of("a.b") == [("2021-01-01 00:00:00Z", 1.5)]
    assert told.of("n") == [("2021-01-01 00:00:00Z", 1.0), ("2021-01-01 00:05:00Z", 2.0)]
    assert [(one.line, one.place, one.series) for one in told.rejections] == [
        (3, "row 3", "a.b"),
        (3, "row 3", "n"),
    ]


def test_long_with_names_as_dictionary_or_numbers() -> None:
    times = pa.array([datetime(2021, 1, 1)] * 2, pa.timestamp("ns", "Europe/Berlin"))
    told = read({"meter": pa.array(["a", "b"]).dictionary_encode(), "ts": times, "kwh": [1, 2]})
    assert told.of("b") == [("2021-01-01 00:00:00Z", 2.0)]
    told = read(
        {"meter": [7, 7], "ts": [datetime(2021, 1, 1), datetime(2021, 1, 2)], "kwh": [1.0, 2.0]},
        time_zone="UTC",
    )
    assert len(told.of("7")) == 2


def test_times_as_text_and_declared_missing_values() -> None:
    told = read({"datetime": ["2021-01-01 00:00", "soon"], "v": [0.0, 1.0]}, time_zone="UTC", missing=(0.0,))
    assert told.blank == 1
    assert told.refused == [(2, "`soon` is no time")]


def test_times_as_whole_numbers() -> None:
    ms = [1705276800000 + 900000 * step for step in range(2)]  # 2024-01-15 00:00 UTC, in ms
    assert read({"ts": ms, "v": [1.0, 2.0]}).of("v") == [
        ("2024-01-15 00:00:00Z", 1.0), ("2024-01-15 00:15:00Z", 2.0),
    ]  # fmt: skip


def test_what_is_no_parquet_is_refused() -> None:
    with pytest.raises(InputRefused, match="no whole Parquet file"):
        parse(Source("a.parquet", data=b"PAR1 and then nothing"), "parquet", Shape())
    with pytest.raises(InputRefused, match="no times"):
        read({"time": [1, 2], "v": [1.0, 2.0]}, time="time", time_zone="UTC")


def test_95_real_meters_agree_with_duckdb(shared: Path) -> None:
    path = shared / "data" / "energy" / "cambridge_95_meters_2018_2019_hourly.parquet"
    source = Source.file(path)
    assert formats.recognise(source) == "parquet"
    count = total = 0.0
    names: set[str] = set()
    blank = 0
    for chunk in formats.find("parquet").parse(source, Shape(time_zone="UTC", unit="kWh", missing=(0.0,))):
        names |= {series.id for series in chunk.series}
        blank += chunk.blank
        if chunk.readings is not None:
            count += chunk.readings.num_rows
            total += float(chunk.readings["value"].to_numpy().sum())
    expected = duckdb.sql(
        f"select count(*) filter (kwh <> 0), sum(kwh), count(distinct meter), count(*) from '{path}'"
    ).fetchall()[0]
    assert (count, len(names), count + blank) == (expected[0], expected[2], expected[3])
    assert total == pytest.approx(expected[1], rel=1e-12)
