"""`CITYCTL_LOG`: what a run says on stderr as JSON lines, each with the run's id; for journals and log stores.

`CITYCTL_LOG=json` turns stderr itself into them, any other value is a file that they are added to beside it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from uuid import uuid4

_HIDDEN = "--ping"


class Log(io.TextIOBase):
    """Stands for stderr: each whole line becomes an object with time, run, level and message.

    It is no terminal, so nobody draws a progress bar into it.
    """

    def __init__(self, out: TextIO, run: str, *, beside: TextIO | None = None) -> None:
        self.out, self.run, self.beside = out, run, beside
        self.begun = time.monotonic()
        self._rest = ""

    def write(self, text: str) -> int:
        """Take a part of a line, or several lines."""
        if self.beside is not None:
            self.beside.write(text)
        *whole, self._rest = (self._rest + text).replace("\r", "\n").split("\n")
        for line in whole:
            if line.strip():
                self._say(line)
        return len(text)

    def flush(self) -> None:
        """Lines are written at once; what stands beside is flushed."""
        if self.beside is not None:
            self.beside.flush()

    def begin(self, words: Sequence[str]) -> None:
        """The run's first line: its command, without what is as good as a key."""
        self._write("info", "begun", command=_without_keys(words))

    def end(self, code: int) -> None:
        """The run's last line: its exit code and how long it took, in seconds."""
        if self._rest.strip():
            self._say(self._rest)
            self._rest = ""
        level = "info" if code == 0 else "warning" if code in (3, 4) else "error"
        self._write(level, "ended", exit_code=code, seconds=round(time.monotonic() - self.begun, 3))

    def _say(self, line: str) -> None:
        level = "error" if line.startswith("cityctl: ") else "hint" if line.startswith("hint: ") else "info"
        self._write(level, line.removeprefix("cityctl: ").removeprefix("hint: "))

    def _write(self, level: str, message: str, **more: object) -> None:
        now = datetime.now(UTC).isoformat("T", "milliseconds").replace("+00:00", "Z")
        entry = {"time": now, "run": self.run, "level": level, "message": message, **more}
        with contextlib.suppress(OSError, ValueError):  # a full disk ends no run
            self.out.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self.out.flush()


def begin(words: Sequence[str]) -> Log | None:
    """Log this run as CITYCTL_LOG asks; None where the file cannot be written, which is said once."""
    wish = os.environ["CITYCTL_LOG"]
    run = os.environ.get("CITYCTL_RUN") or uuid4().hex[:12]
    if wish == "json":
        log = Log(sys.stderr, run)
    else:
        try:
            out = Path(wish).open("a", encoding="utf-8")  # noqa: SIM115  open until the process ends
        except OSError as problem:
            sys.stderr.write(f"cityctl: CITYCTL_LOG={wish}: {problem.strerror}; this run is not logged\n")
            return None
        log = Log(out, run, beside=sys.stderr)
    sys.stderr = log
    log.begin(words)
    return log


def _without_keys(words: Sequence[str]) -> list[str]:
    shown = ["..." if before == _HIDDEN else word for before, word in zip(["", *words], words, strict=False)]
    return [f"{_HIDDEN}=..." if word.startswith(f"{_HIDDEN}=") else word for word in shown]
