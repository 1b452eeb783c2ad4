"""Wall times as UTC; expected values come from zoneinfo, one datetime at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.exports.table.clock.zone import CERTAIN, DOUBLED, GAP, WallClock

EPOCH = datetime(1970, 1, 1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "UTC",
    "Asia/Kolkata",
    "Africa/Casablanca",
)
CLOCKS = {name: WallClock(ZoneInfo(name)) for name in ZONES}


def micros(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def judged(local: datetime, zone: str) -> tuple[int, int, int]:
    """(state, UTC in the first pass, UTC in the second pass) by zoneinfo."""
    aware = local.replace(tzinfo=ZoneInfo(zone))
    first, second = (micros(aware.replace(fold=fold).astimezone(UTC)) for fold in (0, 1))
    if first == second:
        return CERTAIN, first, second
    exists = aware.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    return (DOUBLED if exists else GAP), first, second


@given(
    st.sampled_from(ZONES),
    st.lists(
        st.datetimes(datetime(1995, 1, 1), datetime(2036, 12, 31)).map(lambda at: at.replace(microsecond=0)),
        min_size=1,
        max_size=20,
    ),
)
def test_any_wall_time_agrees_with_zoneinfo(zone: str, walls: list[datetime]) -> None:
    utc, states = CLOCKS[zone].to_utc(np.array([micros(wall) for wall in walls], np.int64))
    for wall, found, state in zip(walls, utc.tolist(), states.tolist(), strict=True):
        expected = judged(wall, zone)
        assert state == expected[0]
        if state != GAP:
            assert found == expected[1]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2021, 2024])
def test_every_quarter_hour_of_a_year_agrees_with_zoneinfo(zone: str, year: int) -> None:
    walls = [datetime(year, 1, 1) + timedelta(minutes=15 * step) for step in range(366 * 96)]
    utc, states = CLOCKS[zone].to_utc(np.array([micros(wall) for wall in walls], np.int64))
    changing = np.flatnonzero(states)
    for index in changing.tolist():
        assert states[index] == judged(walls[index], zone)[0]
    for index in range(0, len(walls), 37):
        expected = judged(walls[index], zone)
        assert states[index] == expected[0]
        assert states[index] == GAP or utc[index] == expected[1]


def test_the_second_pass_of_a_doubled_hour() -> None:
    wall = np.array([micros(datetime(2021, 10, 31, 2, 30))], np.int64)
    clock = CLOCKS["Europe/Berlin"]
    utc, states = clock.to_utc(wall)
    assert states.tolist() == [DOUBLED]
    assert utc[0] == micros(datetime(2021, 10, 31, 0, 30))
    assert clock.second_pass(wall)[0] == micros(datetime(2021, 10, 31, 1, 30))


def test_a_message_names_between_what_times_the_clocks_jump() -> None:
    assert CLOCKS["Europe/Berlin"].change_near(micros(datetime(2021, 3, 28, 2, 30))) == ("02:00", "03:00")
    assert CLOCKS["Australia/Lord_Howe"].change_near(micros(datetime(2021, 10, 3, 2, 10))) == (
        "02:00",
        "02:30",
    )
