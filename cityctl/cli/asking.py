"""A question to the person at the terminal; None where nobody is there."""

from __future__ import annotations

import sys
from collections.abc import Callable

from cityctl.cli.run import Run


def asker(run: Run) -> Callable[[str], str] | None:
    """How to ask, on stderr; None where stdin is no terminal, so that nothing ever waits there."""
    if not run.console.asks:
        return None

    def ask(question: str) -> str:
        run.console.error.write(f"{question} ")
        run.console.error.flush()
        return sys.stdin.readline().strip()

    return ask
