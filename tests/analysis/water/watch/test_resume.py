"""The watch taken up where an earlier one stood tells what the whole watch tells."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.basis.zones import Asked
from cityctl.analysis.water.nights import judged as sensor_nights
from cityctl.analysis.water.nights.dry import usual_inflow
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.nights.standing import settled, unpacked
from cityctl.analysis.water.sensors.clocks import Clocks
from cityctl.analysis.water.watch import resume
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.resume import Watched, resumed
from cityctl.city.things import Zone
from tests.analysis.water.watch.test_watching import COURSE, YEAR, nights

ZONES, MANY = 24, 72
DATES = [date(2025, 1, 1) + timedelta(days=at) for at in range(YEAR)]
NAMES = [f"z{at}" for at in range(MANY)]


class Kept:
    """A memory that keeps bytes and knows no readings."""

    program = "this one"

    def __init__(self) -> None:
        self.slots: dict[str, tuple[str, bytes]] = {}

    def recall(self, slot: str, key: str) -> bytes | None:
        held = self.slots.get(slot)
        return held[1] if held is not None and held[0] == key else None

    def keep(self, slot: str, key: str, content: bytes) -> None:
        self.slots[slot] = key, content

    def stamp(self, span: object) -> str | None:
        raise AssertionError(span)

    def show(self, span: object) -> None:
        raise AssertionError(span)


class Recorded(resume.Standing):
    """A watch that notes which nights of how many zones it judged."""

    judged: list[tuple[int, int, int]] = []

    def run(self, first: int = 0, end: int | None = None) -> None:
        count = self.model.flow.shape[1]
        self.judged.append((len(self.events), first, count if end is None else end))
        super().run(first, end)


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    monkeypatch.setattr(resume, "Standing", Recorded)
    Recorded.judged.clear()
    return Recorded.judged


class Fallen:
    """A sensor of every zone whose head tells of a fall in some nights."""

    def __init__(self, falls: Any) -> None:
        self.falls = falls

    def __call__(self, zone: int, night: int, known: Any = ()) -> float:
        return float(self.falls[zone, night])

    def basis(self, zone: int, nights: int) -> bytes:
        return bytes(self.falls[zone, :nights].tobytes())

    def of(self, zones: Any) -> Fallen:
        return Fallen(self.falls[zones])


def leaking(seed: int, zones: int = ZONES) -> tuple[Any, Any, Any, Any]:
    """(flow, day, kinds, falls): bursts, creeping leaks, repairs, lone nights, lost nights, a zone that begins late."""
    rng = np.random.default_rng(seed)
    flow, day, kinds = nights(zones, seed)
    for zone in range(zones):
        for _ in range(rng.integers(0, 4)):
            begin, length = int(rng.integers(20, YEAR - 20)), int(rng.integers(10, 120))
            ramp = np.minimum(1, np.arange(length) / rng.choice([1, 60]))
            size = rng.uniform(1.5, 6) * ramp[: YEAR - begin]
            flow[zone, begin : begin + length] += size
            day[zone, begin : begin + length] += size
        flow[zone, rng.integers(0, YEAR)] += 8
    flow[rng.random(flow.shape) < 0.03] = np.nan
    flow[3, :140], day[3, :140] = np.nan, np.nan
    flow[4] = np.nan
    flow[6, 80:150] = np.nan  # learnt anew after that
    flow[8:12, 135:] += (
        4  # by night alone: told so in some nights before and some after the week that ends with 140
    )
    return flow, day, kinds, rng.uniform(0, 9, flow.shape)


def seen(all_of_it: tuple[Any, Any, Any, Any], end: int) -> Seen:
    """What was known after so many nights."""
    flow, day, falls = (one[:, :end] for one in (all_of_it[0], all_of_it[1], all_of_it[3]))
    inflow = trailing((flow + 3 * day) / 4, 56, 7)
    parts = day[:, :, None] + COURSE
    parts[..., -1] = flow
    kinds = all_of_it[2][:end]
    return Seen(flow, day_use(day, flow), kinds, inflow, day, parts, Fallen(falls))


def told(kept: Kept | None, shown: Seen) -> Watched:
    zones, end = shown.flow.shape
    return resumed(kept, "nights", Assumptions(), Watchfulness(), shown, NAMES[:zones], DATES[:end])


def said(event: Event) -> str:
    return json.dumps(
        event, default=lambda value: value.tolist() if hasattr(value, "tolist") else vars(value)
    )


def agree(one: Watched, other: Watched) -> None:
    for left, right in zip(one.events, other.events, strict=True):
        assert [said(event) for event in left] == [said(event) for event in right]
    assert np.array_equal(one.baseline, other.baseline, equal_nan=True)
    assert np.array_equal(one.doubt, other.doubt, equal_nan=True)


def test_going_on_tells_what_the_whole_watch_tells(recorded: list[tuple[int, int, int]]) -> None:
    """Bit by bit: events with their bases, what is expected, and its doubt, as the nights come."""
    made, kept = leaking(1, MANY), Kept()
    # A shift of five nights a week, which is told as such from night 140 on.
    shift = 6.0 * (np.isin(made[2], [1, 2, 3, 4, 5]) & (np.arange(YEAR) >= 125))
    for part in made[:2]:
        part[20:28] += shift
    for end in (130, 131, 140, 155, 180, 230, YEAR):
        shown = seen(made, end)
        whole = told(None, shown)
        agree(told(kept, shown), whole)
    assert any(whole.events)
    assert any(event.weekly for found in whole.events[20:28] for event in found)
    recorded.clear()
    told(kept, shown)
    # From the last week on that ended a fortnight ago; the zone without nights has no state that is worth keeping.
    assert recorded == [(MANY - 1, 245, YEAR), (1, 0, YEAR)]


def test_a_zone_whose_past_changes_is_watched_from_its_first_night(
    recorded: list[tuple[int, int, int]],
) -> None:
    made, kept = leaking(5), Kept()
    told(kept, seen(made, 200))
    made[0][7, 100] += 0.5
    made[3][9, 50] += 1.0  # of a pressure sensor
    recorded.clear()
    shown = seen(made, 201)
    again = told(kept, shown)
    week = settled(200)
    assert [(zones, first) for zones, first, _ in recorded if first == 0] == [(3, 0)]
    assert recorded[-2:] == [(ZONES - 3, week, 201), (3, week, 201)]
    agree(again, told(None, shown))
    recorded.clear()
    told(kept, shown)
    assert recorded[0] == (ZONES - 1, week, 201)  # and is kept anew


def test_a_zone_of_which_zeros_come_late_is_watched_from_its_first_night(
    recorded: list[tuple[int, int, int]],
) -> None:
    """They are as unknown as before, but the zone was shut then."""
    made, kept = leaking(9), Kept()
    made[0][5, 60:80] = np.nan
    shut = np.zeros((ZONES, 200), np.bool_)
    told(kept, replace(seen(made, 200), shut=shut.copy()))
    shut[5, 60:80] = True
    recorded.clear()
    shown = replace(seen(made, 200), shut=shut)
    again = told(kept, shown)
    assert [(zones, first) for zones, first, _ in recorded if first == 0] == [
        (2, 0)
    ]  # and the one without nights
    agree(again, told(None, shown))


def test_other_zones_or_another_certainty_begin_anew(recorded: list[tuple[int, int, int]]) -> None:
    made, kept = leaking(6), Kept()
    shown = seen(made, 200)
    told(kept, shown)
    own = NAMES[:ZONES]
    for names, given in ((["other", *own[1:]], Watchfulness()), (own, Watchfulness(certainty=7.0))):
        recorded.clear()
        resumed(kept, "nights", Assumptions(), given, shown, names, DATES[:200])
        assert recorded[0][:2] == (ZONES, 0)


def test_a_week_counts_when_late_readings_are_hardly_awaited() -> None:
    """Kept is the end of a week from a fortnight later on, and nothing of the first thirteen weeks."""
    made, kept = leaking(7), Kept()
    for end, week in ((104, None), (105, 91), (111, 91), (112, 98)):
        told(kept, seen(made, end))
        held = [unpacked(content).nights for _, content in kept.slots.values()]
        assert held == ([] if week is None else [week])


def test_the_report_on_last_week_goes_on_from_what_todays_kept(recorded: list[tuple[int, int, int]]) -> None:
    made, kept = leaking(8), Kept()
    last_week = seen(made, 210)
    for day in (0, 3, 6):
        told(kept, seen(made, 210 + day))
        recorded.clear()
        told(kept, last_week)
        assert recorded[0][:2] == (ZONES - 1, settled(210))


class JudgedClocks(Clocks):
    """Clocks that note which nights of how many sensors they judged."""

    judged: list[tuple[int, int]] = []

    def run(self, first: int = 0, end: int | None = None) -> None:
        self.judged.append((len(self.changes), first))
        super().run(first, end)


def test_clocks_go_on_as_if_all_nights_were_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sensors whose clocks jump, come right, or lose days; one day of one sensor changes, and it begins anew."""
    monkeypatch.setattr(sensor_nights, "Clocks", JudgedClocks)
    rng = np.random.default_rng(4)
    course = 20 + 6 * COURSE + rng.normal(0, 0.4, (ZONES, YEAR, len(COURSE)))
    for sensor, jump in enumerate(rng.integers(90, 240, ZONES).tolist()):
        course[sensor, jump : jump + 40] = np.roll(course[sensor, jump : jump + 40], sensor % 3 - 1, axis=1)
    course[rng.random((ZONES, YEAR)) < 0.05] = np.nan
    kept, found = Kept(), set()
    for end in (100, 120, 121, 140, 170, 200, 207, 230, YEAR):
        if end == 230:
            course[5, 150] += 1.0
        JudgedClocks.judged.clear()
        told = sensor_nights._jumps(kept, NAMES[:ZONES], DATES[:end], course[:, :end])
        if end == 121:
            assert JudgedClocks.judged == [(ZONES, settled(121))]
        if end == 230:
            assert (1, 0) in JudgedClocks.judged
        assert told == sensor_nights._jumps(None, NAMES[:ZONES], DATES[:end], course[:, :end])
        found |= {jump[3] for jumps in told.values() for jump in jumps}
    assert found == {-3, 3}


def test_lines_through_weeks_go_on_as_if_all_were_looked_at() -> None:
    """Clocks that gain minutes a day, sensors that are dead, or silent for weeks; one whose past changes."""
    rng = np.random.default_rng(6)
    hours = np.arange(YEAR * 24)
    courses = np.empty((ZONES, YEAR, 8))
    for sensor in range(ZONES):
        late = np.clip(hours / 24 - 120, 0, None) * (sensor % 4) / 60 * 3
        flow = 20 + 8 * np.cos((hours % 24 - late - 8) / 12 * np.pi) + 3 * np.cos((hours - late) / 6 * np.pi)
        courses[sensor] = flow.reshape(YEAR, 8, 3).mean(axis=2) + rng.normal(0, 0.1, (YEAR, 8))
    courses[rng.random((ZONES, YEAR)) < 0.05] = np.nan
    courses[3] = np.nan
    courses[4, :120] = np.nan
    courses[5, 60:90] = np.nan
    kept, found = Kept(), 0
    for end in (100, 120, 170, 200, 201, 230, YEAR):
        if end == 230:
            courses[9, 150:155] += 1.0
        told = sensor_nights._drifts(kept, NAMES[:ZONES], DATES[:end], courses[:, :end])
        assert told == sensor_nights._drifts(None, NAMES[:ZONES], DATES[:end], courses[:, :end])
        found = sum(map(bool, told.values()))
    assert found >= ZONES // 2  # of the three in four whose clocks gain


def test_usual_inflows_go_on_as_if_all_nights_were_looked_at() -> None:
    rng = np.random.default_rng(5)
    inflow = 20 + rng.normal(0, 2, (ZONES, YEAR))
    inflow[rng.random((ZONES, YEAR)) < 0.1] = np.nan
    inflow[2, :130] = np.nan
    inflow[3, 40:] = 0.0
    zones, kept = [Asked(name, Zone(network="water"), None, (), False) for name in NAMES[:ZONES]], Kept()
    for end in (100, 121, 200, 203, YEAR):
        if end == 203:
            inflow[7, 110] += 5.0
        usual, shut = sensor_nights._usual(kept, zones, DATES[:end], inflow[:, :end])
        whole, never = usual_inflow(inflow[:, :end])
        assert np.array_equal(usual, whole, equal_nan=True)
        assert np.array_equal(shut, never)
