"""A backup that is whole at every instant, and how it comes back.

The list is copied first, by SQLite's own backup, then the immutable files that it names; files that are there
already are checked and kept. The new list takes the old one's place last: a run that dies leaves the backup
before it as it was. A backup is a store: every command reads it with CITYCTL_STORE.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.disk import Lock, as_closed_as, digest, sync_file, sync_folder
from cityctl.errors import StoreProblem
from cityctl.store.care.checking import fault_of
from cityctl.store.care.place import take_place
from cityctl.store.folder import BACKUP_LOCK, DRAFT, LIST, SEGMENTS, in_plain_words, locked
from cityctl.store.landing import LANDING, make_own
from cityctl.store.segments.segment_list import Segment, SegmentList, listed
from cityctl.store.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from cityctl.store.opened import Opened

_MARK = "backup-of"


@dataclass
class Copied:
    """What a backup or restore did; `damaged`: segments that could not be had whole, and why."""

    segments: int = 0
    copied: int = 0
    bytes: int = 0
    copied_bytes: int = 0
    pruned: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    aside: Path | None = None


def backup(store: Opened, target: Path, *, wait: float = 60.0) -> Copied:
    """Copy the store into a folder, or bring the backup that is there up to date; checked byte by byte.

    Writers go on meanwhile. What was acknowledged before this began is in it. Who cannot come to the store cannot come
    to a folder that is made here; one that is there keeps its rights. Raises LockHeld where another
    backup of this store is at work, StoreProblem where the folder is something else, or cannot be written.
    """
    target = target.absolute()
    _refuse_foreign(store.folder, target)
    done = Copied()
    with (
        in_plain_words(target, "writing the backup"),
        Lock(store.folder / BACKUP_LOCK, purpose=f"a backup into {target}", wait=wait),
    ):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.mkdir(mode=0o700)
            as_closed_as(store.folder, target)
        (target / _MARK).write_text(f"{store.folder}\n")
        drafts = [(target / f"{name}{DRAFT}", target / name) for name in (LIST, LANDING)]
        _copy_lists(store.list, store.list.landing, drafts[0][0], drafts[1][0])
        held = _named(drafts[0][0])
        for segment in held:
            _bring(store.folder, target, segment, done)
        _sync(target, held)
        for draft, place in drafts:  # the list first: what the new landing lacks is in segments that it names
            for ending in ("-wal", "-shm", "-journal"):  # of the file that it replaces, if it was written to
                place.with_name(f"{place.name}{ending}").unlink(missing_ok=True)
            draft.replace(place)
            sync_folder(target)
        done.pruned = _prune(target, {segment.path for segment in held})
    return done


def restore(folder: Path, source: Path, *, replace: bool = False, wait: float = 60.0) -> Copied:
    """Bring a backup back, or (where a store is there) those of its segments that are damaged or gone.

    `replace`: the whole store is put in the place of the one that is there, which is moved aside. Raises
    StoreProblem where there is no backup, and where nothing of it can be used.
    """
    source = source.absolute()
    if not (source / LIST).exists():
        raise StoreProblem(
            f"there is no backup in {source}", hint="name the folder given to `cityctl data backup`"
        )
    if (folder / LIST).exists() and not replace:
        return _repair(folder, source, wait=wait)
    done = Copied()
    # Within the folder: it may be a disk of its own, a link to one, or lie where this user may make nothing.
    draft = folder / "restoring"
    with (
        locked(folder, purpose="restoring the backup", wait=wait),
        in_plain_words(folder, "restoring the backup"),
    ):
        try:
            _draft(source, draft, done)
            done.aside = take_place(folder, draft)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return done


def _draft(source: Path, draft: Path, done: Copied) -> None:
    """The whole of a backup as a store in another folder."""
    if draft.exists():  # of a run that died
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    _copy_lists(SqliteFile(source / LIST), SqliteFile(source / LANDING), draft / LIST, draft / LANDING)
    segments = SegmentList(draft, create=False)
    held = segments.snapshot(landing=False).all
    for segment in held:
        _bring(source, draft, segment, done)
    if done.damaged:
        segments.quarantine(done.damaged)
    _sync(draft, held)
    segments.write_ahead()
    segments.landing.write_ahead()
    segments.close()


def _copy_lists(listed: SqliteFile, landing: SqliteFile, to_list: Path, to_landing: Path) -> None:
    """Copy a list and its landing, what is in their write-ahead logs too; the landing becomes one of its own.

    The landing first: what leaves it for segments meanwhile is in those that the list then names.
    """
    landing.copy(to_landing)
    listed.copy(to_list)
    with closing(_opened(to_list)) as copy:
        flushed = dict(copy.execute("SELECT landing, through FROM flushed").fetchall())
    make_own(to_landing, flushed)


def _repair(folder: Path, source: Path, *, wait: float) -> Copied:
    from cityctl.store.care.checking import check
    from cityctl.store.opened import Opened

    done = Copied()
    with Opened(folder, SegmentList(folder, create=False)) as store:
        snapshot = store.list.snapshot(landing=False)
        with locked(folder, purpose="repairing the store", wait=wait), in_plain_words(folder, "repairing it"):
            for segment in (*snapshot.all, *(segment for segment, _ in snapshot.damaged)):
                if fault_of(folder, segment) is not None:
                    _bring(source, folder, segment, done)
                else:
                    done.segments += 1
        check(store, wait=wait)  # what is whole again counts again
    return done


def _refuse_foreign(folder: Path, target: Path) -> None:
    if target == folder or folder in target.parents or target in folder.parents:
        raise StoreProblem(
            f"a backup of {folder} cannot lie in {target}", hint="name a folder on another disk"
        )
    if target.exists() and not target.is_dir():
        raise StoreProblem(
            f"{target} is a file, and a backup is a folder", hint="name a folder on another disk"
        )
    if target.exists() and not (target / _MARK).exists() and any(target.iterdir()):
        raise StoreProblem(
            f"{target} holds something else than a backup", hint="name a new folder, or an empty one"
        )


def _named(list_copy: Path) -> list[Segment]:
    """The segments that a copied list names, those marked as damaged too: they may be whole in the backup."""
    columns = ", ".join(Segment.__slots__)
    with closing(_opened(list_copy)) as copy:
        rows = copy.execute(
            f"SELECT {columns} FROM segments WHERE removed_at_us IS NULL ORDER BY path"
        ).fetchall()
    return [listed(row, list_copy) for row in rows]


def _opened(copy: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)


def _bring(source: Path, target: Path, segment: Segment, done: Copied) -> None:
    """Have one segment in the target, whole: kept where it is there, copied and checked where it is not."""
    done.segments += 1
    done.bytes += segment.bytes
    place = target / segment.path
    if _whole(place, segment):
        return
    try:
        fault = fault_of(source, segment)
    except PermissionError:
        fault = "no permission to read it"
    if fault is not None:
        done.damaged[segment.path] = fault
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(DRAFT)
    shutil.copyfile(source / segment.path, draft)
    sync_file(draft)
    if digest(draft) != segment.sha256:
        draft.unlink()
        raise StoreProblem(
            f"{place} could not be written faithfully", hint="check the disk that the copy is on"
        )
    draft.replace(place)
    done.copied += 1
    done.copied_bytes += segment.bytes


def _whole(path: Path, segment: Segment) -> bool:
    try:
        return path.stat().st_size == segment.bytes and digest(path) == segment.sha256
    except OSError:
        return False


def _sync(target: Path, held: Iterable[Segment]) -> None:
    for folder in {(target / segment.path).parent for segment in held}:
        if folder.exists():
            sync_folder(folder)
    if (target / SEGMENTS).exists():
        sync_folder(target / SEGMENTS)
    sync_folder(target)


def _prune(target: Path, named: set[str]) -> int:
    """Delete what the backup's list does not name any more."""
    gone = 0
    for path in (target / SEGMENTS).glob("month=*/*"):
        if f"{SEGMENTS}/{path.parent.name}/{path.name}" not in named:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
