"""`cityctl runbook`: maintenance with a plan, proof, and a way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="Maintenance runbooks: plan, run, resume, approve.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A runbook.", autocompletion=names.runbooks)]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="INPUT=VALUE", help="Its inputs; `runbook show NAME` lists them."),
]
Reason = Annotated[str, typer.Option(help="Why; the audit keeps it.")]
WorkOrder = Annotated[str, typer.Option(help="Number of the work order; the audit keeps it.")]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", metavar="NAME=VALUE", help="Answer of a person to a step, given beforehand."),
]
Simulate = Annotated[bool, typer.Option("--simulate", help="On a pretended plant; no device is asked.")]


@leaf(app, name="list", example="cityctl runbook list")
def list_(run: Run) -> ExitCode:
    """List the runbooks."""
    from cityctl.runbook import results

    return run.show(results.listing(run.library))


@leaf(app, example="cityctl runbook show swap-duty-pump")
def show(run: Run, name: Name) -> ExitCode:
    """Show what a runbook takes and does."""
    from cityctl.runbook import results

    return run.show(results.description(run.library, name))


@leaf(app, example="cityctl runbook lint swap-duty-pump")
def lint(
    run: Run,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE", help="Runbooks; all where none is named.", autocompletion=names.runbooks
        ),
    ] = None,
) -> ExitCode:
    """Check runbooks: names, units, states."""
    from cityctl.runbook import results

    return run.show(results.lint(run.library, names or ()))


@leaf(app, example="cityctl runbook plan swap-duty-pump duty=pump-1 standby=pump-2 --save swap.plan")
def plan(
    run: Run,
    name: Name,
    inputs: Inputs = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save it, to be approved and run.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it may be run, such as 2h.")
    ] = None,
    reason: Reason = "",
    work_order: WorkOrder = "",
    answer: Answers = None,
    simulate: Simulate = False,
) -> ExitCode:
    """Show what a run would do, on live values; send nothing."""
    from cityctl.runbook import doing

    order = doing.Order(
        run.project, run.library, reason, work_order, answer or (), show=run.show, note=run.console.note
    )
    doing.plan_runbook(order, name, inputs or (), saved=save, lasts=expires, simulate=simulate)
    return ExitCode.DONE


@leaf(app, name="run", example="cityctl runbook run swap-duty-pump --simulate")
def run_(
    run: Run,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A runbook; left out with --plan.", autocompletion=names.runbooks
        ),
    ] = None,
    inputs: Inputs = None,
    plan_: Annotated[Path | None, typer.Option("--plan", metavar="FILE", help="A saved plan.")] = None,
    reason: Reason = "",
    work_order: WorkOrder = "",
    answer: Answers = None,
    simulate: Simulate = False,
    again: Annotated[bool, typer.Option("--again", help="Though it was done just now.")] = False,
) -> ExitCode:
    """Run a runbook: plan, ask, write with proof, undo where a step fails."""
    from cityctl.cli.asking import asker
    from cityctl.runbook import doing

    order = doing.Order(
        run.project,
        run.library,
        reason,
        work_order,
        answer or (),
        asker(run),
        run.show,
        run.console.note,
        again,
    )
    doing.run_runbook(order, name, inputs or (), planned=plan_, simulate=simulate)
    return ExitCode.DONE


@leaf(app, example='cityctl runbook resume 20261125-0332-7f3a --reason "the laptop died"')
def resume(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="RUN", help="A run, or the end of its name.")],
    undo: Annotated[bool, typer.Option("--undo", help="Undo what it did, instead of going on.")] = False,
    reason: Reason = "",
    work_order: WorkOrder = "",
    answer: Answers = None,
) -> ExitCode:
    """Go on with a run that was killed: nothing is sent twice, nothing is skipped."""
    from cityctl.cli.asking import asker
    from cityctl.runbook import doing

    order = doing.Order(
        run.project, run.library, reason, work_order, answer or (), asker(run), run.show, run.console.note
    )
    doing.resume(order, name, undo=undo)
    return ExitCode.DONE


@leaf(app, example="cityctl runbook approve swap.plan")
def approve(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan that another person saved.")],
    reason: Reason = "",
) -> ExitCode:
    """Approve another person's plan: it may be run once, unattended, until it expires."""
    from cityctl.runbook import doing

    doing.approve(doing.Order(run.project, run.library, reason, note=run.console.note), file)
    return ExitCode.DONE


@leaf(app, example="cityctl runbook log")
def log(
    run: Run,
    name: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run; all of them where left out.")
    ] = None,
) -> ExitCode:
    """Show the runs, or what one of them noted."""
    from cityctl.runbook import results

    return run.show(results.log(run.project.state, name))


@leaf(app, example="cityctl runbook new raise-pressure")
def new(
    run: Run, name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: a new one.")]
) -> ExitCode:
    """Make a runbook to fill in, in the project."""
    from cityctl.runbook import results

    path = results.new(run.project.folder, name)
    steps = f"fill it in: {path}, then `cityctl runbook lint {name}` and `runbook run {name} --simulate`"
    return run.show_text(steps, title="Runbook")
