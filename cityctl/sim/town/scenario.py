"""Which faults are hidden in the simulated city and since when, all placed relative to one day.

The demo of any day shows them, because they move with it; a recorded scenario stays where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from cityctl.clock import midnight
from cityctl.sim.town.blueprint import COUNTRY, REGION, TIME_ZONE
from cityctl.sim.town.localtime import LocalTime

HISTORY_DAYS = 560  # how far back the historian and the meters reach
_NIGHT_IS_OVER = timedelta(hours=4, minutes=30)  # so that the newest night is whole


@dataclass(frozen=True)
class Leak:
    """Water lost from a zone: `flow_m3h` at rest pressure once it has grown for `growth`."""

    zone: str
    kind: str  # "burst" or "creeping"
    start: datetime
    flow_m3h: float
    growth: timedelta
    power: float  # growth follows (elapsed / growth) ** power
    exponent: float  # N1 of FAVAD: how flow follows pressure


@dataclass(frozen=True)
class StuckSensor:
    """A flow sensor that repeats its last value from `start` on."""

    zone: str
    start: datetime


@dataclass(frozen=True)
class Intervention:
    """Work at a building: what each part of its load is multiplied with from `date` on."""

    building: str
    date: date
    what: str
    floor: float = 1.0
    work: float = 1.0
    heating: float = 1.0
    cooling: float = 1.0


@dataclass(frozen=True)
class Outage:
    """A stretch that the SCADA historian did not record."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Scenario:
    """The hidden truth of one simulated city: its day (local) and the seed of its noise."""

    day: date
    seed: int = 1

    @classmethod
    def at(cls, now: datetime, seed: int = 1) -> Scenario:
        """The scenario whose newest whole night is the one before `now`."""
        local = now.astimezone(ZoneInfo(TIME_ZONE)) - _NIGHT_IS_OVER
        return cls(local.date(), seed)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(TIME_ZONE)

    @cached_property
    def local(self) -> LocalTime:
        """The city's wall clock and holidays, for arrays."""
        return LocalTime(self.zone, COUNTRY, REGION)

    def instant(self, days: int, hour: int = 0, minute: int = 0) -> datetime:
        """The UTC instant `days` after the scenario's day, at a wall time. A time that the clocks skip is
        read with the offset from before the change."""
        day = self.day + timedelta(days=days)
        wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
        return wall.astimezone(UTC)

    @cached_property
    def history_start(self) -> datetime:
        """Where the recorded history begins: a local midnight."""
        return midnight(self.day - timedelta(days=HISTORY_DAYS), self.zone)

    @cached_property
    def leaks(self) -> tuple[Leak, ...]:
        """A burst in Hafen, and a joint in Nordstadt that opens over weeks.

        N1 is 0.5 for a hole in a rigid pipe and 1.5 for one that opens with pressure (FAVAD, May 1994;
        Lambert 2001, "What do we know about pressure:leakage relationships in distribution systems?").
        """
        return (
            Leak("hafen", "burst", self.instant(-5, 17, 20), 12.6, timedelta(minutes=10), 1.0, 0.5),
            Leak("nordstadt", "creeping", self.instant(-45), 7.4, timedelta(days=60), 1.6, 1.5),
        )

    @cached_property
    def stuck_sensors(self) -> tuple[StuckSensor, ...]:
        """The inlet meter of Weststadt has stood still since an afternoon three days ago."""
        return (StuckSensor("weststadt", self.instant(-3, 14, 10)),)

    @cached_property
    def interventions(self) -> tuple[Intervention, ...]:
        """Five pieces of work; four saved energy, and the pool's new sauna did the opposite."""

        def on(days: int) -> date:
            return self.day - timedelta(days=days)

        return (
            Intervention(
                "town-hall", on(112), "LED lights and night setback", floor=0.71, work=0.84, heating=0.93
            ),
            Intervention("library", on(141), "Heat pump control", floor=0.95, work=0.93, heating=0.72),
            Intervention("clinic", on(84), "Ventilation at variable speed", floor=0.94, work=0.87),
            Intervention("pool", on(126), "New sauna", floor=1.04, work=1.19),
            Intervention("sports-hall", on(149), "LED floodlights", floor=0.92, work=0.68),
        )

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """The historian's server was down for maintenance on one morning."""
        return (Outage(self.instant(-38, 9, 15), self.instant(-38, 13, 45)),)
