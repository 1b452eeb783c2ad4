"""`cityctl data history | verify | backup | restore | rebuild | retain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem

_KEPT = "Older than this is dropped, once it is rolled up: 400d, 104w ..."


def register(app: typer.Typer) -> None:
    """Add the commands to the data group."""

    @leaf(app, example="cityctl data history hafen_inflow --last 30d")
    def history(
        run: Run,
        points: Annotated[
            list[str],
            typer.Argument(
                metavar="POINT", help="Points; `b0_*` names several.", autocompletion=names.points
            ),
        ],
        at: Annotated[
            str | None, typer.Option("--at", metavar="TIME", help="Only what was known then.")
        ] = None,
        since: Annotated[str | None, typer.Option(metavar="TIME", help="Readings from then on.")] = None,
        until: Annotated[str | None, typer.Option(metavar="TIME", help="Readings up to then.")] = None,
        last: Annotated[str | None, typer.Option(metavar="SPAN", help="7d, 36h, last-week ...")] = None,
        everything: Annotated[
            bool, typer.Option("--all", help="Readings with one version only, too.")
        ] = False,
    ) -> ExitCode:
        """Show the versions of readings: what was known when, and who received it."""
        from cityctl.store.asked.history import history as versions

        result = versions(
            run.project,
            points,
            at=at,
            since=since,
            until=until,
            last=last,
            everything=everything,
            now=run.now,
        )
        return run.show(result)

    @leaf(app, example="cityctl data verify")
    def verify(
        run: Run,
        exit_code: Annotated[
            bool, typer.Option("--exit-code", help="End with 3 where a segment is damaged.")
        ] = False,
    ) -> ExitCode:
        """Check every segment: there, whole, readable, in order, as the list says."""
        from cityctl.store.care.commands import verified

        return run.show(verified(run.project), on_findings=exit_code)

    @leaf(app, example="cityctl data backup ../backup")
    def backup(
        run: Run,
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made, or brought up to date.")],
    ) -> ExitCode:
        """Copy the store while it is in use; what is there already is checked and kept."""
        from cityctl.store.care.commands import backed_up

        return run.show(backed_up(run.project, folder))

    @leaf(app, example="cityctl data restore ../backup")
    def restore(
        run: Run,
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `data backup` wrote.")],
        replace: Annotated[
            bool, typer.Option("--replace", help="Replace the whole store; the old one is moved aside.")
        ] = False,
    ) -> ExitCode:
        """Bring a backup back: all of it, or the damaged segments of the store that is there."""
        from cityctl.store.care.commands import restored

        return run.show(restored(run.project, folder, replace=replace))

    @leaf(app, example="cityctl data rebuild")
    def rebuild(run: Run) -> ExitCode:
        """Make a lost or damaged list anew from the segments."""
        from cityctl.store.care.commands import rebuilt

        return run.show(rebuilt(run.project))

    @leaf(app, example="cityctl data retain --raw 800d --dry-run")
    def retain(
        run: Run,
        raw: Annotated[str | None, typer.Option(metavar="SPAN", help=_KEPT)] = None,
        hourly: Annotated[
            str | None, typer.Option(metavar="SPAN", help="The same for hourly values.")
        ] = None,
        daily: Annotated[str | None, typer.Option(metavar="SPAN", help="The same for daily values.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    ) -> ExitCode:
        """Roll past months up by hour, day and month; drop what is older than city.yaml or the options say."""
        from cityctl import clock
        from cityctl.store.care.commands import retained

        spans = {"raw": raw, "hourly": hourly, "daily": daily}
        kept = {level: clock.duration(word) if word else None for level, word in spans.items()}
        for level, length in kept.items():
            if length is not None and not length:
                raise UsageProblem(
                    f"`--{level} {spans[level]}` would keep nothing", hint="write 400d, 104w or the like"
                )
        return run.show(
            retained(
                run.project,
                raw=kept["raw"],
                hourly=kept["hourly"],
                daily=kept["daily"],
                now=run.now,
                dry_run=dry_run,
            )
        )
