"""`cityctl data`: the store of readings."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import care, imports, names, repairs
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.cli.span import LastOption, SinceOption, UntilOption
from cityctl.errors import ExitCode, UsageProblem

app = typer.Typer(
    no_args_is_help=True, help="The store: what it holds, what is missing, readings in and out."
)

PointsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="POINT",
        help="Points; `b0_*` names several. All where none is named.",
        autocompletion=names.points,
    ),
]


@leaf(app, example="cityctl data status")
def status(run: Run, points: PointsArgument = None) -> ExitCode:
    """Show what the store holds: points, readings, first, last, size."""
    from cityctl.store.asked.status import status as held

    return run.show(held(run.project, points or ()))


@leaf(app, example="cityctl data gaps --last 30d")
def gaps(
    run: Run,
    points: PointsArgument = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
) -> ExitCode:
    """Show which readings are missing, and since when."""
    from cityctl.store.asked.gaps import gaps as missing

    return run.show(missing(run.project, points or (), since=since, until=until, last=last, now=run.now))


@leaf(app, example="cityctl data export hafen_inflow --since 2026-11 --output-file hafen.csv")
def export(
    run: Run,
    points: PointsArgument = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    openmetrics: Annotated[
        bool,
        typer.Option(
            "--openmetrics", help="Last values, freshness and findings, for Prometheus' textfile collector."
        ),
    ] = False,
) -> ExitCode:
    """Write readings out, one a row, in the city's units: csv, jsonl and parquet are streamed."""
    if openmetrics:
        if since or until or last or run.output:
            raise UsageProblem(
                "--openmetrics shows how things stand now, in its own format",
                hint="cityctl data export --openmetrics --output-file /var/lib/node_exporter/cityctl.prom",
            )
        from cityctl.report.openmetrics import openmetrics as metrics

        run.write(metrics(run.project, points or (), now=run.now))
        return ExitCode.DONE
    from cityctl.store.asked.export import export as written

    result = written(
        run.project,
        points or (),
        form=run.format,
        path=run.output_file,
        out=run.console.out_bytes,
        terminal=run.console.is_terminal,
        since=since,
        until=until,
        last=last,
        now=run.now,
    )
    if result is not None:
        return run.show(result)
    if run.output_file is not None:
        run.console.note(f"written: {run.output_file}")
    return ExitCode.DONE


@leaf(app, example="cityctl data sql 'select point, count(*) as readings from readings group by point'")
def sql(
    run: Run,
    query: Annotated[
        str,
        typer.Argument(
            metavar="SELECT", help=r"One SELECT; it cannot change anything. '\d' lists what there is to ask."
        ),
    ],
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="Rows at most; 1000 where people look on.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Stop the query after so long.")
    ] = 60.0,
) -> ExitCode:
    r"""Ask with SQL: `water.hafen` and the like in local time, readings, points, repairs ...; '\d' lists them."""
    from cityctl.store.asked.sql import sql as answer

    return run.show(
        answer(
            run.project,
            query,
            since=since,
            until=until,
            last=last,
            limit=limit,
            form=run.format,
            seconds=timeout,
            now=run.now,
        )
    )


@leaf(app, example="cityctl data compact")
def compact(run: Run) -> ExitCode:
    """Merge small segments, settle revisions, sweep what nobody needs."""
    from cityctl.store.care.commands import compacted

    return run.show(compacted(run.project))


@leaf(app, example="cityctl data reparse historian --since 2026-11-01")
def reparse(
    run: Run,
    service: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SERVICE", help="Services; all where none is named.", autocompletion=names.services
        ),
    ] = None,
    since: SinceOption = None,
) -> ExitCode:
    """Read again what was pulled, offline, after a parser or connector was mended."""
    from cityctl.collect.reparse import reparse as read_again

    return run.show(read_again(run.project, service, since=since, now=run.now, console=run.console))


imports.register(app)
care.register(app)
repairs.register(app)
