"""`cityctl watch`: the city as it stands, again and again."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `watch` to the root."""

    @leaf(app, example="cityctl watch --every 30s")
    def watch(
        run: Run,
        every: Annotated[str, typer.Option(metavar="DURATION", help="How often it is looked at.")] = "30s",
        rounds: Annotated[
            int | None, typer.Option(min=1, help="End after so many. [without end; 1 when piped]")
        ] = None,
    ) -> ExitCode:
        """Watch zones, devices, freshness and open findings; sends nothing."""
        from cityctl.report.watch import frame, frames, interval_of

        seconds = interval_of(every)
        if rounds is None and (not run.console.is_terminal or run.output_file is not None):
            return run.show(frame(run.project, run.now))
        return run.follow(
            frames(run.project, seconds, rounds, run.now if "CITYCTL_NOW" in os.environ else None)
        )
