"""The only module that looks at the terminal: streams, width, colour, progress.

Data goes to stdout and everything else to stderr. Progress is a bar on a terminal (decided by isatty, never
by FORCE_COLOR), otherwise a line every 30 s at most.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Literal, TextIO

ColourWish = Literal["auto", "always", "never"]


class Progress:
    """How far a long piece of work is; `advance` may be called as often as one likes.

    Work does not end half-way because nobody looks on any more: a terminal that is gone is no error.
    """

    def __init__(self, console: Console, label: str, total: int | None) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.note = ""
        self._console = console
        self._begun = time.monotonic()
        self._shown = self._begun
        self._drawn = False

    def advance(self, amount: int = 1, note: str = "") -> None:
        """`amount` more is done; `note` says what."""
        self.done += amount
        self.note = note or self.note
        now = time.monotonic()
        if self._console.draws_progress:
            if now - self._shown >= 0.1:
                self._shown = now
                self._draw()
        elif not self._console.quiet and now - self._shown >= 30:
            self._shown = now
            self._say(f"{self.label}: {self._figures()} after {now - self._begun:.0f} s")

    def tick(self) -> None:
        """The work goes on, nobody knows how far: say for how long it has."""
        now = time.monotonic()
        if self._console.draws_progress:
            self._write(f"{self.label}: {now - self._begun:.0f} s")
        elif not self._console.quiet and now - self._shown >= 30:
            self._shown = now
            self._say(f"{self.label}: at work for {now - self._begun:.0f} s")

    def _figures(self) -> str:
        return f"{self.done} of {self.total}" if self.total else str(self.done)

    def _draw(self) -> None:
        bar = ""
        if self.total:
            filled = min(20, 20 * self.done // self.total)
            bar = "[" + "#" * filled + "." * (20 - filled) + "] "
        self._write(f"{self.label} {bar}{self._figures()} {self.note}")

    def _write(self, line: str) -> None:
        width = self._console.error_width
        with suppress(OSError):
            self._console.error.write("\r" + line[: width - 1].ljust(width - 1))
            self._console.error.flush()
        self._drawn = True

    def _say(self, text: str) -> None:
        with suppress(OSError):
            self._console.note(text)

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn:
            with suppress(OSError):
                self._console.error.write("\r" + " " * (self._console.error_width - 1) + "\r")
                self._console.error.flush()


class Console:
    """What a command may know of the terminal, and the way to write to it."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        colour: ColourWish = "auto",
        out: TextIO | None = None,
        error: TextIO | None = None,
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.output = out if out is not None else sys.stdout
        self.error = error if error is not None else sys.stderr
        self._colour = colour

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal that a person looks at."""
        return _is_terminal(self.output)

    @property
    def draws_progress(self) -> bool:
        """Whether a bar may be drawn on stderr."""
        return not self.quiet and _is_terminal(self.error) and os.environ.get("TERM") != "dumb"

    @property
    def asks(self) -> bool:
        """Whether a person is there to answer a question."""
        return _is_terminal(sys.stdin) and _is_terminal(self.error)

    @property
    def colour(self) -> bool:
        """Whether to colour stdout: --color, then NO_COLOR (any value but the empty one), then isatty."""
        if self._colour != "auto":
            return self._colour == "always"
        return self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None where stdout is none, and lines may be as long as they are."""
        return shutil.get_terminal_size((100, 24)).columns if self.is_terminal else None

    @property
    def height(self) -> int | None:
        """Lines of the terminal; None where stdout is none."""
        return shutil.get_terminal_size((100, 24)).lines if self.is_terminal else None

    @property
    def error_width(self) -> int:
        """Columns for the progress bar."""
        return shutil.get_terminal_size((80, 24)).columns

    def out(self, text: str) -> None:
        """Data: a text to stdout as it is, with a newline at its end."""
        self.output.write(text if text.endswith("\n") or not text else text + "\n")

    def out_bytes(self, data: bytes) -> None:
        """Data that is no text (Parquet)."""
        self.output.flush()
        buffer = getattr(self.output, "buffer", None)
        if buffer is None:
            self.output.write(data.decode("latin-1"))
        else:
            buffer.write(data)
            buffer.flush()

    def home(self) -> None:
        """Empty the terminal, so that the next text stands in the place of the last."""
        if self.is_terminal and os.environ.get("TERM") != "dumb":
            self.output.write("\x1b[H\x1b[2J")

    @contextmanager
    def ended_by(self, key: str) -> Iterator[Callable[[], bool]]:
        """While this lasts, `key` at the terminal interrupts as Ctrl-C does; the callable says whether it was pressed.

        Nothing that is typed is echoed; the terminal is put back as it was. Without a terminal, or where it knows
        no single keys (Windows), no key is read.
        """
        pressed, over = Event(), Event()
        if sys.platform == "win32" or not (self.asks and self.is_terminal):
            yield pressed.is_set
            return
        import termios
        import tty

        number = sys.stdin.fileno()

        def listen() -> None:
            while not over.is_set():
                if select.select([number], [], [], 0.2)[0] and not over.is_set():
                    typed = os.read(number, 1).decode("ascii", "replace")
                    if typed.lower() == key:
                        pressed.set()
                        os.kill(os.getpid(), signal.SIGINT)
                    if typed.lower() in (key, ""):
                        return

        before = termios.tcgetattr(number)
        listener = Thread(target=listen, daemon=True)
        try:
            tty.setcbreak(number, termios.TCSANOW)
            listener.start()
            yield pressed.is_set
        finally:
            over.set()
            termios.tcsetattr(number, termios.TCSADRAIN, before)

    def note(self, text: str) -> None:
        """What is not data: to stderr, unless -q."""
        if not self.quiet:
            self.error.write(text + "\n")
            self.error.flush()

    def detail(self, text: str) -> None:
        """What only -v wants to know."""
        if self.verbose:
            self.note(text)

    def warn(self, text: str) -> None:
        """What must be seen, even with -q."""
        self.error.write(f"cityctl: {text}\n")
        self.error.flush()

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Progress]:
        """Progress of a piece of work with `total` steps, or of unknown length."""
        progress = Progress(self, label, total)
        try:
            yield progress
        finally:
            progress.close()

    @contextmanager
    def waiting(self, label: str, every: float = 1.0) -> Iterator[None]:
        """While work of unknown length lasts, say for how long it has, first after `every` seconds."""
        over = Event()
        with self.progress(label) as progress:

            def tick() -> None:
                while not over.wait(every):
                    progress.tick()

            ticking = Thread(target=tick, daemon=True)
            ticking.start()
            try:
                yield
            finally:
                over.set()
                ticking.join()


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def fill_closed_streams() -> None:
    """Give a stream that was closed before the start (`>&-`) to the null device.

    Its number is free otherwise: the next file that is opened, the store's list perhaps, would get it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  until the end


def use_utf8() -> None:
    """Write UTF-8 whatever LANG says: cron runs with LANG=C, and m³/h must not end in an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
