"""The balance of inflow and metered use: what is used beside the meters is learnt, and a small leak stands out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.metered import BALANCE, CERTAINTY, LEARNING, LEAST
from cityctl.analysis.water.watch.watching import Watch, watch

DAYS, METERED, BESIDE, SCATTER = 200, 20.0, 0.12, 0.05  # m³/h; what no meter sees as a share of what they see


def balanced(leak: float, seed: int, zones: int = 12) -> Watch:
    """Days of a zone with metered use of 20 m³/h that varies by a tenth, an eighth of it beside, and a leak at 120."""
    rng = np.random.default_rng(seed)
    used = METERED * (1 + 0.1 * rng.standard_normal((zones, DAYS)))
    rest = BESIDE * used + SCATTER * rng.standard_normal((zones, DAYS))
    rest[:, 120:] += leak
    use = used - np.median(used[:, : LEARNING - 1], axis=1)[:, None]
    kinds = (np.arange(DAYS) % 7).astype(np.int64)
    parts: Any = np.repeat(rest[..., None], 8, axis=2)
    given = replace(
        Watchfulness(),
        certainty=CERTAINTY * Watchfulness().certainty,
        least_leak=LEAST,
        learning=LEARNING,
        whole_days=True,
    )
    return watch(BALANCE, given, Seen(rest, use, kinds, np.full_like(rest, 22.4), rest + use, parts))


def test_what_is_used_beside_the_meters_is_learnt() -> None:
    shares = balanced(0.0, 1).model.state[:, 1]
    assert shares == pytest.approx(np.full(12, BESIDE), abs=0.01)


def test_without_a_leak_nothing_is_raised() -> None:
    assert [len(events) for events in balanced(0.0, 2).events] == [0] * 12


def test_a_leak_of_two_percent_is_found_within_five_days() -> None:
    """0.45 m³/h: twice the scatter (0.24 m³/h) that use beside the meters would leave if it were not learnt."""
    for events in balanced(0.45, 3).events:
        assert len(events) == 1
        assert 120 <= events[0].detected <= 125
        assert events[0].flow == pytest.approx(0.45, abs=0.15)
