"""`cityctl leak`: what the watch over leaks can do on this city."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="What the watch over leaks can do on this city.")


@leaf(app, name="selftest", example="cityctl leak selftest --last 365d --trials 6")
def selftest(
    run: Run,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start of the history: 2025, 365d ...")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="End; a bare date is that day's end. [now]")
    ] = None,
    last: Annotated[str | None, typer.Option(metavar="SPAN", help="365d, last-year ... [365d]")] = None,
    zones: Annotated[str, typer.Option(metavar="NAMES", help="Zones to try, `*` for any letters.")] = "*",
    trials: Annotated[
        int, typer.Option(min=1, max=1000, help="Leaks of each kind and size put into each zone.")
    ] = 6,
    seed: Annotated[int, typer.Option(help="Which random nights; the same again with the same number.")] = 1,
) -> ExitCode:
    """Put leaks of known size into the city's own history, and tell how many are found.

    Steps and creeping leaks of several sizes, at random nights; how soon they are found, and how often an alarm is
    raised for nothing, each with its 95 % interval.
    """
    from cityctl.report.leak_selftest import run as promise

    with run.console.progress("leaks put in") as progress:

        def advance(done: int, of: int) -> None:
            progress.total = of
            progress.advance(done - progress.done)

        result = promise(
            run.project,
            now=run.now,
            since=since,
            until=until,
            last=last,
            zones=zones,
            trials=trials,
            seed=seed,
            advance=advance,
        )
    return run.show(result)
