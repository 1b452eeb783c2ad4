"""The command line: `cityctl COMMAND ...`.

One file a command group. A file is imported when its command is asked for, so that `--help`, TAB and a
wrong word cost next to nothing; COMMANDS is the map, and a test holds it against the files.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

from typer import Exit, Option, Typer

from cityctl import __version__
from cityctl.cli.root import RootGroup

app = Typer(
    name="cityctl",
    cls=RootGroup,
    help="Polls the meters and PLCs of a city's water and energy networks, pulls their exports, keeps the "
    "readings, finds leaks and proves savings.",
    epilog="Start with `cityctl demo`. `cityctl COMMAND --help` shows a command with an example.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    invoke_without_command=True,
)


def _show_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"cityctl {__version__}\n")
        raise Exit(0)


@app.callback()
def _root(
    version: Annotated[
        bool, Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command: only --version and --help."""


def main(args: list[str] | None = None) -> Any:
    """Run the command line and exit with a code of the published table."""
    from cityctl.cli.ending import listen_for_signals
    from cityctl.console import fill_closed_streams, use_utf8

    fill_closed_streams()
    use_utf8()
    tree = command()
    listen_for_signals()
    return tree.main(args=args, prog_name="cityctl")


def program() -> None:
    """The program itself: main(), and at once out of the process.

    Python would take down all that was imported, module after module, which is a tenth of what most commands cost.
    That is left out, and nothing else: threads were waited for by then, and since this asks first to be called at
    the end, whatever else asked for that was called before it.
    """
    code: object = None

    def leave() -> None:
        if isinstance(code, int):
            for stream in (sys.stdout, sys.stderr):
                with suppress(ValueError):  # closed already
                    stream.flush()
            os._exit(code)

    atexit.register(leave)
    try:
        main()
    except SystemExit as ended:
        code = ended.code
        raise


def command() -> RootGroup:
    """The whole command tree; `completion SHELL` stands for Typer's own completion options."""
    from typer.main import get_group

    if "_CITYCTL_COMPLETE" in os.environ:
        from cityctl.cli.completing import register

        register()
    group = get_group(app)
    assert isinstance(group, RootGroup)
    return group
