"""Falls of heads beyond what the inflow explains: made networks whose heads obey the formula, with leaks put in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch.falls import Falls, load_of

NIGHTS, PARTS, SENSORS = 90, 8, 6
LEAK = 60  # the night in which a leak begins


def heads(seed: int, *leaks: tuple[int, Any], sensors: int = SENSORS) -> tuple[Any, Any]:
    """(heads [m], inflow [m³/h]): each leak (night, m of head that it takes from each sensor) from its night on."""
    rng = np.random.default_rng(seed)
    inflow = 100 * (1 + 0.4 * np.sin(np.arange(PARTS))) * rng.normal(1, 0.02, (NIGHTS, PARTS))
    slope = rng.uniform(0.2, 1.0, sensors)[:, None, None] / 100**1.852
    told = 50 - slope * load_of(inflow) + rng.normal(0, 0.02, (sensors, NIGHTS, PARTS))
    for night, place in leaks:
        told[:, night:] -= np.asarray(place)[:, None, None]
    return told, inflow


def told(seed: int, *leaks: tuple[int, Any], known: Any = (), night: int = LEAK + 6) -> float:
    level, inflow = heads(seed, *leaks)
    return Falls({0: level}, {0: load_of(inflow)})(0, night, known)


WEST, EAST = (0.3, 0.2, 0.1, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.1, 0.2, 0.3)


def test_a_fall_is_told_and_chance_is_not() -> None:
    assert min(told(seed, (LEAK, WEST)) for seed in range(20)) > 7
    assert np.mean([told(seed) > 3 for seed in range(200)]) < 0.02


def test_a_known_leak_explains_its_own_growth_and_no_other_one() -> None:
    known = [(18, 23)]
    more = np.array(WEST) * 0.8
    assert told(1, (18, WEST), (LEAK, more)) > 7
    assert told(1, (18, WEST), (LEAK, more), known=known) < 3
    assert told(1, (18, WEST), (LEAK, EAST), known=known) > 7


def test_a_sensor_that_was_set_anew_is_no_leak() -> None:
    assert told(1, (LEAK, (2.0, 0, 0, 0, 0, 0))) < 3


def test_many_sensors_do_not_fall_by_chance() -> None:
    many = [heads(seed, sensors=60) for seed in range(30)]
    found = [Falls({0: level}, {0: load_of(inflow)})(0, LEAK) for level, inflow in many]
    assert np.mean([one > 3 for one in found]) < 0.05


@pytest.mark.parametrize("lost", [slice(None), slice(0, 1)])
def test_sensors_without_readings_say_nothing(lost: slice) -> None:
    level, inflow = heads(2, (LEAK, WEST))
    level[lost, LEAK + 3] = np.nan
    found = Falls({0: level}, {0: load_of(inflow)})
    assert (found(0, LEAK + 6) == 0) == (lost == slice(None))
    assert found(1, LEAK + 6) == 0, "a zone without sensors"
