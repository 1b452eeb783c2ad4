"""`cityctl audit`: who wrote what, when and why, and whether that record is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(
    no_args_is_help=True, help="The record of every write: who, when, why, and whether it is whole."
)

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the end of its name.")]


@leaf(app, name="list", example="cityctl audit list")
def list_(run: Run) -> ExitCode:
    """List every line of the audit."""
    from cityctl.runbook import audited
    from cityctl.runbook.audit import Audit

    return run.show(audited.listing(Audit(run.project.state / "audit")))


@leaf(app, example="cityctl audit show 20261125-0332-7f3a")
def show(run: Run, name: RunName) -> ExitCode:
    """Show all that the audit holds of one run."""
    from cityctl.runbook import audited
    from cityctl.runbook.audit import Audit

    return run.show(audited.of_one(Audit(run.project.state / "audit"), name))


@leaf(app, example="cityctl audit verify")
def verify(
    run: Run,
    anchor: Annotated[
        str | None, typer.Option(metavar="LINES:HASH", help="An anchor that was kept elsewhere.")
    ] = None,
) -> ExitCode:
    """Check every byte of the audit, and name the line that was changed."""
    from cityctl.runbook import audited
    from cityctl.runbook.audit import Audit

    return run.show(audited.verified(Audit(run.project.state / "audit"), anchor), on_findings=True)


@leaf(app, example="cityctl audit export 20261125-0332-7f3a --bundle incident.zip")
def export(
    run: Run,
    name: RunName,
    bundle: Annotated[Path, typer.Option(metavar="FILE", help="The ZIP that is written.")] = Path(
        "incident.zip"
    ),
) -> ExitCode:
    """Write an incident bundle: audit, journal, recipe, and a hash of each."""
    from cityctl.runbook import audited
    from cityctl.runbook.audit import Audit

    written = audited.export(run.project.state, Audit(run.project.state / "audit"), name, bundle)
    run.console.note(f"written: {written}")
    return ExitCode.DONE
