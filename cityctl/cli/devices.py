"""`cityctl devices`: the PLCs and meters of the city."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="The PLCs and meters of the city.")


@leaf(app, name="list", example="cityctl devices list")
def list_(run: Run) -> ExitCode:
    """Every device: what it is and where."""
    from cityctl.modbus import look

    return run.show(look.device_list(run.project.city, run.project.library))


@leaf(app, example="cityctl devices show hafen-inlet")
def show(run: Run, device: Annotated[str, typer.Argument(help="A device of city.yaml.")]) -> ExitCode:
    """One device with its points, and what its connector warns of."""
    from cityctl.modbus import look

    return run.show(look.device(run.project.city, run.project.library, device))
