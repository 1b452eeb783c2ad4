"""`cityctl read`: live values of devices, kept nowhere."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `read` to the root."""

    @leaf(app, example="cityctl read hafen-inlet/flow")
    def read(
        run: Run,
        wanted: Annotated[
            list[str], typer.Argument(metavar="DEVICE[/POINT]...", help="Devices, or single points of them.")
        ],
    ) -> ExitCode:
        """Read devices now, and keep nothing."""
        from cityctl.modbus import look

        return run.show(look.live(run.project.city, run.project.library, wanted))
