"""Leaks as they show in night flow: a rise that stays, its start, its size, its growth and its end. Numbers only.

A rise beyond the zone's own noise and wandering opens an event; what it starts from is remembered, so that a fall
can be told as repair, and what is left after a repair as another leak. Nothing looks past the night it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.changes import Change, Watchfulness, largest, placed
from cityctl.analysis.water.expected import KEPT, LEVEL, Array, Assumptions, Expected

SETTLING = 5  # nights after its detection in which a sudden leak's size is told anew
FADED = 7  # nights without most of its flow after which a leak is over without a fall


@dataclass
class Event:
    """A leak of one zone; nights are indices, flows [m³/h].

    `base`: the state of the zone without any leak, as it was before this one; `rate` [m³/h a night] and `grown`
    (a night) tell how fast it grew when it last did; `sizes` are (night, flow) as they were told.
    """

    started: int
    detected: int
    flow: float
    sd: float
    creeping: bool
    base: Array
    base_spread: Array
    rate: float
    grown: int
    at_once: bool
    sizes: list[tuple[int, float]] = field(default_factory=list)
    repaired: int | None = None
    fading: int = 0

    def size_at(self, night: int) -> float:
        """Flow in a night: between the nights at which it was told, in a straight line."""
        nights, flows = zip(*self.sizes, strict=True)
        return float(np.interp(night, nights, flows))


class Watch:
    """All zones under watch; see `expected.Expected` for the arrays."""

    def __init__(self, model: Expected, given: Watchfulness) -> None:
        self.model, self.given = model, given
        zones = len(model.flow)
        self.events: list[list[Event]] = [[] for _ in range(zones)]
        self.since: npt.NDArray[np.int64] = np.minimum(model.first, model.flow.shape[1]).astype(np.int64)
        self.learnt = np.zeros(zones, dtype=np.int64)
        self.baseline = np.full(model.flow.shape, np.nan)

    def run(self) -> None:
        """Judge every night in turn."""
        for night in range(self.model.flow.shape[1]):
            self.model.feed(night)
            self._settle_baseline(night)
            self.learnt += self.model.known[:, night]
            self.model.settle_drift(night, self.since)
            found = largest(self.model, self.given, self.since, self.learnt, night)
            worth = self.given.least_leak * self.model.inflow[:, night]
            for zone in np.flatnonzero(np.abs(found.size) > worth).tolist():
                change = placed(self.model, int(self.since[zone]), zone, night, found)
                (self._rise if change.size > 0 else self._fall)(zone, night, change)
            self._follow(night)

    def open(self, zone: int) -> list[Event]:
        """The leaks of a zone that still run."""
        return [event for event in self.events[zone] if event.repaired is None]

    def _rise(self, zone: int, night: int, change: Change) -> None:
        model, given = self.model, self.given
        nights = night - change.begin + 1
        state, spread = model.before(zone, change.begin)
        running = self.open(zone)
        growing = [event for event in running if night - event.grown <= given.growing]
        steep = max((event.rate for event in growing), default=0.0) * change.width * given.jump
        last = growing[-1] if growing else None
        # A burst within the window shows half of itself in its first night: the rest is the same leak.
        rest = last is not None and last.at_once and change.begin <= last.detected + 1
        sudden = change.at_once and change.size > steep and not rest
        if last is not None and not sudden:
            event = last
            if not rest or event.creeping:
                event.rate = max(event.rate / 2, change.size / nights)
                event.grown, event.creeping = night, True
        else:
            event = self._new(zone, night, change, running, state, spread)
            self.events[zone].append(event)
        base = self._oldest(zone)
        for at in range(change.begin, night + 1):
            self.baseline[zone, at] = float(model.design[at, zone] @ base.base)
        self._resize(zone, night, event, change.size)
        spread[LEVEL, LEVEL] += (2 * change.size) ** 2
        creep = change.size / nights if change.creeping else 0.0
        model.restart(zone, change.begin, night, state, spread, creep, False)
        self.since[zone] = night
        model.growth[zone] = min(creep or 0.05 * change.size, model.noise[zone])

    def _new(
        self, zone: int, night: int, change: Change, running: list[Event], state: Array, spread: Array
    ) -> Event:
        free, doubt = state.copy(), spread.copy()
        if running:  # what the zone takes without any leak is known from before the first
            oldest = min(running, key=lambda one: one.started)
            free[LEVEL] = oldest.base[LEVEL]
            wandered = self.model.drift[zone] ** 2 * (change.begin - oldest.started)
            doubt[LEVEL, LEVEL] = oldest.base_spread[LEVEL, LEVEL] + wandered
        return Event(
            started=change.begin,
            detected=night,
            flow=0.0,
            sd=change.sd,
            creeping=change.creeping,
            at_once=change.at_once,
            base=free,
            base_spread=doubt,
            rate=1.5 * change.size / (night - change.begin + 1) if change.creeping else 0.1 * change.size,
            grown=night,
            sizes=[(change.begin, 0.0)] if change.creeping else [],
        )

    def _oldest(self, zone: int) -> Event:
        return min(self.open(zone), key=lambda one: one.started)

    def _excess(self, zone: int, night: int) -> float | None:
        """Flow of all leaks together: the middle of the last three nights since the first of them began."""
        recent = slice(max(self._oldest(zone).started, night - 2), night + 1)
        rest = self.model.flow[zone, recent] - self.baseline[zone, recent]
        rest = rest[np.isfinite(rest)]
        return float(np.median(rest)) if len(rest) else None

    def _resize(self, zone: int, night: int, event: Event, least: float) -> None:
        """What the other leaks leave of the excess is this one's; one that creeps only grows."""
        excess = self._excess(zone, night)
        others = sum(one.flow for one in self.open(zone) if one is not event)
        told = max(least, 0.0 if excess is None else excess - others)
        if event.creeping:
            event.flow = max(event.flow, told)
            event.sizes.append((night, event.flow))
        else:
            event.flow = told
            event.sizes = [(event.started, told), (night, told)]

    def _fall(self, zone: int, night: int, change: Change) -> None:
        model = self.model
        state, spread = model.before(zone, change.begin)
        running = self.open(zone)
        total = sum(event.flow for event in running)
        since = slice(change.begin, night + 1)
        left = float(np.nanmedian(model.flow[zone, since] - self.baseline[zone, since]))
        fall = max(-change.size, total - left) if running else -change.size
        ended = self._explained(running, fall)
        if ended:
            base = self._oldest(zone)
            for event in ended:
                event.repaired = change.begin
                event.sizes.append((max(change.begin - 1, event.sizes[-1][0]), event.flow))
            staying = [event for event in running if event.repaired is None]
            # The level from before the first leak, plus what still runs: any excess over it is another leak.
            state[LEVEL] = base.base[LEVEL] + sum(event.flow for event in staying)
            spread[LEVEL, :], spread[:, LEVEL] = 0, 0
            spread[LEVEL, LEVEL] = (
                base.base_spread[LEVEL, LEVEL]
                + model.drift[zone] ** 2 * (change.begin - base.started)
                + sum(event.sd**2 + (0.15 * event.flow) ** 2 for event in staying)
            )
            model.restart(zone, change.begin, night, state, spread, 0.0, True)
            self.since[zone] = change.begin - 1
            model.states[change.begin % KEPT, zone] = state
            model.spreads[change.begin % len(model.spreads), zone] = spread
        else:
            for event in running:
                if (share := 1 - fall / total) > 0.1:
                    event.flow *= share
                else:
                    event.repaired = change.begin
                event.sizes.append((max(change.begin, event.sizes[-1][0]), event.flow))
            spread[LEVEL, LEVEL] += (2 * change.size) ** 2
            model.restart(zone, change.begin, night, state, spread, 0.0, False)
            self.since[zone] = night
        model.growth[zone] = 0.0

    def _explained(self, running: list[Event], fall: float) -> list[Event]:
        """The running leaks whose flows together come nearest to a fall, or none where none does."""
        last = running[-6:]
        best: tuple[float, list[Event]] = (self.given.match, [])
        for bits in range(1, 1 << len(last)):
            chosen = [event for at, event in enumerate(last) if bits >> at & 1]
            flow = sum(event.flow for event in chosen)
            off = abs(flow - fall) / max(flow, fall)
            if off < best[0]:
                best = (off, chosen)
        return best[1]

    def _settle_baseline(self, night: int) -> None:
        """What each zone takes in a night without the leaks that run [m³/h]."""
        model = self.model
        self.baseline[:, night] = model.predicted[:, night]
        for zone in self._leaking():
            ways = model.design[night, zone, 1:] @ model.state[zone, 1:]
            self.baseline[zone, night] = self._oldest(zone).base[LEVEL] + ways

    def _leaking(self) -> list[int]:
        return [
            zone for zone, events in enumerate(self.events) if any(one.repaired is None for one in events)
        ]

    def _follow(self, night: int) -> None:
        """Sizes of the leaks that run, told anew; those whose flow has faded are over."""
        for zone in self._leaking():
            excess = self._excess(zone, night)
            if excess is None:
                continue
            running = self.open(zone)
            last = running[-1]
            if last.creeping and night - last.grown <= self.given.growing:
                self._resize(zone, night, last, last.flow)
                if last.flow - last.size_at(night - 7) > self.model.noise[zone]:
                    last.grown = night
            elif not last.creeping and night - last.detected <= SETTLING:
                self._resize(zone, night, last, last.flow / 2)
            for event in running:
                event.fading = event.fading + 1 if excess < 0.3 * event.flow else 0
                if event.fading >= FADED:
                    event.repaired = night - FADED + 1
                    event.sizes.append((night, event.flow))


def watch(
    model_given: Assumptions, given: Watchfulness, arrays: tuple[Array, Array, npt.NDArray[np.int64], Array]
) -> Watch:
    """Expect and watch all zones over (flow, use, kinds, inflow); see `expected.Expected`."""
    flow, use, kinds, inflow = arrays
    watching = Watch(Expected(flow, use, kinds, np.nan_to_num(inflow), model_given), given)
    watching.run()
    return watching
