"""`cityctl config`: what is configured, and where it is written."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="What is configured, and where it is written.")


@leaf(app, example="cityctl config path")
def path(run: Run) -> ExitCode:
    """Print the folder of city.yaml."""
    return run.show_text(str(run.project.folder), title="Project folder")


@leaf(app, example="cityctl config validate")
def validate(run: Run) -> ExitCode:
    """Check city.yaml, and say what it holds."""
    from cityctl.project.configured import census

    return run.show(census(run.project))


@leaf(app, example="cityctl config show")
def show(run: Run) -> ExitCode:
    """Show every setting with the file and line that it comes from."""
    from cityctl.project.configured import settings

    return run.show(settings(run.project))


@leaf(app, example="cityctl config schema --output-file city.schema.json")
def schema(
    run: Run,
    of: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="city, device, service, report, runbook or tariff.",
            autocompletion=names.words("city", "device", "service", "report", "runbook", "tariff"),
        ),
    ] = "city",
) -> ExitCode:
    """Print the JSON Schema of city.yaml, of connectors or recipes, for editors."""
    from cityctl.project.schemas import LANGUAGES, schema

    return run.show_text(schema(of), title=f"JSON Schema of {LANGUAGES[of]}")
