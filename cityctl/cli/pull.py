"""`cityctl pull`: exports of services into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.pinged import PingOption, pinged
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem


def register(app: typer.Typer) -> None:
    """Add `pull` to the root."""

    @leaf(app, example="cityctl pull --since 2026-11-01 --dry-run")
    def pull(
        run: Run,
        service: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="SERVICE",
                help="Services to pull; all where none is named.",
                autocompletion=names.services,
            ),
        ] = None,
        since: Annotated[
            str | None, typer.Option(metavar="TIME", help="Begin here; otherwise where the last pull ended.")
        ] = None,
        until: Annotated[str | None, typer.Option(metavar="TIME", help="End here; otherwise now.")] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show the requests, and send nothing.")
        ] = False,
        preview: Annotated[
            int | None,
            typer.Option(
                min=1, metavar="ROWS", help="Show the first readings of each series; store nothing."
            ),
        ] = None,
        backfill: Annotated[
            bool,
            typer.Option("--backfill", help="Ask for what `data gaps` finds missing, and only for that."),
        ] = False,
        ping: PingOption = None,
    ) -> ExitCode:
        """Pull exports of services into the store."""
        if preview is not None:
            if dry_run or backfill:
                raise UsageProblem(
                    "--preview goes with neither --dry-run nor --backfill", hint="name one of them"
                )
            from cityctl.collect import trial

            return run.show(
                trial.preview(run.project, service, preview, since=since, until=until, now=run.now)
            )
        from cityctl.collect import pull as pulling

        def work() -> ExitCode:
            result = pulling.pull(
                run.project, service, since=since, until=until, dry_run=dry_run, backfill=backfill,
                now=run.now, console=run.console,
            )  # fmt: skip
            return run.show(result)

        return pinged(run, None if dry_run else ping, work)
