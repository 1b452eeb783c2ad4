"""`cityctl doctor`: check a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `doctor` to the root."""

    @leaf(app, example="cityctl doctor --offline")
    def doctor(
        run: Run,
        offline: Annotated[bool, typer.Option("--offline", help="Open no connection.")] = False,
        bundle: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Write a zip for whoever helps: checks, city.yaml without secrets."
            ),
        ] = None,
    ) -> ExitCode:
        """Check a project: configuration, devices, services, store."""
        from cityctl.project.doctor import examine

        checks = examine(run.project, now=run.now, offline=offline)
        if bundle is not None:
            from cityctl.project.bundle import save

            run.console.note(
                f"written: {save(bundle, run.project, checks)}; look through it before you send it"
            )
        return run.show(checks)
