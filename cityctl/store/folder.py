"""Where a store lies on disk, and what goes wrong with disks in plain words.

    <store>/list.sqlite               the segment list and the register of series
    <store>/landing.sqlite            polled readings that are in no segment yet
    <store>/lock                      held by the one run that adds or compacts
    <store>/backup.lock               held by a backup: nothing that it copies is swept meanwhile
    <store>/segments/month=2026-11/   immutable Parquet files, each within one month (UTC)

Knows paths and errors, nothing of readings.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityctl.disk import FAULTS, Lock
from cityctl.errors import StoreProblem

LIST = "list.sqlite"
LOCK = "lock"
BACKUP_LOCK = "backup.lock"
SEGMENTS = "segments"
DRAFT = ".tmp"  # never .parquet: DuckDB's globs match dot-files too

NO_READINGS = "`cityctl poll`, `cityctl pull` or `cityctl data import FILE` brings readings in"


class ListDamaged(StoreProblem):
    """The list of segments is no sound file, or not the one of these segments: it can be made anew from them."""


def month_folder(folder: Path, month: str) -> Path:
    """The folder of one month's segments; `month` is YYYY-MM."""
    return folder / SEGMENTS / f"month={month}"


def generation_of(path: Path) -> int:
    """The generation of the list that a segment's name begins with; 0 where it is none of ours."""
    number = path.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def missing(folder: Path) -> StoreProblem:
    """There is no store where one was expected."""
    return StoreProblem(f"there are no readings yet: no store in {folder}", hint=NO_READINGS)


_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "ncpfs", "davfs")


LEAST_ROOM = 1 << 20  # bytes


def _room(folder: Path) -> int:
    """Bytes that are free on a folder's disk; many where nobody knows."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return LEAST_ROOM


def network_file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The kind of network file system that a folder lies on; None on a disk of its own, or where nobody knows."""
    try:
        lines = mounts.read_text().splitlines()
        place = folder.resolve()
    except OSError:
        return None
    nearest, kind = Path(), ""
    for line in lines:
        words = line.split()
        if len(words) < 3:
            continue
        point = Path(words[1].replace("\\040", " "))
        if (point == place or point in place.parents) and len(point.parts) >= len(nearest.parts):
            nearest, kind = point, words[2]
    return kind if kind.startswith(_NETWORK) else None


def network_warning(folder: Path) -> str | None:
    """What to say of a store on a network file system; None where it is on none."""
    kind = network_file_system(folder)
    if kind is None:
        return None
    return (
        f"{folder} is on a network file system ({kind}): locks and fsync are not sure there, and readings can be "
        "lost; keep the store on a disk of this machine (CITYCTL_STORE), and put backups there"
    )


def disk_problem(problem: OSError, folder: Path, doing: str) -> StoreProblem:
    """A fault of the disk as an error that people can act on."""
    said, hint = FAULTS.get(problem.errno or 0, (problem.strerror or str(problem), None))
    where = problem.filename2 or problem.filename or folder  # of a copy, the one that is written
    return StoreProblem(f"{said}: {where}", tried=[f"{doing} in {folder}"], hint=hint)


def list_problem(problem: sqlite3.Error, folder: Path, doing: str, path: Path | None = None) -> StoreProblem:
    """A fault of the segment list (or of the SQLite file at `path`) as an error that people can act on."""
    said = str(problem)
    path = path or folder / LIST
    what = "list" if path.name == LIST else "landing"
    tried = [f"{doing} in {folder}"]
    # SQLite calls it a fault of the disk where there is no room for the file that readers share.
    if "full" in said or ("disk I/O" in said and _room(folder) < LEAST_ROOM):
        return StoreProblem(f"the disk is full: {path}", tried=tried, hint=FAULTS[errno.ENOSPC][1])
    if "readonly" in said or "read-only" in said:
        return StoreProblem(
            f"the store is read-only for this user: {path}", tried=tried, hint=FAULTS[errno.EACCES][1]
        )
    if "malformed" in said or "not a database" in said or "no such table" in said:
        if path.name != LIST:
            return StoreProblem(
                f"the store's landing is damaged: {path} ({said})",
                tried=tried,
                hint=f"`cityctl data restore DIR --replace` brings a backup back; without one, move {path.name} "
                "aside: the readings of the last polls are in it",
            )
        return ListDamaged(
            f"the store's list of segments is damaged: {path} ({said})",
            tried=tried,
            hint="`cityctl data rebuild` makes it anew from the segments, which lie unharmed in "
            f"{folder / SEGMENTS}; or `cityctl data restore DIR` brings a backup back",
        )
    if "locked" in said or "busy" in said:
        return StoreProblem(
            f"the store's {what} is in use and did not come free: {path}",
            tried=[*tried, "waited for it"],
            hint=f"wait for the other run; never copy {path.name} while it is in use",
        )
    if "unable to open" in said:
        return StoreProblem(
            f"the store's {what} cannot be opened: {path}", tried=tried, hint=FAULTS[errno.EACCES][1]
        )
    hint = FAULTS[errno.EIO][1] if "disk I/O" in said else None
    return StoreProblem(f"the store's {what} cannot be used: {path} ({said})", tried=tried, hint=hint)


@contextmanager
def locked(folder: Path, *, purpose: str, wait: float) -> Iterator[None]:
    """Hold the store's lock: one run at a time adds or compacts. Raises LockHeld, naming the other."""
    lock = Lock(folder / LOCK, purpose=purpose, wait=wait)
    with in_plain_words(folder, purpose):
        lock.__enter__()
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


@contextmanager
def in_plain_words(folder: Path, doing: str, path: Path | None = None) -> Iterator[None]:
    """Turn faults of the disk and of the list (or of the SQLite file at `path`) into StoreProblem.

    `doing` says what was being done.
    """
    try:
        yield
    except sqlite3.Error as problem:
        raise list_problem(problem, folder, doing, path) from problem
    except OSError as problem:
        raise disk_problem(problem, folder, doing) from problem
