"""Signals that end a run: what they would end is brought to a good end first, where that takes a moment.

Ctrl-C, SIGTERM, and SIGHUP when a terminal is closed. Knows nothing of what runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def held_back(tell: Callable[[], object] | None = None) -> Iterator[list[int]]:
    """Hold back the signals that would raise something here until the block is done; gives those that came.

    `tell` is called at the first one. A block that fails raises its own error: that ends the run as well. Signals
    that are ignored or kill at once stay as they are, and outside of the main thread all do.
    """
    came: list[int] = []
    before: dict[int, Callable[[int, FrameType | None], object]] = {}
    if current_thread() is main_thread():
        found = {number: signal.getsignal(number) for number in ENDING}
        before = {number: handler for number, handler in found.items() if callable(handler)}

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if tell is not None and len(came) == 1:
            tell()

    for number in before:
        signal.signal(number, note)
    try:
        yield came
    except Exception:
        came.clear()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            before[came[0]](came[0], None)
