"""The evidence of a saving: a second calculation of the same model, and a hash that only the input changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.models import split
from cityctl.analysis.energy.models.parts import Part
from cityctl.analysis.energy.saving import candidates
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.saving.test_methods import HOUSE, house

ASKED = ("2024-01-01", "2025-01-01")


def series(seed: int = 3) -> dict[str, Any]:
    times, degrees, use = house()
    return {
        "temperature": (times, degrees),
        "meter": (times, use * np.random.default_rng(seed).normal(1, 0.1, len(use))),
    }


def test_least_squares_one_by_one_finds_the_model_of_the_account(ask: Callable[..., Result]) -> None:
    found = ask("energy/savings", HOUSE.replace("EVERY", "1h"), series(), *ASKED, evidence=True)
    row = rows_of(found, "savings")[0]
    taken = rows_of(found, "candidates_meter")[0]
    assert taken["status"] == "taken"
    assert taken["heating_balance_point"] == row["heating_balance_point"]
    assert taken["cooling_balance_point"] == row["cooling_balance_point"]
    assert abs(taken["r2_adj"] - row["r2_adj"]) < 1e-9
    note = next(table.note for table in found.tables if table.key == "candidates_meter")
    assert note.startswith("2 014 models tried")  # CalTRACK 2.0's grid: 1 + 61 + 61 + 61 x 62 / 2


def test_what_is_refused_says_why() -> None:
    random = np.random.default_rng(0)
    temperature = random.uniform(40, 80, 300)
    statuses = {
        one.status
        for one in candidates.of_days(temperature, 10 + np.maximum(temperature - 60, 0), cooling=True)
    }
    assert statuses == {"qualified", "too few degree days", "a slope is not above 0", "the base is below 0"}
    assert len(candidates.of_days(temperature, temperature, cooling=False)) == 62


def test_the_hash_is_of_the_input(ask: Callable[..., Result]) -> None:
    def told(seed: int) -> dict[str, str]:
        found = ask("energy/savings", HOUSE.replace("EVERY", "1h"), series(seed), *ASKED, evidence=True)
        return {row["what"]: row["known"] for row in rows_of(found, "facts_meter")}

    assert told(3) == told(3)
    assert told(3)["input"] != told(4)["input"]
    assert told(3)["baseline days"] == "2023-01-01 to 2023-12-31: 365, of which 365 count"


def test_a_day_without_readings_is_listed(ask: Callable[..., Result]) -> None:
    given = series()
    times, use = given["meter"]
    gone = (times >= np.datetime64("2023-05-03")) & (times < np.datetime64("2023-05-05"))
    use = np.where(
        (times >= np.datetime64("2023-05-05")) & (times < np.datetime64("2023-05-05T13")), 0.0, use
    )
    given["meter"] = (times[~gone], use[~gone])
    found = ask("energy/savings", HOUSE.replace("EVERY", "1h"), given, *ASKED, evidence=True)
    rows = rows_of(found, "left_out_meter")
    assert [str(row["date"]) for row in rows] == ["2023-05-03", "2023-05-04", "2023-05-05"]
    assert rows[0]["reason"] == "no use: 0 % of its readings, 50 % are needed"
    assert rows[2]["reason"] == "no use: 46 % of its readings, 50 % are needed, 13 of 0 taken as missing"


def test_the_split_shows_its_ways(ask: Callable[..., Result]) -> None:
    found = ask(
        "energy/savings", HOUSE.replace("EVERY", "1h"), series(), *ASKED, evidence=True, method="split"
    )
    rows = rows_of(found, "candidates_meter")
    assert rows[0]["model"] == rows_of(found, "savings")[0]["model"]
    assert [row["criterion"] for row in rows] == sorted(row["criterion"] for row in rows)


def test_the_expected_use_can_be_told_again_from_the_parts_of_a_split(ask: Callable[..., Result]) -> None:
    found = ask(
        "energy/savings", HOUSE.replace("EVERY", "1h"), series(), *ASKED, evidence=True, method="split"
    )
    times, degrees, _ = house()
    days = (times - times[0]).astype("timedelta64[D]").astype(int)
    warmth = np.bincount(days, degrees) / np.bincount(days) * 1.8 + 32
    first = times[0].astype("datetime64[D]").astype(date)
    dates = [first + timedelta(days=at) for at in range(len(warmth))]
    cells = np.array([split.cell_of(day, rest=day.weekday() >= 5) for day in dates])
    since = np.arange(len(warmth)) >= (date.fromisoformat(ASKED[0]) - first).days
    groups = {Part(cells, None, None, 0, 0, 0).days: cells for way in split.ways() for cells in way}
    expected = 0.0
    rows = rows_of(found, "parts_meter")
    for row in rows:
        part = Part(
            groups[row["kind_of_day"]], row["heating_balance_point"], row["cooling_balance_point"],
            row["beta_heating"], row["beta_cooling"], row["intercept"], row["heating_bend"], row["cooling_bend"],
        )  # fmt: skip
        here = np.isin(cells, list(part.cells)) & since
        expected += float(part.expects(warmth[here]).sum())
    assert len(rows) > 1
    assert expected == pytest.approx(rows_of(found, "savings")[0]["counterfactual_kwh"], rel=1e-9)


def test_a_figure_that_is_not_proven_is_drawn_where_its_evidence_is_asked_for(
    ask: Callable[..., Result],
) -> None:
    times, degrees, use = house()
    unchanged = np.where(times >= np.datetime64("2024-01-01"), use / 0.8, use)
    noisy = unchanged * np.random.default_rng(8).uniform(0.5, 1.5, len(use))
    given = {"temperature": (times, degrees), "meter": (times, noisy)}
    plain = ask("energy/savings", HOUSE.replace("EVERY", "1h"), given, *ASKED)
    assert rows_of(plain, "savings")[0]["verdict"].startswith("not proven")
    assert plain.plots == []
    shown = ask("energy/savings", HOUSE.replace("EVERY", "1h"), given, *ASKED, evidence=True)
    assert [plot.key for plot in shown.plots] == ["meter", "meter-cusum"]
