"""Leaks as they show in night flow: a rise that stays, its start, its size, its growth and its end. Numbers only.

A rise beyond the zone's own noise and wandering opens an event; what it starts from is remembered, so that a fall
can be told as repair, and what is left after a repair as another leak. Nothing looks past the night it judges.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.allday import NOW
from cityctl.analysis.water.watch.changes import (
    Change,
    Watchfulness,
    certainties,
    largest,
    overnight,
    placed,
    quiet,
    steepest,
    still_falling,
    wary,
)
from cityctl.analysis.water.watch.creeping import WEEK, Crept, Reference
from cityctl.analysis.water.watch.daytime import OFTEN, by_night_alone
from cityctl.analysis.water.watch.elsewhere import elsewhere
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import KEPT, LEVEL, SHARE, Assumptions, Expected
from cityctl.analysis.water.watch.lone import LONGEST, LoneNights, lasting
from cityctl.analysis.water.watch.moved import take_up
from cityctl.analysis.water.watch.running import FADED, Running
from cityctl.analysis.water.watch.shape import Evened, Wandering
from cityctl.analysis.water.watch.weekly import learn, uses_of_week

BACK_WITHIN = 60  # nights after an unexplained fall in which the flow may come back without a leak
AT_A_PLACE = ", while heads fell at another place than known leaks make them fall"
UNSEEN = 60  # nights without a verdict after which a zone is as good as new


class Watch(Running):
    """All zones under watch."""

    def __init__(self, seen: Seen, model_given: Assumptions, given: Watchfulness) -> None:
        inflow = np.maximum(np.nan_to_num(seen.inflow), 0.0)
        self.raw, self.course = seen.parts, Evened(seen.parts, seen.kinds)
        self.wandering = Wandering(self.course.left, inflow, seen.phase)
        model = Expected(
            seen.flow, seen.use, seen.kinds, inflow, self.wandering.told, model_given, seen.phase
        )
        super().__init__(
            model,
            given,
            np.zeros(seen.flow.shape, np.bool_) if seen.shut is None else seen.shut,
            self.course.left,
        )
        self.even = Evened(np.stack([seen.flow, seen.by_day - seen.flow], axis=2), seen.kinds)
        self.reference = Reference(self.even, self.wandering.told)
        self.fallen, self.moved = seen.fallen, seen.moved
        zones = len(model.flow)
        self.since: npt.NDArray[np.int64] = np.minimum(model.first, model.flow.shape[1]).astype(np.int64)
        self.learnt = np.zeros(zones, dtype=np.int64)
        self.stirred = self.since + given.learning
        self.by_night = np.zeros(zones, dtype=np.int64)  # times that a zone's nights rose without its days
        self.lone = LoneNights(zones)
        self.sunk: dict[int, tuple[int, Array, Array]] = {}  # zone -> night, state and spread before a fall

    def run(self, first: int = 0, end: int | None = None) -> None:
        """Judge the nights from `first` up to, and without, `end` in turn; all before `first` are judged already."""
        model, given = self.model, self.given
        end = model.flow.shape[1] if end is None else end
        for needed in (self.course, self.wandering, self.even):
            needed.advance(first, end)
        for night in range(first, end):
            self._begin_anew(night)
            shut = self.shut[:, max(0, night - FADED + 1) : night + 1]
            self.since[shut.all(axis=1) & (self.learnt > 0)] = night
            model.feed(night)
            for zone, begin in take_up(self, self.moved, night):
                self.since[zone] = self.stirred[zone] = night
                self.reference.free[zone, :begin] = False
                self.sunk.pop(zone, None)
            self._settle_baseline(night)
            self.learnt += model.known[:, night]
            model.settle_drift(night, self.since)
            leaking = np.zeros(len(self.events), dtype=np.bool_)
            leaking[self._leaking()] = True
            certainty = certainties(model, given, leaking, self.learnt, night)
            found = largest(model, given, self.since, self.learnt, certainty, night)
            worth = given.least_leak * model.inflow[:, night]
            self.lone.look_back(model.rest[:, : night + 1], model.noise, given.certainty, self.stirred)
            told = set()
            for zone in overnight(
                model, given, self.since, self.learnt, night, self.course.left, self.raw
            ).tolist():
                size = float(model.rest[zone, night])
                if not self.lone.believed(zone, night, size, 1):
                    continue
                told.add(zone)
                begin = night - (night > self.since[zone] + 1 and model.rest[zone, night - 1] / size > 0.5)
                self._changed(zone, night, Change(size, float(model.noise[zone]), 1, begin, False, True))
            for zone in set(np.flatnonzero(np.abs(found.size) > worth).tolist()) - told:
                told.add(zone)
                if given.whole_days and found.size[zone] < 0 and still_falling(model.flow[zone], night):
                    continue
                if found.size[zone] > 0 and not self._lasts(
                    zone, night, int(found.begin[zone]), found.size[zone]
                ):
                    continue
                mended = found.size[zone] < 0 and bool(leaking[zone])
                since = int(self.since[zone])
                self._changed(zone, night, placed(model, since, zone, night, found, mended=mended))
            ready = self.learnt >= given.learning
            for zone, change in elsewhere(model, self.fallen, self.events, ready, self.since, night):
                if zone not in told:
                    told.add(zone)
                    self.stirred[zone] = night
                    self._rise(zone, night, change, apart=True)
            for crept in self._crept(night):
                if crept.zone not in told:
                    told.add(crept.zone)
                    self._creep(night, crept)
            if not given.whole_days:
                for zone, change in self.all_day.look(model, self.since, self._still(night), night):
                    if zone not in told:
                        self._shown_all_day(zone, night, change)
            self._follow(night)
            self._tell_weeks(night)

    def _begin_anew(self, night: int) -> None:
        """Learn zones anew that come back after a season: what they took before says little of what they take."""
        model = self.model
        if night < UNSEEN:
            return
        back = model.known[:, night] & (self.learnt > 0) & ~model.known[:, night - UNSEEN : night].any(axis=1)
        model.spread[back, LEVEL, LEVEL] += (model.given.level_sd * model.inflow[back, night]) ** 2
        self.learnt[back], self.since[back] = 0, night
        self.reference.free[back, :night] = False
        for zone in np.flatnonzero(back).tolist():
            self.anew[zone].append(night)

    def _lasts(self, zone: int, night: int, begin: int, size: float) -> bool:
        """Whether a rise since the night `begin` has lasted longer than what was over again in this zone."""
        if not self.lone.nights[zone]:
            return True
        state, _ = self.model.before(zone, begin)
        recent = slice(max(0, night - 2 * LONGEST), night + 1)
        rest = self.model.flow[zone, recent] - self.model.design[recent, zone] @ state
        return self.lone.believed(zone, night, size, lasting(rest, size))

    def _changed(self, zone: int, night: int, change: Change) -> None:
        self.stirred[zone] = night
        (self._rise if change.size > 0 else self._fall)(zone, night, change)

    def _crept(self, night: int) -> list[Crept]:
        """Zones that have gained on their leak-free nights, where nothing has just begun, grown or ended."""
        zones = len(self.events)
        running, doubt = np.zeros(zones), np.zeros(zones)
        silent = np.zeros(zones, dtype=np.bool_)
        self.reference.free[:, night] = True
        for zone, events in enumerate(self.events):
            if not events:
                continue
            still = [event for event in events if event.repaired is None]
            self.reference.free[zone, night] = not still
            running[zone] = sum(event.flow for event in still)
            doubt[zone] = np.sqrt(sum(event.sd**2 + (0.1 * event.flow) ** 2 for event in still))
            silent[zone] = any(
                night - event.detected < WEEK + 2
                or (event.creeping and night - event.grown < self.given.growing)
                for event in still
            ) or any(
                night - end <= WEEK
                for event in events
                for end in (event.repaired, event.eased)
                if end is not None
            )
        # Where nights are restless, what they did months ago says little of what they would do now.
        calm = np.maximum(quiet(self.model, night), 1e-9)
        certainty = self.given.certainty * self.given.slow / calm * wary(self.given, self.learnt)
        least = self.given.least_leak * self.model.inflow[:, night]
        return self.reference.gained(self.model, night, running, doubt, certainty, least, silent, self.fallen)

    def _creep(self, night: int, crept: Crept) -> None:
        """Open an event whose flow the expected level holds already."""
        zone = crept.zone
        crept = replace(crept, begin=max(crept.begin, self.opened(zone, night)))
        if self._by_night_alone(zone, night, crept.begin, crept.size):
            self._used_to(zone, night, crept.begin)
            return
        state, spread = self.model.before(zone, night)
        change = Change(crept.size, crept.sd, WEEK, crept.begin, True, False)
        event = self._new(zone, night, change, [], state, spread)
        # The level lags behind what the week showed, of which the leak was told.
        week = slice(night - WEEK + 1, night + 1)
        lag = float(np.nanmean(self.model.flow[zone, week] - self.model.design[week, zone] @ state))
        event.base[LEVEL] += lag - crept.size - sum(one.flow for one in self.open(zone))
        event.base_spread[LEVEL, LEVEL] += crept.sd**2
        event.doubt = crept.sd
        event.flow, event.how = crept.size, f"over {WEEK} nights against those without a leak"
        event.sizes.append((night, crept.size))
        self._open(zone, night, event)
        self.since[zone] = night

    def _still(self, night: int) -> npt.NDArray[np.bool_]:
        """Zones that are known well enough and in which no leak grows."""
        still = self.learnt >= self.given.known
        for zone in self._leaking():
            still[zone] &= not any(
                one.creeping and night - one.grown <= self.given.growing for one in self.open(zone)
            )
        return still

    def _shown_all_day(self, zone: int, night: int, change: Change) -> None:
        """Open an event that nights did not tell by themselves: its size is what the days show."""
        change = replace(change, begin=max(change.begin, self.opened(zone, night)))
        state, spread = self.model.before(zone, change.begin)
        event = self._new(zone, night, change, self.open(zone), state, spread)
        event.flow, event.how = change.size, f"in all hours of the day, over {change.width} nights"
        event.sizes = [(event.started, change.size), (night, change.size)]
        event.all_day = self.all_day.level(zone, night, NOW)
        self._open(zone, night, event)
        self.stirred[zone] = night
        self.from_base(zone, change.begin, night)
        self._learn_anew(zone, night, change, state, spread)

    def _open(self, zone: int, night: int, event: Event) -> None:
        self.events[zone].append(event)
        self.by_night[zone] = 0
        self.reference.free[zone, event.started : night + 1] = False

    def _rise(self, zone: int, night: int, change: Change, *, apart: bool = False) -> None:
        """Open an event, or let one that grows have the rise; `apart`: pressure shows it at a place of its own."""
        model, given = self.model, self.given
        nights = night - change.begin + 1
        state, spread = model.before(zone, change.begin)
        running = self.open(zone)
        if not apart and not running and self._came_back(zone, night, change):
            return
        if not apart and self._by_night_alone(zone, night, change.begin, change.size):
            if self._used_to(zone, night, change.begin):
                spread[LEVEL, LEVEL] += (2 * change.size) ** 2
                model.restart(zone, change.begin, night, state, spread, 0.0, False)
            return
        growing = [event for event in running if night - event.grown <= given.pause]
        rate = max((event.rate for event in growing), default=0.0)
        if given.whole_days:  # what is told of a leak day by day is its growth; by night it scatters
            rate = max([rate, *(event.growth(night) for event in growing)])
        last = growing[-1] if growing else None
        # A burst within the window shows half of itself in its first night: the rest is the same leak.
        rest = not apart and last is not None and last.at_once and change.begin <= last.detected + 1
        sudden = apart or (not rest and self._jumped(zone, night, change, given.jump * rate))
        slow = [event for event in growing if not event.at_once]
        if last is not None and not sudden and (rest or slow):
            event = last if rest else slow[-1]
            if not rest or event.creeping:
                event.rate = max(event.rate / 2, change.size / nights)
                event.grown, event.creeping = night, True
        else:
            event = self._new(zone, night, change, running, state, spread)
            event.how += AT_A_PLACE if apart else ""
            self._open(zone, night, event)
        self.from_base(zone, change.begin, night)
        self._resize(zone, night, event, change.size)
        self._learn_anew(zone, night, change, state, spread)

    def _learn_anew(self, zone: int, night: int, change: Change, state: Array, spread: Array) -> None:
        """Let the level follow a rise from the state before it."""
        model = self.model
        spread[LEVEL, LEVEL] += (2 * change.size) ** 2
        creep = change.size / (night - change.begin + 1) if change.creeping else 0.0
        model.restart(zone, change.begin, night, state, spread, creep, False)
        self.since[zone] = night
        model.growth[zone] = min(creep or 0.05 * change.size, model.noise[zone])

    def _by_night_alone(self, zone: int, night: int, begin: int, size: float) -> bool:
        """Whether a rise shows by night only; where flows are whole days there is nothing else to ask."""
        if self.given.whole_days:
            return False
        changes = [
            at for event in self.events[zone] for at in (event.started, event.repaired) if at is not None
        ]
        # The day in which a leak began or ended shows a part of it.
        since = max([at + 1 for at in changes if at < begin], default=0)
        day = self.even.left[zone, : night + 1].sum(axis=1)
        return by_night_alone(day, begin, size, since)

    def _used_to(self, zone: int, night: int, begin: int) -> bool:
        """Whether what nights alone use has been told often enough to be their way: those before tell nothing of it."""
        self.by_night[zone] += 1
        if self.by_night[zone] < OFTEN:
            return False
        self.by_night[zone], self.since[zone] = 0, night
        self.reference.free[zone, :begin] = False
        self.anew[zone].append(begin)
        return True

    def _tell_weeks(self, night: int) -> None:
        """Take what only some nights of each week have as their way, and no longer as a leak."""
        for zone, begin, use in uses_of_week(self, night):
            learn(self, zone, night, begin, use)
            self.since[zone], self.stirred[zone] = begin, night
            self.reference.free[zone, :begin], self.reference.free[zone, begin : night + 1] = False, True
            self.lone.nights[zone] = [one for one in self.lone.nights[zone] if one[0] < begin]
            if zone in self.sunk and self.sunk[zone][0] >= begin:
                del self.sunk[zone]

    def _came_back(self, zone: int, night: int, change: Change) -> bool:
        """Whether a rise only takes back a fall that no mended leak explained: a valve, or a sensor, is right again.

        The flow is held against what the zone took before, with the day's use of now or of then: of a school that opens
        after its holidays that of last week tells nothing.
        """
        if zone not in self.sunk:
            return False
        fell, state, spread = self.sunk[zone]
        if night - fell > BACK_WITHIN:
            del self.sunk[zone]
            return False
        model, since = self.model, slice(change.begin, night + 1)
        flow, now = model.flow[zone, since], model.design[since, zone]
        then = now.copy()
        then[:, SHARE] = model.design[max(0, fell - 1), zone, SHARE]
        if not min(np.nanmedian(flow - use @ state) for use in (now, then)) < 0.3 * change.size:
            return False
        spread = spread.copy()
        spread[LEVEL, LEVEL] += model.drift[zone] ** 2 * (night - fell) + model.noise[zone] ** 2
        model.restart(zone, change.begin, night, state, spread, 0.0, True)
        self.since[zone] = night
        self.anew[zone].append(change.begin)
        return True

    def _jumped(self, zone: int, night: int, change: Change, growth: float) -> bool:
        """Whether half of a change, and more than scatter does, came in one night beside its `growth` [m³/h].

        What the level lags behind a growth did not, nor a sudden leak that is told already.
        """
        sudden = [event.started for event in self.open(zone) if not event.creeping]
        flow = self.reference.flow[zone, max(0, change.begin - 4, *sudden) : night + 1]
        return steepest(flow) - growth > max(0.5 * change.size, 3 * float(self.model.noise[zone]))

    def _fall(self, zone: int, night: int, change: Change) -> None:
        model = self.model
        state, spread = model.before(zone, change.begin)
        running = self.open(zone)
        total = sum(event.flow for event in running)
        since = slice(change.begin, night + 1)
        left = float(np.nanmedian(model.flow[zone, since] - self.baseline[zone, since]))
        fall = max(-change.size, total - left) if running else -change.size
        if not running:
            if zone not in self.sunk or change.begin - self.sunk[zone][0] > WEEK:  # else it goes on falling
                self.sunk[zone] = change.begin, state.copy(), spread.copy()
            self.anew[zone].append(change.begin)
        ended = self._explained(running, fall)
        if ended:
            base = self.oldest(zone)
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
                    event.ease(change.begin, share)
                else:
                    event.repaired = change.begin
                    event.sizes.append((max(change.begin, event.sizes[-1][0]), event.flow))
            spread[LEVEL, LEVEL] += (2 * change.size) ** 2
            model.restart(zone, change.begin, night, state, spread, 0.0, False)
            self.since[zone] = night
        for event in running:
            if event.repaired is not None and event.repaired - event.started <= LONGEST + 1:
                own = slice(event.started, event.repaired)
                rest = model.flow[zone, own] - self.baseline[zone, own]
                self.lone.add(zone, event.started, event.told, lasting(rest, event.told))
        model.growth[zone] = 0.0


def watch(model_given: Assumptions, given: Watchfulness, seen: Seen) -> Watch:
    """Expect and watch all zones, night after night."""
    watching = Watch(seen, model_given, given)
    watching.run()
    return watching
