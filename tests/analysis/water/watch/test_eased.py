"""Leaks of which a part is mended: what they took before stays as it was told, and what is left is no new leak."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.water.watch.test_watching import YEAR, nights, watched

BEGAN, OVER = 150, 240


@pytest.mark.parametrize("eased", [154, 190])
def test_a_leak_that_is_mended_in_part_took_all_of_itself_until_then(eased: int) -> None:
    """6 m³/h from the 150th night, 4 from the 154th or 190th to the 240th: the injected truth, night by night.

    A day shows half of the flow with which a leak begins, is eased or ends; so the nights of these are left out.
    """
    flow, day, kinds = nights(30, 41)
    night = np.arange(YEAR)
    leak = np.select([night < BEGAN, night < eased, night < OVER], [0.0, 6.0, 4.0], 0.0)
    events = watched(flow + leak, day + np.roll(leak, 1), kinds).events
    assert [len(found) for found in events] == [1] * 30
    off = []
    for (event,) in events:
        assert abs((event.repaired or 0) - OVER) <= 1
        told = np.array(event.sizes_at(range(BEGAN + 1, OVER - 1)))
        apart = np.abs(np.arange(BEGAN + 1, OVER - 1) - eased) > 1
        off.append(float(np.abs(told - leak[BEGAN + 1 : OVER - 1])[apart].mean()))
    assert np.mean(off) < 0.3  # a straight line to the 190th night is 0.5 m³/h off


def test_a_week_in_which_a_part_was_mended_shows_no_second_leak() -> None:
    """Its mean lies above what is left, by the nights before: 6 m³/h, and 3.5 from the 187th night on."""
    flow, day, kinds = nights(60, 41, season=0.0)
    night = np.arange(YEAR)
    leak = np.select([night < BEGAN, night < 187, night < OVER], [0.0, 6.0, 3.5], 0.0)
    events = watched(flow + leak, day + np.roll(leak, 1), kinds).events
    assert [len(found) for found in events] == [1] * 60
