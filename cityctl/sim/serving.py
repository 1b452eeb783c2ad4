"""What `cityctl sim` does: choose the city, switch it on, wait, and tell what is hidden.

In a demo's folder the recorded city is switched on again at its own ports, unless something else is asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from cityctl import clock
from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.result import Result
from cityctl.sim import shown
from cityctl.sim.faulty import Faulty
from cityctl.sim.simulator import FILE_NAME, Installation, Simulator
from cityctl.sim.town.blueprint import TIME_ZONE
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town
from cityctl.sim.truth import truth

addresses = shown.addresses


@dataclass(frozen=True)
class Plan:
    """A city to switch on: where, what time it is there, and how fast time goes."""

    installation: Installation
    begin: datetime
    speed: float

    def started(self, *, writes: bool = False, faulty: Faulty | None = None) -> Simulator:
        """The simulator, to be used in a `with` block; its devices may take writes, or answer badly."""
        return Simulator(
            self.installation, begin=self.begin, speed=self.speed, writes=writes, outgoing=faulty
        )


def plan(
    project: Project,
    *,
    now: datetime,
    at: str | None = None,
    seed: int | None = None,
    port_base: int | None = None,
    speed: float = 1.0,
) -> Plan:
    """Which city `sim serve` switches on. Raises UsageProblem and ConfigInvalid."""
    begin = _instant(at, now)
    kept = recorded(project)
    if kept is not None and at is None and seed is None:
        scenario = kept.scenario
        installation = kept if port_base is None else Installation.from_base(scenario, port_base)
    else:
        scenario = Scenario.at(begin, 1 if seed is None else seed)
        installation = (
            Installation(scenario) if port_base is None else Installation.from_base(scenario, port_base)
        )
    return Plan(installation, begin, speed)


def answers(project: Project, *, now: datetime, at: str | None = None, seed: int | None = None) -> Result:
    """What is hidden in the city that `plan` would switch on."""
    chosen = plan(project, now=now, at=at, seed=seed)
    town = Town(chosen.installation.scenario, chosen.begin.timestamp)
    return shown.answer_sheet(truth(town, chosen.begin), chosen.installation)


def recorded(project: Project) -> Installation | None:
    """The city that `cityctl demo` wrote down in a project's folder; None where there is none."""
    try:
        path = project.folder / FILE_NAME
    except ConfigInvalid:
        return None
    return Installation.read(path) if path.is_file() else None


def wait(length: str | None) -> None:
    """Wait for that long, or until the run is interrupted."""
    seconds = clock.duration(length).total_seconds() if length is not None else None
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        # Short naps: Windows delivers Ctrl-C only between them.
        time.sleep(0.2 if until is None else min(0.2, max(0.0, until - time.monotonic())))


def _instant(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblem(f"`--now {text}` is no instant", hint="write 2026-11-23T06:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=clock.zone_named(TIME_ZONE))
    return moment.astimezone(UTC)
