"""`--ping URL`: a watchdog hears of a run's start and end, and never changes its exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cityctl.cli.run import Run
from cityctl.errors import ExitCode

PingOption = Annotated[
    str | None,
    typer.Option(
        "--ping",
        metavar="URL",
        help="Tell a watchdog: URL/start, then URL or URL/fail (any exit but 0 and 3).",
    ),
]

WELL = (ExitCode.DONE, ExitCode.FOUND)


def pinged(run: Run, url: str | None, work: Callable[[], ExitCode]) -> ExitCode:
    """Do the work; `url` hears of its start and of how it ended, by an error or a signal too."""
    if url is None:
        return work()
    from cityctl.exports.ping import Ping

    ping = Ping(url, run.console.warn)
    ping.start()
    try:
        code = work()
    except BrokenPipeError:  # the reader has seen enough: nothing went wrong
        ping.end(well=True)
        raise
    except BaseException:
        ping.end(well=False)
        raise
    ping.end(well=code in WELL)
    return code
