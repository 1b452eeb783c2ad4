"""Whether the values of a series are a register that only rises: its first readings are judged, in order of time.

A register that is summed as if it were use is the costliest mistake of all. Knows no columns and no rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_FEWEST = 10  # readings that are needed to judge
_FEWEST_NAMED = 3  # where the column is called a reading
_FEWEST_USE = 60  # where it is called use
_SPAN = 0.5  # of its least value: a register rises by less
_SLOW, _RISES = 0.1, 8  # use does not rise by less than a tenth in eight steps and never fall
_FALLS = 6  # steps that are needed to say that values fall
_USE = re.compile(r"consum|usage|verbrauch|verbruik|forbr|förbr|interval|demand|bezug|afname|import|export")
_READINGS = frozenset(["reading", "meterreading", "readingvalue", "readvalue", "indexvalue"])


def only_rises(name: str, values: npt.NDArray[np.float64]) -> bool | None:
    """Whether values in order of time are a register's, by what their column is called; None where they are too few.

    Those of a register never fall, rise at all, and rise by less than half of what they are: use of intervals does
    not do that ten times in a row.
    """
    said = re.sub(r"[\W_]+", "", name).casefold()
    used = _USE.search(name.casefold()) is not None
    if len(values) < (_FEWEST_NAMED if said in _READINGS else _FEWEST):
        return None
    steps = np.diff(values)
    least, span = float(values.min()), float(values.max() - values.min())
    if span == 0:
        return None
    if least <= 0 or steps.min() < 0 or span >= _SPAN * least:
        return False
    if used and len(values) < _FEWEST_USE:
        return True if span < _SLOW * least and int((steps > 0).sum()) >= _RISES else None
    return True


def often_falls(values: npt.NDArray[np.float64]) -> bool:
    """Whether values in order of time fall as no register does: it falls where a meter is exchanged, not every time."""
    steps = np.diff(values)
    return len(steps) >= _FALLS and int((steps < 0).sum()) * 4 > len(steps) and int((steps > 0).sum()) > 1


def judged(
    name: str, codes: npt.NDArray[np.int64], times: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> dict[int, bool]:
    """Of each series code whose readings tell it, whether it is a register; `name` is that of their column."""
    order = np.lexsort((times, codes))
    ordered = codes[order]
    cuts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(ordered)]
    found: dict[int, bool] = {}
    for begin, end in pairwise(cuts):
        run = values[order[begin:end]]
        if end > begin and only_rises(name, run):
            found[int(ordered[begin])] = True
        elif end > begin and often_falls(run):
            found[int(ordered[begin])] = False
    return found


def are_registers(name: str, runs: Iterable[Sequence[float]], called: bool) -> bool:
    """Whether the series of a column are registers, as far as their first values tell, the latest first or last.

    `called` says that the column is called one.
    """
    values = [np.array(run) for run in runs]
    if called:
        return not any(often_falls(run) and often_falls(run[::-1]) for run in values)
    told = [only_rises(name, run) or only_rises(name, run[::-1]) for run in values]
    known = [one for one in told if one is not None]
    return bool(known) and all(known)
