"""Work orders as maintenance systems write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.beside import DAY_FIRST, MONTH_FIRST
from cityctl.city.load import load

CITY = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones: {hafen: {network: water, kind: dma}}
work_orders_file: orders.csv
"""


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        (["20/3/2026", "3/4/2026 14:30"], [("2026-03-20", DAY_FIRST), ("2026-04-03", DAY_FIRST)]),
        (["3/20/2026", "4/3/2026"], [("2026-03-20", MONTH_FIRST), ("2026-04-03", MONTH_FIRST)]),
        (["20/3/2026", "20/13/2026", "2026-03-21"], [("2026-03-21", "")]),
        (["3/4/2026", "2026-03-20", "5/4/2026"], [("2026-03-20", "")]),
        (["20/3/2026", "3/20/2026", "21.3.2026"], [("2026-03-21", "")]),
    ],
)
def test_dates_with_strokes_are_read_where_the_file_leaves_one_way_only(
    project: Callable[[str], Path], dates: list[str], read: list[tuple[str, str]]
) -> None:
    """A 20th is no month. Where no day lies behind the twelfth, or days lie in both places, nothing is guessed."""
    folder = project(CITY)
    (folder / "orders.csv").write_text("date,zone\n" + "".join(f"{one},hafen\n" for one in dates))
    city = load(folder)
    assert [(str(one.date), one.written) for one in city.work_orders()] == read
    assert len(city.work_order_faults()) == len(dates) - len(read)
