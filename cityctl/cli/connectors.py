"""`cityctl connectors`: the device models and services that cityctl knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem

app = typer.Typer(no_args_is_help=True, help="The device models and services that cityctl knows.")


@leaf(app, name="list", example="cityctl connectors list")
def list_(run: Run) -> ExitCode:
    """Every device model and service, the project's own files first."""
    from cityctl.collect import connectors as shelf

    return run.show(shelf.connector_list(run.library))


@leaf(app, example="cityctl connectors show eastron_sdm630")
def show(
    run: Run,
    connector: Annotated[str, typer.Argument(help="Name of a connector.", autocompletion=names.connectors)],
) -> ExitCode:
    """One device model or service with its points or parameters, and its sources."""
    from cityctl.collect import connectors as shelf

    return run.show(shelf.connector(run.library, connector))


@leaf(app, example="cityctl connectors new acme_flow_1 --class water_meter")
def new(
    run: Run,
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _.")],
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="CSV", help="The maker's register list, with a line of headings."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A device or service that it is much like: its file is copied.",
            autocompletion=names.connectors,
        ),
    ] = None,
    vendor: Annotated[str, typer.Option(help="Who makes it.")] = "",
    model: Annotated[str, typer.Option(help="What it is called.")] = "",
    class_: Annotated[str, typer.Option("--class", help="What sort of device it is.")] = "controller",
    word_order: Annotated[str, typer.Option(help="ABCD, CDAB, BADC or DCBA.")] = "ABCD",
    address_base: Annotated[
        str, typer.Option(help="What the list calls the first register: 0, 1, 4xxxx.")
    ] = "0",
    function_code: Annotated[int, typer.Option(min=1, max=4, help="3 holding, 4 input registers.")] = 3,
) -> ExitCode:
    """Begin a connector: a file that lints, from nothing, a register list, or one that is much like it.

    A service begins like another one: `--like csv_headend`, or `octopus_electricity` for pages of JSON.
    """
    from cityctl.collect import connectors as shelf
    from cityctl.collect import new_connector

    if like is not None:
        if table is not None:
            raise UsageProblem("--from and --like are two ways to begin: take one of them")
        result = new_connector.like(run.library, run.project, name, like)
        return run.show(result, ending=None if shelf.is_sound(result) else ExitCode.CONFIG)
    result = new_connector.new(
        run.library,
        new_connector.folder_of(run.project),
        name,
        table=table,
        vendor=vendor,
        model=model,
        device_class=class_,
        word_order=word_order,
        address_base=address_base,
        function_code=function_code,
    )
    return run.show(result, ending=None if shelf.is_sound(result) else ExitCode.CONFIG)


@leaf(app, example="cityctl connectors lint eastron_sdm630")
def lint(
    run: Run,
    connector: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names or files; all that the project sees where none is given.",
            autocompletion=names.connectors,
        ),
    ] = None,
) -> ExitCode:
    """Check connectors: each error with file, line and column."""
    from cityctl.collect import connectors as shelf

    result = shelf.lint(run.library, connector or ())
    return run.show(result, ending=None if shelf.is_sound(result) else ExitCode.CONFIG)


@leaf(app, name="test", example="cityctl connectors test csv_headend")
def prove(
    run: Run,
    name: Annotated[
        str,
        typer.Argument(
            help="A service of city.yaml, or a service connector with an example.",
            autocompletion=names.services_or_connectors,
        ),
    ],
    session: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A session of `sim record`, instead of the service.")
    ] = None,
) -> ExitCode:
    """Try a service: does it let us in, is its answer understood, what would be mapped. Nothing is stored."""
    from cityctl.collect import proving

    return run.show(proving.prove(run.project, run.library, name, session=session, now=run.now))
