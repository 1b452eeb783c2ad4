"""`cityctl connectors`: the device models and services that cityctl knows."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="The device models and services that cityctl knows.")


@leaf(app, name="list", example="cityctl connectors list")
def list_(run: Run) -> ExitCode:
    """Every device model and service, the project's own files first."""
    from cityctl.collect import connectors as shelf

    return run.show(shelf.connector_list(run.library))


@leaf(app, example="cityctl connectors show eastron_sdm630")
def show(run: Run, connector: Annotated[str, typer.Argument(help="Name of a connector.")]) -> ExitCode:
    """One device model or service with its points or parameters, and its sources."""
    from cityctl.collect import connectors as shelf

    return run.show(shelf.connector(run.library, connector))


@leaf(app, example="cityctl connectors lint eastron_sdm630")
def lint(
    run: Run,
    connector: Annotated[
        list[str] | None,
        typer.Argument(help="Names or files; all that the project sees where none is given."),
    ] = None,
) -> ExitCode:
    """Check connectors: each error with file, line and column."""
    from cityctl.collect import connectors as shelf

    result = shelf.lint(run.library, connector or ())
    code = run.show(result)
    return code if shelf.is_sound(result) else ExitCode.CONFIG
