"""`cityctl sim`: the simulated city, switched on and asked what is hidden in it."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli.leaf import Run, leaf
from cityctl.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="A simulated city that speaks Modbus and HTTP.")

Now = Annotated[
    str | None,
    typer.Option(
        metavar="ISO", help="What time it is there; now where left out. Faults are placed about it."
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Another seed, another weather and other chance.")]


@leaf(app, example="cityctl sim serve --for 2s")
def serve(
    run: Run,
    port_base: Annotated[
        int | None,
        typer.Option(min=1, max=65500, help="First of 15 ports in a row; the system chooses otherwise."),
    ] = None,
    now: Now = None,
    seed: Seed = None,
    speed: Annotated[float, typer.Option(min=0, max=86400, help="How fast its clock runs.")] = 1.0,
    length: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="End after this long, such as 10m.")
    ] = None,
) -> ExitCode:
    """Answer as a city's PLCs and services on loopback until Ctrl-C.

    In the folder of `cityctl demo` it is the demo's city again, at the same ports. --output-file writes the
    addresses as JSON once everything answers.
    """
    from cityctl.sim import serving

    plan = serving.plan(run.project, now=run.now, at=now, seed=seed, port_base=port_base, speed=speed)
    with plan.started() as simulator:
        if run.output_file is not None:
            simulator.installation.write(run.output_file)
        else:
            run.show(serving.addresses(simulator.installation))
            run.console.output.flush()
        run.console.note("answering; Ctrl-C ends it")
        serving.wait(length)
    return ExitCode.DONE


@leaf(app, example="cityctl sim truth -o json")
def truth(run: Run, now: Now = None, seed: Seed = None) -> ExitCode:
    """Show what is hidden in the simulated city: leaks, stuck sensors, true savings."""
    from cityctl.sim import serving

    return run.show(serving.answers(run.project, now=run.now, at=now, seed=seed))
