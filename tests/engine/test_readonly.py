"""Other people's SQL: what reads passes, everything else is refused, and no file is ever touched."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityctl.engine.duck import Engine
from cityctl.engine.readonly import ask
from cityctl.errors import StoreProblem, UsageProblem


@pytest.fixture
def segment(tmp_path):
    path = tmp_path / "segment.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    return path


@pytest.fixture
def engine(segment):
    with Engine(threads=1, locked=True) as opened:
        opened.execute(f"CREATE VIEW v AS SELECT * FROM read_parquet(['{segment}'])")
        opened.allow([segment])
        yield opened


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select sum(a) as s from v", [(499500,)]),
        ("from v order by a limit 1", [(0,)]),
        ("with x as (select a from v where a < 2) select count(*) from x union all select 7", [(2,), (7,)]),
        (
            "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select max(n) from t",
            [(3,)],
        ),
        ("show tables", [("v",)]),
        ("select * from range(2)", [(0,), (1,)]),
        ("values (1)", [(1,)]),
        (
            "select 'copy x to y; drop table v'; -- words in a text do no harm",
            [("copy x to y; drop table v",)],
        ),
    ],
)
def test_what_reads_is_let_through(engine, query, rows):
    assert sorted(ask(engine, query, limit=10, seconds=20).rows) == rows


def test_describe_names_the_columns(engine):
    assert ask(engine, "describe v", limit=10, seconds=20).rows[0][:2] == ("a", "BIGINT")


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1 as a) to '{file}' (use_tmp_file false)",
        # DuckDB 2.0 calls this a SELECT, and a sealed engine may still write the files that it may read.
        "with x as (copy (select 1 as a) to '{file}' (use_tmp_file false)) select * from x",
        "select * from (with x as (copy (select 1 as a) to '{file}' (use_tmp_file false)) select * from x)",
        "with x as (insert into t values (1) returning a) select * from x",
        "with x as (delete from t returning a) select * from x",
        "create table u (a int)",
        "drop view v",
        "set threads = 1",
        "attach '{file}' as b",
        "install httpfs",
        "pragma version",
        "explain analyze select 1",
        "select 1; select 2",
        "",
        "selec 1",
        "select nothing from v",
        "select * from nowhere",
        "select * from '{other}'",
        "select * from read_parquet('{other}')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/*')",
        "select * from query('with x as (copy (select 1 as a) to ''{file}'' (use_tmp_file false)) select * from x')",
        "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "select * from enable_logging()",
    ],
)
def test_everything_else_is_refused_and_leaves_the_files_alone(engine, segment, tmp_path, query):
    engine.execute("CREATE TABLE t (a INTEGER)")
    other = tmp_path / "other.parquet"
    other.write_bytes(segment.read_bytes())
    before = segment.read_bytes()
    with pytest.raises(UsageProblem) as refused:
        ask(engine, query.format(file=segment, other=other), limit=10, seconds=20)
    assert refused.value.hint
    assert segment.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.parquet", "segment.parquet"]
    assert engine.row("SELECT count(*) FROM t") == (0,)


@pytest.mark.parametrize(
    ("query", "cells"),
    [
        ("select timestamp '2026-03-02' - timestamp '2026-03-01 22:30:00' as span; -- once", ("01:30:00",)),
        ("select {'a': interval 1 day} as s, map {'k': 1} as m", ("{'a': 1 day}", "{k=1}")),
        (
            "select 340282366920938463463374607431768211455::uhugeint",
            ("340282366920938463463374607431768211455",),
        ),
        ("select '12:00:00+02'::timetz as t, '1011'::bit as b, 2 as b", ("12:00:00+02", "1011", 2)),
        ("select [1, 2] as l, 'a'::enum('a', 'b') as e, sum(1) as n", ([1, 2], "a", 1)),
    ],
)
def test_what_is_no_number_text_or_time_comes_as_duckdb_writes_it(engine, query, cells):
    assert ask(engine, query, limit=3, seconds=20).rows == [cells]


@pytest.mark.parametrize("time", ["timestamp '290000-01-01'", "'-infinity'::date", "'infinity'::timestamptz"])
def test_times_beyond_the_calendar_are_named(engine, time):
    with pytest.raises(UsageProblem, match="outside of the years 1 to 9999"):
        ask(engine, f"select {time}", limit=3, seconds=20)


def test_an_answer_that_no_memory_holds_is_refused(engine, monkeypatch):
    monkeypatch.setattr("cityctl.engine.readonly._MOST", 1 << 20)
    query = "select repeat('x', 1000) from range(100000)"
    with pytest.raises(UsageProblem, match="larger than"):
        ask(engine, query, limit=1_000_000, seconds=20)
    assert len(ask(engine, f"{query} limit 10", limit=1_000_000, seconds=20).rows) == 10


def test_a_query_that_is_nested_without_measure_is_refused(engine):
    with pytest.raises(UsageProblem, match="nested too deeply"):
        ask(engine, f"select {'+'.join('1' * 900)}", limit=3, seconds=20)


def test_rows_are_cut_at_the_limit_and_it_says_so(engine):
    answer = ask(engine, "select a from v order by a", limit=3, seconds=20)
    assert (answer.rows, answer.cut) == ([(0,), (1,), (2,)], True)
    assert answer.columns == [("a", "BIGINT")]


def test_exactly_as_many_rows_as_the_limit_are_not_cut(engine):
    assert not ask(engine, "select a from v where a < 3", limit=3, seconds=20).cut


def test_a_query_without_end_is_stopped(engine):
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t"
    with pytest.raises(UsageProblem, match="longer than 0"):
        ask(engine, endless, limit=3, seconds=0.3)


def test_a_near_name_is_offered(engine):
    with pytest.raises(UsageProblem) as refused:
        ask(engine, "select b from v", limit=3, seconds=20)
    assert any('"a"' in line for line in refused.value.tried)


def test_a_vanished_file_is_a_plain_error(engine, segment):
    segment.unlink()
    with pytest.raises(StoreProblem, match="is gone"):
        ask(engine, "select sum(a) from v", limit=3, seconds=20)
