"""Volumes of meters: sums that do not depend on the order in which readings come."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cityctl.result import Result
from tests.analysis.water.test_balance import CITY, cells_of, made


def test_a_volume_is_the_same_in_whatever_order_it_is_summed_up(ask: Callable[..., Result]) -> None:
    """To the last bit: of flows with two decimals, rounded to a 2^-30 of a m³, whose sum no order changes."""
    series = made()
    hours, flow = series["in"]
    flow = np.round(60 + 20 * np.sin(np.arange(len(flow))), 2) + 0.001 * (np.arange(len(flow)) % 7)
    series["in"] = hours, flow
    cells = cells_of(ask("water/balance", CITY, series, "2026-01-01", "2026-02-01", zones="all"))
    assert cells["system_input"]["balance_volume"] == math.fsum(np.round(flow * 2**30) / 2**30)
