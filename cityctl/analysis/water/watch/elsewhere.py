"""Leaks that pressure sensors show at another place than those that are known. Numbers only.

In flow a leak that begins while another grows looks like the growth of that one; heads tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.nights.seen import Fallen
from cityctl.analysis.water.watch.changes import Change
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import KEPT, LEVEL, Expected

SURE = 7.0  # standard errors of heads that tell a leak whose flow is not told by itself
BACK = 9  # nights before which the flow is as it was without the leak
LAST = 3  # nights of which the flow is what it is now
SETTLED = 3  # nights after which a leak that was told hides no other one
REMEMBERED = 45  # nights back to which a mended leak takes part in what heads are held against


def elsewhere(
    model: Expected,
    fallen: Fallen | None,
    events: Sequence[Sequence[Event]],
    ready: npt.NDArray[np.bool_],
    since: npt.NDArray[np.int64],
    night: int,
) -> Iterator[tuple[int, Change]]:
    """Zones in which heads have fallen, in this night and the one before, beside all that their `events` explain.

    Their flow must not have sunk meanwhile: a valve, or another pressure at the inlet, moves heads too. Only zones that
    are `ready` are looked at; no state before `since` is of use.
    """
    if fallen is None or night < BACK:
        return
    state, spread = model.states[(night - BACK + 1) % KEPT], model.spreads[(night - BACK + 1) % KEPT]
    now = slice(night - LAST + 1, night + 1)
    rest = model.flow[:, now] - np.einsum("nzf,zf->zn", model.design[now], state)
    rise = np.median(rest, axis=1)  # nan where a night is not known
    for zone in np.flatnonzero(ready & (rise > 0)).tolist():
        if any(night - event.detected < SETTLED for event in events[zone]):
            continue
        known = [
            (event.started, event.detected)
            for event in events[zone]
            if event.repaired is None or event.repaired > night - REMEMBERED
        ]
        if all(fallen(zone, at, known) >= SURE for at in (night, night - 1)):
            size = float(rise[zone])
            variance = (
                spread[zone, LEVEL, LEVEL] + model.drift[zone] ** 2 * BACK + model.noise[zone] ** 2 / LAST
            )
            begin = max(night - BACK + 1, int(since[zone]) + 1)
            yield zone, Change(size, float(np.sqrt(variance)), LAST, begin, True, False)
