"""What stretches that are left out of a baseline tell of a meter's interval, from readings to the row."""

from __future__ import annotations

import pytest

from tests.analysis.energy.town_hall import Ask, ask_one, made


def test_a_short_baseline_with_few_weekends_is_told_by_all_of_its_days(ask: Ask) -> None:
    """36 days by the hour have 10 weekend days: too few for a model of their own, and no reason to expect nothing."""
    asked = {"method": "towt", "baseline_days": 36, "until": "2025-01-11"}
    row = ask_one(ask, made(noise=0.02), **asked)
    assert row["saving_pct"] == pytest.approx(10, abs=4)
    assert row["avoided_high"] - row["avoided_kwh"] < 0.1 * row["counterfactual_kwh"]
