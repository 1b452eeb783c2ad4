"""`cityctl devices`: the PLCs and meters of the city, and those that are found."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="The PLCs and meters of the city.")

Place = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE|HOST[:PORT]", help="A device of city.yaml, or a place.", autocompletion=names.devices
    ),
]
UnitId = Annotated[
    int | None, typer.Option("--unit", min=0, max=255, help="Modbus unit; the device's own, or 1.")
]
Rate = Annotated[float, typer.Option(min=0.1, max=1000, help="Requests a second to one place, at most.")]


@leaf(app, name="list", example="cityctl devices list")
def list_(run: Run) -> ExitCode:
    """Every device: what it is and where."""
    from cityctl.modbus import look

    return run.show(look.device_list(run.project.city, run.project.library))


@leaf(app, example="cityctl devices show hafen-inlet")
def show(
    run: Run,
    device: Annotated[str, typer.Argument(help="A device of city.yaml.", autocompletion=names.devices)],
) -> ExitCode:
    """One device with its points, and what its connector warns of."""
    from cityctl.modbus import look

    return run.show(look.device(run.project.city, run.project.library, device))


@leaf(app, example="cityctl devices scan hafen-inlet --units 1-16")
def scan(
    run: Run,
    place: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DEVICE|HOST[:PORT]",
            help="Where to look; every line of the city if left out.",
            autocompletion=names.devices,
        ),
    ] = None,
    units: Annotated[str, typer.Option(help="Modbus units to ask, such as 1-10,17.")] = "1-32",
    timeout: Annotated[float, typer.Option(min=0.01, max=60, help="Seconds that a unit is given.")] = 0.5,
    rate: Rate = 20.0,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Ask who says nothing to a read of address 0 for a register of each connector as well.",
        ),
    ] = False,
) -> ExitCode:
    """Which units answer, and what they say of themselves. Reads only."""
    from cityctl.modbus.looking import around

    places = place or []
    steps = around.scan_steps(run.project, places, units)
    with run.console.progress("scanning", steps) as progress:
        result = around.scan(
            run.project,
            run.library,
            places,
            units=units,
            timeout=timeout,
            rate=rate,
            thorough=thorough,
            on_unit=lambda where: progress.advance(note=where),
            say=run.console.note,
        )
    return run.show(result)


@leaf(app, example="cityctl devices identify hafen-inlet")
def identify(
    run: Run,
    place: Place,
    unit: UnitId = None,
    timeout: Annotated[float, typer.Option(min=0.01, max=60, help="Seconds for one answer.")] = 1.0,
    rate: Rate = 20.0,
) -> ExitCode:
    """Which connector fits a device, with reasons and a guess at its word order. Reads only."""
    from cityctl.modbus.looking import around

    with run.console.progress("trying connectors") as progress:
        result = around.identify(
            run.project,
            run.library,
            place,
            unit=unit,
            timeout=timeout,
            rate=rate,
            on_connector=lambda name: progress.advance(note=name),
            say=run.console.note,
        )
    return run.show(result)


@leaf(app, example="cityctl devices diagnose hafen-inlet")
def diagnose(
    run: Run,
    place: Place,
    unit: UnitId = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.01, max=60, help="Seconds for one answer; the device's own.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Requests that are timed.")] = 20,
) -> ExitCode:
    """What is wrong with a device, step by step, and what to do next. Reads only."""
    from cityctl.modbus.looking import around

    result, answers = around.diagnose(
        run.project,
        run.library,
        place,
        unit=unit,
        timeout=timeout,
        rounds=rounds,
        say=run.console.note,
    )
    return run.show(result, ending=None if answers else ExitCode.UNREACHABLE)
