"""QARTOD's tests: against ioos_qc 3.0.0 and pecos 1.0.0 on reference series, and the traps that they are known for."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.analysis.quality import qartod
from cityctl.analysis.quality.qartod import FAIL, MISSING, NOT_EVALUATED, PASS, SUSPECT

HOUR = 3600.0
NAN = float("nan")


@pytest.fixture(scope="module")
def tide(shared: Path) -> tuple[Any, Any, dict[str, Any]]:
    """(level [m], seconds, what ioos_qc 3.0.0 made of it, with its configuration)."""
    folder = shared / "data/quality/ioos"
    with (folder / "water_level_example.csv").open() as file:
        rows = list(csv.DictReader(file))
    level = np.array([float(row["sea_surface_height_above_sea_level"]) for row in rows])
    seconds = np.array([float(row["timestamp"]) for row in rows])
    return level, seconds, json.loads((folder / "expected.json").read_text())


def test_a_tide_gauge_bears_the_flags_of_ioos_qc(tide: tuple[Any, Any, dict[str, Any]]) -> None:
    level, seconds, expected = tide
    given_ = expected["config"]
    told = {
        "gross_range": qartod.gross_range(
            level, tuple(given_["gross_range"]["fail_span"]), tuple(given_["gross_range"]["suspect_span"])
        ),
        "spike": qartod.spike(
            level,
            given_["spike"]["suspect_threshold"],
            given_["spike"]["fail_threshold"],
            differential=False,
        ),
        "rate_of_change": qartod.rate_of_change(level, seconds, given_["rate_of_change"]["threshold"]),
        "flat_line": qartod.flat_line(
            level,
            seconds,
            given_["flat_line"]["suspect_threshold"],
            given_["flat_line"]["fail_threshold"],
            given_["flat_line"]["tolerance"],
        ),
    }
    for test, flags in told.items():
        assert counted(flags) == expected["counts"][test], test
        assert np.flatnonzero(flags == SUSPECT).tolist() == expected["suspect_idx"][test], test
        assert np.flatnonzero(flags == FAIL).tolist() == expected["fail_idx"][test], test
    assert counted(qartod.worst(*told.values())) == expected["rollup_counts"]


def counted(flags: Any) -> dict[str, int]:
    return {str(flag): int(count) for flag, count in zip(*np.unique(flags, return_counts=True), strict=True)}


def test_a_day_of_four_sensors_fails_where_pecos_says(shared: Path) -> None:
    """Range, stagnation and increment of pecos; it looks from 03:00 to 21:00, and knows -999 as corrupt."""
    folder = shared / "data/quality/pecos"
    with (folder / "simple.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["A"]]
    moments = {datetime.strptime(row[""], "%m/%d/%Y %H:%M"): row for row in rows}
    stamps = [
        one for one in sorted(moments) if 3 * 60 < one.hour * 60 + one.minute < 21 * 60 or one.hour == 3
    ]

    def series(name: str) -> Any:
        cells = [float(moments[one][name] or NAN) for one in stamps]
        return np.array([NAN if cell == -999 else cell for cell in cells])

    seconds = np.array([one.timestamp() for one in stamps])
    expected = json.loads((folder / "expected.json").read_text())["test_results"]

    def failed(variable: str, word: str) -> set[str]:
        spans = [one for one in expected if one["variable"] == variable and word in one["flag"]]
        return {str(at) for one in spans for at in stamps if one["start"] <= str(at) <= one["end"]}

    for name, low in (("B", 0.0), ("D", -1.0)):
        flags = qartod.gross_range(series(name), (low, 1.0))
        # pecos's clock filter leaves 03:00 itself out.
        told = {
            str(at)
            for at, flag in zip(stamps, flags, strict=True)
            if flag == FAIL and at.hour * 60 + at.minute > 180
        }
        assert told == failed(name, "bound")
    steep = qartod.rate_of_change(series("C"), seconds, 0.6 / 900)
    assert {str(at) for at, flag in zip(stamps, steep, strict=True) if flag == SUSPECT} == failed(
        "C", "Increment"
    )
    # Ten steps of 15 minutes do not move: pecos marks the whole stretch, QARTOD the readings that prove it.
    flat = np.flatnonzero(qartod.flat_line(series("A"), seconds, HOUR, HOUR, 0.0001) == FAIL)
    whole = failed("A", "Delta")
    assert {str(stamps[at]) for at in flat} == set(sorted(whole)[4:])


def test_a_step_is_no_spike() -> None:
    """A spike test that takes the mean of both neighbours acts as one of the rate of change."""
    step = np.array([1.0, 1, 1, 9, 9, 9])
    assert (qartod.spike(step, 3) == [2, 1, 1, 1, 1, 2]).all()
    assert (qartod.spike(step, 3, differential=False) == [2, 1, 3, 3, 1, 2]).all()
    assert (qartod.spike(np.array([1.0, 1, 9, 1, 1]), 3, 7) == [2, 1, 4, 1, 2]).all()


def test_good_readings_beside_a_missing_one_are_judged() -> None:
    values = np.array([1.0, 1, NAN, 1, 9, NAN, 1, 1])
    flags = qartod.spike(values, 3)
    assert (flags == [NOT_EVALUATED, PASS, MISSING, PASS, SUSPECT, MISSING, PASS, NOT_EVALUATED]).all()
    rates = qartod.rate_of_change(values, np.arange(8) * HOUR, 5 / HOUR)
    assert (
        rates == [PASS, PASS, MISSING, PASS, SUSPECT, MISSING, PASS, PASS]
    ).all()  # 8 in two hours: 4 an hour


def test_the_start_of_a_series_is_no_flat_line() -> None:
    seconds = np.arange(6) * HOUR
    flags = qartod.flat_line(np.full(6, 4.0), seconds, 3 * HOUR, 5 * HOUR)
    assert (flags == [PASS, PASS, PASS, SUSPECT, SUSPECT, FAIL]).all()


def test_missing_values_neither_hide_nor_make_a_flat_line() -> None:
    seconds = np.arange(12) * HOUR
    values = np.array([1, 2, 5.0, NAN, 5, 5, NAN, 5, 5, 6, 7, 8])
    flags = qartod.flat_line(values, seconds, 4 * HOUR, 40 * HOUR)
    assert np.flatnonzero(flags == SUSPECT).tolist() == [8]  # five readings of 5, from hour 2 to hour 8
    # Two hours that were read, a day apart, prove nothing of the time between.
    sparse = np.array([0, 1, 2, 3, 30, 31.0]) * HOUR
    assert (qartod.flat_line(np.array([1, 2, 3, 4.0, 4, 4]), sparse, 2 * HOUR, 4 * HOUR) == PASS).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=0, max_size=60), st.integers(1, 6))
def test_a_flat_line_is_what_the_definition_says(cells: list[int | None], steps: int) -> None:
    """Evenly read and complete: a reading is flat where it and the `steps` before it are one value."""
    values = np.array([NAN if cell is None else float(cell) for cell in cells])
    known = [cell for cell in cells if cell is not None]
    flags = qartod.flat_line(values, np.arange(len(values)) * HOUR, steps * HOUR)
    assert (flags[np.isnan(values)] == MISSING).all()
    if len(known) == len(cells):
        told = [at >= steps and len(set(cells[at - steps : at + 1])) == 1 for at in range(len(cells))]
        assert ((flags == SUSPECT) == told).all()


def test_the_worst_flag_wins() -> None:
    first, second = (np.array(flags, np.uint8) for flags in ([9, 1, 1, 2, 3], [9, 2, 3, 9, 4]))
    assert (qartod.worst(first, second) == [MISSING, PASS, SUSPECT, NOT_EVALUATED, FAIL]).all()
