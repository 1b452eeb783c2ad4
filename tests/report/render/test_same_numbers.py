"""Table, CSV, JSON and Parquet of one result hold the same numbers: a law, so a property test."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from cityctl.report.render import render
from cityctl.result import Column, Result, Table

ZONES = st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"]).map(ZoneInfo)
COLUMNS = [
    Column("text", "Text", priority=1),
    Column("number", "Number", "m3/h", kind="number", digits=2),
    Column("integer", "Integer", kind="integer"),
    Column("share", "Share", kind="share"),
    Column("time", "Time", kind="time"),
    Column("date", "Date", kind="date"),
    Column("spark", "Spark", "kWh", kind="spark"),
]
NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)
ROWS = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    NUMBERS,
    st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    NUMBERS,
    st.none() | st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.none() | st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    st.none() | st.lists(NUMBERS, max_size=5),
)


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@given(rows=st.lists(ROWS, max_size=4), zone=ZONES)
def test_files_hold_the_same_cells_at_full_precision(rows, zone) -> None:
    result = Result("Law", [Table("rows", "Rows", COLUMNS, rows)])
    expected = [
        {
            "text": text,
            "number": finite(number),
            "integer": integer,
            "share": finite(share),
            "time": time,
            "date": day,
            "spark": None if spark is None else [finite(part) for part in spark],
        }
        for text, number, integer, share, time, day, spark in rows
    ]

    document = json.loads(render(result, "json", zone=zone))
    lines = [json.loads(line) for line in str(render(result, "jsonl", zone=zone)).split("\n") if line]
    assert document["rows"] == lines == document["tables"]["rows"]["rows"]
    for row in document["rows"]:
        row["time"] = row["time"] and datetime.fromisoformat(row["time"])
        row["date"] = row["date"] and date.fromisoformat(row["date"])
    assert document["rows"] == expected

    data = render(result, "parquet", zone=zone)
    assert isinstance(data, bytes)
    assert pq.read_table(io.BytesIO(data)).to_pylist() == expected

    head, *records = csv.reader(io.StringIO(str(render(result, "csv", zone=zone))))
    assert [key.split(" ")[0] for key in head] == [column.key for column in COLUMNS]
    for record, row in zip(records, expected, strict=True):
        _, number, integer, share, time, day, spark = record
        assert (float(number) if number else None) == row["number"]
        assert (int(integer) if integer else None) == row["integer"]
        assert (float(share) if share else None) == row["share"]
        assert (datetime.fromisoformat(time) if time else None) == row["time"]
        assert (date.fromisoformat(day) if day else None) == row["date"]
        assert (json.loads(spark) if spark else None) == row["spark"]


@given(value=st.floats(-1e12, 1e12), digits=st.integers(0, 6))
def test_paper_holds_the_same_number_rounded(value, digits) -> None:
    column = Column("n", "N", "m3/h", kind="number", digits=digits)
    result = Result("Law", [Table("t", "T", [column], [(value,)])])
    for name in ("table", "plain", "md"):
        said = str(render(result, name, zone=UTC)).replace("|", "").splitlines()
        shown = float(next(line for line in reversed(said) if line.strip()).replace(" ", ""))
        assert shown == round(value, digits)
