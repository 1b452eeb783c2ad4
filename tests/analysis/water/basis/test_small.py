"""Digits by size: what people read of a hamlet tells something, and files keep all digits anyway."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.analysis.water.basis.small import digits_of, flow_text, sized
from cityctl.result import Column, Result, Table
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow


@given(st.floats(0.01, 1e6))
def test_two_figures_can_be_read(size: float) -> None:
    shown = f"{size:.{digits_of(size)}f}"
    assert float(shown) == pytest.approx(size, rel=0.051)


def test_no_size_asks_for_no_digit() -> None:
    assert [digits_of(size) for size in (0.0, -1.0, math.nan, 120.0, 0.0000001)] == [0, 0, 0, 0, 3]


@pytest.mark.parametrize(
    ("flow", "said"), [(12.34, "12.3"), (0.0, "0.0"), (1.04, "1.0"), (0.034, "0.034"), (-0.34, "-0.34")]
)
def test_flows_in_sentences(flow: float, said: str) -> None:
    assert flow_text(flow) == said


def test_the_smallest_zone_that_flows_says_how_many() -> None:
    columns = [Column("zone", "Zone"), Column("a", "A", "m3/h", kind="number"), Column("s", "S", "m3/h", kind="spark"),
               Column("share", "Share", kind="share")]  # fmt: skip
    rows: list[tuple[object, ...]] = [
        ("x", 120.0, [3.0, None], 0.1),
        ("y", 0.0, [0.0], 0.2),
        ("z", None, [], 0.3),
    ]
    assert [one.digits for one in sized(Table("t", "T", columns, rows)).columns] == [1, 1, 1, 1]
    # An hour of little flow is no small zone; a zone that never has more is.
    rows += [("x", 0.02, [], 0.1), ("hamlet", 0.03, [0.02], 0.1)]
    assert [one.digits for one in sized(Table("t", "T", columns, rows)).columns] == [1, 3, 3, 1]


def test_a_hamlet_is_told_in_litres_and_files_keep_all(ask: Callable[..., Result]) -> None:
    times, flow = inflow("2026-01-01", "2026-04-01", night=0.03, day=0.1, leaks=[Leak("2026-03-10", 0.02)])
    _, large = inflow("2026-01-01", "2026-04-01", seed=2)
    city_wide = ask("water/leaks", CITY, {"hafen_inflow": (times, large), "altstadt_inflow": (times, large)},
                    "2026-03-01", "2026-04-01")  # fmt: skip
    digits = {
        key.key: key.digits for key in next(one for one in city_wide.tables if one.key == "zones").columns
    }
    assert digits["mnf"] == 1
    found = ask("water/leaks", CITY, {"hafen_inflow": (times, flow)}, "2026-03-01", "2026-04-01")
    zones = next(one for one in found.tables if one.key == "zones")
    assert {key.key: key.digits for key in zones.columns}["mnf"] == 3
    (event,) = rows_of(found, "events")
    assert event["flow_m3h"] == pytest.approx(0.02, abs=0.004)
    assert len(repr(event["flow_m3h"])) > 8
    (finding,) = found.findings
    assert finding.text.startswith("a leak of 0.02")
