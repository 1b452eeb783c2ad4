"""The watch over leaks, taken up where an earlier one stood; see nights/standing.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Memory
from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.nights.standing import mark, taken_up
from cityctl.analysis.water.watch.changes import Watchfulness, far_off
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.settled import settled
from cityctl.analysis.water.watch.watching import UNSEEN, Watch

KNOWN = 28  # nights of a zone from which its first weeks tell nothing new
_OF_MODEL = ("state", "spread", "noise", "drift", "growth", "odd", "changed")
_BY_NIGHT = ("adjusted", "rest")


@dataclass
class Watched:
    """What a watch found, zone by zone: its events, and the flow that it lets expect with its doubt [m³/h].

    Nothing is expected of a zone before its first night. `beyond`: what was taken in the last night
    beyond the expected, where that is far off and nothing is made of it yet, else 0; `pressed`: by zone the nights
    since which its flow has moved with its pressure, and by how much that was multiplied.
    """

    given: Watchfulness
    events: list[list[Event]]
    baseline: Array
    doubt: Array
    beyond: Array
    pressed: dict[int, list[tuple[int, float]]] = field(default_factory=dict)


def resumed(
    memory: Memory | None,
    name: str,
    assumptions: Assumptions,
    given: Watchfulness,
    seen: Seen,
    zones: Sequence[str],
    dates: Sequence[date],
) -> Watched:
    """Expect and watch all zones on all nights, from what `memory` holds under `name` where that is still true."""
    nothing, unknown = np.zeros(seen.flow.shape), np.full(seen.flow.shape, np.nan)
    found = Watched(given, [[] for _ in zones], unknown, nothing, np.zeros(len(zones)))
    for rows, watch in taken_up(
        memory,
        name,
        (assumptions, given, list(zones)),
        dates,
        len(zones),
        lambda nights: _marks(seen, nights),
        lambda rows: Standing(seen.of(rows), assumptions, given),
    ):
        # A closed balance of whole days has hardly a level to go wrong: what it was told is what a leak takes.
        told = watch.events if given.whole_days else settled(watch)
        for at, (row, events) in enumerate(zip(rows.tolist(), told, strict=True)):
            found.events[row] = _in_sight(events, np.isfinite(seen.flow[row]))
            if seen.moved is not None and (pressed := seen.moved.pressed(row, watch.anew[at])):
                found.pressed[row] = pressed
        early = np.arange(seen.flow.shape[1]) < watch.model.first[:, None]
        found.baseline[rows], found.doubt[rows] = np.where(early, np.nan, watch.baseline), watch.doubt
        found.beyond[rows] = _beyond(watch, seen.flow.shape[1] - 1)
    return found


def _beyond(watch: Watch, night: int) -> Array:
    """What zones took in the last night that was judged beyond the expected [m³/h]; see Watched.

    A change that is told, and a zone that is known for such nights, are no news.
    """
    size = np.nan_to_num(watch.model.rest[:, night])
    far = far_off(watch.model, watch.given, watch.learnt, night) & (size > 0) & (watch.stirred < night)
    for zone in np.flatnonzero(far).tolist():
        told = any(event.detected == night for event in watch.events[zone])
        far[zone] = not told and watch.lone.believed(zone, night, float(size[zone]), 1)
    return np.where(far, size, 0.0)


def _in_sight(events: list[Event], known: npt.NDArray[np.bool_]) -> list[Event]:
    """The leaks of a zone; where it has shown nothing for long, those that ran are told up to the last of it.

    The watch itself goes on with them: a leak that nobody mended is there again when the zone is.
    """
    last = int(np.flatnonzero(known)[-1]) if known.any() else 0
    if len(known) - 1 - last < UNSEEN:
        return events
    return [
        event
        if event.repaired is not None
        else replace(
            event,
            repaired=last + 1,
            unseen=True,
            sizes=[*event.sizes, (max(last + 1, event.sizes[-1][0]), event.flow)],
        )
        for event in events
    ]


def _marks(seen: Seen, nights: int) -> list[str]:
    """Marks of all that zones showed in the first `nights`; empty where the first weeks of a zone are not known."""
    columns: list[npt.NDArray[Any]] = [seen.flow, seen.use, seen.inflow, seen.by_day, seen.parts]
    if seen.shut is not None:  # a night of zeros that comes late is as unknown as before, but shut
        columns.append(seen.shut)
    if seen.moved is not None:
        columns += [seen.moved.since, seen.moved.ratio]
    whole = np.isfinite(seen.flow[:, :nights]).sum(axis=1) >= KNOWN
    kinds = seen.kinds[:nights]
    marks = [""] * len(seen.flow)
    for zone in np.flatnonzero(whole).tolist():
        pressure = b"" if seen.fallen is None else seen.fallen.basis(zone, nights)
        marks[zone] = mark(kinds, *(column[zone, :nights] for column in columns), pressure)
    return marks


class Standing(Watch):
    """A watch that tells how it stands, and takes that up."""

    def standing(self, nights: int) -> dict[str, npt.NDArray[Any]]:
        """See standing.Judge."""
        model, wandering = self.model, self.wandering
        views: dict[str, npt.NDArray[Any]] = {name: getattr(model, name) for name in _OF_MODEL}
        views |= {name: getattr(model, name)[:, :nights] for name in _BY_NIGHT}
        views |= {"states": model.states.swapaxes(0, 1), "spreads": model.spreads.swapaxes(0, 1)}
        views |= {"added": model.added[:, : nights + 1], "weeks": model.sunk[:, : model.week(nights) + 1]}
        views |= {"baseline": self.baseline[:, :nights], "doubt": self.doubt[:, :nights]}
        views |= {"since": self.since, "learnt": self.learnt, "stirred": self.stirred}
        views |= {"by_night": self.by_night, "moved": self.all_day.moved[:, :nights]}
        views |= {"across": wandering.across[:, :nights], "scatter": wandering.scatter[:, :nights]}
        views |= {"unseen": wandering.free, "wanders": wandering.now, "free": self.reference.free[:, :nights]}
        for name, even in (("course", self.course), ("even", self.even)):
            views |= {f"{name}_left": even.left[:, :nights]}
            views |= {f"{name}_ways": even.ways, f"{name}_count": even.count}
        return views

    def noted(self) -> list[Any]:
        """See standing.Judge."""
        return [
            {
                "events": [asdict(event) for event in events],
                "anew": self.anew[zone],
                "sunk": self.sunk.get(zone),
                "lone": self.lone.nights[zone],
            }
            for zone, events in enumerate(self.events)
        ]

    def note(self, noted: Sequence[Any]) -> None:
        """See standing.Judge."""
        for zone, said in enumerate(noted):
            self.events[zone] = [_event(entry) for entry in said["events"]]
            self.anew[zone] = [int(night) for night in said["anew"]]
            self.lone.nights[zone] = [
                (int(at), float(size), int(nights)) for at, size, nights in said["lone"]
            ]
            if said["sunk"] is not None:
                night, base, spread = said["sunk"]
                self.sunk[zone] = int(night), np.array(base), np.array(spread)


def _event(entry: Mapping[str, Any]) -> Event:
    sizes = [(int(night), float(flow)) for night, flow in entry["sizes"]]
    return replace(
        Event(**entry), base=np.array(entry["base"]), base_spread=np.array(entry["base_spread"]), sizes=sizes
    )
