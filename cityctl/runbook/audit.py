"""The audit: one JSON object a line, each with the hash of the one before, on disk before anything is written.

A changed byte breaks the chain at its line. A cut tail is noticed by the anchor, a small file that holds how far
the chain had come; a copy of it kept elsewhere (`audit verify --anchor`) proves it even to who doubts this disk.
No audit, no write: where a line cannot be kept, WriteRefused is raised.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityctl.disk import Lock, share, shared_folder, sync_folder, write_atomic
from cityctl.errors import LockHeld, WriteRefused
from cityctl.wording import counted

FILE_NAME, ANCHOR = "audit.jsonl", "anchor.json"
BEGIN = "0" * 64
_HINT = "`cityctl audit verify` says where; keep both files of .cityctl/audit elsewhere, and a new one begins"


@dataclass(frozen=True)
class Anchor:
    """How far a chain had come: lines, bytes, and the last line's hash."""

    lines: int = 0
    size: int = 0
    hash: str = BEGIN

    @property
    def text(self) -> str:
        """`LINES:HASH`, to be kept elsewhere."""
        return f"{self.lines}:{self.hash}"


@dataclass(frozen=True)
class Fault:
    """What is wrong with an audit, and in which line (from 1)."""

    line: int
    why: str


def canonical(entry: Mapping[str, Any]) -> str:
    """The one way to write an entry down."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(entry: Mapping[str, Any], before: str, number: int) -> dict[str, Any]:
    """An entry with its number, the hash before it, and its own."""
    body = {**entry, "number": number, "before": before}
    return {**body, "hash": digest(canonical(body))}


class Audit:
    """The audit in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.anchor_path = folder / ANCHOR

    def append(self, event: str, **fields: Any) -> dict[str, Any]:
        """Keep one more line, on disk when this comes back. Raises WriteRefused where that cannot be."""
        from cityctl.exports.secret import hide

        entry = json.loads(hide(canonical({**fields, "event": event, "time": datetime.now(UTC).isoformat()})))
        try:
            shared_folder(self.folder)
            with Lock(self.folder / "audit.lock", purpose="audit", wait=10.0):
                anchor = self._settled()
                line = sealed(entry, anchor.hash, anchor.lines + 1)
                data = (canonical(line) + "\n").encode()
                self._add(data, anchor.size)
                self._move(Anchor(anchor.lines + 1, anchor.size + len(data), line["hash"]))
        except LockHeld as problem:
            raise WriteRefused(f"no audit, no write: {problem.message}", tried=problem.tried) from None
        except OSError as problem:
            raise WriteRefused(
                f"no audit, no write: {self.path}: {problem.strerror or problem}",
                hint="free space on that disk, or make the folder writable",
            ) from None
        return line

    def _add(self, data: bytes, size: int) -> None:
        is_new = not self.path.exists()
        with self.path.open("ab") as handle:
            try:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            except OSError:
                # Half a line on a full disk: take it away again, so that the next one stands alone.
                with contextlib.suppress(OSError):
                    os.truncate(self.path, size)
                raise
        if is_new:
            share(self.path)
            sync_folder(self.folder)

    def _move(self, anchor: Anchor) -> None:
        said = {"lines": anchor.lines, "size": anchor.size, "hash": anchor.hash}
        write_atomic(self.anchor_path, (json.dumps(said) + "\n").encode(), rights=share)

    def anchor(self) -> Anchor:
        """How far the chain had come. Raises WriteRefused where that file is damaged."""
        try:
            held = json.loads(self.anchor_path.read_bytes())
            return Anchor(int(held["lines"]), int(held["size"]), str(held["hash"]))
        except FileNotFoundError:
            return Anchor()
        except (ValueError, KeyError, TypeError):
            raise WriteRefused(f"no audit, no write: {self.anchor_path} is damaged", hint=_HINT) from None

    def _settled(self) -> Anchor:
        """The chain's end, after whatever a crash left behind it. Raises WriteRefused for a cut or foreign tail."""
        anchor = self.anchor()
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < anchor.size:
            said = f"{self.path} is shorter than it was: {size} of {anchor.size} bytes"
            raise WriteRefused(f"no audit, no write: {said}", hint=_HINT)
        if size == anchor.size:
            return anchor
        with self.path.open("rb") as handle:
            handle.seek(anchor.size)
            tail = handle.read()
        for line in tail.splitlines(keepends=True):
            if not line.endswith(b"\n"):  # a power cut in the middle of a line that nobody relied on yet
                os.truncate(self.path, anchor.size)
                break
            entry, why = _checked(line.rstrip(b"\n"), anchor.hash, anchor.lines + 1)
            if entry is None:
                raise WriteRefused(
                    f"no audit, no write: {self.path}, line {anchor.lines + 1}: {why}", hint=_HINT
                )
            anchor = Anchor(anchor.lines + 1, anchor.size + len(line), entry["hash"])
        return anchor

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every line that can be read, oldest first; whether they are genuine is for `faults` to say."""
        if not self.path.exists():
            return
        with self.path.open("rb") as handle:
            for line in handle:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry

    def faults(self, kept: str | None = None) -> list[Fault]:
        """What is wrong; empty where every byte is as it was written.

        `kept` is an anchor (`LINES:HASH`) that was kept elsewhere: that line must still be there.
        """
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        torn = lines.pop()
        found: list[Fault] = []
        before = BEGIN
        hashes = [BEGIN]
        for number, line in enumerate(lines, 1):
            entry, why = _checked(line, before, number)
            if entry is None:
                found.append(Fault(number, why))
                entry = _loose(line)
            before = str(entry.get("hash", before))
            hashes.append(before)
        if torn:
            found.append(Fault(len(lines) + 1, "the line does not end: a power cut, or something cut it off"))
        try:
            anchors = [(self.anchor(), str(self.anchor_path))]
        except WriteRefused as problem:
            anchors = []
            found.append(Fault(len(lines), problem.message))
        if not anchors[0:] or (not self.anchor_path.exists() and lines):
            found.append(Fault(len(lines), f"{self.anchor_path} is missing: a cut tail cannot be noticed"))
        if kept:
            number_text, _, said = kept.partition(":")
            anchors.append(
                (Anchor(int(number_text) if number_text.isdigit() else -1, 0, said), "the anchor given")
            )
        for anchor, where in anchors:
            if anchor.lines < 0 or anchor.lines >= len(hashes):
                found.append(
                    Fault(
                        len(lines),
                        f"cut off: {where} knows {counted(anchor.lines, 'line')}, there are {len(lines)}",
                    )
                )
            elif hashes[anchor.lines] != anchor.hash:
                found.append(Fault(anchor.lines, f"it is another line than {where} knows"))
        return found


def _checked(line: bytes, before: str, number: int) -> tuple[dict[str, Any] | None, str]:
    """A line's entry, or None and what is wrong with it."""
    try:
        entry = json.loads(line)
        text = line.decode()
    except ValueError:
        return None, "it is no JSON"
    if not isinstance(entry, dict) or "hash" not in entry:
        return None, "it is no entry of an audit"
    if canonical(entry) != text:
        return None, "its bytes are not those that were written"
    body = {key: value for key, value in entry.items() if key != "hash"}
    if digest(canonical(body)) != entry["hash"]:
        return None, "its content does not have its hash"
    if entry.get("before") != before:
        return None, "the hash of the line before it is another one"
    if entry.get("number") != number:
        return None, f"it says that it is line {entry.get('number')}"
    return entry, ""


def _loose(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
