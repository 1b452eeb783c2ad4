"""A disk of 40 MB that fills up, permission that is lost, a clock that goes back, a network file system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store.care.checking import check
from cityctl.store.folder import network_file_system, network_warning
from cityctl.store.segments.retain import Keep

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)

root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk"
)

_ACT = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo
import duckdb, numpy, pyarrow, pyarrow.compute, pyarrow.parquet
from cityctl.city.model import City
from cityctl.engine.duck import Engine
from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store, adding
from cityctl.store.segments import batch, compaction, compare, versions
from cityctl.store.views import derive, shown
from cityctl.store.care.backup import backup
from cityctl.store.care.checking import check
from cityctl.store.segments.retain import Keep

disk = Path(sys.argv[1])
folder = disk / "store"
start = datetime(2024, 2, 1, tzinfo=UTC)

def table(point, count):
    times = pyarrow.array([start + timedelta(minutes=n) for n in range(count)], pyarrow.timestamp("us", "UTC"))
    values = numpy.random.default_rng(3).normal(0, 1, count)
    return pyarrow.table({"point": [point] * count, "time": times, "value": values})

def tried(act):
    try:
        act()
    except StoreProblem as problem:
        print("refused:", problem.message, "| hint:", problem.hint)
    else:
        print("done")

def count(store):
    with Engine(threads=1) as engine:
        store.attach(engine, None)
        return engine.row("SELECT count(*) FROM readings")[0]

def fill():
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as handle:
        try:
            while True:
                handle.write(b"x" * 4096)
        except OSError:
            pass
    return ballast
"""


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@root
@pytest.mark.slow
def test_a_full_disk_refuses_everything_in_plain_words_and_loses_nothing(small_disk):
    act = """
with Store.open(folder) as store:
    store.add(table("a", 50_000), source="x", received=start)
    store.add(table("b", 50_000), source="x", received=start)
    store.land([Reading("c", start, 1.0)], batch="0", received=start)
    ballast = fill()
    keep, zone, now = Keep(raw=timedelta(days=400)), ZoneInfo("UTC"), datetime(2026, 1, 1, tzinfo=UTC)
    landed = 0
    def land():
        global landed
        for n in range(20_000):
            store.land([Reading("d", start + timedelta(seconds=n), 1.0)] , batch=str(n + 1), received=start)
            landed += 1
    tried(lambda: store.add(table("e", 100_000), source="x", received=start))
    tried(land)
    tried(store.compact)
    tried(lambda: store.retain(keep, zone=zone, now=now))
    tried(lambda: backup(store, disk / "backup"))
    print(count(store) == 100_001 + landed)
    ballast.unlink()
    tried(lambda: store.add(table("e", 100_000), source="x", received=start))
    tried(land)
    tried(store.compact)
    tried(lambda: backup(store, disk / "backup"))
    print(count(store) == 200_001 + 20_000, check(store).damaged == {}, check(store).orphans == [])
    tried(lambda: store.retain(keep, zone=zone, now=now))
    print(count(store), check(store).damaged == {})
with Store.open(disk / "backup", create=False) as copy:
    print(count(copy) == 220_001, check(copy).damaged == {})
"""
    ended = subprocess.run(
        [sys.executable, "-c", _ACT + act, str(small_disk)], capture_output=True, text=True, timeout=200
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert all(line.startswith("refused: the disk is full:") for line in lines[:5]), lines[:5]
    assert all("what was acknowledged before is safe" in line for line in lines[:5])
    assert lines[5:] == ["True", *["done"] * 4, "True True True", "done", "0 True", "True True"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@root
def test_a_store_cannot_be_opened_on_a_full_disk_and_says_so(small_disk):
    """SQLite speaks of a fault of the disk there: the file that readers share has no room."""
    act = """
Store.open(folder).close()
ballast = fill()
tried(lambda: Store.open(folder, create=False))
ballast.unlink()
tried(lambda: Store.open(folder, create=False).close())
"""
    ended = subprocess.run(
        [sys.executable, "-c", _ACT + act, str(small_disk)], capture_output=True, text=True, timeout=600
    )
    assert ended.returncode == 0, ended.stderr
    refused, after = ended.stdout.splitlines()
    assert refused.startswith("refused: the disk is full:")
    assert after == "done"


def test_permission_that_is_lost_while_a_store_is_open(tmp_path):
    """Root may do everything, so the process becomes somebody else when it has opened the store."""
    public = Path("/tmp") / f"cityctl-permission-{os.getpid()}"
    public.mkdir(mode=0o777)
    act = """
import os
with Store.open(folder) as store:
    store.add(table("a", 100), source="x", received=start)
    store.land([Reading("c", start, 1.0)], batch="0", received=start)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    tried(lambda: store.add(table("b", 100), source="x", received=start))
    tried(lambda: Store.open(folder).land([Reading("c", start, 2.0)], batch="1", received=start))
    tried(lambda: Store.open(folder).compact())
    print(count(store))
"""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _ACT + act, str(public)], capture_output=True, text=True, timeout=100
        )
        assert ended.returncode == 0, ended.stderr
        lines = ended.stdout.splitlines()
        assert all(
            line.startswith(("refused: no permission", "refused: the store is read-only"))
            for line in lines[:3]
        )
        assert all("run as the user who owns it" in line for line in lines[:3])
        assert lines[3] == "101"
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", public], check=True)
        subprocess.run(["rm", "-r", public], check=True)


def test_a_clock_that_goes_back_loses_nothing(store, table, rows, at, monkeypatch):
    """A day passes, then the clock is set back by it: what came later in truth was received earlier by the clock."""
    now = time.time_ns()
    store.add(table([("a", at(n), 1.0) for n in range(5)]), source="x", received=datetime.now(UTC))
    store.compact()
    monkeypatch.setattr(time, "time_ns", lambda: now - 86_400 * 10**9)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    store.add(table([("b", at(n), 1.0) for n in range(5)]), source="x", received=yesterday)
    assert store.land([Reading("c", at(0), 1.0)], batch="1", received=yesterday) == 1
    assert store.land([Reading("c", at(0), 1.0)], batch="1", received=yesterday) == 0
    # Another value under an earlier instant is kept as a version, and does not win: the later received does.
    store.add(table([("a", at(0), 2.0)]), source="x", received=yesterday)
    expected = (
        [("a", at(n), 1.0, 0) for n in range(5)]
        + [("b", at(n), 1.0, 0) for n in range(5)]
        + [("c", at(0), 1.0, 0)]
    )
    for _ in range(2):
        assert rows(store) == expected
        store.compact()
    assert sum(segment.rows for segment in store.snapshot().replaced) == 1
    assert check(store).damaged == {}


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("/dev/sda1 / ext4 rw 0 0\n", None),
        ("/dev/sda1 / ext4 rw 0 0\nnas:/x /srv nfs4 rw 0 0\n", "nfs4"),
        ("/dev/sda1 / ext4 rw 0 0\nnas:/x /srv nfs4 rw 0 0\n/dev/sdb1 /srv/city ext4 rw 0 0\n", None),
        ("//nas/x /srv/city cifs rw 0 0\n/dev/sda1 / ext4 rw 0 0\n", "cifs"),
        ("//nas/x /srv/city\\040store cifs rw 0 0\n/dev/sda1 / ext4 rw 0 0\n", None),
        ("", None),
    ],
)
def test_a_network_file_system_is_told_by_the_mounts(tmp_path, mounts, kind):
    (tmp_path / "mounts").write_text(mounts)
    assert network_file_system(Path("/srv/city/store"), tmp_path / "mounts") == kind


def test_a_store_on_a_network_file_system_is_warned_about(tmp_path, monkeypatch):
    from cityctl.store import folder

    assert network_warning(tmp_path) is None
    monkeypatch.setattr(folder, "network_file_system", lambda place: "nfs4")
    assert "network file system (nfs4)" in (network_warning(tmp_path) or "")


def test_a_clock_far_ahead_or_behind_does_not_make_retain_drop_what_is_young(store, table):
    """Retention goes by the clock: one that is set back drops less, never more, and nothing of the future."""
    from zoneinfo import ZoneInfo

    store.add(table([("a", DAY1 + timedelta(hours=n), 1.0) for n in range(48)]), source="x", received=DAY1)
    keep = Keep(raw=timedelta(days=30))
    assert store.retain(keep, zone=ZoneInfo("UTC"), now=DAY1 - timedelta(days=300)).readings == 0
    assert len(store.snapshot().segments) == 1


def test_a_list_whose_file_was_taken_away_is_said_to_be_gone(store, at):
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1)
    (store.folder / "landing.sqlite").rename(store.folder / "elsewhere")
    with pytest.raises(StoreProblem, match=r"landing\.sqlite is gone"):
        store.land([Reading("a", at(1), 1.0)], batch="2", received=DAY1)
