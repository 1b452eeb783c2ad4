"""`cityctl data import`: files into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ConfigInvalid, ExitCode, UsageProblem

_TABLE = "How the table is written"


def register(app: typer.Typer) -> None:
    """Add `import` to the data group."""

    @leaf(app, name="import", example="cityctl data import flows.csv --unit m3/h --time-zone UTC")
    def import_(
        run: Run,
        file: Annotated[
            list[Path] | None,
            typer.Argument(
                metavar="FILE", help="Files, or folders of them; those of city.yaml where none is named."
            ),
        ] = None,
        format_: Annotated[
            str | None,
            typer.Option("--format", metavar="NAME", help="Such as nem12; found by content where left out."),
        ] = None,
        layout: Annotated[
            str,
            typer.Option(
                help="long, wide or auto.",
                autocompletion=names.words("long", "wide", "auto"),
                rich_help_panel=_TABLE,
            ),
        ] = "auto",
        time: Annotated[
            str | None,
            typer.Option(
                metavar="COL", help="Column of the time; `Date + Time` joins two.", rich_help_panel=_TABLE
            ),
        ] = None,
        point: Annotated[
            str | None,
            typer.Option(metavar="COL", help="Column of the series' name.", rich_help_panel=_TABLE),
        ] = None,
        value: Annotated[
            str | None,
            typer.Option(
                metavar="COL",
                help="Column of the value; `Reading * Multiplier` multiplies.",
                rich_help_panel=_TABLE,
            ),
        ] = None,
        quality: Annotated[
            str | None, typer.Option(metavar="COL", help="Column of the quality.", rich_help_panel=_TABLE)
        ] = None,
        map_: Annotated[
            list[str] | None,
            typer.Option(
                "--map", metavar="COL=POINT", help="Column or series, and its point; only these are read."
            ),
        ] = None,
        unit: Annotated[
            str | None, typer.Option(metavar="U", help="Unit of the values.", rich_help_panel=_TABLE)
        ] = None,
        time_zone: Annotated[
            str | None,
            typer.Option(
                metavar="ZONE", help="Of times without offset; the city's otherwise.", rich_help_panel=_TABLE
            ),
        ] = None,
        time_format: Annotated[
            str | None,
            typer.Option(
                metavar="FORMAT", help="Such as DD/MM/YYYY HH:mm, %d.%m.%y, excel.", rich_help_panel=_TABLE
            ),
        ] = None,
        stamp: Annotated[
            str,
            typer.Option(
                help="start or end: what a time says of its interval.",
                autocompletion=names.words("start", "end"),
                rich_help_panel=_TABLE,
            ),
        ] = "start",
        every: Annotated[
            str | None, typer.Option(metavar="15m", help="Length of an interval.", rich_help_panel=_TABLE)
        ] = None,
        kind: Annotated[
            str | None,
            typer.Option(
                help="gauge, counter or interval.",
                autocompletion=names.words("gauge", "counter", "interval"),
                rich_help_panel=_TABLE,
            ),
        ] = None,
        decimal: Annotated[
            str | None, typer.Option(metavar="SIGN", help="Decimal sign: . or ,", rich_help_panel=_TABLE)
        ] = None,
        delimiter: Annotated[
            str | None, typer.Option(metavar="SIGN", help="Sign between cells.", rich_help_panel=_TABLE)
        ] = None,
        encoding: Annotated[
            str | None,
            typer.Option(
                metavar="NAME", help="Of a text that is not UTF-8, such as cp1250.", rich_help_panel=_TABLE
            ),
        ] = None,
        missing: Annotated[
            list[float] | None,
            typer.Option(metavar="VALUE", help="Value that stands for no reading.", rich_help_panel=_TABLE),
        ] = None,
        rows: Annotated[
            str | None,
            typer.Option(metavar="EXPR", help="JMESPath of a JSON file's rows.", rich_help_panel=_TABLE),
        ] = None,
        all_: Annotated[
            bool, typer.Option("--all", help="Keep series that no point takes, under their own names.")
        ] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say what would come in; works without a project.")
        ] = False,
    ) -> ExitCode:
        """Import files: CSV, XLSX, JSON, Green Button, NEM12, MSCONS and others; .gz and .zip too."""
        from cityctl import clock, units
        from cityctl.city.fields import encoding_named
        from cityctl.collect.jobs import Options
        from cityctl.collect.load import import_files
        from cityctl.exports.shape import Shape

        one_of = {"--layout": (layout, "long", "wide", "auto"), "--stamp": (stamp, "start", "end"),
                  "--kind": (kind, "gauge", "counter", "interval"), "--decimal": (decimal, ".", ",")}  # fmt: skip
        for option, (word, *known) in one_of.items():
            if word is not None and word not in known:
                raise UsageProblem(
                    f"`{option} {word}`: no such value", hint=f"one of: {' '.join(map(str, known))}"
                )
        mapping: dict[str, str] = {}
        for said in map_ or ():
            name, sign, target = said.rpartition("=")
            if not sign or not name or not target:
                raise UsageProblem(f"`--map {said}`: expected COLUMN=POINT", hint="--map p227=inflow_north")
            mapping[name.strip()] = target.strip()
        shape = Shape(
            layout=layout,  # type: ignore[arg-type]  # checked above
            time=time,
            point=point,
            value=value,
            quality=quality,
            unit=units.unit(unit).symbol if unit else None,
            time_zone=clock.zone_named(time_zone).key if time_zone else None,
            time_format=time_format,
            stamp=stamp,  # type: ignore[arg-type]  # checked above
            every=clock.duration(every) if every else None,
            kind=kind,  # type: ignore[arg-type]  # checked above
            decimal=decimal,  # type: ignore[arg-type]  # checked above
            delimiter={"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) if delimiter else None,
            encoding=encoding_named(encoding) if encoding else None,
            missing=tuple(missing or ()),
            rows=rows,
        )
        options = Options(shape, format_, mapping, keep_all=all_, dry_run=dry_run)
        project = run.project
        try:
            _ = project.folder
        except ConfigInvalid:
            if not dry_run:
                raise
            return run.show(import_files(None, file or [], options, now=run.now, console=run.console))
        return run.show(import_files(project, file or [], options, now=run.now, console=run.console))
