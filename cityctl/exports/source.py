"""The bytes of one export, from a file, an archive or an answer: named, opened as often as needed, unpacked."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from cityctl.errors import InputRefused
from cityctl.exports.archive import bounded, is_zip, members, open_member
from cityctl.exports.table.records import holds_readings
from cityctl.exports.workbook.book import hidden_in, is_workbook, open_sheet, sheets_of

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """An export's bytes. `name` is what errors call it; exactly one of `path` and `data` is there.

    `member` is the name of a file within the zip archive that they are (archive.py), `sheet` that of a sheet within
    the workbook (workbook/), whose bytes are delimited text; `beside` are its sheets that are not read, `unseen` the
    rows and columns that are read and not shown. Days that stand there as bare numbers count from 1904 where
    `since_1904`.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None
    member: str = ""
    sheet: str = ""
    beside: tuple[str, ...] = ()
    unseen: str = ""
    since_1904: bool = False

    @classmethod
    def file(cls, path: Path, name: str | None = None) -> Source:
        """A file on disk. Raises InputRefused where it cannot be read."""
        if not path.is_file():
            what, hint = "no such file", "check the name"
            if str(path) == "-" or (path.exists() and not path.is_dir()):
                what = "is a pipe or a device, and a file is read more than once"
                hint = "let it become a file first: `... > export.csv`"
            elif path.is_dir():
                what, hint = "is a folder without files", "name the export's file"
            raise InputRefused(f"{name or path}: {what}", hint=hint)
        return cls(name or str(path), path=path)

    @property
    def stem(self) -> str:
        """The file's name without folders and endings: `flows` for `in/flows.csv.gz`."""
        return Path(self.name).name.split(".")[0] or self.name

    def state(self) -> tuple[int, int] | None:
        """(bytes, when it was changed [ns]) of a file, to see whether it changes; None where it is none any more."""
        try:
            found = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (found.st_size, found.st_mtime_ns) if found is not None else None

    def parts(self) -> tuple[list[Source], list[tuple[str, str]]]:
        """(the file itself, the members of an archive or the sheets of a workbook, (name, why) of those refused).

        Raises InputRefused.
        """
        with self.reading():
            with self.raw() as raw:
                if not is_zip(raw.read(4)):
                    return [self], []
            names, refused = members(self._packed(), self.name)
            if is_workbook(names):
                return self._sheets(refused), []
        found = [replace(self, name=f"{self.name}/{member}", member=member) for member in names]
        return found, [(f"{self.name}/{member}", why) for member, why in refused]

    def _sheets(self, refused: list[tuple[str, str]]) -> list[Source]:
        """The sheets that hold readings as far as their first rows tell; all of them where none does."""
        for member, why in refused:
            raise InputRefused(
                f"{self.name}: `{member}` in the workbook: {why}", hint="save its sheet as CSV"
            )
        names, since_1904 = sheets_of(self._packed(), self.name)
        book = replace(self, since_1904=since_1904)
        sheets = [replace(book, name=f"{self.name}/{name}", sheet=name) for name in names if names[name]]
        readable = [one for one in sheets if holds_readings(one.head())] or sheets
        if not sheets:
            raise InputRefused(
                f"{self.name}: a workbook without a sheet that is shown", hint="save it as CSV"
            )
        taken = {one.sheet for one in readable}
        beside = tuple(
            f"`{name}`" + ("" if names[name] else " (hidden)") for name in names if name not in taken
        )
        alone = len(readable) == 1
        return [
            replace(one, name=self.name if alone else one.name, beside=beside, unseen=self._unseen(one))
            for one in readable
        ]

    def _unseen(self, one: Source) -> str:
        width = max((line.count(b"\t") for line in one.head().splitlines()), default=0) + 1
        return hidden_in(self._packed(), self.name, one.sheet, width)

    def remarks(self) -> list[str]:
        """What to say of a workbook: what of it was not read, and what was though nobody sees it."""
        said = []
        if self.beside:
            sheets = ", ".join(self.beside)
            said.append(f"{self.name}: sheets hidden or without a table of times, left out: {sheets}")
        if self.unseen:
            said.append(f"{self.name}: hidden in the sheet, and read like the rest: {self.unseen}")
        return said

    def _packed(self) -> Path | BinaryIO:
        return self.path if self.path is not None else io.BytesIO(self.data or b"")

    def raw(self) -> BinaryIO:
        """The bytes as they are, packed or not; those of a member of an archive are unpacked."""
        if self.member:
            return open_member(self._packed(), self.member, self.name)
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None
        return self.path.open("rb")

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """The bytes, unpacked where they are gzip; a sheet as text. Raises InputRefused where they are damaged."""
        if self.sheet:
            with self.reading(), open_sheet(self._packed(), self.name, self.sheet) as text:
                yield text
            return
        with self.reading(), self.raw() as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if not packed:
                yield raw
                return
            size = raw.seek(0, io.SEEK_END) if not self.member else 0
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast(BinaryIO, bounded(unpacked, size, self.name) if size else unpacked)

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes, unpacked."""
        with self.stream() as stream:
            return stream.read(size)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turns what gzip and the file system say into InputRefused."""
        try:
            yield
        except EOFError:
            raise InputRefused(f"{self.name}: the gzip stream is cut short", hint="fetch it again") from None
        except (gzip.BadGzipFile, zlib.error) as problem:
            raise InputRefused(f"{self.name}: damaged gzip: {problem}", hint="fetch it again") from None
        except zipfile.BadZipFile as problem:
            raise InputRefused(f"{self.name}: damaged zip: {problem}", hint="fetch it again") from None
        except OSError as problem:
            raise InputRefused(
                f"{self.name}: cannot be read: {problem.strerror or problem}", hint="check the file"
            ) from None
