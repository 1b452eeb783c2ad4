"""`cityctl demo`: the whole way on a simulated city."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

if TYPE_CHECKING:
    from cityctl.result import Result


def register(app: typer.Typer) -> None:
    """Add `demo` to the root."""

    @leaf(app, name="demo", example="cityctl demo --folder my-demo")
    def demonstrate(
        run: Run,
        folder: Annotated[
            Path, typer.Option(metavar="DIR", help="Folder of the demo's project; kept for your own tries.")
        ] = Path("cityctl-demo"),
        look: Annotated[
            bool, typer.Option("--open/--no-open", help="Open the report in the browser at the end.")
        ] = False,
    ) -> ExitCode:
        """Show the whole way on a simulated city.

        Switches a city's PLCs and services on, polls and pulls them, finds the leak and the savings that are
        hidden in it. Needs no network and less than a minute.
        """
        from cityctl.project.demo import PAGE, Demo

        readable = run.format in ("table", "plain", "md") and run.output_file is None and not run.quiet

        def show(result: Result) -> None:
            if readable:
                if demo.project is not None:
                    run.project = demo.project  # its time zone shows the times
                run.console.out("\n")
                run.show(result)
                run.console.out("\n")

        demo = Demo(folder, run.now, run.console, show)
        outcome = demo.run()
        if readable:
            run.console.out("\n")
        code = run.show(outcome)
        if look:
            typer.launch((folder / PAGE).resolve().as_uri())
        return code
