"""The journal of one run: what was done, flushed before the next thing is begun, so that a killed run can go on.

One JSON object a line; a torn last line is as none. The audit is for people and proof, this is for `resume`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cityctl.disk import share, shared_folder, sync_folder
from cityctl.errors import UsageProblem, WriteRefused, listed, near

FOLDER = "runs"


class Journal:
    """A run's journal; `entries` are those of earlier processes and this one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self._size = 0
        if path.exists():
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            self._size = len(whole)
            self.entries = [json.loads(line) for line in whole.splitlines()]

    @property
    def run(self) -> str:
        """The run's name."""
        return self.path.stem

    def note(self, what: str, **fields: Any) -> None:
        """One more line, on disk when this comes back. Raises WriteRefused where that cannot be."""
        entry = {"what": what, **fields}
        data = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        try:
            shared_folder(self.path.parent)
            is_new = not self.path.exists()
            with self.path.open("ab") as handle:
                if handle.tell() > self._size:  # half a line that a killed process left
                    handle.truncate(self._size)
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            if is_new:
                share(self.path)
                sync_folder(self.path.parent)
        except OSError as problem:
            raise WriteRefused(
                f"no journal, no write: {self.path}: {problem.strerror or problem}",
                hint="free space on that disk",
            ) from None
        self._size += len(data)
        self.entries.append(entry)

    def last(self, what: str, **fields: Any) -> dict[str, Any] | None:
        """The newest entry of that sort that says so."""
        entry: dict[str, Any]
        for entry in reversed(self.entries):
            if entry["what"] == what and all(entry.get(key) == value for key, value in fields.items()):
                return entry
        return None

    @property
    def attempted(self) -> list[dict[str, Any]]:
        """The intents of writes that were sent, or may have been, oldest first."""
        found: list[dict[str, Any]] = []
        for entry in self.entries:
            if entry["what"] == "intent":
                found.append(entry)
            elif entry["what"] == "unsent" and found and found[-1]["key"] == entry["key"]:
                found.pop()
        return found

    @property
    def begin(self) -> Mapping[str, Any]:
        """What the run was begun with. Raises UsageProblem for a journal that never began."""
        entry = self.last("begin")
        if entry is None:
            raise UsageProblem(f"{self.path}: the run ended before it began; there is nothing to go on with")
        return entry

    @property
    def ending(self) -> str | None:
        """How the run ended; None where it did not."""
        entry = self.last("end")
        return None if entry is None else str(entry["how"])


def journals(state: Path) -> Iterator[Journal]:
    """Every run of a project, oldest first."""
    for path in sorted((state / FOLDER).glob("*.jsonl")):
        try:
            journal = Journal(path)
        except (OSError, ValueError):
            continue
        if journal.last("begin") is not None:
            yield journal


def left_open(state: Path, points: Collection[str]) -> list[str]:
    """What is to be known of runs that were killed over some of these points (`device/point`), and not taken up.

    Only of use to who has their devices' locks: a run that goes on is open too.
    """
    found = []
    for journal in journals(state):
        if journal.ending is not None:
            continue
        at = [each["change"]["at"] for each in journal.attempted]
        written = [
            name for name in dict.fromkeys(f"{to['device']}/{to['point']}" for to in at) if name in points
        ]
        if written:
            found.append(
                f"run {journal.run} stands open and wrote {listed(written)}: what is there now is not what was there "
                f"before it; `cityctl runbook resume {journal.run}` goes on, --undo undoes"
            )
    return found


def find(state: Path, run: str) -> Journal:
    """The journal of a run, by its name or the end of it. Raises UsageProblem with the near match."""
    names = [path.stem for path in (state / FOLDER).glob("*.jsonl")]
    matches = [name for name in names if name == run or (len(run) >= 4 and name.endswith(run))]
    if len(matches) == 1 and re.fullmatch(r"[\w-]+", matches[0]):
        return Journal(state / FOLDER / f"{matches[0]}.jsonl")
    match = near(run, names)
    hint = f"did you mean `{match}`?" if match else f"there are: {listed(sorted(names)[-6:]) or 'none'}"
    raise UsageProblem(f"no run `{run}`" if not matches else f"`{run}` is the end of several runs", hint=hint)
