"""Zip archives: members are streamed, never extracted, and what is unsafe is refused by name.

Refused are names that lead elsewhere, links, encrypted members, archives within archives, and whatever unpacks
to far more than any export does.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from cityctl.errors import InputRefused

RATIO = 250  # unpacked to packed; deflate itself reaches 1032 on zeros, readings rarely 60
FREE = 64 << 20  # bytes that may be unpacked whatever the ratio
MEMBERS = 10_000
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_SKIPPED = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$)")


def is_zip(head: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return head.startswith(_ZIP)


def members(file: Path | BinaryIO, name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """(members that can be read, (member, why) of those that are refused).

    Raises InputRefused where the archive cannot be read at all.
    """
    taken: list[str] = []
    refused: list[tuple[str, str]] = []
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise InputRefused(f"{name}: damaged zip: {problem}", hint="fetch it again") from None
    if len(entries) > MEMBERS:
        raise InputRefused(
            f"{name}: an archive of {len(entries)} members", hint=f"at most {MEMBERS} are read"
        )
    if {"mimetype", "content.xml"} <= {entry.filename for entry in entries}:
        raise InputRefused(f"{name}: an OpenDocument file, no export", hint="save its sheet as XLSX or CSV")
    packed = sum(entry.compress_size for entry in entries)
    whole = sum(entry.file_size for entry in entries)
    if whole > FREE and whole > RATIO * max(packed, 1):
        raise InputRefused(f"{name}: {_bomb(whole, packed)}", hint="ask the publisher for a plain file")
    for entry in entries:
        if _SKIPPED.search(entry.filename):
            continue
        why = _why_not(entry)
        if why:
            refused.append((_shown(entry.filename), why))
        elif entry.filename in taken:
            refused.append((entry.filename, "a second member of the same name"))
        else:
            taken.append(entry.filename)
    if not taken and not refused:
        raise InputRefused(f"{name}: an archive without files", hint="fetch it again")
    return taken, refused


def _bomb(whole: int, packed: int) -> str:
    return f"unpacks from {packed} to {whole} bytes, more than {RATIO} times its size: a bomb?"


def _shown(name: str) -> str:
    """A member's name for a message: without what a terminal would act on."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _why_not(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    parts = re.split(r"[/\\]", entry.orig_filename)
    if ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "its name leads out of the archive"
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in entry.orig_filename):
        return "its name holds control characters"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link"
    if entry.flag_bits & 1:
        return "it is encrypted"
    if name.lower().endswith((".zip", ".7z", ".rar", ".tar", ".tgz")):
        return "it is an archive within the archive"
    if entry.file_size > FREE and entry.file_size > RATIO * max(entry.compress_size, 1):
        return _bomb(entry.file_size, entry.compress_size)
    return ""


def open_member(file: Path | BinaryIO, member: str, name: str) -> BinaryIO:
    """The bytes of a member, unpacked while they are read. Raises InputRefused."""
    archive = zipfile.ZipFile(file)
    try:
        entry = archive.getinfo(member)
        raw = archive.open(entry)
        if raw.read(4) in _ZIP:
            raise InputRefused(
                f"{name}: it is an archive within the archive", hint="unpack it and name its files"
            )
        raw.seek(0)
    except (RuntimeError, NotImplementedError, KeyError) as problem:
        archive.close()
        raise InputRefused(
            f"{name}: cannot be unpacked: {problem}", hint="unpack it and name its files"
        ) from None
    except BaseException:
        archive.close()
        raise
    return bounded(raw, entry.compress_size, name, archive)


def bounded(stream: object, packed: int, name: str, also: zipfile.ZipFile | None = None) -> BinaryIO:
    """A stream that refuses to unpack to more than an export does; `packed` is its size in bytes."""
    return cast(BinaryIO, io.BufferedReader(_Bounded(cast(BinaryIO, stream), packed, name, also), 1 << 16))


class _Bounded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, packed: int, name: str, also: zipfile.ZipFile | None) -> None:
        self._stream = stream
        self._packed = packed
        self._name = name
        self._also = also
        self._most = max(FREE, RATIO * max(packed, 1))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        piece = self._stream.read(len(view))
        view[: len(piece)] = piece
        if self._stream.tell() > self._most:
            raise InputRefused(
                f"{self._name}: {_bomb(self._stream.tell(), self._packed)}",
                hint="ask the publisher for a plain file",
            )
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._also is not None:
                self._also.close()
        super().close()
