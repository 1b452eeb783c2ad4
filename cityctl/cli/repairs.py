"""`cityctl data repairs`."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the data group."""

    @leaf(app, example="cityctl data repairs --last 30d")
    def repairs(
        run: Run,
        points: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="POINT",
                help="Counters; `b0_*` names several. All where none is named.",
                autocompletion=names.points,
            ),
        ] = None,
        since: Annotated[str | None, typer.Option(metavar="TIME", help="Readings from then on.")] = None,
        until: Annotated[str | None, typer.Option(metavar="TIME", help="Readings up to then.")] = None,
        last: Annotated[str | None, typer.Option(metavar="SPAN", help="7d, 36h, last-week ...")] = None,
    ) -> ExitCode:
        """Show what was put right in counters: roll-overs, resets, zeros, codes, spikes."""
        from cityctl.store.asked.repairs import repairs as told

        return run.show(told(run.project, points or (), since=since, until=until, last=last, now=run.now))
