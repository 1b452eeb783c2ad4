"""`cityctl read`: live values of devices, kept nowhere."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem


def register(app: typer.Typer) -> None:
    """Add `read` to the root."""

    @leaf(app, example="cityctl read hafen-inlet/flow")
    def read(
        run: Run,
        wanted: Annotated[
            list[str],
            typer.Argument(
                metavar="DEVICE[/POINT]",
                help="Devices, or single points of them.",
                autocompletion=names.device_points,
            ),
        ],
        watch: Annotated[
            str | None,
            typer.Option(
                metavar="DURATION", help="Again every 5s: in place on a terminal, JSONL when piped."
            ),
        ] = None,
        rounds: Annotated[int | None, typer.Option(min=1, help="With --watch: end after so many.")] = None,
    ) -> ExitCode:
        """Read devices now, and keep nothing."""
        from cityctl.modbus import look
        from cityctl.modbus.alone import Alone

        city, library = run.project.city, run.project.library
        alone = Alone.looking(run.project.state, "cityctl read", run.console.note)
        if rounds is not None and watch is None:
            raise UsageProblem("--rounds goes with --watch", hint="cityctl read DEVICE --watch 5s --rounds 4")
        if watch is None:
            return run.show(look.live(city, library, wanted, alone=alone))
        from cityctl.modbus import watch as watching

        every = watching.seconds(watch)
        return run.follow(watching.rounds(city, library, wanted, every, rounds, alone=alone))
