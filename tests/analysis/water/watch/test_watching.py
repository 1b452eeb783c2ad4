"""The watch over nightly flows, without readings: many zones at a time, and no false alarm in quiet ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.nights.dry import usual_inflow
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import Watch, watch

YEAR = 260
COURSE = np.array([-4.0, 6.0, 3.0, -2.0, 5.0, 2.0, -10.0, 0.0])  # parts of a day beside its mean [m³/h]
WEEK = np.array([0.0, 0.0, 0.0, 0.0, 0.3, 1.5, 2.5])


def nights(zones: int, seed: int, season: float = 0.15, noise: float = 0.3) -> tuple[Any, Any, Any]:
    """(night flow, day flow, kinds) [m³/h]: 6 by night and 26 by day, a season, ways of the weekdays, scatter."""
    rng = np.random.default_rng(seed)
    night = np.arange(YEAR)
    phase = rng.uniform(0, 365, (zones, 1))
    yearly = 1 + season * np.cos(2 * np.pi * (night - phase) / 365)
    ways = WEEK[night % 7]
    flow = 4 + (2 + ways) * yearly + noise * rng.normal(0, 1, (zones, YEAR))
    day = 4 + 22 * yearly + 2 * noise * rng.normal(0, 1, (zones, YEAR))
    return flow, day, (night % 7).astype(np.int64)


def watched(flow: Any, day: Any, kinds: Any, **given: Any) -> Watch:
    inflow, shut = usual_inflow((flow + 3 * day) / 4)
    course = day[:, :, None] + COURSE
    course[..., -1] = flow
    seen = Seen(flow, flow, kinds, inflow, day, course).without(shut)
    return watch(Assumptions(), Watchfulness(**given), replace(seen, use=day_use(seen.by_day, seen.flow)))


@pytest.mark.parametrize("seed", range(2))
def test_quiet_zones_raise_nothing(seed: int) -> None:
    """Not one event in 2 x 100 zones over 260 nights of a season of ± 15 %."""
    assert sum(map(len, watched(*nights(100, seed)).events)) == 0


def test_quiet_zones_with_lost_nights_raise_nothing() -> None:
    flow, day, kinds = nights(60, 11)
    lost = np.random.default_rng(12).random(flow.shape) < 0.15
    flow[lost] = np.nan
    flow[:, 120:150] = np.nan
    assert sum(map(len, watched(flow, day, kinds).events)) == 0


def test_bursts_are_found_within_two_nights_with_their_size() -> None:
    flow, day, kinds = nights(40, 21)
    flow[:, 200:] += 3.0
    day[:, 201:] += 3.0
    events = watched(flow, day, kinds).events
    assert all(len(found) == 1 for found in events)
    assert {found[0].detected for found in events} <= {200, 201, 202}
    assert {found[0].started for found in events} <= {199, 200}
    assert np.mean([found[0].flow for found in events]) == pytest.approx(3.0, rel=0.1)
    within = [abs(found[0].flow - 3.0) < 1.96 * found[0].sd for found in events]
    assert np.mean(within) > 0.85


def test_creeping_leaks_are_one_event_each() -> None:
    flow, day, kinds = nights(40, 22, season=0.0)
    leak = np.clip((np.arange(YEAR) - 150) / 50, 0, 1) * 5.0
    events = watched(flow + leak, day + leak, kinds).events
    assert sum(len(found) == 1 for found in events) >= 36
    told = [sum(event.flow for event in found) for found in events]
    assert np.mean(told) == pytest.approx(5.0, rel=0.15)
    assert max(found[0].detected for found in events) < 185  # 5 m³/h come within 50 nights of the 150th
    assert np.median([abs(found[0].started - 150) for found in events]) < 15


def test_a_step_within_a_growth_is_another_leak() -> None:
    """3 m³/h come at once with the 180th night, while another leak grows by 0.1 m³/h from night to night."""
    flow, day, kinds = nights(40, 26, season=0.0)
    night = np.arange(YEAR)
    growth = np.clip((night - 150) / 50, 0, 1) * 5.0
    leak = growth + 3.0 * (night >= 180)
    events = watched(flow + leak, day + leak, kinds).events
    told = [event for found in events for event in found if 180 <= event.detected <= 184]
    assert len(told) >= 38
    assert np.mean([event.flow for event in told]) == pytest.approx(3.0, rel=0.25)
    before = [event for found in watched(flow + growth, day + growth, kinds).events for event in found]
    assert sum(180 <= event.detected <= 184 for event in before) <= 4


def test_what_grows_on_top_of_a_leak_is_another_one() -> None:
    """2 m³/h within a week, and a week later 6 more within a month: no single growth does that."""
    flow, day, kinds = nights(40, 27, season=0.0)
    night = np.arange(YEAR)
    leak = 2.0 * np.clip((night - 150) / 7, 0, 1) + 6.0 * np.clip((night - 164) / 28, 0, 1)
    events = watched(flow + leak, day + leak, kinds).events
    assert sum(len(found) >= 2 for found in events) >= 22
    assert np.mean([sum(event.flow for event in found) for found in events]) == pytest.approx(8.0, rel=0.1)
    never = watched(flow + leak, day + leak, kinds, again=YEAR).events
    assert sum(len(found) >= 2 for found in never) < 8


def test_repairs_and_overlapping_leaks_are_kept_apart() -> None:
    """6 m³/h from night 100 to 160, 3 from 130 to 200: the falls tell which of them is mended."""
    flow, day, kinds = nights(20, 23)
    night = np.arange(YEAR)
    leak = 6.0 * ((night >= 100) & (night < 160)) + 3.0 * ((night >= 130) & (night < 200))
    watching = watched(flow + leak, day + leak, kinds)
    for found in watching.events:
        first, second = found
        assert first.flow == pytest.approx(6.0, rel=0.2)
        assert second.flow == pytest.approx(3.0, rel=0.35)
        assert first.repaired in (159, 160, 161)
        assert abs(second.repaired - 200) <= 3
    on_time = [found[1].repaired in (199, 200, 201) for found in watching.events]
    assert sum(on_time) >= 19
    # While both ran, what the zone takes without them was not lost from sight.
    quiet = watched(flow, day, kinds)
    off = np.abs(watching.baseline[:, 150:155] - quiet.baseline[:, 150:155])
    assert np.median(off) < 0.4


@pytest.mark.parametrize("size", [2.0, 4.0])
def test_leaks_are_no_scatter_of_nights(size: float) -> None:
    """One after the other, each mended after nine nights: all steps are seen for what they are, and so is 0.3 m³/h."""
    flow, day, kinds = nights(20, 34)
    night = np.arange(YEAR)
    leak = size * ((night >= 80) & (night // 9 % 2 == 0))
    quiet, busy = watched(flow, day, kinds), watched(flow + leak, day + leak, kinds)
    assert quiet.model.noise.mean() == pytest.approx(0.3, rel=0.1)
    assert busy.model.noise.mean() < 1.25 * quiet.model.noise.mean()


def test_one_odd_night_is_no_leak() -> None:
    flow, day, kinds = nights(20, 24)
    flow[:, 180] += 40.0  # a fire was put out
    assert sum(map(len, watched(flow, day, kinds).events)) == 0


def test_summer_demand_is_told_from_a_leak_by_the_day() -> None:
    """Demand that rises by half over two months, day and night alike in proportion, is no leak."""
    flow, day, kinds = nights(20, 25, season=0.0, noise=0.15)
    demand = 1 + 0.5 * np.clip((np.arange(YEAR) - 200) / 60, 0, 1)
    # The zone has learnt from a first summer how much of the day's use is used by night.
    demand[60:120] *= 1 + 0.4 * np.sin(np.linspace(0, np.pi, 60))
    found = watched(4 + (flow - 4) * demand, 4 + (day - 4) * demand, kinds)
    leaking = sum(any(event.detected >= 200 for event in events) for events in found.events)
    assert leaking <= 2


def test_zones_do_not_touch_each_other() -> None:
    flow, day, kinds = nights(8, 26)
    flow[3, 150:] += 4
    day[3, 151:] += 4
    alone = watched(flow[3:4], day[3:4], kinds)
    among = watched(flow, day, kinds)
    assert [event.detected for event in among.events[3]] == [event.detected for event in alone.events[0]]
    assert [len(found) for found in among.events] == [0, 0, 0, 1, 0, 0, 0, 0]


def test_zones_without_readings_or_flow_are_left_alone() -> None:
    flow, day, kinds = nights(3, 27)
    flow[0], day[0] = np.nan, np.nan
    flow[1], day[1] = 0.0, 0.0
    watching = watched(flow, day, kinds)
    assert [len(found) for found in watching.events] == [0, 0, 0]
    assert np.isfinite(watching.baseline[2, 1:]).all()


def test_a_zone_that_comes_back_after_a_season_is_learnt_anew() -> None:
    """Seventy nights later it takes 3 m³/h more day and night, which is no leak; a burst fifty nights after that is."""
    flow, day, kinds = nights(30, 52)
    for shown in (flow, day):
        shown[:, 100:170] = np.nan
        shown[:, 170:] += 3
        shown[:10, 220:] += 4
    events = watched(flow, day, kinds).events
    assert [len(found) for found in events] == [1] * 10 + [0] * 20
    assert all(abs(found[0].started - 220) <= 1 for found in events[:10])


def test_a_day_of_zeros_is_no_repair() -> None:
    """A register stands still for an evening and a night, and says nothing for nine more: its zone's leak goes on."""
    flow, day, kinds = nights(6, 51)
    flow[:, 100:] += 6
    day[:, 100:] += 6
    course = day[:, :, None] + COURSE
    course[..., -1] = flow
    flow[:, 180], course[:, 180, -3:] = 0.0, 0.0
    flow[:, 181:190], day[:, 181:190], course[:, 181:190] = np.nan, np.nan, np.nan
    inflow = trailing((flow + 3 * day) / 4, 56, 7)
    shown = Seen(flow, day_use(day, flow), kinds, inflow, day, course)
    events = watch(Assumptions(), Watchfulness(), shown).events
    assert [[(event.started, event.repaired) for event in found] for found in events] == [[(100, None)]] * 6


def test_what_was_detected_needs_no_later_night() -> None:
    """Cut off after the night of its detection, the same readings tell the same event, its size to the last digit."""
    flow, day, kinds = nights(16, 41)
    rng = np.random.default_rng(42)
    for zone, begin in enumerate(rng.integers(8, 230, len(flow))):
        grown = np.clip((np.arange(YEAR) - begin + 1) / (1 + 20 * (zone % 2)), 0, 1) * 3.0
        flow[zone] += grown
        day[zone] += grown
    events = watched(flow, day, kinds).events
    told = [(zone, event) for zone, found in enumerate(events) for event in found]
    assert len(told) >= 14
    for zone, event in told:
        cut = slice(zone, zone + 1), slice(0, event.detected + 1)
        again = watched(flow[cut], day[cut], kinds[: event.detected + 1]).events[0][-1]
        assert (again.detected, again.started) == (event.detected, event.started)
        assert again.told == pytest.approx(event.told, rel=1e-9)


def test_a_zone_that_is_hardly_known_needs_more_to_be_believed() -> None:
    """A rise of 1.2 m³/h, four times the scatter of a night, is found sooner once a zone has shown a season."""
    flow, day, kinds = nights(40, 31, season=0.0)
    delays = []
    for begin in (30, 200):
        leak = 1.2 * (np.arange(YEAR) >= begin)
        events = watched(flow + leak, day + leak, kinds).events
        delays.append([next((one.detected - begin for one in found), 60) for found in events])
    assert np.mean(delays[0]) > np.mean(delays[1]) + 1


def test_intervals_of_creeping_leaks_hold_their_size() -> None:
    """While it grows, as it stops and a month later: at least 9 of 10 of the 95 % intervals, of all leaks together."""
    flow, day, kinds = nights(60, 22, season=0.1)
    leak = np.clip((np.arange(YEAR) - 150) / 50, 0, 1) * 5.0
    for end in (185, 200, 240):
        events = watched((flow + leak)[:, :end], (day + leak)[:, :end], kinds[:end]).events
        running = [[one for one in found if one.repaired is None] for found in events]
        off = [abs(sum(one.flow for one in found) - leak[end - 1]) for found in running]
        half = [1.96 * sum(one.doubt**2 for one in found) ** 0.5 for found in running]
        assert np.mean([away <= wide for away, wide in zip(off, half, strict=True)]) > 0.9
        assert all(one.doubt >= one.sd for found in events for one in found)


def test_a_zone_that_is_shut_leaks_no_more() -> None:
    """40 zones leak by 3 m³/h from the night 120 on, half of them creeping, and are shut from the night 190 on."""
    flow, day, kinds = nights(40, 41)
    leak = np.where(np.arange(40)[:, None] < 20, 3.0, np.clip((np.arange(YEAR) - 120) / 30, 0, 1) * 3.0)
    leak = np.where(np.arange(YEAR) >= 120, leak, 0.0)
    flow, day = flow + leak, day + leak
    flow[:, 190:], day[:, 190:] = 0.0, 0.0
    events = [event for found in watched(flow, day, kinds).events for event in found]
    assert len(events) >= 40
    assert not any(event.detected >= 190 for event in events)
    assert all(event.repaired is not None and event.repaired <= 197 for event in events)


@pytest.mark.parametrize("seeps", [0.0, 0.02])
@pytest.mark.parametrize("span", [(0, 30), (0, 70), (100, 130), (100, 180)])
def test_a_zone_that_opens_does_not_leak_and_what_leaks_later_does(
    span: tuple[int, int], seeps: float
) -> None:
    """Shut from the begin on, or for a season, while its meter shows nothing or next to it [m³/h]."""
    flow, day, kinds = nights(8, 5)
    shut = slice(*span)
    for shown in (flow, day):
        shown[:, shut] = seeps * np.abs(np.random.default_rng(6).normal(size=shown[:, shut].shape))
        shown[:4, 220:] += 4.0
    events = watched(flow, day, kinds).events
    assert [len(found) for found in events] == [1] * 4 + [0] * 4
    assert all(abs(found[0].started - 220) <= 1 for found in events[:4])
    for end in (2, 3, 5, 20):
        cut = slice(0, span[1] + end)
        assert not any(watched(flow[:, cut], day[:, cut], kinds[cut]).events)


def test_a_leak_that_runs_on_behind_a_shut_valve_is_there_again_when_it_opens() -> None:
    """4 m³/h from the night 120 on; shut from 160 to 190; mended meanwhile in half of the zones."""
    flow, day, kinds = nights(8, 7)
    for shown in (flow, day):
        shown[:, 120:] += 4.0
        shown[4:, 160:] -= 4.0
        shown[:, 160:190] = 0.0
    events = watched(flow, day, kinds).events
    assert [len(found) for found in events] == [2] * 4 + [1] * 4
    assert all(found[0].repaired == 160 for found in events)
    assert all(190 <= found[1].started <= found[1].detected <= 203 for found in events[:4])
    assert sum(found[1].detected <= 196 for found in events[:4]) >= 3


@pytest.mark.parametrize("draws", [0.15, 0.5])
def test_what_draws_little_for_its_holidays_comes_back_without_a_leak(draws: float) -> None:
    """A fortnight at a part of the use, day and night; 14 and 11 of 20 zones read LEAK for months when it was over."""
    flow, day, kinds = nights(20, 7)
    for shown in (flow, day):
        shown[:, 110:125] *= draws
        shown[:5, 220:] += 4.0
    events = watched(flow, day, kinds).events
    assert [len(found) for found in events] == [1] * 5 + [0] * 15
