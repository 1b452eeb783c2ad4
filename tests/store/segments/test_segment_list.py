"""The list against the names of the files that it names: SQLite takes any text for a sound one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from cityctl.engine.duck import Engine
from cityctl.store import Store
from cityctl.store.care.backup import backup
from cityctl.store.care.checking import check
from cityctl.store.care.healing import rebuild
from cityctl.store.folder import LIST, ListDamaged
from tests.store.test_landing import DAY1


@pytest.mark.parametrize(("column", "flipped"), [("kind", "nez"), ("kind", "replaced"), ("month", "2026-03")])
def test_a_list_whose_text_was_flipped_leaves_no_segment_out(tmp_path, table, at, column, flipped):
    """One bit of `new` hid a segment's readings from every answer, and `data verify` found nothing wrong."""
    with Store.open(tmp_path) as store:
        store.add(table([("a", at(0), 1.0), ("a", at(1), 2.0)]), source="x", received=DAY1)
        assert not check(store).faults
    with closing(sqlite3.connect(tmp_path / LIST)) as listed:
        listed.execute(f"UPDATE segments SET {column} = ?", (flipped,))
        listed.commit()
    with Store.open(tmp_path) as store, Engine() as engine:
        backed_up = tmp_path.with_name(f"{tmp_path.name}-backup")
        for asked in (
            lambda: store.attach(engine, None),
            lambda: check(store),
            lambda: backup(store, backed_up),
        ):
            with pytest.raises(ListDamaged, match="stands there as") as damaged:
                asked()
            assert "cityctl data rebuild" in str(damaged.value.hint)
    assert not (backed_up / LIST).exists()
    assert rebuild(tmp_path, None).readings == 2
    with Store.open(tmp_path) as store, Engine() as engine:
        store.attach(engine, None)
        assert engine.rows("SELECT value FROM readings ORDER BY time") == [(1.0,), (2.0,)]
