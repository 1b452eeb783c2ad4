"""`cityctl poll`: devices into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.pinged import PingOption, pinged
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem


def register(app: typer.Typer) -> None:
    """Add `poll` to the root."""

    @leaf(app, example="cityctl poll --explain")
    def poll(
        run: Run,
        device: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="DEVICE",
                help="Devices to poll; all where none is named.",
                autocompletion=names.devices,
            ),
        ] = None,
        explain: Annotated[
            bool,
            typer.Option("--explain", help="Show the requests, their bytes and time, and send nothing."),
        ] = False,
        every: Annotated[
            str | None,
            typer.Option(metavar="DURATION", help="Again and again, on the marks of the clock: 15m, 1h."),
        ] = None,
        rounds: Annotated[int | None, typer.Option(min=1, help="With --every: end after so many.")] = None,
        group: Annotated[
            str | None,
            typer.Option(
                metavar="fast|slow",
                help="Only the points of this group of their connector.",
                autocompletion=names.words("fast", "slow"),
            ),
        ] = None,
        deadline: Annotated[
            str | None,
            typer.Option(metavar="DURATION", help="End a run after this long, and keep what came."),
        ] = None,
        ping: PingOption = None,
    ) -> ExitCode:
        """Poll devices into the store."""
        from cityctl.collect import every as repeated
        from cityctl.collect import poll as polling

        if explain:
            return run.show(polling.explain(run.project, device, group))
        times = repeated.Times.of(every, rounds, deadline)
        if times.every is not None:
            if ping is not None:
                raise UsageProblem(
                    "--ping tells of one run, --every never ends",
                    hint="`cityctl schedule print` starts single runs",
                )
            return run.show(
                repeated.poll_every(run.project, device, times, group=group, say=run.console.note)
            )

        def work() -> ExitCode:
            asked = polling.chosen(run.project, device, group)
            with run.console.progress("polling", len(asked)) as progress:
                result = polling.poll(
                    run.project,
                    device,
                    deadline=times.deadline,
                    asked=asked,
                    on_answer=lambda answer: progress.advance(note=answer.target.device),
                    say=run.console.note,
                )
            return run.show(result)

        return pinged(run, ping, work)
