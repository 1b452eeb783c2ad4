"""The engine: answers are drained, times are UTC, nothing of this program leaks in, vanished files are followed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityctl.engine.duck import Engine, name_literal, text_literal
from cityctl.errors import StoreProblem


def test_every_kind_of_answer_leaves_the_engine_free_for_the_next():
    with Engine(threads=1) as engine:
        engine.execute("CREATE TABLE n AS SELECT i AS a FROM range(300000) AS t(i)")
        assert engine.row("SELECT sum(a) FROM n WHERE a < $most", {"most": 4}) == (6,)
        assert engine.rows("SELECT a FROM n WHERE a < ? ORDER BY a", [2]) == [(0,), (1,)]
        assert engine.arrow("SELECT a FROM n WHERE a < $most", {"most": 3}).num_rows == 3
        assert sum(batch.num_rows for batch in engine.batches("SELECT a FROM n", size=1000)) == 300_000
        first = next(iter(engine.batches("SELECT a FROM n", size=1000)))  # given up half-way
        assert first.num_rows >= 1000
        assert engine.columns("SELECT a, 'x' AS b FROM n") == [("a", "BIGINT"), ("b", "VARCHAR")]
        assert engine.row("SELECT count(*) FROM n") == (300_000,)


def test_times_are_utc_whatever_the_machine_says(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with Engine() as engine:
        assert engine.row("SELECT current_setting('TimeZone'), make_timestamp(0::BIGINT)") == (
            "UTC",
            datetime(1970, 1, 1),
        )


def test_a_variable_of_this_program_is_no_table():
    secret = pa.table({"a": [1]})  # noqa: F841  (DuckDB would find it by its name)
    with Engine() as engine, pytest.raises(Exception, match="secret does not exist"):
        engine.rows("SELECT * FROM secret")


def test_memory_is_bounded_and_the_spill_folder_is_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Engine(threads=1, memory="40MB") as engine:
        # 1.2 M rows of 40 characters are 48 MB: sorting them does not fit.
        engine.execute(
            "CREATE TABLE t AS SELECT a FROM "
            "(SELECT repeat(md5(i::VARCHAR), 2)[1:40] AS a FROM range(1200000) AS t(i)) ORDER BY a"
        )
        assert engine.row("SELECT count(DISTINCT a[1:2]) FROM t") == (256,)
    assert list(tmp_path.iterdir()) == []


def test_a_vanished_file_is_followed_to_its_successor(tmp_path):
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    for path in (old, new):
        pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    with Engine(threads=1) as engine:
        engine.execute(f"CREATE VIEW v AS SELECT * FROM read_parquet([{text_literal(str(old))}])")
        calls = []

        def refresh() -> bool:
            calls.append(1)
            engine.execute(
                f"CREATE OR REPLACE VIEW v AS SELECT * FROM read_parquet([{text_literal(str(new))}])"
            )
            return len(calls) == 1

        engine.on_vanished(refresh)
        old.unlink()
        assert engine.row("SELECT sum(a) FROM v") == (6,)
        assert engine.arrow("SELECT a FROM v").num_rows == 3
        assert len(calls) == 1
        new.unlink()
        with pytest.raises(StoreProblem, match=r"new\.parquet"):
            engine.rows("SELECT * FROM v")


def test_a_kept_table_is_a_copy():
    with Engine() as engine:
        engine.keep("kept", pa.table({"a": [1]}))
        engine.keep("kept", pa.table({"a": [2, 3]}))
        assert engine.rows("SELECT a FROM kept ORDER BY a") == [(2,), (3,)]


def test_names_and_texts_with_quotes_survive():
    name, text = name_literal('a"b'), text_literal("it's")
    with Engine() as engine:
        engine.execute(f"CREATE TABLE {name} AS SELECT {text} AS x")
        assert engine.rows(f"SELECT x FROM {name}") == [("it's",)]


def test_importing_the_module_loads_no_duckdb():
    import subprocess
    import sys

    code = (
        "import sys, cityctl.engine.duck, cityctl.store; "
        "print([name for name in ('duckdb', 'pyarrow', 'numpy', 'pandas') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_spill_folder_is_outside_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Engine() as engine:
        (spill,) = engine.row("SELECT current_setting('temp_directory')")
    assert Path(spill).is_absolute()
    assert tmp_path not in Path(spill).parents
