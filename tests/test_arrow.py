"""Columns laid out by hand are those that Arrow would make, and reading them back gives the same."""

from __future__ import annotations

import math
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl import arrow


@given(st.lists(st.none() | st.text()))
def test_texts(values):
    made = arrow.texts(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


@given(st.lists(st.none() | st.floats(allow_nan=False)))
def test_floats(values):
    made = arrow.floats(values)
    made.validate(full=True)
    assert made.to_pylist() == values


def test_nan_is_missing():
    assert arrow.floats(np.array([1.0, math.nan])).to_pylist() == [1.0, None]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_integers(values):
    made = arrow.integers(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.int64()))


@given(st.lists(st.none() | st.dates()))
def test_dates(values):
    made = arrow.dates(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.date32()))


@given(st.lists(st.none() | st.booleans()))
def test_flags(values):
    made = arrow.flags(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.bool_()))


def test_names_that_repeat():
    made = arrow.named(np.array([1, 0, 1]), ["Hafen", "Höhe"])
    assert made.to_pylist() == ["Höhe", "Hafen", "Höhe"]


def test_times_know_what_never_is():
    made = arrow.times([0, -7, 5], never=-7)
    assert made.equals(pa.array([0, None, 5], pa.timestamp("us")))


@given(st.lists(st.none() | st.integers(0, 200)), st.integers(0, 5))
def test_numbers_are_read_back_through_chunks_and_slices(values, cut):
    column = pa.chunked_array([pa.array(values, pa.int16()), pa.array(values, pa.int16())]).slice(cut)
    expected = [-1 if value is None else value for value in (values + values)[cut:]]
    assert arrow.numbers_of(column, "int64", missing=-1).tolist() == expected


@pytest.mark.parametrize("kind", [pa.float32(), pa.decimal128(21, 2), pa.uint8(), pa.bool_()])
def test_numbers_of_other_types(kind):
    assert arrow.numbers_of(pa.array([1, None, 0]).cast(kind), "float64", missing=9.0).tolist() == [
        1.0,
        9.0,
        0.0,
    ]


KINDS = (
    pa.float64(), pa.int64(), pa.int32(), pa.uint8(), pa.bool_(), pa.date32(), pa.timestamp("us"),
    pa.timestamp("s"), pa.decimal128(21, 2),
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("known", [[1, 0, 1], [1, None, 0, 1], []], ids=["whole", "a gap", "empty"])
def test_an_array_is_what_arrow_makes_of_a_column(kind, known):
    values = known if not pa.types.is_boolean(kind) else [None if one is None else one > 0 for one in known]
    column = pa.chunked_array([pa.array(values, kind), pa.array(values, kind)]).slice(1)
    made = arrow.array_of(column)
    theirs = column.to_numpy()
    if theirs.dtype == object:  # decimals; yes, no and nothing
        theirs = theirs.astype(bool if pa.types.is_boolean(kind) else float)
    np.testing.assert_array_equal(made, theirs)
    assert made.dtype == theirs.dtype


def test_a_table_of_days_and_names():
    made = arrow.table(day=arrow.dates([date(2026, 3, 29)]), name=arrow.texts(["Hafen"]))
    assert made.to_pylist() == [{"day": date(2026, 3, 29), "name": "Hafen"}]


@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1.5 itself asks for pandas")
def test_no_pandas_is_needed():
    import subprocess
    import sys

    code = (
        "import sys, tempfile, datetime, pathlib\n"
        "from cityctl.arrow import floats, table, texts, times\n"
        "from cityctl.engine.duck import Engine\n"
        "from cityctl.store import Store\n"
        "store = Store.open(pathlib.Path(tempfile.mkdtemp()) / 'store')\n"
        "readings = table(point=texts(['a', 'a']), time=times([0, 1]), value=floats([1.0, None]))\n"
        "for n in range(2):\n"
        "    store.add(readings, source='x', received=datetime.datetime.now(datetime.UTC))\n"
        "store.compact()\n"
        "with Engine() as engine:\n"
        "    store.attach(engine, None)\n"
        "    print(engine.row('SELECT count(*) FROM readings'), 'pandas' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "(2,) False"
