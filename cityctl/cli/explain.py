"""`cityctl explain FINDING`."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `explain` to the root."""

    @leaf(app, example="cityctl explain 3fa2b1c4")
    def explain(
        run: Run,
        finding: Annotated[
            str,
            typer.Argument(
                metavar="FINDING", help="Its id; `findings list` names them.", autocompletion=names.findings
            ),
        ],
    ) -> ExitCode:
        """Show what a finding rests on, and how to work it out again."""
        from cityctl.report.explain import explain as explained

        return run.show(explained(finding, run.project))
