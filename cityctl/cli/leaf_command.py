"""What a command of ours does otherwise: `-1.5` is no option, usage is written as manual pages do, and an example
stands on one line to be copied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from typer._click.exceptions import NoSuchOption, UsageError
from typer.core import TyperArgument, TyperCommand, TyperOption

from cityctl.cli import meant

if TYPE_CHECKING:
    from typer._click import Context, Parameter
    from typer._click.formatting import HelpFormatter

_BELOW_ZERO = re.compile(r"-(\d|\.\d)")


def shown(argument: Parameter) -> str:
    """An argument as usage lines and the manual page write it: `NAME`, `[NAME]`, `DEVICE...` or `[FILE]...`."""
    name = argument.metavar or str(argument.name).upper()
    return f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs == -1 else ''}"


class LeafCommand(TyperCommand):
    """A command with its example."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Make the command as Typer does, and give each option that lacks it a word for its value."""
        super().__init__(*given, **named)
        for option in self.params:
            if isinstance(option, TyperOption) and option.metavar is None and not option.is_flag:
                number = option.type_descriptor.annotation in (int, float)
                option.metavar = "NUMBER" if number else "TEXT"

    def collect_usage_pieces(self, ctx: Context) -> list[str]:  # noqa: ARG002  Typer calls it so
        """What stands behind the command's name in its usage line."""
        arguments = [one for one in self.params if isinstance(one, TyperArgument)]
        return [str(self.options_metavar), *map(shown, arguments)]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Arguments as the usage line writes them, then the options: no types of Python."""
        arguments: list[tuple[str, str]] = []
        options: list[tuple[str, str]] = []
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None and isinstance(one, TyperArgument):
                arguments.append((shown(one), record[1]))
            elif record is not None:
                options.append(record)
        for title, entries in (("Arguments", arguments), ("Options", options)):
            if entries:
                with formatter.section(title):
                    formatter.write_dl(entries)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002  Typer calls it so
        """The example as one line, however long: a terminal folds it, and it can still be copied whole."""
        if self.epilog:
            formatter.write(f"\n  {self.epilog}\n")

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse as any command does, with numbers below zero moved behind `--`; values of options stay."""
        taking = {
            word
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for word in option.opts
        }
        head: list[str] = []
        numbers: list[str] = []
        before = ""
        rest = iter(args)
        for word in rest:
            if word == "--":
                numbers += rest
            elif _BELOW_ZERO.match(word) and before not in taking:
                numbers.append(word)
            else:
                head.append(word)
            before = word
        try:
            return super().parse_args(ctx, [*head, *(["--", *numbers] if numbers else [])])
        except UsageError as problem:  # the parser does not always say whose option it was
            problem.ctx = problem.ctx or ctx
            if isinstance(problem, NoSuchOption):
                ours = meant.option(problem.option_name, [word for one in self.params for word in one.opts])
                problem.possibilities = [ours] if ours else problem.possibilities
            raise
