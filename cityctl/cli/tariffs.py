"""`cityctl tariffs`: what use costs, as recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(
    no_args_is_help=True, help="Tariffs of energy: what there is, what one says, another's as a recipe."
)


@leaf(app, name="list", example="cityctl tariffs list")
def list_tariffs(run: Run) -> ExitCode:
    """List the tariffs: the project's own, the user's and the shipped ones."""
    from cityctl.tariff.shelf import listing

    return run.show(listing(run.library))


@leaf(app, name="show", example="cityctl tariffs show example_tou")
def show_tariff(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tariff.", autocompletion=names.tariffs)],
) -> ExitCode:
    """Show a tariff's charges with their times and prices."""
    from cityctl.tariff.shelf import description

    return run.show(description(run.library, name))


@leaf(
    app,
    name="import",
    example="cityctl tariffs import rate.json --name plant_tou --output-file recipes/tariffs/plant_tou.yaml",
)
def import_tariff(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="URDB-shaped JSON, or a CSV with a charge a row.")
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the tariff is to be called.")],
    utility: Annotated[
        str, typer.Option(metavar="WORD", help="Which rows of a CSV to take, by its column `utility`.")
    ] = "electric",
) -> ExitCode:
    """Turn a tariff as others write it into a recipe; what cannot be said in one is refused by name."""
    from cityctl.tariff.shapes import recipe_text

    return run.show_text(recipe_text(file, name, utility=utility), title=name)
