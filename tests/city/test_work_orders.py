"""Work orders as maintenance systems write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.beside import DAY_FIRST, MONTH_FIRST
from cityctl.city.load import load
from cityctl.errors import ConfigInvalid

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


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Zone;Datum;Beschreibung", "Hafen;20.3.2026;Rohrbruch"),
        ("Auftrag;Erledigt am;Versorgungszone;Maßnahme;Kosten", "A 7;20.3.2026;hafen;Rohrbruch;900"),
        ("DMA,Completed,Description", "hafen,2026-03-20,Rohrbruch"),
        ("date,Datum,zone,Bezirk,what", "2026-03-20,1.3.2026,hafen,Ost,Rohrbruch"),
    ],
)
def test_a_utilitys_own_heads_are_known(project: Callable[[str], Path], head: str, row: str) -> None:
    folder = project(CITY)
    (folder / "orders.csv").write_text(f"{head}\n{row}\n")
    (order,) = load(folder).work_orders()
    assert (str(order.date), order.zone, order.what) == ("2026-03-20", "hafen", "Rohrbruch")


def test_two_heads_that_may_be_the_date_are_asked_about(project: Callable[[str], Path]) -> None:
    """When it was reported is not when it was repaired."""
    folder = project(CITY)
    (folder / "orders.csv").write_text("Zone;Datum;Erledigt am\nhafen;1.3.2026;20.3.2026\n")
    with pytest.raises(ConfigInvalid) as caught:
        load(folder)
    assert "`datum`, `erledigt am` may each be the column `date`" in caught.value.message
    assert "rename the one that holds it to `date`" in str(caught.value.hint)
