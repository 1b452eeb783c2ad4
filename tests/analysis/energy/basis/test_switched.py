"""What is on, told by its power: pumps that seldom run, lamps that failed, standby."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.energy.basis.switched import is_on


@pytest.mark.parametrize("share", [0.01, 0.04, 0.3, 0.97])
@pytest.mark.parametrize("standby", [0.0, 0.05])
def test_standby_is_off_however_seldom_it_runs(share: float, standby: float) -> None:
    """20 kW in a share of a month's quarters of an hour, what it takes by itself in the others."""
    ran = np.arange(2880) < share * 2880
    power = np.where(ran, 20.0, standby)
    power[-1] = np.nan
    assert (is_on(power) == (ran & np.isfinite(power))).all()


def test_a_wrong_reading_moves_no_line() -> None:
    ran = np.arange(2880) % 2 == 0
    power = np.where(ran, 20.0, 0.1)
    power[::400] = 65535.0
    assert (is_on(power) == ran).all()


def test_what_takes_nothing_is_off() -> None:
    assert not is_on(np.zeros(10)).any()
    assert not is_on(np.full(10, np.nan)).any()
    assert not is_on(np.array([])).any()
