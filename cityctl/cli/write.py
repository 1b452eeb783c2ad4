"""`cityctl write`: one guarded write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `write` to the root."""

    @leaf(app, example='cityctl write prv-1/setpoint 4.2 --unit bar --expect 4.5 --reason "night pressure"')
    def write(
        run: Run,
        point: Annotated[
            str,
            typer.Argument(
                metavar="DEVICE/POINT", help="The point that is written.", autocompletion=names.device_points
            ),
        ],
        value: Annotated[
            str, typer.Argument(metavar="VALUE", help='A number, an amount such as "4.2 bar", or a state.')
        ],
        unit: Annotated[
            str | None, typer.Option(help="Unit of a bare number; the point's own where left out.")
        ] = None,
        expect: Annotated[str | None, typer.Option(help="Refuse unless this value is there now.")] = None,
        reason: Annotated[str, typer.Option(help="Why; the audit keeps it.")] = "",
        work_order: Annotated[str, typer.Option(help="Number of the work order; the audit keeps it.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; send nothing.")] = False,
        save: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Save the plan for another person; send nothing.")
        ] = None,
        plan: Annotated[
            Path | None, typer.Option(metavar="FILE", help="A saved plan of this write that was approved.")
        ] = None,
    ) -> ExitCode:
        """Write one point of a device, guarded: limits, read-back, audit."""
        from cityctl.cli.asking import asker
        from cityctl.runbook import doing

        order = doing.Order(
            run.project, run.library, reason, work_order, ask=asker(run), show=run.show, note=run.console.note
        )
        doing.write(order, point, value, unit=unit, expect=expect, saved=save, planned=plan, dry_run=dry_run)
        return ExitCode.DONE
