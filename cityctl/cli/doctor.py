"""`cityctl doctor`: check a project."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `doctor` to the root."""

    @leaf(app, example="cityctl doctor --offline")
    def doctor(
        run: Run,
        offline: Annotated[bool, typer.Option("--offline", help="Open no connection.")] = False,
    ) -> ExitCode:
        """Check a project: configuration, devices, services, store."""
        from cityctl.project.doctor import examine

        return run.show(examine(run.project, now=run.now, offline=offline))
