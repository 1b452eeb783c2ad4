"""Disks that are full, folders that are read-only, lists that are damaged: plain words, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX users, limits and mounts")

_ACT = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import duckdb, numpy, pyarrow, pyarrow.parquet, pyarrow.compute
from cityctl.city.model import City
from cityctl.engine.duck import Engine
from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store, adding
from cityctl.store.segments import batch, compaction, compare
from cityctl.store.views import derive, shown
folder = Path(sys.argv[1])
start = datetime(2026, 2, 1, tzinfo=UTC)

def table(count, step=1):
    times = pyarrow.array([start + timedelta(minutes=n * step) for n in range(count)], pyarrow.timestamp("us", "UTC"))
    values = numpy.random.default_rng(3).normal(0, 1, count)
    return pyarrow.table({"point": ["a"] * count, "time": times, "value": values})

def tried(act):
    try:
        return act()
    except StoreProblem as problem:
        print("refused:", problem.message, "| hint:", problem.hint)
        return None

def count():
    with Store.open(folder, create=False) as store, Engine(threads=1) as engine:
        store.attach(engine, None)
        return engine.row("SELECT count(*) FROM readings")[0]
"""


def _run(folder: Path, act: str, **how) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", _ACT + act, str(folder)], capture_output=True, text=True, timeout=6000, **how
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@posix
def test_a_file_that_cannot_grow_is_refused_and_nothing_is_lost(folder):
    """A limit of 200 kB on the size of files stands for a disk that fills up while a segment is written."""
    lines = _run(
        folder,
        """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store.open(folder) as store:
    store.add(table(1000), source="x", received=start)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    tried(lambda: store.add(table(200_000), source="x", received=start))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(count(), len(list(folder.rglob("*.parquet"))), len(list(folder.rglob("*.tmp"))))
    print(store.add(table(2000), source="x", received=start).total.new, count())
""",
    )
    assert lines[0].startswith("refused: a file would grow beyond what is allowed here:")
    assert lines[1:] == ["1000 1 0", "1000 2000"]


@posix
@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk"
)
def test_a_full_disk_is_refused_and_the_next_run_goes_on(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        lines = _run(
            disk / "store",
            """
with Store.open(folder) as store:
    store.add(table(1000), source="x", received=start)
    tried(lambda: store.add(table(400_000), source="x", received=start))
    (folder / "ballast").write_bytes(b"x" * 1_400_000)
    landed = 0
    def land():
        global landed
        for n in range(100_000):
            store.land([Reading("b", start + timedelta(seconds=n), 1.0)] , batch=str(n), received=start)
            landed += 1
    tried(land)
    (folder / "ballast").unlink()
    print(count() - landed, landed > 0)
    print(store.add(table(2000), source="x", received=start).total.new, count() - landed)
""",
        )
    finally:
        subprocess.run(["umount", disk], check=True)
    assert lines[0].startswith("refused: the disk is full:")
    assert lines[1].startswith("refused: the disk is full:")
    assert lines[2:] == ["1000 True", "1000 2000"]


@posix
def test_a_read_only_folder_can_be_read_and_says_so_when_written(folder, table, at):
    with Store.open(folder) as store:
        store.add(table([("a", at(hour), 1.0) for hour in range(5)]), source="x", received=DAY1)
    # Root may write anywhere, so the other process becomes somebody else first.
    public = Path(shutil.copytree(folder, Path("/tmp") / f"cityctl-read-only-{os.getpid()}"))
    try:
        for path in [public, *public.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        lines = _run(
            public,
            """
import os
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(count())
with Store.open(folder) as store:
    tried(lambda: store.land([Reading("a", start, 1.0)], batch="1", received=start))
    tried(lambda: store.add(table(10), source="x", received=start))
""",
        )
    finally:
        for path in [public, *(path for path in public.rglob("*") if path.is_dir())]:
            path.chmod(0o755)
        shutil.rmtree(public)
    assert lines[0] == "5"
    assert lines[1].startswith("refused: the store is read-only for this user:")
    assert lines[2].startswith("refused: no permission:")
    assert all("hint: run as the user who owns it" in line for line in lines[1:])


@posix
def test_a_store_that_cannot_be_made_says_why(tmp_path):
    with pytest.raises(StoreProblem):
        Store.open(Path("/proc/nothing/store"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreProblem, match="a file stands where a folder is needed"):
        Store.open(tmp_path / "file" / "store")


def test_a_damaged_list_is_named_and_the_segments_are_left_alone(folder, table, at):
    with Store.open(folder) as store:
        store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1)
    segments = sorted(folder.rglob("*.parquet"))
    path = folder / "list.sqlite"
    path.write_bytes(b"this is no database at all, whatever it was before")
    with pytest.raises(StoreProblem, match=r"list of segments is damaged: .*list\.sqlite") as problem:
        Store.open(folder)
    assert "cityctl data rebuild" in (problem.value.hint or "")
    assert sorted(folder.rglob("*.parquet")) == segments


def test_a_page_of_rubbish_in_the_list_is_found(folder, table, at):
    with Store.open(folder) as store:
        store.add(table([(f"p{n}", at(0), 1.0) for n in range(3000)]), source="x", received=DAY1)
    path = folder / "list.sqlite"
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    path.write_bytes(bytes(raw))
    with pytest.raises(StoreProblem, match="damaged"), Store.open(folder) as store:
        store.snapshot()


def test_an_empty_file_and_a_foreign_database_are_no_lists(tmp_path):
    for name, make in (
        ("empty", lambda path: path.touch()),
        ("foreign", lambda path: sqlite3.connect(path).execute("CREATE TABLE x (a)").connection.close()),
    ):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / "list.sqlite")
        with pytest.raises(StoreProblem, match="is no list of segments"):
            Store.open(folder)


def test_a_newer_schema_is_not_touched(folder):
    Store.open(folder).close()
    with sqlite3.connect(folder / "list.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreProblem, match="written by a newer cityctl") as problem:
        Store.open(folder)
    assert problem.value.hint == "update cityctl"


def test_a_lost_segment_is_named_and_not_passed_over(store, table, rows, at):
    store.add(table([("a", at(0), 1.0), ("a", at(5), 1.0)]), source="x", received=DAY1)
    lost = store.snapshot().segments[0].path
    (store.folder / lost).unlink()
    with pytest.raises(StoreProblem, match=Path(lost).name):
        rows(store)


def test_a_truncated_segment_is_named(store, table, rows, at):
    store.add(table([("a", at(3 + hour), float(hour)) for hour in range(500)]), source="x", received=DAY1)
    path = store.folder / store.snapshot().segments[0].path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreProblem, match=path.name):
        rows(store)


def test_two_processes_may_make_the_same_store_at_once(folder):
    act = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from cityctl.reading import Reading
from cityctl.store import Store
start = datetime(2026, 2, 1, tzinfo=UTC)
Store.open(Path(sys.argv[1])).land([Reading("a", start, 1.0)], batch=str(os.getpid()), received=start)
"""
    command = [sys.executable, "-c", act, str(folder)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate(timeout=600)[1].decode() for process in processes] == [""] * 3
    with Store.open(folder) as store:
        assert store.list.landed_rows() == 3


def test_land_after_close_opens_again(store, rows, at):
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1)
    store.close()
    store.land([Reading("a", at(1), 1.0)], batch="2", received=DAY1)
    assert len(rows(store)) == 2
