"""The program's door: `cityctl`, and `python -m cityctl`."""

from __future__ import annotations

import signal


def program() -> None:
    """Run the command line. Until it listens, Ctrl-C ends the process at once: a cut import leaves a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from cityctl.cli import program as run

    run()


if __name__ == "__main__":
    program()
