"""Raw answers on disk, before anything reads them: immutable, named by their content, listed with their request.

    <folder>/ab/abcdef....gz     the bytes, gzipped, named by the SHA-256 of the bytes as they came decoded
    <folder>/index.jsonl         one line a landing: what was asked, when, which file answered

Knows no format and no network.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from uuid import uuid4

from cityctl.disk import sync_file, sync_folder


@dataclass(frozen=True)
class Landed:
    """Bytes that are on disk: SHA-256 (hexadecimal), number of bytes, and the gzipped file."""

    sha256: str
    size: int
    path: Path


class Landing:
    """The folder of raw answers. `settle` makes durable what was kept; call it before anything relies on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fresh: set[Path] = set()

    def draft(self) -> Draft:
        """A new answer on its way to the disk."""
        return Draft(self)

    def list(self, told: Mapping[str, Any]) -> None:
        """A line for the index. One write at the end of the file: landings of two runs do not mix."""
        line = json.dumps(told, ensure_ascii=False) + "\n"
        with (self.folder / "index.jsonl").open("ab", buffering=0) as index:
            index.write(line.encode())
        self._fresh.add(self.folder)

    def named(self, folder: Path) -> None:
        """A file got its name in a folder."""
        self._fresh.add(folder)

    def settle(self) -> None:
        """Make names and index durable."""
        if self._fresh:
            sync_file(self.folder / "index.jsonl")
            for folder in self._fresh:
                sync_folder(folder)
            self._fresh = set()


class Draft:
    """An answer on its way to the disk; a try that fails begins again."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._path = landing.folder / f".{uuid4().hex}.tmp"
        self._raw: BinaryIO | None = None
        self._packed: gzip.GzipFile | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Forget what came so far."""
        self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = self._path.open("wb")
        # No name and no time inside: the same content makes the same file.
        self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, compresslevel=6, mtime=0)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """More of the answer."""
        assert self._packed is not None
        self._packed.write(data)
        self._hash.update(data)
        self.size += len(data)

    def keep(self, told: Mapping[str, Any]) -> Landed:
        """The answer is whole: it gets its name, and the index a line with what is told of it."""
        self._close()
        name = self._hash.hexdigest()
        path = self._path.parent / name[:2] / f"{name}.gz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_file(self._path)
            self._path.replace(path)
            self._landing.named(path.parent)
        self._landing.list({"sha256": name, "bytes": self.size, **told})
        return Landed(name, self.size, path)

    def _close(self) -> None:
        if self._packed is not None:
            self._packed.close()
            self._packed = None
        if self._raw is not None:
            self._raw.close()
            self._raw = None
