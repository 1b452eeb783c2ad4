"""A backup that is whole at every instant, and how it comes back.

The list is copied first, by SQLite's own backup, then the immutable files that it names; files that are there
already are checked and kept. The new list takes the old one's place last: a run that dies leaves the backup
before it as it was. A backup is a store: every command reads it with CITYCTL_STORE.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.disk import Lock, digest, sync_file, sync_folder
from cityctl.errors import StoreProblem
from cityctl.store.care.checking import fault_of
from cityctl.store.folder import BACKUP_LOCK, DRAFT, LIST, SEGMENTS, in_plain_words, locked
from cityctl.store.landing import LANDING
from cityctl.store.segments.segment_list import Segment, SegmentList

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

    Writers go on meanwhile. What was acknowledged before this began is in it. Raises LockHeld where another
    backup of this store is at work, StoreProblem where the folder is something else, or cannot be written.
    """
    target = target.absolute()
    _refuse_foreign(store.folder, target)
    done = Copied()
    with (
        in_plain_words(target, "writing the backup"),
        Lock(store.folder / BACKUP_LOCK, purpose=f"a backup into {target}", wait=wait),
    ):
        target.mkdir(parents=True, exist_ok=True)
        (target / _MARK).write_text(f"{store.folder}\n")
        # The landing first: what leaves it for segments meanwhile is in those that the list then names.
        drafts = [(target / f"{name}{DRAFT}", target / name) for name in (LIST, LANDING)]
        store.list.landing.copy(drafts[1][0])
        store.list.copy(drafts[0][0])
        held = _named(drafts[0][0])
        for segment in held:
            _bring(store.folder, target, segment, done)
        _sync(target, held)
        for draft, place in drafts:  # the list first, for the same reason
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
    draft = folder.with_name(f"{folder.name}.restoring")
    with in_plain_words(folder, "restoring the backup"):
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(parents=True)
        for name in (LIST, LANDING):
            shutil.copyfile(source / name, draft / name)
            sync_file(draft / name)
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
        done.aside = _take_place(folder, draft, wait=wait)
    return done


def _repair(folder: Path, source: Path, *, wait: float) -> Copied:
    from cityctl.store.care.checking import check
    from cityctl.store.opened import Opened

    done = Copied()
    with Opened(folder, SegmentList(folder, create=False)) as store:
        snapshot = store.list.snapshot(landing=False)
        with locked(folder, purpose="repairing the store", wait=wait):
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
    import sqlite3

    columns = ", ".join(Segment.__slots__)
    copy = sqlite3.connect(f"{list_copy.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        rows = copy.execute(
            f"SELECT {columns} FROM segments WHERE removed_at_us IS NULL ORDER BY path"
        ).fetchall()
    finally:
        copy.close()
    return [Segment(*row) for row in rows]


def _bring(source: Path, target: Path, segment: Segment, done: Copied) -> None:
    """Have one segment in the target, whole: kept where it is there, copied and checked where it is not."""
    done.segments += 1
    done.bytes += segment.bytes
    place = target / segment.path
    if _whole(place, segment):
        return
    fault = fault_of(source, segment)
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


def _take_place(folder: Path, draft: Path, *, wait: float) -> Path | None:
    """Put a restored store in the place of the one that is there, which is moved aside and kept."""
    if not folder.exists():
        draft.replace(folder)
        sync_folder(folder.parent)
        return None
    aside = folder.with_name(f"{folder.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    with locked(folder, purpose="restoring the backup", wait=wait):
        # Runs that wait for the lock or the landing find the restored store when it is their turn.
        folder.replace(aside)
        draft.replace(folder)
        sync_folder(folder.parent)
    return aside
