"""One simulated city for the tests of its parts: a Monday in November, with every fault in sight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cityctl.sim.simulator import Installation, Simulator
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def town() -> Town:
    return Town(Scenario.at(NOW), NOW.timestamp)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """A running city whose clock stands still, so that two reads of one value agree."""
    with Simulator(Installation(Scenario.at(NOW)), begin=NOW, speed=0.0) as running:
        yield running
