"""What every command shares: -o, --output-file, -q, -v, --profile, --project, --color, --debug.

Options may stand after the subcommand, so each leaf takes all of them; `leaf` adds them to a function's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cityctl.cli import names
from cityctl.cli.leaf_command import LeafCommand
from cityctl.cli.run import FORMATS, Run
from cityctl.errors import ExitCode

PANEL = "Common options"


OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}; table on a terminal, plain when piped.",
        autocompletion=names.words(*FORMATS),
        rich_help_panel=PANEL,
    ),
]
OutputFileOption = Annotated[
    Path | None,
    typer.Option(
        "--output-file",
        metavar="PATH",
        help="Write there, whole or not at all; - is stdout.",
        rich_help_panel=PANEL,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Nothing but errors and findings.", rich_help_panel=PANEL)
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what is done.", rich_help_panel=PANEL)
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Profile of city.yaml.",
        autocompletion=names.profiles,
        rich_help_panel=PANEL,
    ),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        help="Folder of city.yaml; found upwards otherwise.",
        rich_help_panel=PANEL,
    ),
]
ColorOption = Annotated[
    str,
    typer.Option(
        "--color",
        metavar="WHEN",
        help="auto, always or never.",
        autocompletion=names.words("auto", "always", "never"),
        rich_help_panel=PANEL,
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=PANEL)
]

_COMMON: dict[str, tuple[Any, Any]] = {
    "output": (OutputOption, None),
    "output_file": (OutputFileOption, None),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "profile": (ProfileOption, None),
    "project": (ProjectOption, None),
    "color": (ColorOption, "auto"),
    "debug": (DebugOption, False),
}


def leaf(
    app: typer.Typer, *, example: str, name: str | None = None, hidden: bool = False, open_ended: bool = False
) -> Callable[[Callable[..., ExitCode | None]], Callable[..., ExitCode | None]]:
    """Make a function a command: `run` comes first, the common options are added, its example is shown.

    An `open_ended` one gets the words that it does not know as its context's `args` in place of a usage error;
    it must refuse those that mean nothing to it.
    """

    def decorate(function: Callable[..., ExitCode | None]) -> Callable[..., ExitCode | None]:
        signature = inspect.signature(function, eval_str=True)
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for key, parameter in signature.parameters.items()
            if key != "run"
        ]
        common = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for key, (annotation, default) in _COMMON.items()
        ]

        def command(**given: Any) -> None:
            shared = {key: given.pop(key) for key in _COMMON}
            run = Run(**shared)
            code = run.complete(function(run, **given))
            if code:
                raise typer.Exit(int(code))

        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]  # inspect reads it from there
            parameters=[*own, *common], return_annotation=None
        )
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *common]}
        app.command(
            name,
            epilog=f"Example:  {example}",
            hidden=hidden,
            no_args_is_help=False,
            cls=LeafCommand,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
            if open_ended
            else None,
        )(command)
        return function

    return decorate
