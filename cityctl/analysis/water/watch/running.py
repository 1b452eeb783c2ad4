"""The leaks that run: what they are told as, and how their sizes are told anew each night. Numbers only.

What the first of a zone's leaks started from is remembered; the excess over that is theirs together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, middle
from cityctl.analysis.water.watch.allday import AllDay
from cityctl.analysis.water.watch.changes import Change, Watchfulness, quiet
from cityctl.analysis.water.watch.creeping import WEEK, one_growth
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import KEPT, LEVEL, Expected

SETTLING = 5  # nights after its detection in which a sudden leak's size is told anew
ALONE = 1.5  # times what nights scatter, squared: what one leak may leave of a growth
LOOKED = 182  # nights back to which a growth is looked at
FADED = 7  # nights without most of its flow after which a leak is over without a fall


class Running:
    """The leaks of all zones, ended ones too; `baseline` and its `doubt` [m³/h] by zone and night.

    `shut`: nights in which nothing flows into a zone; `course` as AllDay takes it; `anew`: nights by zone from which on
    its level is another one without a leak.
    """

    def __init__(
        self, model: Expected, given: Watchfulness, shut: npt.NDArray[np.bool_], course: Array
    ) -> None:
        self.model, self.given, self.shut = model, given, shut
        self.all_day = AllDay(course)
        self.events: list[list[Event]] = [[] for _ in range(len(model.flow))]
        self.anew: list[list[int]] = [[] for _ in range(len(model.flow))]
        self.baseline = np.full(model.flow.shape, np.nan)
        self.doubt = np.zeros(model.flow.shape)

    def open(self, zone: int) -> list[Event]:
        """The leaks of a zone that still run."""
        events = self.events[zone]
        return [event for event in events if event.repaired is None] if events else []

    def opened(self, zone: int, night: int) -> int:
        """The first night after a zone was last shut for long; 0 where it never was."""
        shut = np.convolve(self.shut[zone, : night + 1], np.ones(FADED), "valid")
        long = np.flatnonzero(shut == FADED)
        return int(long[-1]) + FADED if len(long) else 0

    def _leaking(self) -> list[int]:
        return [
            zone
            for zone, events in enumerate(self.events)
            if events and any(one.repaired is None for one in events)
        ]

    def oldest(self, zone: int) -> Event:
        """The leak that began first of those that still run; there has to be one."""
        return min(self.open(zone), key=lambda one: one.started)

    def from_base(self, zone: int, begin: int, night: int) -> None:
        """Tell what the zone takes without any leak from a night on, as it was before the oldest that runs."""
        base = self.oldest(zone)
        for at in range(begin, night + 1):
            self.baseline[zone, at] = float(self.model.design[at, zone] @ base.base)

    def _settle_baseline(self, night: int) -> None:
        """What each zone takes in a night without the leaks that run [m³/h]."""
        model = self.model
        self.baseline[:, night] = model.predicted[:, night]
        seen = model.design[night]
        expected = np.einsum("zi,zij,zj->z", seen, model.spreads[night % KEPT], seen)
        self.doubt[:, night] = np.sqrt(np.maximum(expected, 0.0))
        for zone in self._leaking():
            ways = model.design[night, zone, 1:] @ model.state[zone, 1:]
            self.baseline[zone, night] = self.oldest(zone).base[LEVEL] + ways

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
            doubt=change.sd,
            creeping=change.creeping,
            at_once=change.at_once,
            base=free,
            base_spread=doubt,
            rate=0.1 * change.size if change.at_once else 1.5 * change.size / (night - change.begin + 1),
            grown=night,
            told=change.size,
            how="in one night and the evening before it"
            if change.width == 1
            else f"over {change.width} nights",
            sizes=[(change.begin, 0.0)] if change.creeping else [],
        )

    def _excess(self, zone: int, night: int) -> float | None:
        """Flow of all leaks together: the middle of the last three nights since the first of them began.

        Nights before the last repair are left out: they show the flow of the mended one too.
        """
        ends = [event.repaired for event in self.events[zone] if event.repaired is not None]
        recent = slice(max(self.oldest(zone).started, night - 2, *ends), night + 1)
        rest = (self.model.flow[zone, recent] - self.baseline[zone, recent]).tolist()
        known = [value for value in rest if value == value]
        return middle(known) if known else None

    def _resize(self, zone: int, night: int, event: Event, least: float) -> None:
        """What the other leaks leave of the excess is this one's; one that creeps only grows."""
        excess = self._excess(zone, night)
        others = sum(one.flow for one in self.open(zone) if one is not event)
        told = max(least, 0.0 if excess is None else excess - others)
        if event.creeping:
            event.flow = max(event.flow, told)
            event.sizes.append((night, event.flow))
            # The largest of many noisy nights, above a base that may have wandered since.
            wandered = self.model.drift[zone] ** 2 * (night - self.oldest(zone).started)
            event.doubt = max(event.doubt, float(np.sqrt(self.model.noise[zone] ** 2 + wandered)))
        else:
            event.flow = told
            event.sizes = [(event.started, told), (night, told)]

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

    def _follow(self, night: int) -> None:
        """Sizes of the leaks that run, told anew; those whose flow has faded are over."""
        for zone in self._leaking():
            if self.shut[zone, night]:
                self._fade(zone, night, self.open(zone))
                continue
            excess = self._excess(zone, night)
            if excess is None:
                continue
            running = self.open(zone)
            last = running[-1]
            if last.creeping and night - last.grown <= self.given.growing:
                self._resize(zone, night, last, last.flow)
                if last.flow - last.size_at(night - 7) > self.model.noise[zone]:
                    last.grown = night
                self._part(zone, night, last)
            elif self._settles(last, night):
                self._resize(zone, night, last, last.flow / 2)
            gone = [event for event in running if self._gone(zone, night, event, excess)]
            for event in running:
                event.fading = event.fading if event in gone else 0
            self._fade(zone, night, gone)

    def _settles(self, event: Event, night: int) -> bool:
        """Whether a leak that came at once is so new that its size is told anew, by all nights since it began."""
        whole = event.all_day is None and event.eased is None
        return whole and not event.creeping and night - event.detected <= SETTLING

    def _gone(self, zone: int, night: int, event: Event, excess: float) -> bool:
        """Whether most of a leak's flow is not there; of one that days told, they have to show that too."""
        if event.all_day is None:
            return excess < 0.3 * event.flow
        half = 0.5 * event.flow
        return excess < half and self.all_day.level(zone, night, FADED) < event.all_day - half

    def _fade(self, zone: int, night: int, gone: list[Event]) -> None:
        """Count a night without these leaks; those that have been gone for long are over.

        A zone that was shut meanwhile has the leak in its level: without it is what it should take when it opens.
        """
        model = self.model
        for event in gone:
            event.fading += 1
            if event.fading < FADED:
                continue
            event.repaired = night - FADED + 1
            event.sizes.append((night, event.flow))
            if self.shut[zone, night]:
                model.state[zone, LEVEL] -= event.flow
                model.spread[zone, LEVEL, LEVEL] += event.sd**2 + (0.15 * event.flow) ** 2
                model.keep(np.array([zone]), night)

    def _part(self, zone: int, night: int, event: Event) -> None:
        """Tell what has come on top of a leak that has doubled as another one, unless it may be alone."""
        told = event.size_at(event.detected)
        more = event.flow - told
        least = max(self.given.least_leak * self.model.inflow[zone, night], told)
        if night - event.detected < self.given.again or more <= least or quiet(self.model, night)[zone] < 0.5:
            return
        if self._alone(zone, night, event):
            return
        begin = next(at for at, flow in event.sizes if at >= event.detected and flow > told)
        state, spread = self.model.before(zone, night)
        nights = night - begin + 1
        change = Change(more, event.sd, nights, begin, True, False)
        other = self._new(zone, night, change, self.open(zone), state, spread)
        other.flow, other.doubt = more, event.doubt
        other.how = f"over {nights} nights on top of a leak that one growth does not explain"
        other.sizes += [(at, flow - told) for at, flow in event.sizes if at > begin]
        event.sizes = [(at, min(flow, told)) for at, flow in event.sizes]
        event.flow, event.grown = told, event.detected
        self.events[zone].append(other)

    def _alone(self, zone: int, night: int, event: Event) -> bool:
        """Whether one leak that grows and then stays explains what there was beside the others."""
        first = max(event.started - 2 * WEEK, night - LOOKED, 0)
        seen = slice(first, night + 1)
        excess = self.model.flow[zone, seen] - self.model.design[seen, zone] @ event.base
        ends = []
        for other in self.events[zone]:
            until = night + 1 if other.repaired is None else other.repaired
            if other is not event and until > first:
                since = max(first, other.started)
                excess[since - first : until - first] -= other.sizes_at(range(since, until))
                ends += [at - first for at in (other.started, until) if first < at <= night]
        return one_growth(excess, ends) < ALONE * float(self.model.noise[zone]) ** 2
