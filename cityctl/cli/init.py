"""`cityctl init`: a project folder for a real city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `init` to the root."""

    @leaf(app, example='cityctl init my-city --name "My city" --time-zone Europe/Berlin --country DE')
    def init(
        run: Run,
        folder: Annotated[Path, typer.Argument(help="Folder to make.")] = Path(),
        name: Annotated[str | None, typer.Option(help="What the city is called.")] = None,
        time_zone: Annotated[str, typer.Option(help="IANA name.")] = "UTC",
        country: Annotated[str | None, typer.Option(help="ISO 3166, for public holidays.")] = None,
        currency: Annotated[str, typer.Option(help="ISO 4217.")] = "EUR",
    ) -> ExitCode:
        """Make a project folder for a city."""
        from cityctl.project import skeleton

        text = skeleton.city_text(
            name=name or folder.resolve().name, time_zone=time_zone, country=country, currency=currency
        )
        return run.show(skeleton.describe(folder, skeleton.make(folder, text=text)))
