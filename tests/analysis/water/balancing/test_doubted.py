"""Inflow meters that cannot be trusted are named beside the balance that they are part of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import slots
from tests.analysis.water.test_balance import CITY, made


def town(first: int, last: int, what: Callable[[Any], Any]) -> dict[str, Any]:
    """60 m³/h by day and by night 20 less, and from one day of January to another what became of it there."""
    hours = slots("2026-01-01", "2026-02-01", 60)
    at = np.arange(len(hours))
    flow = 60 - 20 * (at % 24 < 6) + 0.5 * np.sin(at)
    struck = (at // 24 + 1 >= first) & (at // 24 + 1 <= last)
    return {**made(), "in": (hours, np.where(struck, what(flow), flow))}


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (lambda flow: flow / 3.6, "values x0.2778 from 15 Jan to 20 Jan: another unit?"),
        (lambda flow: np.full(len(flow), 55.5), "shows 55.5 all the time from 15 Jan to 20 Jan: frozen?"),
        (lambda flow: np.zeros(len(flow)), None),  # a zone that is shut, perhaps
        (lambda flow: 1.3 * flow, None),
    ],
    ids=["L/s", "frozen", "shut", "more"],
)
def test_what_a_balance_cannot_trust_is_named(
    ask: Callable[..., Result], what: Callable[[Any], Any], why: str | None
) -> None:
    result = ask("water/balance", CITY, town(15, 20, what), "2026-01-01", "2026-02-01", zones="all")
    said = [one.why for one in result.completeness.missing] if result.completeness else []
    assert said == ([] if why is None else [why])


def test_a_meter_that_is_held_at_one_value_is_no_frozen_one(ask: Callable[..., Result]) -> None:
    """60 m³/h all month, as a pump gives it: nothing else is known of this meter."""
    result = ask("water/balance", CITY, made(), "2026-01-01", "2026-02-01", zones="all")
    assert result.completeness is not None
    assert result.completeness.missing == []
