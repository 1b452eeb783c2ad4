"""Verdicts on sensors, from six-hour parts that were made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.sensors import verdicts
from cityctl.analysis.water.sensors.clocks import Clocks
from cityctl.analysis.water.sensors.verdicts import PARTS, Fault, Shown, masked, of_all, turned


def shown(mean: Any, spread: Any = 0.5, readings: int = 24, negatives: Any = 0.0) -> Shown:
    mean = np.asarray(mean, float)
    spread = np.broadcast_to(np.asarray(spread, float), mean.shape)
    return Shown(
        np.full(mean.shape, float(readings)),
        mean,
        mean - spread,
        mean + spread,
        np.broadcast_to(np.asarray(negatives, float), mean.shape),
    )


def faults(name: str, some: Shown, *, flow: bool, jumps: Any = ()) -> list[Fault]:
    """Of one sensor alone."""
    return verdicts.faults([name], some.of(np.newaxis), np.array([flow]), jumps={name: jumps})[name]


def lively(days: int) -> Any:
    return 20 + 5 * np.sin(np.arange(days * PARTS) * np.pi / 2)


def test_a_lively_sensor_has_no_fault() -> None:
    assert faults("s", shown(lively(100)), flow=True) == []


def test_a_still_sensor_is_frozen_after_18_hours() -> None:
    mean = lively(60)
    spread = np.full(len(mean), 0.5)
    mean[202:], spread[202:] = 17.0, 0.0
    (fault,) = faults("s", shown(mean, spread), flow=True)
    assert (fault.trouble, fault.begin, fault.end, fault.value) == ("frozen", 202, None, 17.0)
    assert fault.known == 204
    # Part 202 is the third of night 50: its own window closes too early to tell, the next one's does not.
    assert not fault.covers(50)
    assert fault.covers(51)


@pytest.mark.parametrize(("flutter", "frozen"), [(0.004, True), (0.1, False)])
def test_the_last_digit_of_a_still_sensor_may_flutter(flutter: float, frozen: bool) -> None:
    """Parts vary by 1 m³/h else; by a two-hundredth of that a sensor that stands still may, by a tenth it lives."""
    mean = lively(60)
    spread = np.full(len(mean), 0.5)
    mean[202:], spread[202:] = 17.0 + flutter / 4 * np.sin(np.arange(38)), flutter / 2
    found = faults("s", shown(mean, spread), flow=True)
    assert [(fault.trouble, fault.begin, fault.end) for fault in found] == [("frozen", 202, None)] * frozen


def test_it_is_believed_again_once_it_moves() -> None:
    mean = lively(60)
    spread = np.full(len(mean), 0.5)
    mean[200:212], spread[200:212] = 17.0, 0.0
    found = faults("s", shown(mean, spread), flow=True)
    assert [(fault.begin, fault.end) for fault in found] == [(200, 212)]
    assert masked(found, 60).nonzero()[0].tolist() == [50, 51, 52]


def test_a_pump_that_rests_is_not_frozen() -> None:
    """It has rested for a day again and again; only far longer rests are odd."""
    mean = np.tile([40.0, 40.0, 40.0, 40.0, 0.0, 0.0, 0.0, 0.0], 40)
    spread = np.where(mean > 0, 0.3, 0.0)
    first, *rest = faults("pump", shown(mean, spread), flow=True) or [None]
    assert rest == []
    assert first is None or first.end is not None
    mean[-12:], spread[-12:] = 0.0, 0.0
    assert faults("pump", shown(mean, spread), flow=True)[-1].end is None


def test_a_sensor_that_never_moved_says_nothing_about_freezing() -> None:
    """A standby main that has never flowed is no stuck meter."""
    assert faults("s", shown(np.zeros(400), 0.0), flow=True) == []


@pytest.mark.parametrize(("at", "few"), [(slice(204, 207), 0), (slice(206, 207), 2), (slice(239, 240), 1)])
def test_silence_within_a_frozen_run_does_not_end_it(at: slice, few: int) -> None:
    """Nor do a few readings of the same value, as where the last of them came an hour ago."""
    mean = lively(60)
    spread, readings = np.full(len(mean), 0.5), np.full(len(mean), 24.0)
    mean[200:], spread[200:] = 17.0, 0.0
    readings[at] = few
    some = shown(mean, spread)
    (fault,) = faults("s", Shown(readings, some.mean, some.least, some.most, some.negatives), flow=True)
    assert (fault.begin, fault.end) == (200, None)


def test_another_unit_and_back() -> None:
    mean = lively(100)
    mean[240:280] *= 3.6  # ten days in L/s
    some = shown(mean, mean * 0.02)
    (fault,) = faults("s", some, flow=True)
    assert (fault.trouble, fault.begin, fault.end) == ("unit", 240, 280)
    assert fault.value == 3.6
    assert faults("s", some, flow=False) == []


@pytest.mark.parametrize("factor", [10.0, 0.1, 100.0, 0.01])
def test_a_meter_exchanged_for_one_of_another_pulse(factor: float) -> None:
    """Its logger takes each pulse for ten or a hundred times as much, or as little, as it is: 47 m³/h of leakage."""
    mean = lively(100)
    mean[240:] *= factor
    (fault,) = faults("s", shown(mean, mean * 0.02), flow=True)
    assert (fault.trouble, fault.begin, fault.end, fault.value) == ("unit", 240, None, factor)


def test_a_burst_that_is_ten_times_the_flow_is_no_other_unit() -> None:
    mean = lively(100)
    mean[240:] += 180.0  # 20 becomes 200, and still swings as before
    assert faults("s", shown(mean, 0.5), flow=True) == []


def test_another_unit_as_a_season_ends() -> None:
    """Four weeks of guests make the last ten days, which are told by the week before; then all is as it was."""
    mean = lively(120)
    mean[240:360] *= 1.8
    mean[400:440] *= 3.6
    (fault,) = faults("s", shown(mean, mean * 0.02), flow=True)
    assert (fault.trouble, fault.begin, fault.end, fault.value) == ("unit", 400, 440, 3.6)


def test_a_household_is_in_no_other_unit() -> None:
    """Its days differ fourfold by themselves, as guests come and go."""
    mean = np.repeat(np.exp(np.random.default_rng(4).normal(0, 0.7, 200)), PARTS)
    assert faults("h", shown(mean, mean), flow=True) == []


def test_a_large_burst_is_no_other_unit() -> None:
    mean = lively(100)
    mean[240:] += 45  # 20 becomes 65: 3.25 times, within an eighth of 3.6; but 15 becomes 60, four times
    assert faults("s", shown(mean, 0.5), flow=True) == []


def test_negative_flow_where_there_was_none() -> None:
    negatives = np.zeros(400)
    negatives[300:] = 12.0
    (fault,) = faults("s", shown(lively(100), 0.5, 24, negatives), flow=True)
    assert (fault.trouble, fault.begin, fault.end) == ("negative", 300, None)
    both = np.full(400, 6.0)  # a pipe that flows both ways
    assert faults("s", shown(lively(100), 0.5, 24, both), flow=True) == []


@pytest.mark.parametrize("factor", [3.6, 1000.0, 1 / 3.6, 4.403, 15.85])
@pytest.mark.parametrize("days", [1, 5, 20])
def test_another_unit_in_the_first_days_is_told_once_the_right_one_has_lasted_as_long(
    days: int, factor: float
) -> None:
    mean = lively(100)
    mean[: days * PARTS] *= factor
    some = shown(mean, mean * 0.02)
    *while_in_doubt, first = faults("s", some, flow=True)
    assert (first.begin, first.end) == (0, days * PARTS)
    assert first.value == pytest.approx(factor)
    assert masked(faults("s", some, flow=True), 100).nonzero()[0].tolist() == list(range(days))
    assert while_in_doubt == []
    # Until then nobody can say which was right: the newer days are doubted.
    half = shown(
        mean[: (days + max(1, days // 2)) * PARTS], mean[: (days + max(1, days // 2)) * PARTS] * 0.02
    )
    (doubt,) = faults("s", half, flow=True)
    assert (doubt.begin == days * PARTS) == (days > 1)


def test_a_burst_in_the_first_weeks_is_no_other_unit() -> None:
    mean = lively(20)
    mean[40:] += 52.0  # 20 becomes 72, 3.6 times; what it swings by is as before
    assert faults("s", shown(mean, 0.5), flow=True) == []


def test_a_pump_that_runs_all_day_is_in_no_other_unit() -> None:
    """13 of 28 days it stands, 13 it runs at 30 m³/h, 2 it does for a part: their middle times 3.6 is a day on end."""
    days = np.array([0.0, 30.0] * 13 + [100 / 12] * 2 + [30.0])
    mean = np.repeat(days, PARTS)
    spread = np.select([mean == 30.0, mean > 0], [0.1, 0.0])
    spread[-PARTS:] = 0.4
    some = shown(mean, spread)
    most = np.where((mean > 0) & (mean < 30), 30.0, some.most)
    least = np.where((mean > 0) & (mean < 30), 0.0, some.least)
    assert faults("p", Shown(some.readings, mean, least, most, some.negatives), flow=True) == []


def test_a_pump_keeps_hours_of_its_own() -> None:
    """Its hours move by one from a day on; a flow that never rests and does the same has another clock."""
    day = np.array([0.0, 30.0, 30.0, 0.0, 15.0, 30.0, 0.0, 0.0])
    course = np.vstack([np.tile(day, (60, 1)), np.tile(np.roll(day, 1), (40, 1))])
    mean = course.reshape(-1, 2).mean(axis=1)
    pump = shown(mean, np.minimum(mean, 15.0))
    clocks = Clocks(np.stack([course, course + 20]))
    clocks.run()
    assert clocks.of(0)
    assert faults("p", pump, flow=True, jumps=clocks.of(0)) == []
    (fault,) = faults("f", shown(mean + 20, 0.5), flow=True, jumps=clocks.of(1))
    assert (fault.trouble, fault.value, fault.begin) == ("clock", 3.0, 60 * PARTS)


def test_clocks_that_jump_alike_in_most_of_a_city_are_no_sensors_fault() -> None:
    """Four of six come two hours late from night 60 or 61 on, for fasting; one on another day by one hour."""

    def clock(sensor: str, night: int, known: int, hours: float, end: int = 90) -> Fault:
        return Fault(sensor, "clock", night * PARTS, end * PARTS, known * PARTS + PARTS - 1, hours)

    told = [clock("a", 60, 61, 2), clock("b", 60, 62, 2, 64), clock("c", 61, 64, 2), clock("d", 60, 66, 2)]
    found = {fault.sensor: [fault] for fault in (*told, clock("e", 40, 42, 1))}
    of_all(found, 6)
    # Until the fourth, more than half of the six, was known, each had to be taken for a sensor's.
    assert masked(found["a"], 100).nonzero()[0].tolist() == [61, 62, 63, 64, 65]
    assert masked(found["b"], 100).nonzero()[0].tolist() == [62, 63]
    assert masked(found["d"], 100).nonzero()[0].tolist() == []
    assert {fault.why for own in found.values() for fault in own} == {"as most sensors of the city do", ""}
    assert masked(found["e"], 100).nonzero()[0].tolist() == list(range(42, 90))
    few = {fault.sensor: [fault] for fault in told}
    of_all(few, 8)
    assert masked(few["a"], 100).nonzero()[0].tolist() == list(range(61, 90))


def test_loggers_that_do_not_follow_the_citys_clocks_move_the_nights_of_their_zones() -> None:
    """Told with the night on which the clocks turned, once it is known: here 88 and 298, known at 90 and 301."""

    def clock(sensor: str, *, blinds: bool) -> Fault:
        return Fault(sensor, "clock", 89 * PARTS, 301 * PARTS, 91 * PARTS - 1, -1, blinds)

    moved = turned([[clock("a", blinds=False)], [clock("b", blinds=True)], []], {88: 1.0, 298: -1.0}, 400)
    assert {at: night for at, night in enumerate(moved[0].tolist()) if night >= 0} == {90: 88, 301: 298}
    assert moved[1:].max() == -1
