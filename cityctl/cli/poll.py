"""`cityctl poll`: devices into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `poll` to the root."""

    @leaf(app, example="cityctl poll --explain")
    def poll(
        run: Run,
        device: Annotated[
            list[str] | None,
            typer.Argument(metavar="[DEVICE]...", help="Devices to poll; all where none is named."),
        ] = None,
        explain: Annotated[
            bool, typer.Option("--explain", help="Show the requests and their bytes, and send nothing.")
        ] = False,
    ) -> ExitCode:
        """Poll devices into the store."""
        from cityctl.collect import poll as polling

        if explain:
            return run.show(polling.explain(run.project, device))
        with run.console.progress("polling", len(polling.chosen(run.project, device))) as progress:
            result = polling.poll(
                run.project, device, on_answer=lambda answer: progress.advance(note=answer.target.device)
            )
        return run.show(result)
