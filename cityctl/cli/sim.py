"""`cityctl sim`: the simulated city, switched on and asked what is hidden in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode
from cityctl.wording import counted

app = typer.Typer(no_args_is_help=True, help="A simulated city that speaks Modbus and HTTP.")

Now = Annotated[
    str | None,
    typer.Option(
        metavar="ISO", help="What time it is there; now where left out. Faults are placed about it."
    ),
]
Length = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="End after this long, such as 10m.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; the system chooses otherwise.")]
Session = Annotated[Path, typer.Argument(metavar="FILE", help="A recorded session.")]
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
    length: Length = None,
    writes: Annotated[bool, typer.Option("--writes", help="Its devices take writes.")] = False,
) -> ExitCode:
    """Answer as a city's PLCs and services on loopback until Ctrl-C.

    In the folder of `cityctl demo` it is the demo's city again, at the same ports. --output-file writes the
    addresses as JSON once everything answers.
    """
    from cityctl.sim import serving

    plan = serving.plan(run.project, now=run.now, at=now, seed=seed, port_base=port_base, speed=speed)
    with plan.started(writes=writes) as simulator:
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


@leaf(app, example="cityctl sim faults late garbage=0.01 --share 0.05 --for 2s")
def faults(
    run: Run,
    kind: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND[=SHARE]",
            help="late, slow, short, wrong-unit, wrong-transaction, garbage, closing, exception, drip, silent; "
            "all where none is named.",
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Part of all answers that is spoilt, over the kinds.")
    ] = 0.1,
    late: Annotated[float, typer.Option(min=0, help="Seconds by which `late` is late.")] = 4.0,
    port_base: Annotated[
        int | None,
        typer.Option(min=1, max=65500, help="First of 15 ports in a row; the system chooses otherwise."),
    ] = None,
    now: Now = None,
    seed: Seed = None,
    length: Length = None,
) -> ExitCode:
    """Serve the simulated city with PLCs that answer badly, as real ones do."""
    from cityctl.sim import faulty, serving

    spoiling = faulty.Faulty(faulty.shares(kind or (), share), seed=seed or 1, late=late)
    plan = serving.plan(run.project, now=run.now, at=now, seed=seed, port_base=port_base)
    with plan.started(faulty=spoiling) as simulator:
        run.show(serving.addresses(simulator.installation))
        run.console.output.flush()
        run.console.note("answering, badly; Ctrl-C ends it")
        serving.wait(length)
    return ExitCode.DONE


@leaf(app, example="cityctl sim record 10.0.0.5:502 meter.session --port 1502")
def record(
    run: Run,
    device: Annotated[
        str,
        typer.Argument(
            metavar="HOST:PORT|URL", help="The real device or gateway, or https://HOST of a service."
        ),
    ],
    file: Session,
    port: Port = 0,
    rtu: Annotated[bool, typer.Option("--rtu", help="It speaks Modbus RTU over TCP.")] = False,
    length: Length = None,
) -> ExitCode:
    """Write a session down: listen, pass on to a device or service, and keep both sides. Secrets are blotted out."""
    from cityctl.sim.recording import http_tap, wiretap

    if http_tap.is_url(device):
        count = http_tap.record(device, file, port=port, length=length, say=run.console.note)
        run.console.note(f"{counted(count, 'request')} in {file}")
        return ExitCode.DONE
    written = wiretap.record(device, file, port=port, rtu=rtu, length=length, say=run.console.note)
    run.console.note(f"{counted(written, 'line')} in {file}")
    return ExitCode.DONE


@leaf(app, example="cityctl sim replay meter.session --port 1502")
def replay(
    run: Run,
    file: Session,
    port: Port = 0,
    speed: Annotated[float, typer.Option(min=0.001, max=1000, help="How much faster it answers.")] = 1.0,
    length: Length = None,
) -> ExitCode:
    """Answer as a recorded device did, at the same pace, faults and all; or as a recorded service did."""
    from cityctl.sim.recording import http_session, http_tap, wiretap

    if http_session.is_http(file):
        known, unknown = http_tap.replay(file, port=port, length=length, say=run.console.note)
    else:
        known, unknown = wiretap.replay(file, port=port, speed=speed, length=length, say=run.console.note)
    run.console.note(f"{counted(known, 'request')} answered as recorded, {unknown} that were never recorded")
    return ExitCode.DONE
