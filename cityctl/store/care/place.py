"""How a store that was made beside takes the place of the one in a folder: by its parts, under the store's lock.

The list goes first and comes last: whoever dies in between leaves a folder without a list, and no half store. The
folder itself stays, with the lock that runs wait for. Knows names of files, nothing of what is in them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cityctl.disk import sync_folder
from cityctl.store.folder import LIST, SEGMENTS
from cityctl.store.landing import LANDING
from cityctl.store.sqlite_file import BUSY

_FILES = ("", "-wal", "-shm")


def take_place(folder: Path, draft: Path) -> Path | None:
    """Put the store in `draft` in the place of the one in `folder`; where the old one is kept, None where none was.

    The caller holds the store's lock. Runs that wait for it or for the landing find the new store at their turn.
    """
    with _landing_at_rest(folder):
        aside = set_aside(folder, LIST, LANDING, SEGMENTS)
        for name in (SEGMENTS, LANDING, LIST):
            if (draft / name).exists():
                (draft / name).replace(folder / name)
        sync_folder(folder)
    return aside


def set_aside(folder: Path, *names: str) -> Path | None:
    """Move parts of a store, SQLite's files with their logs, into a folder of their own; None where there is none."""
    found = [path for name in names for ending in _FILES if (path := folder / f"{name}{ending}").exists()]
    if not found:
        return None
    aside = folder / f"before-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir()
    for path in found:
        path.replace(aside / path.name)
    sync_folder(aside)
    sync_folder(folder)
    return aside


@contextmanager
def _landing_at_rest(folder: Path) -> Iterator[None]:
    """No poll is in the middle of its commit meanwhile: it would be acknowledged into a file that is moved aside."""
    path = folder / LANDING
    if not path.exists():
        yield
        return
    with closing(sqlite3.connect(path, timeout=BUSY, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # in use for too long
            raise
        except sqlite3.DatabaseError:  # damaged: no poll can be in it
            pass
        yield
        if connection.in_transaction:
            connection.execute("ROLLBACK")
