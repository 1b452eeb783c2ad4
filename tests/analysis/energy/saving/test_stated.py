"""Non-routine events as city.yaml states them, in the account of a house of which everything is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.city.load import load
from cityctl.errors import ConfigInvalid
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.saving.test_methods import HOUSE, house

ASKED = ("2024-01-01", "2025-01-01")
METHODS = ["caltrack2", "split", "towt", "billing"]
TENANT = "{first: 2024-06-01, zone: house, kwh_per_day: 48, what: tenant moved in}"


def asked(ask: Callable[..., Result], use: Any, method: str, *stated: str, **more: Any) -> dict[str, Any]:
    """The row of the house, which saves 20 %, with what city.yaml states."""
    times, degrees, _ = house()
    text = HOUSE.replace("EVERY", "1h") + f"non_routine: [{', '.join(stated)}]\n"
    series = {"temperature": (times, degrees), "meter": (times, use)}
    (row,) = rows_of(ask("energy/savings", text, series, *ASKED, method=method, **more), "savings")
    return row


def tenant() -> tuple[Any, Any]:
    """(stamps, use of the house with 2 kWh an hour more since June 2024)."""
    times, _, use = house()
    use = use * np.random.default_rng(7).normal(1, 0.05, len(use))
    return times, use + np.where(times >= np.datetime64("2024-06-01"), 2.0, 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_tenant_leaves_the_account_with_what_he_uses(ask: Callable[..., Result], method: str) -> None:
    """214 days from June on with 48 kWh each: as much more is expected, and 20 % of the rest are saved as before."""
    _, use = tenant()
    plain, told = asked(ask, use, method), asked(ask, use, method, TENANT)
    assert told["adjusted_kwh"] == pytest.approx(214 * 48)
    assert told["observed_kwh"] == pytest.approx(plain["observed_kwh"])
    assert told["counterfactual_kwh"] == pytest.approx(plain["counterfactual_kwh"] + 214 * 48)
    assert told["avoided_kwh"] / (told["counterfactual_kwh"] - 214 * 48) == pytest.approx(0.2, abs=0.01)
    assert "since 2024-06-01 (tenant moved in) +48 kWh a day expected, as city.yaml states" in told["reasons"]
    assert "and stayed" not in told["reasons"]
    if method != "billing":
        rose, _, when = plain["reasons"].rpartition("use rose by ")[2].partition(" kWh a day on 2024-0")
        assert float(rose) == pytest.approx(48, abs=3)
        assert when.endswith("and stayed: what changed?")


@pytest.mark.parametrize("method", METHODS)
def test_days_without_an_amount_leave_the_account(ask: Callable[..., Result], method: str) -> None:
    """Use at 70 % for 40 days looks like no shutdown; bills leave as a whole: all of March and of April."""
    times, _, use = house()
    use = use * np.random.default_rng(7).normal(1, 0.05, len(use))
    low = (times >= np.datetime64("2024-03-10")) & (times < np.datetime64("2024-04-19"))
    row = asked(
        ask, np.where(low, 0.7 * use, use), method, "{first: 2024-03-10, last: 2024-04-18, what: flood}"
    )
    assert row["days"] == 366 - (61 if method == "billing" else 40)
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)
    assert "2024-03-10 to 2024-04-18 (flood) left out, as city.yaml states" in row["reasons"]
    assert row["adjusted_kwh"] is None


@pytest.mark.parametrize("method", METHODS)
def test_days_of_the_baseline_are_no_evidence(ask: Callable[..., Result], method: str) -> None:
    """A fair hall in May 2023 that used thrice as much: the model does not know of it, whatever is stated."""
    times, _, use = house()
    use = use * np.random.default_rng(7).normal(1, 0.05, len(use))
    fair = (times >= np.datetime64("2023-05-03")) & (times < np.datetime64("2023-05-24"))
    stated = "{first: 2023-05-03, last: 2023-05-23, meters: [met*], kwh_per_day: 100}"
    row = asked(ask, np.where(fair, 3 * use, use), method, stated)
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)
    assert "too few readings" not in row["reasons"]
    clean = asked(ask, use, method)
    assert row["baseline_kwh"] < clean["baseline_kwh"]


def test_more_than_a_quarter_of_the_baseline_may_not_be_left_out(ask: Callable[..., Result]) -> None:
    """Of 365 days 91.25 may: 100 stated ones leave 265, below 90 % of 273.75 - which 246 are: 120 leave 245."""
    _, _, use = house()
    row = asked(ask, use, "caltrack2", "{first: 2023-03-01, last: 2023-06-08}")
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)
    row = asked(ask, use, "caltrack2", "{first: 2023-03-01, last: 2023-06-28}")
    assert row["verdict"] == "NOT ASSESSABLE baseline has 67 % of its days"


def test_zeros_that_are_stated_are_no_dead_meter(ask: Callable[..., Result]) -> None:
    times, _, use = house()
    shut = (times >= np.datetime64("2024-03-01")) & (times < np.datetime64("2024-05-01"))
    text = "{first: 2024-03-01, last: 2024-04-30}"
    row = asked(ask, np.where(shut, 0.0, use), "caltrack2", text)
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)
    assert row["days"] == 366 - 61


def test_another_house_is_not_touched(ask: Callable[..., Result]) -> None:
    _, use = tenant()
    row = asked(ask, use, "caltrack2", TENANT.replace("zone: house", "meters: [other]"))
    assert row["adjusted_kwh"] is None
    assert "and stayed" in row["reasons"]


def test_a_normal_year_is_that_of_the_house_without_the_tenant(ask: Callable[..., Result]) -> None:
    _, use = tenant()
    row = asked(ask, use, "caltrack2", TENANT, normal=True)
    assert row["normal_pct"] == pytest.approx(20.0, abs=1.0)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (
            "{first: 2024-06-01, last: 2024-05-01}",
            "its last day 2024-05-01 lies before the first, 2024-06-01",
        ),
        ("{first: 2024-06-01, zone: hous}", "no zone named `hous`"),
        ("{last: 2024-06-01}", "first"),
        ("{first: 2024-06-01, kwh: 3}", "kwh"),
    ],
)
def test_a_mistake_is_told(project: Callable[[str], Path], stated: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said):
        load(project(HOUSE.replace("EVERY", "1h") + f"non_routine: [{stated}]\n"))


def test_the_evidence_says_why_days_are_left_out(ask: Callable[..., Result]) -> None:
    times, degrees, use = house()
    text = HOUSE.replace("EVERY", "1h") + (
        "non_routine: [{first: 2023-05-03, last: 2023-05-04, what: fair}, {first: 2024-03-10, last: 2024-03-11}]\n"
    )
    series = {"temperature": (times, degrees), "meter": (times, use)}
    found = ask("energy/savings", text, series, *ASKED, evidence=True)
    why = {str(one["date"]): one["reason"] for one in rows_of(found, "left_out_meter")}
    assert why == {
        **dict.fromkeys(("2023-05-03", "2023-05-04"), "city.yaml states a non-routine event"),
        **dict.fromkeys(
            ("2024-03-10", "2024-03-11"),
            "set apart: of a shutdown, or of a non-routine event that city.yaml states",
        ),
    }
