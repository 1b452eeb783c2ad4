"""Repairs: planted falls, one that came back, one that did nothing; the interval against SciPy and by coverage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cityctl.analysis.water.dropping import drop, fall
from cityctl.analysis.water.repairs import on_another_day, stretches, without_weekdays
from cityctl.city.load import load
from cityctl.city.records import WorkOrder
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

WITH_ORDERS = CITY + "work_orders_file: orders.csv\n"
ORDERS = "Date;Zone;Crew\n2026-03-10;hafen;7\n2026-03-12;altstadt;7\n"


def write(project: Callable[[str], Path], orders: str) -> None:
    (project(WITH_ORDERS) / "orders.csv").write_text(orders, encoding="utf-8")


def asked(ask: Callable[..., Result], hafen: list[Leak], altstadt: list[Leak], until: str) -> Result:
    series: dict[str, Any] = {
        "hafen_inflow": inflow("2026-02-01", "2026-04-20", leaks=hafen),
        "altstadt_inflow": inflow("2026-02-01", "2026-04-20", seed=2, leaks=altstadt),
    }
    return ask("water/repairs", WITH_ORDERS, series, "2026-03-01", until)


def test_a_repair_that_holds_and_one_that_did_nothing(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, ORDERS)
    found = asked(ask, [Leak("2026-01-01", 5, end="2026-03-10T11:00")], [], "2026-04-10")
    hafen, altstadt = rows_of(found, "repairs")
    assert hafen["fell_by"] == pytest.approx(5, abs=0.5)
    assert hafen["fell_half"] < 1
    assert hafen["verdict"].endswith("holding")
    # 5 m³/h for 30 days, at 1.50 for each m³
    assert hafen["saved_m3"] == pytest.approx(5 * 24 * 31, rel=0.1)
    assert hafen["repair_worth"] == pytest.approx(1.5 * hafen["saved_m3"])
    assert altstadt["verdict"].startswith("DID NOT FALL")
    assert altstadt["saved_m3"] is None
    assert [one.kind for one in found.findings] == ["repair"]


def test_one_that_came_back_and_one_too_early(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, "date,zone\n2026-03-10,hafen\n2026-04-05,altstadt\n")
    leaks = [Leak("2026-01-01", 5, end="2026-03-10T11:00"), Leak("2026-03-22", 5)]
    found = asked(ask, leaks, [Leak("2026-01-01", 5, end="2026-04-05T12:00")], "2026-04-11")
    hafen, altstadt = rows_of(found, "repairs")
    assert hafen["verdict"].startswith("CAME BACK")
    assert altstadt["verdict"].endswith("too early to say whether it holds")


def test_one_before_the_next_order_is_not_too_early(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    """Two repairs four nights apart, a month ago; an order of the same job is no repair of its own."""
    write(project, "date,zone\n2026-03-10,hafen\n2026-03-14,hafen\n2026-03-15,hafen\n")
    leaks = [
        Leak("2026-01-01", 3, end="2026-03-10T11:00"),
        Leak("2026-01-01", 4, end="2026-03-15T11:00"),
    ]
    found = asked(ask, leaks, [], "2026-04-11")
    first, same, second = rows_of(found, "repairs")
    assert first["verdict"].endswith("m³/h, the next order came on 2026-03-14")
    assert same["verdict"] == "told with that of 2026-03-15"
    assert second["verdict"].endswith("m³/h, holding")
    assert found.summary == "night flow fell after 2 of 2 repairs"


def test_too_few_nights_are_not_assessable(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, "date,zone\n2026-04-09,hafen\n")
    found = asked(ask, [], [], "2026-04-10")
    (row,) = rows_of(found, "repairs")
    assert row["verdict"] == "NOT ASSESSABLE fewer than 3 nights after it"
    assert not found.completeness.complete


def test_an_interval_without_orders_is_no_error(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, "date,zone\n2025-04-09,hafen\n")
    found = asked(ask, [], [], "2026-04-10")
    assert rows_of(found, "repairs") == []
    assert found.completeness.complete


def test_nights_far_away_do_not_stand_in() -> None:
    """Seven nights that ended 40 days before a repair say nothing of it."""
    done = date(2026, 3, 10)
    flows = {done + timedelta(days=day): 5.0 for day in [*range(-50, -40), *range(1, 20)]}
    order = WorkOrder(done, "hafen")
    before, after, now = stretches(order, [order], flows, 7)
    assert (len(before), len(after), len(now)) == (0, 7, 7)


def test_without_orders_it_says_what_to_write(ask: Callable[..., Result]) -> None:
    with pytest.raises(UsageProblem, match="no work orders") as caught:
        ask(
            "water/repairs",
            CITY,
            {"hafen_inflow": inflow("2026-02-01", "2026-03-01")},
            "2026-02-10",
            "2026-03-01",
        )
    assert "work_orders_file" in str(caught.value.hint)


def test_a_file_without_a_column_is_named_with_its_line(project: Callable[[str], Path]) -> None:
    folder = project(WITH_ORDERS)
    (folder / "orders.csv").write_text("date,what\n2026-03-01,x\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid, match=r"orders\.csv:1: no column `zone`"):
        load(folder)


def test_a_file_with_heads_of_another_language_is_told_what_to_write(project: Callable[[str], Path]) -> None:
    folder = project(WITH_ORDERS)
    (folder / "orders.csv").write_text("Datum;Bereich;Maßnahme\n10.3.2026;hafen;x\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid) as caught:
        load(folder)
    assert "datum" in caught.value.tried[0]
    assert str(caught.value.hint) == (
        "write `zone` in line 1 above the cells that hold it; columns: date, zone, what, and any others"
    )


SLOPPY = """Date;Zone;What;Crew
10.3.2026;HAFEN;by its id, in capitals;7
2026-03-12 14:30;Altstadt;by its name, with a time;8
3/4/2026;hafen;which of both?;7
2026-13-40;hafen;;
2026-03-20;hafn;a typo;
;hafen;;
;;;
"""


def test_a_row_that_cannot_be_read_keeps_no_other_from_its_work(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, SLOPPY)
    found = asked(ask, [Leak("2026-01-01", 5, end="2026-03-10T11:00")], [], "2026-04-10")
    assert [(row["zone"], str(row["date"])) for row in rows_of(found, "repairs")] == [
        ("Hafen", "2026-03-10"),
        ("Altstadt", "2026-03-12"),
    ]
    assert [one.why.split(";")[0] for one in found.completeness.missing] == [
        "orders.csv:4: `3/4/2026` is no date",
        "orders.csv:5: `2026-13-40` is no date",
        "orders.csv:6: no zone `hafn`",
        "orders.csv:7: `` is no date",
    ]
    assert found.completeness.missing[2].why.endswith("did you mean `hafen`?")
    assert (found.completeness.wanted, found.completeness.had) == (6, 2)


def test_it_says_how_dates_with_strokes_were_read(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    write(project, "date,zone\n20/3/2026,hafen\n3/4/2026 14:30,hafen\n2026-03-10,hafen\n")
    found = asked(ask, [], [], "2026-04-10")
    assert [str(row["date"]) for row in rows_of(found, "repairs")] == [
        "2026-03-10",
        "2026-03-20",
        "2026-04-03",
    ]
    (note,) = [note for note in found.notes if "are read as" in note]
    assert note.startswith("Limits: dates of 2 orders are read as day/month/year:")


def test_orders_of_one_week_are_one_job(ask: Callable[..., Result], project: Callable[[str], Path]) -> None:
    """Two holes closed within two days: 2 and 3 m³/h less are told as 5 of one job, saved once."""
    write(project, "date,zone\n2026-03-10,hafen\n2026-03-10,hafen\n2026-03-12,hafen\n")
    leaks = [Leak("2026-01-01", 2, end="2026-03-10T11:00"), Leak("2026-01-01", 3, end="2026-03-12T11:00")]
    found = asked(ask, leaks, [], "2026-04-10")
    first, same, last = rows_of(found, "repairs")
    for row in (first, same):
        assert (row["verdict"], row["saved_m3"]) == ("told with that of 2026-03-12", None)
    assert last["fell_by"] == pytest.approx(5, abs=0.5)
    assert last["verdict"].endswith("holding")
    assert found.completeness.complete


def test_the_way_of_the_weekdays_is_taken_out() -> None:
    """Sundays have 20 more: seven nights each side scatter by nothing else, and the fall of 2 is sure."""
    done = date(2026, 3, 11)
    flows = {
        day: 10.0 + 20 * (day.weekday() == 6) - 2 * (day > done)
        for day in (done + timedelta(days=step) for step in range(-35, 28))
    }
    even = without_weekdays(flows, [day.weekday() for day in flows])
    before, after, _ = stretches(order := WorkOrder(done, "hafen"), [order], even, 7)
    found = fall(before, after)
    assert found is not None
    assert found.value == pytest.approx(2)
    assert found.half < 0.5
    plain = fall(*stretches(order, [order], flows, 7)[:2])
    assert plain is not None
    assert not plain.sure


def test_a_missing_file_is_named(project: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigInvalid, match=r"orders\.csv: No such file"):
        load(project(WITH_ORDERS))


def test_an_interval_against_scipy() -> None:
    """scipy.stats.ttest_ind(equal_var=False), of two samples in which no neighbour is like the next."""
    before, after = [5.0, 4.0, 5.2, 4.1, 5.1, 4.2, 5.3], [3.0, 1.9, 3.2, 2.1, 3.1]
    found = drop(before, after)
    assert found is not None
    interval = stats.ttest_ind(before, after, equal_var=False).confidence_interval(0.95)
    assert (found.value - found.half, found.value + found.half) == pytest.approx(tuple(interval))


def test_the_interval_holds_its_promise() -> None:
    """Of 2 000 falls of nothing over 7 + 7 nights, about 95 % of the intervals hold nothing."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(2000):
        found = drop(rng.normal(10, 1, 7).tolist(), rng.normal(10, 1, 7).tolist())
        assert found is not None
        held += abs(found.value) <= found.half
    assert 0.935 <= held / 2000 <= 0.985


def case(
    rng: np.random.Generator, wander: float, onset: int | None
) -> tuple[dict[date, float], dict[date, float]]:
    """Seven nights before and after a fall of 5: noise of 1, a level that wanders, a leak so many nights old."""
    level = 30 + np.cumsum(wander * rng.normal(size=14)) + rng.normal(size=14)
    running = np.arange(14) < 7
    if onset is not None:
        running &= np.arange(14) >= 7 - onset
    flows = level + 5 * running
    nights = [date(2026, 3, 4) + timedelta(days=at) for at in range(14)]
    return dict(zip(nights[:7], flows[:7], strict=True)), dict(zip(nights[7:], flows[7:], strict=True))


@pytest.mark.parametrize(("wander", "onset"), [(0.0, None), (0.5, None), (1.0, None), (0.3, 4), (0.3, 6)])
def test_the_interval_of_a_fall_holds_whatever_else_moves_the_level(wander: float, onset: int | None) -> None:
    """Of 300 repairs: none moves else, it wanders as by the season, or the leak began some nights before."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(300):
        found = fall(*case(rng, wander, onset))
        assert found is not None
        held.append(abs(found.value - 5) <= found.half)
    assert np.mean(held) >= 0.9


def test_nights_that_never_scatter() -> None:
    """A zone without flow by night, and one that fell by 2 of 7: nothing is left to doubt."""
    nights = [date(2026, 3, 1) + timedelta(days=at) for at in range(8)]
    for first, second in ((0.0, 0.0), (7.0, 5.0)):
        found = fall(dict.fromkeys(nights[:4], first), dict.fromkeys(nights[4:], second))
        assert found is not None
        assert (found.before, found.after) == (pytest.approx(first), pytest.approx(second))
        assert found.half == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("ended", ["2026-03-05", "2026-03-17"])
def test_an_order_that_bears_another_day_than_the_work(
    ask: Callable[..., Result], project: Callable[[str], Path], ended: str
) -> None:
    """5 m³/h ended five days before the order, or seven after it; the other zone's flow never fell."""
    write(project, ORDERS)
    found = asked(ask, [Leak("2026-01-01", 5, end=f"{ended}T11:00")], [], "2026-04-10")
    hafen, altstadt = rows_of(found, "repairs")
    aside = {"2026-03-05": "5 days before", "2026-03-17": "7 days after"}[ended]
    assert hafen["verdict"] == f"fell by {hafen['fell_by']:.2f} m³/h, holding; on {ended}, {aside} the order"
    assert hafen["fell_by"] == pytest.approx(5, abs=0.5)
    days = (date(2026, 4, 10) - date.fromisoformat(ended)).days
    assert hafen["saved_m3"] == pytest.approx(5 * 24 * days, rel=0.1)
    assert altstadt["verdict"].startswith("DID NOT FALL")


def test_a_fall_of_another_order_is_not_told_twice() -> None:
    """The flow fell with the order of 10 March; that of the 16th found nothing more to fall, nor does noise fall."""
    rng = np.random.default_rng(5)
    days = [date(2026, 2, 20) + timedelta(days=step) for step in range(50)]
    first, second = (WorkOrder(date(2026, 3, day), "hafen") for day in (10, 16))
    flows = {day: (15 if day <= first.date else 10) + 0.3 * rng.normal() for day in days}
    assert on_another_day(second, [first, second], flows, 7) is None
    assert on_another_day(second, [second], flows, 7) == first.date
    told = 0
    for _ in range(15):
        level = np.cumsum(0.3 * rng.normal(size=50)) + rng.normal(size=50)
        told += on_another_day(second, [second], dict(zip(days, level, strict=True)), 7) is not None
    assert told <= 1
