"""The water balance from bills and registers: shared out by time, and what was not read raised and less sure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import slots
from tests.analysis.water.test_balance import CITY, cells_of, made


def bills(first: str, step: int | None, count: int = 14) -> tuple[Any, Any]:
    """Stamps and volumes of bills of 10 m³ a day that begin on `first`: every so many days, or every month."""
    if step is None:
        stamps = np.arange(first, np.datetime64(first, "M") + count, dtype="datetime64[M]").astype(
            "datetime64[D]"
        )
    else:
        stamps = np.datetime64(first, "D") + step * np.arange(count)
    return stamps[:-1].astype("datetime64[m]"), np.diff(stamps).astype(int) * 10.0


@pytest.mark.parametrize("months", ["January", "January to June", "February, and nothing after"])
@pytest.mark.parametrize(
    ("every", "first", "step"),
    [("30d", "2025-06", None), ("31d", "2025-06", None), (None, "2025-06", None), ("30d", "2025-06-10", 30),
     ("60d", "2025-06-20", 60), (None, "2025-06-20", 60), ("91d", "2025-06-03", 91), ("365d", "2024-09-20", 365)],
)  # fmt: skip
def test_bills_of_any_length_are_shared_out_by_time(
    ask: Callable[..., Result], every: str | None, first: str, step: int | None, months: str
) -> None:
    """10 m³ a day are 310 m³ in January and 1 810 in the half-year, whatever day the bills begin on.

    Of a bill that is the last one only its first day, and how long bills usually are, is known.
    """
    slot = "" if every is None else f"every: {every}, "
    text = CITY.replace("kind: counter, every: 30d", f"kind: interval, {slot}").replace(", ,", ",")
    text = text.replace("  c2: {unit: L, kind: interval, every: 1h, zone: part, role: consumption}\n", "")
    stamps, volumes_ = bills(first, step)
    since, until, expected = {
        "January": ("2026-01-01", "2026-02-01", 310.0),
        "January to June": ("2026-01-01", "2026-07-01", 1810.0),
        "February, and nothing after": ("2026-02-01", "2026-03-01", 280.0),
    }[months]
    kept = stamps < np.datetime64(until)
    if months != "January":
        stamps, volumes_ = stamps[kept], volumes_[kept]
    hours = slots(since, until, 60)
    series = {"in": (hours, np.full(len(hours), 60.0)), "c1": (stamps, volumes_)}
    found = ask("water/balance", text, series, since, until)
    assert cells_of(found)["billed_metered"]["balance_volume"] == pytest.approx(expected, rel=1e-6)
    assert found.completeness.complete


def test_a_bill_that_is_credited_counts_with_its_credit(ask: Callable[..., Result]) -> None:
    """500 m³ were estimated for January and 190 taken back with February's 280: 590 m³ in both."""
    stamps, volumes_ = bills("2025-06", None)
    volumes_[7:9] = 500, 280 - 190
    text = CITY.replace("kind: counter, every: 30d", "kind: interval, every: 30d")
    hours = slots("2026-01-01", "2026-03-01", 60)
    series = {"in": (hours, np.full(len(hours), 60.0)), "c1": (stamps, volumes_)}
    row = cells_of(ask("water/balance", text, series, "2026-01-01", "2026-03-01"))["billed_metered"]
    assert row["balance_volume"] == pytest.approx(590)
    assert row["balance_from"] == "1 of 2 customer meters"


def test_a_register_that_is_read_once_a_year_is_found(ask: Callable[..., Result]) -> None:
    """Read in June and in June: 3 650 m³ between, of which January is 31 days of 365."""
    read = np.array(["2025-06-01", "2026-06-01"], "datetime64[m]")
    text = CITY.replace("kind: counter, every: 30d", "kind: counter, every: 365d")
    found = ask("water/balance", text, {**made(), "c1": (read, [100.0, 3750.0])}, "2026-01-01", "2026-02-01")
    assert cells_of(found)["billed_metered"]["balance_volume"] == pytest.approx(310 + 744 * 0.024)


def test_what_no_register_has_told_yet_is_unsure_for_all_of_them_alike(ask: Callable[..., Result]) -> None:
    """Fifty registers last read on 21 January, ten days before the end, in which people use a tenth more.

    The 5 000 m³ of these days are raised from the twenty days before: 500 m³ too little, within 20 % of 5 000.
    """
    text = CITY.partition("  c1:")[0]
    text += "".join(
        f"  m{at}: {{unit: m3, kind: counter, every: 10d, zone: all, role: consumption}}\n"
        for at in range(50)
    )
    read = np.array(["2026-01-01", "2026-01-11", "2026-01-22"], "datetime64[m]")
    series = {"in": made()["in"], **{f"m{at}": (read, [0.5, 100.5, 210.5]) for at in range(50)}}
    row = cells_of(ask("water/balance", text, series, "2026-01-01", "2026-02-01"))["billed_metered"]
    assert row["balance_volume"] == pytest.approx(50 * 310)
    assert row["balance_low"] < 50 * (210 + 110) < row["balance_high"]
    half = (row["balance_high"] - row["balance_low"]) / 2
    assert half == pytest.approx(math.hypot(0.02 * 15_500, 0.2 * 5000))


def test_what_is_raised_is_less_sure(ask: Callable[..., Result]) -> None:
    """74 of 744 hours are guessed: 60 m³/h x 74 h x 20 % beside 2 % of 44 640 m³."""
    row = cells_of(ask("water/balance", CITY, made(gap=74), "2026-01-01", "2026-02-01"))["system_input"]
    half = (row["balance_high"] - row["balance_low"]) / 2
    assert half == pytest.approx(math.hypot(0.02 * 44_640, 0.2 * 60 * 74))
