from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.sim.town.localtime import DAY, LocalTime, by_hour, day_number

BERLIN = LocalTime(ZoneInfo("Europe/Berlin"), "DE", "HH")


@given(
    st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=20),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
@settings(max_examples=25)
def test_local_is_what_zoneinfo_says(seconds: list[int], name: str):
    zone = ZoneInfo(name)
    local = LocalTime(zone, "DE", None).local(np.array(seconds, dtype=np.int64))
    for second, shown in zip(seconds, local.tolist(), strict=True):
        wall = datetime.fromtimestamp(second, UTC).astimezone(zone)
        assert shown == int(wall.replace(tzinfo=UTC).timestamp())


def test_days_on_which_the_clocks_change_have_23_and_25_hours():
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 23), 24)):
        noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        instants = noon + np.arange(-36, 36, dtype=np.int64) * 3600
        assert int((BERLIN.local(instants) // DAY == day_number(day)).sum()) == hours


def test_kind_of_day():
    # 2026: 3 October is a Saturday and a holiday, 31 October a holiday in Hamburg (Reformation Day)
    days = {
        date(2026, 10, 2): 0,
        date(2026, 10, 3): 2,
        date(2026, 10, 4): 2,
        date(2026, 10, 10): 1,
        date(2026, 10, 31): 2,
    }
    numbers = np.array([day_number(day) for day in days], dtype=np.int64)
    assert BERLIN.kind(numbers).tolist() == list(days.values())


def test_a_shape_is_read_between_the_middles_of_its_hours():
    shape = np.arange(24, dtype=np.float64)
    at = np.array([30, 60, 90, 23 * 60 + 30, 0], dtype=np.int64) * 60
    assert by_hour(shape, at).tolist() == [0.0, 0.5, 1.0, 23.0, 11.5]
