"""A command whose argument may be a number below zero: `-1.5` is no option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperOption

if TYPE_CHECKING:
    from typer._click import Context

_BELOW_ZERO = re.compile(r"-(\d|\.\d)")


class TakesNegative(TyperCommand):
    """Moves numbers below zero behind `--`, where every word is an argument; values of options stay."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse as any command does."""
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
        return super().parse_args(ctx, [*head, *(["--", *numbers] if numbers else [])])
