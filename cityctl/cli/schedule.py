"""`cityctl schedule`: a command as a crontab's line or as units of systemd."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem

app = typer.Typer(no_args_is_help=True, help="Run a command by cron or systemd.")


@app.callback()
def _group() -> None:
    """Run a command by cron or systemd."""


@leaf(app, name="print", example="cityctl schedule print --systemd --every 15m -- poll --deadline 5m")
def print_schedule(
    run: Run,
    command: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND", help="The command, without `cityctl`; its options after `--`."),
    ],
    cron: Annotated[bool, typer.Option("--cron", help="A line of a crontab.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A service and its timer.")] = False,
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="On the clock's marks: 15m, 1h.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="HH:MM", help="Once a day, local time.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --systemd: the account that it runs as.")
    ] = None,
) -> ExitCode:
    """Print a crontab's line or systemd's units for a command, to put in place; changes nothing."""
    from cityctl.project.schedule import Job, crontab, when
    from cityctl.project.schedule import systemd as units

    if cron == systemd:
        raise UsageProblem(
            "say one of --cron and --systemd", hint="cityctl schedule print --cron --at 06:30 poll"
        )
    time = when(every, at)
    _parses(command)
    project = run.project
    store = project.store_folder.absolute()
    writes = (project.state,) if project.state in store.parents else (project.state, store)
    job = Job(_program(), tuple(command), project.folder, writes)
    text = crontab(job, time) if cron else units(job, time, user=user)
    return run.show_text(text, title="Schedule")


def _program() -> str:
    """Where this cityctl is, whole: cron's PATH is short."""
    called = Path(sys.argv[0])
    if called.name.removesuffix(".exe") == "cityctl" and called.is_file():
        return str(called.absolute())
    return shutil.which("cityctl") or str(Path(sys.executable).with_name("cityctl"))


def _parses(words: list[str]) -> None:
    """Raises a usage error where the command would end with one."""
    from typer.core import TyperGroup

    from cityctl.cli import command

    root = command()
    found: object = root
    context = root.make_context("cityctl", list(words), resilient_parsing=False)
    rest = [*context._protected_args, *context.args]
    name: str | None = None
    while isinstance(found, TyperGroup):
        name, found, rest = found.resolve_command(context, rest)
        assert found is not None
        if isinstance(found, TyperGroup):
            context = found.make_context(name, rest, parent=context)
            rest = [*context._protected_args, *context.args]
    found.make_context(name, rest, parent=context)  # type: ignore[attr-defined]  # a leaf
