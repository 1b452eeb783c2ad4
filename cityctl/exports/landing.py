"""Raw answers on disk, before anything reads them: immutable, named by their content, listed with their request.

    <folder>/ab/abcdef....gz     the bytes, gzipped, named by the SHA-256 of the bytes as they came decoded
    <folder>/ab/abcdef....raw    the same of bytes that are packed already (gzip, zip, Parquet), as they came
    <folder>/index.jsonl         one line a landing: what was asked, when, which file answered; and one line for
                                 each window of which everything came

A secret of this run that an answer repeats is blotted out with as many `*`. Knows no format and no network.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from uuid import uuid4

from cityctl.disk import share, shared_folder, sync_file, sync_folder
from cityctl.errors import ConfigInvalid, StoreProblem
from cityctl.exports.secret import known_bytes

_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"PAR1")


@dataclass(frozen=True)
class Landed:
    """Bytes that are on disk: SHA-256 (hexadecimal), number of bytes, and their file."""

    sha256: str
    size: int
    path: Path


class Landing:
    """The folder of raw answers. `settle` makes durable what was kept; call it before anything relies on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fresh: set[Path] = set()

    @property
    def index(self) -> Path:
        """The list of landings."""
        return self.folder / "index.jsonl"

    def draft(self) -> Draft:
        """A new answer on its way to the disk."""
        return Draft(self)

    def list(self, told: Mapping[str, Any]) -> None:
        """A line for the index. One write at the end of the file: landings of two runs do not mix."""
        line = json.dumps(told, ensure_ascii=False) + "\n"
        with self.index.open("ab", buffering=0) as index:
            index.write(line.encode())
        share(self.index)
        self._fresh.add(self.folder)

    def named(self, folder: Path) -> None:
        """A file got its name in a folder."""
        self._fresh.add(folder)

    def settle(self) -> None:
        """Make names and index durable."""
        if self._fresh:
            sync_file(self.index)
            for folder in self._fresh:
                sync_folder(folder)
            self._fresh = set()

    def find(self, sha256: str) -> Path | None:
        """The file of what landed under that name; None where it is not there."""
        for ending in (".gz", ".raw"):
            path = self.folder / sha256[:2] / f"{sha256}{ending}"
            if path.is_file():
                return path
        return None

    def lines(self) -> Iterator[dict[str, Any]]:
        """The index, oldest first. A last line that a power cut left unfinished is passed over.

        Raises ConfigInvalid where another line is damaged, and StoreProblem where it cannot be read.
        """
        try:
            with self.index.open("rb") as index:
                for number, line in enumerate(index, 1):
                    try:
                        told = json.loads(line)
                        if not isinstance(told, dict):
                            raise ValueError("no mapping")
                    except ValueError as problem:
                        if not line.endswith(b"\n"):
                            return
                        raise ConfigInvalid(
                            f"{self.index}:{number}: damaged: {problem}",
                            hint="remove that line: the file that it named stays where it is",
                        ) from None
                    yield told
        except FileNotFoundError:
            return
        except OSError as problem:
            raise StoreProblem(f"{self.index}: cannot be read: {problem.strerror}") from None


@dataclass
class _Blot:
    """Blots secrets out of bytes that come in pieces."""

    secrets: list[bytes] = field(default_factory=known_bytes)
    _held: bytes = b""

    def take(self, data: bytes) -> bytes:
        """What can be written by now."""
        if not self.secrets:
            return data
        data = self._blotted(self._held + data)
        keep = max(map(len, self.secrets)) - 1
        self._held = data[max(0, len(data) - keep) :] if keep else b""
        return data[: len(data) - len(self._held)]

    def rest(self) -> bytes:
        """What was held back."""
        held, self._held = self._held, b""
        return held

    def _blotted(self, data: bytes) -> bytes:
        for secret in self.secrets:
            if secret in data:
                data = data.replace(secret, b"*" * len(secret))
        return data


class Draft:
    """An answer on its way to the disk; a try that fails begins again."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._path = landing.folder / f".{uuid4().hex}.tmp"
        self._raw: BinaryIO | None = None
        self._packed: gzip.GzipFile | None = None
        self._hash = hashlib.sha256()
        self._blot = _Blot()
        self._begun = b""
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
        shared_folder(self._path.parent)
        self._raw = self._path.open("wb")
        self._packed = None
        self._hash = hashlib.sha256()
        self._blot = _Blot()
        self._begun = b""
        self.size = 0

    def write(self, data: bytes) -> None:
        """More of the answer."""
        self._write(self._blot.take(data))

    def _write(self, data: bytes) -> None:
        assert self._raw is not None
        self._hash.update(data)
        self.size += len(data)
        if len(self._begun) < 4:  # the first bytes say whether it is packed already
            data = self._begun + data
            self._begun = data[:4]
            if len(data) < 4:
                self._begun = data
                return
            if not data.startswith(_PACKED):
                self._packed = self._packer()
        (self._packed or self._raw).write(data)

    def _packer(self) -> gzip.GzipFile:
        # No name and no time inside: the same content makes the same file. Level 1: a fast line must not wait for us.
        assert self._raw is not None
        return gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, compresslevel=1, mtime=0)

    def keep(self, told: Mapping[str, Any]) -> Landed:
        """The answer is whole: it gets its name, and the index a line with what is told of it."""
        self._write(self._blot.rest())
        if len(self._begun) < 4:
            self._packed = self._packer()
            self._packed.write(self._begun)
        ending = ".gz" if self._packed is not None else ".raw"
        self._close()
        name = self._hash.hexdigest()
        path = self._path.parent / name[:2] / f"{name}{ending}"
        if not path.exists():
            shared_folder(path.parent)
            share(self._path)
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
