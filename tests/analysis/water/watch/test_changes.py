"""Changes that a window tells: the zones that are looked at closer, and that no zone depends on the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch import changes, watching
from cityctl.analysis.water.watch.watching import Watch
from tests.analysis.water.watch.test_watching import YEAR, nights, watched

ZONES = 16


def leaking(seed: int) -> tuple[Any, Any, Any]:
    """Quiet and restless zones, half of them with a burst, a leak that creeps, or a night that is odd."""
    flow, day, kinds = nights(ZONES, seed)
    flow[::3] += np.random.default_rng(seed + 1).normal(0, 1.0, flow[::3].shape)
    flow[:4, 150:] += 3.0
    flow[4:8] += np.clip((np.arange(YEAR) - 170) / 30, 0, 1) * 3.0
    flow[8, 190] += 20.0
    flow[9, 100:130] = np.nan
    flow[10] = day[10] = 0.0
    return flow, day, kinds


@pytest.mark.parametrize("seed", range(2))
def test_no_zone_that_lies_beyond_its_limit_is_passed_over(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Night after night the very changes that are found where every zone is looked at closer."""
    real, few = changes._likely, changes.largest
    looked, found = [], []

    def all_of_them(model: Any, *given: Any) -> Any:
        looked.append(len(real(model, *given)) / ZONES)
        return np.arange(ZONES)

    def both(*given: Any) -> Any:
        monkeypatch.setattr(changes, "_likely", real)
        told = few(*given)
        monkeypatch.setattr(changes, "_likely", all_of_them)
        whole = few(*given)
        for name in ("size", "sd", "width", "begin"):
            assert np.array_equal(getattr(told, name), getattr(whole, name)), name
        found.append(np.count_nonzero(told.size))
        return told

    monkeypatch.setattr(watching, "largest", both)
    watched(*leaking(seed))
    assert sum(found) > 10
    assert np.mean(looked) < 0.3


def told_of(watch: Watch, zone: int) -> list[tuple[Any, ...]]:
    return [
        (event.started, event.detected, event.repaired, event.flow, event.sd, event.doubt, event.sizes)
        for event in watch.events[zone]
    ]


def test_what_a_zone_tells_is_the_same_to_the_last_digit_whoever_is_watched_beside_it() -> None:
    """So that zones whose nights have changed may be judged anew alone."""
    flow, day, kinds = leaking(3)
    whole = watched(flow, day, kinds)
    for zone in (0, 5):
        alone = watched(flow[[zone]], day[[zone]], kinds)
        assert told_of(alone, 0) == told_of(whole, zone)
        assert np.array_equal(alone.baseline[0], whole.baseline[zone], equal_nan=True)
        assert np.array_equal(alone.doubt[0], whole.doubt[zone])
