"""Files that survive a power cut, and locks that survive a kill.

Each POSIX call has its twin for Windows here, so that no other file needs one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO
from uuid import uuid4

from cityctl.errors import CityctlError, DiskProblem, LockHeld, UsageProblem

Rights = Callable[[Path], None]
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
FAULTS = {
    errno.ENOSPC: ("the disk is full", "free some space; what was acknowledged before is safe"),
    errno.EDQUOT: ("the disk quota is used up", "free some space; what was acknowledged before is safe"),
    errno.EFBIG: (
        "a file would grow beyond what is allowed here",
        "raise the limit of file sizes (ulimit -f)",
    ),
    errno.EROFS: (
        "the file system is read-only",
        "remount it for writing; CITYCTL_STORE may put the store elsewhere",
    ),
    errno.EACCES: ("no permission", "run as the user who owns it, or change its permissions"),
    errno.EPERM: ("no permission", "run as the user who owns it, or change its permissions"),
    errno.ENOTDIR: (
        "a file stands where a folder is needed",
        "move that file, or set CITYCTL_STORE to another folder",
    ),
    errno.EIO: ("the disk reports a fault", "check the disk, then restore a backup of the store if needed"),
}
"""What is wrong with a disk, or a right on it, by its error number: in plain words, and what to do."""

_SPENT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def unwritten(what: object, problem: OSError) -> CityctlError:
    """Why a file, or stdout, takes nothing: the disk, or else a place that was badly chosen."""
    said = f"cannot write {what}: {problem.strerror or problem}"
    if problem.errno in _SPENT:
        return DiskProblem(said, hint=FAULTS[problem.errno][1])
    return UsageProblem(said)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[bytes]) -> bool:
        try:
            # A byte far behind the holder's name, so that others may still read who holds it.
            handle.seek(1 << 20)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def sync_folder(folder: Path) -> None:
        """Windows flushes folder entries with the file; there is nothing to ask for."""

    def open_to_all_of(folder: Path, path: Path) -> None:
        """Windows gives what is made in a folder the folder's permissions."""

    def spare_files() -> int:
        """How many files and sockets this process may open yet: of those that Python opens itself on Windows."""
        return 8000

else:
    import fcntl
    import resource

    def _lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def sync_folder(folder: Path) -> None:
        """Make the names in a folder durable: a rename is only safe after this."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open_to_all_of(folder: Path, path: Path) -> None:
        """Let who may work in a folder work with what was made there, whatever the umask and group of who made it."""
        wanted, found = folder.stat(), path.stat()
        kept = 0o7777 if path.is_dir() else 0o666
        if found.st_uid == os.geteuid() and found.st_mode & 0o7777 != wanted.st_mode & kept:
            with suppress(OSError):
                os.chown(path, -1, wanted.st_gid)
            path.chmod(wanted.st_mode & kept)

    def spare_files() -> int:
        """How many files and sockets this process may open yet (`ulimit -n`)."""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most == resource.RLIM_INFINITY:
            return sys.maxsize
        return most - sum(1 for _ in Path("/dev/fd").iterdir())


def share(path: Path) -> None:
    """Give what was just made the rights of its folder, where others may make things there as well.

    Who has a project to himself keeps his umask, and a folder such as /tmp (sticky) shares nothing.
    """
    rights = path.parent.stat().st_mode
    if rights & _OTHERS_WRITE and not rights & stat.S_ISVTX:
        open_to_all_of(path.parent, path)


def as_closed_as(folder: Path, made: Path) -> None:
    """Let nobody into a folder that was just made who cannot come to another one, past those that it lies in."""
    if not hasattr(os, "chown"):  # Windows: a folder has the rights of the one that it is made in
        return
    rights, group = folder.stat().st_mode & 0o777, folder.stat().st_gid
    for above in folder.parents:
        found = above.stat()
        rights &= 0o777 if found.st_mode & stat.S_IXOTH else 0o770
        rights &= 0o777 if found.st_mode & stat.S_IXGRP else 0o707
    if made.stat().st_gid != group:
        try:
            os.chown(made, -1, group)
        except OSError:
            rights &= 0o707
    made.chmod(rights | stat.S_IRWXU)


def own_word(path: Path) -> None:
    """The same for a file that is its owner's word: others may read it there, and write it nowhere."""
    share(path)
    path.chmod(path.stat().st_mode & ~_OTHERS_WRITE)


def is_own_word(path: Path) -> bool:
    """Whether nobody but a file's owner may write it."""
    return not hasattr(os, "getuid") or not path.stat().st_mode & _OTHERS_WRITE


def shared_folder(folder: Path) -> None:
    """Make a folder within a project's state, and those it lies in, where they lack, for all who work there."""
    if not folder.exists():
        shared_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        share(folder)


def here() -> Path:
    """The folder that this runs in. Raises UsageProblem where somebody has taken it away meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageProblem(
            "the folder that this runs in is gone",
            hint="go to another one, or name the project by `--project DIR`",
        ) from None


def sync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, rights: Rights | None = None, durable: bool = True) -> None:
    """Write a file so that a reader sees the old one or the new one, whole, whatever happens.

    `rights`: what gives it other rights than the umask's, `share` or `own_word`. One that says nothing any more after a
    power cut need not be `durable`: nobody waits for the disk then.
    """
    if rights is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        shared_folder(path.parent)
    with whole_file(path, rights=rights, durable=durable) as handle:
        handle.write(data)


@contextmanager
def whole_file(path: Path, *, rights: Rights | None = None, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write, which takes its name when it is whole, and `durable`; behind a link the file that it names.

    A device or a pipe, such as /dev/stdout, is written to as it is: a file that took its name would take it away.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as handle:
            yield handle
        return
    place = Path(os.path.realpath(path)) if _followed(path) else path
    with _drafted(place, place.with_name(f".{place.name}.{uuid4().hex[:8]}.tmp"), rights, durable) as handle:
        yield handle
    if durable:
        sync_folder(place.parent)


def _followed(path: Path) -> bool:
    """Whether a path is a link that was not laid by a stranger, in a folder that is open to all such as /tmp."""
    return path.is_symlink() and path.lstat().st_uid in (0, path.parent.stat().st_uid)


def write_through(path: Path, data: bytes, *, draft: Path) -> None:
    """Write a file by way of a draft beside it: durable, but for its name, which `sync_folder` makes so."""
    with _drafted(path, draft, share, durable=True) as handle:
        handle.write(data)


@contextmanager
def _drafted(path: Path, draft: Path, rights: Rights | None, durable: bool) -> Iterator[IO[bytes]]:
    try:
        with draft.open("xb") as handle:
            if rights is not None:
                rights(draft)
            yield handle
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


NEW = 0.5
"""Seconds within which who makes a lock has given it the rights of its folder."""


class Lock:
    """An exclusive lock on a file of its own; the system frees it when the process dies, however it dies.

    Users who share its folder share it: who may only read the file holds it as well, without a name. Raises
    LockHeld, naming the holder, where it is not free within `wait` seconds, and OSError where it cannot be opened.
    """

    def __init__(self, path: Path, *, purpose: str, wait: float = 0.0) -> None:
        self.path = path
        self.purpose = purpose
        self.wait = wait
        self.was_left = False
        """Whether who held it before let go of it only by dying."""
        self.waited = 0.0
        """Seconds until it was free."""
        self._handle: IO[bytes] | None = None

    def __enter__(self) -> Lock:
        handle = self._opened()
        begun = time.monotonic()
        until = begun + self.wait
        while not _lock(handle):
            if time.monotonic() >= until:
                handle.close()
                raise LockHeld(
                    f"another run holds {self.path.name}: {self._holder()}",
                    tried=[f"waited {self.wait:.0f} s for {self.path}"],
                    hint="wait until it is done; a lock dies with its process, so there is nothing to delete",
                )
            time.sleep(0.02)
        self.waited = time.monotonic() - begun
        self.was_left = os.fstat(handle.fileno()).st_size > 0
        holder = {
            "pid": os.getpid(),
            "purpose": self.purpose,
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        # The name is for people: on a full disk the lock holds without it.
        with suppress(OSError):
            handle.truncate(0)
            handle.write(json.dumps(holder).encode())
            handle.flush()
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            with suppress(OSError):  # who holds it next may not be able to write a name of his own
                self._handle.truncate(0)
            self._handle.close()
            self._handle = None

    def _opened(self) -> IO[bytes]:
        until = time.monotonic() + 2 * NEW
        while True:
            try:
                return self._found_or_made()
            except (PermissionError, FileNotFoundError):  # closed still, or opened between two tries
                if time.monotonic() >= until or not _just_made(self.path):
                    raise
                time.sleep(0.01)

    def _found_or_made(self) -> IO[bytes]:
        try:
            return self.path.open("r+b", buffering=0)  # nothing is left to be written at the end
        except FileNotFoundError:
            shared_folder(self.path.parent)
            handle = self.path.open("a+b", buffering=0)
            open_to_all_of(self.path.parent, self.path)
            return handle
        except OSError as problem:
            if problem.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            return self.path.open("rb", buffering=0)

    def _holder(self) -> str:
        try:
            held = json.loads(self.path.read_bytes())
            return f"{held['purpose']} (process {held['pid']}, since {held['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "a run that left no name"


def _just_made(path: Path) -> bool:
    """Whether a file, or its folder, is so new that whoever makes it may not have opened it to others yet."""
    for made in (path, path.parent):
        with suppress(OSError):
            if abs(time.time() - made.stat().st_ctime) < NEW:
                return True
    return False


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal. Raises OSError."""
    seen = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            seen.update(piece)
    return seen.hexdigest()
