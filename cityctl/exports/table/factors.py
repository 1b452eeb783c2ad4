"""What readings of a register are to be multiplied by, where a column of the table says it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.errors import InputRefused
from cityctl.exports.table import numbers
from cityctl.exports.table.texts import shown


def factors_of(
    name: str,
    columns: tuple[str, str],
    cells: tuple[Any, Any],
    lines: npt.NDArray[np.int64],
    *,
    decimal: numbers.Decimal,
    said: bool,
) -> npt.NDArray[np.float64]:
    """The factor of each row; `columns` and `cells` are the value's and the factor's.

    Raises InputRefused where a value has no factor, and where one is not 1 and nobody `said` that it is to be taken:
    some head-ends write what the dials show, others what went through the meter, both beside the factor.
    """
    value, factor = columns
    factors, states = numbers.read_numbers(cells[1], decimal, ())
    without = np.flatnonzero(states != numbers.OK)
    if not said:
        factors[without] = 1.0
        other = np.flatnonzero(factors != 1.0)
        if len(other):
            raise InputRefused(
                f"{name}: `{factor}` is {factors[other[0]]:g} in line {lines[other[0]]}, and whether `{value}` is "
                "multiplied by it already, the table does not say",
                hint=f"--value '{value} * {factor}' multiplies, --value '{value}' takes it as it is written",
            )
        return factors
    filled = numbers.read_numbers(cells[0], decimal, ())[1] != numbers.BLANK
    open_ = without[filled[without]]
    if len(open_):
        cell = shown(cells[1][int(open_[0])].as_py())
        raise InputRefused(
            f"{name}: `{cell}` in column `{factor}`, line {lines[open_[0]]}, is no number to multiply by",
            hint="check the file",
        )
    return factors
