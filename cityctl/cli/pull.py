"""`cityctl pull`: exports of services into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `pull` to the root."""

    @leaf(app, example="cityctl pull --since 2026-11-01 --dry-run")
    def pull(
        run: Run,
        service: Annotated[
            list[str] | None,
            typer.Argument(metavar="[SERVICE]...", help="Services to pull; all where none is named."),
        ] = None,
        since: Annotated[
            str | None, typer.Option(metavar="TIME", help="Begin here; otherwise where the last pull ended.")
        ] = None,
        until: Annotated[str | None, typer.Option(metavar="TIME", help="End here; otherwise now.")] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show the requests, and send nothing.")
        ] = False,
    ) -> ExitCode:
        """Pull exports of services into the store."""
        from cityctl.collect import pull as pulling

        result = pulling.pull(
            run.project, service, since=since, until=until, dry_run=dry_run, now=run.now, console=run.console
        )
        return run.show(result)
