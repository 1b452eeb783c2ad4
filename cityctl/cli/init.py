"""`cityctl init`: a project folder for a real city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.disk import here
from cityctl.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add `init` to the root."""

    @leaf(
        app,
        example="cityctl init my-city --time-zone Europe/Berlin --country DE --from flows.csv --unit m3/h",
    )
    def init(
        run: Run,
        folder: Annotated[Path, typer.Argument(help="Folder to make.")] = Path(),
        name: Annotated[str | None, typer.Option(help="What the city is called.")] = None,
        time_zone: Annotated[str | None, typer.Option(help="IANA name; UTC where left out.")] = None,
        country: Annotated[str | None, typer.Option(help="ISO 3166, for public holidays.")] = None,
        currency: Annotated[str | None, typer.Option(help="ISO 4217; EUR where left out.")] = None,
        from_: Annotated[
            list[Path] | None,
            typer.Option("--from", metavar="FILE", help="Begin with the series of a file; may be repeated."),
        ] = None,
        unit: Annotated[
            str | None, typer.Option(metavar="U", help="Unit of the files' values, where they do not say it.")
        ] = None,
        encoding: Annotated[
            str | None,
            typer.Option(metavar="NAME", help="Of files that are not UTF-8, such as cp1250."),
        ] = None,
    ) -> ExitCode:
        """Make a project folder for a city.

        With `--from`, each flow of the file becomes a zone with its inflow, each energy meter a building.
        """
        from cityctl.project import skeleton

        zone = time_zone or "UTC"
        assumed = [f"time zone {zone}"] * (not time_zone) + ["currency EUR"] * (not currency)
        text = skeleton.city_text(
            name=name or (here() / folder).resolve().name,
            time_zone=zone,
            country=country,
            currency=currency or "EUR",
        )
        if not from_:
            return run.show(skeleton.describe(folder, skeleton.make(folder, text=text), assumed=assumed))
        from cityctl.city.fields import encoding_named
        from cityctl.project import from_files

        letters = encoding_named(encoding) if encoding else None
        seen = from_files.look(
            from_, unit=unit, encoding=letters, time_zone=zone, now=run.now, console=run.console
        )
        text = skeleton.filled(
            text,
            zones=from_files.zones_yaml(seen),
            points=from_files.points_yaml(seen),
            files=from_files.files_yaml(seen, folder, unit=unit, encoding=letters),
        )
        made = skeleton.make(folder, text=text)
        return run.show(skeleton.describe(folder, made, from_files.steps(seen, folder, zone), assumed))
