"""What a command of ours does otherwise: `-1.5` is no option, and an example stands on one line to be copied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from typer._click.exceptions import UsageError
from typer.core import TyperCommand, TyperOption

if TYPE_CHECKING:
    from typer._click import Context
    from typer._click.formatting import HelpFormatter

_BELOW_ZERO = re.compile(r"-(\d|\.\d)")


class LeafCommand(TyperCommand):
    """A command with its example."""

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
            raise
