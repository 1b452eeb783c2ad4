"""Words among the values of a table: modes and alarms of points that have states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.exports.table import numbers
from cityctl.reading import code_of, word_of


def read_words(
    series: Any,
    cells: Any,
    values: npt.NDArray[np.float64],
    states: npt.NDArray[np.uint8],
    known: Callable[[str], Mapping[str, float] | None],
) -> dict[int, str]:
    """Put the codes of words into `values` and mark them OK in `states`, in the series that `known` knows.

    `series` is one name for all cells, or a dictionary of names. Returns the words that have no code of their own
    in the city, by the code that they get.
    """
    words: dict[int, str] = {}
    named: dict[str, Mapping[str, float] | None] = {}
    for at in np.flatnonzero(states == numbers.BAD).tolist():
        name = series if isinstance(series, str) else series[at].as_py()
        if name is None:
            continue
        if name not in named:
            named[name] = known(name)
        codes = named[name]
        cell = cells[at].as_py()
        if codes is None or not isinstance(cell, str):
            continue
        word = word_of(cell)
        code = codes.get(word.casefold())
        if code is None:
            code = float(code_of(word))
            words[int(code)] = word
        values[at], states[at] = code, numbers.OK
    return words
