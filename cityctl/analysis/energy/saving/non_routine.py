"""Non-routine events of all meters, from the tables that savings.sql has left behind: events.py says what they are.

Days, or bills, of shutdowns leave the account (savings_kept).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.saving import events
from cityctl.analysis.energy.saving.baseline import by_meter, keep, parts
from cityctl.analysis.energy.saving.closures import Days, closed_before
from cityctl.analysis.energy.saving.events import Event
from cityctl.analysis.energy.saving.stated import lasts
from cityctl.analysis.question import Question
from cityctl.city.accounts import NonRoutine

_PREDICTED = (
    "select meter, day, days, reporting, beyond, y, coalesce(t, 0) as t, expected from savings_predicted "
    "where meter >= $first and meter <= $last order by meter, day"
)


def set_apart(question: Question, meters: Sequence[Wanted]) -> dict[str, list[Event]]:
    """Meter -> its events; makes savings_kept without the days of shutdowns."""
    method = question.parameters["method"]
    billed = method == "billing"
    stated = {one.point.id: one.stated for one in meters}
    driven = {one.point.id for one in meters if one.drivers}
    found: dict[str, list[Event]] = {}
    for meter, dates, table in _series(
        question, meters, question.sql("billed_days") if billed else _PREDICTED
    ):
        after = table["reporting"].astype(bool)
        if not after.all() and after.any():
            judged = ~_touched(dates, None, [one for one in stated[meter] if one.kwh_per_day is None])
            found[meter] = _of_days(dates, table, after, judged, knows_week=method in ("split", "towt"))
            if meter not in driven:  # of others the weather does not tell what is usual
                found[meter] += _closed(dates, table, after, judged)
    for meter, dates, table in _series(question, meters, _PREDICTED) if billed else ():
        after = table["reporting"].astype(bool)
        if not after.all() and after.any():
            ends = [day + timedelta(days=int(days)) for day, days in zip(dates, table["days"], strict=True)]
            found[meter] = (
                [_with_bills(one, dates, ends) for one in found[meter]]
                if meter in found
                else _of_bills(dates, ends, table, after, ~_touched(dates, ends, stated[meter]))
            )
    apart = [
        {"meter": meter, "first_day": one.first, "last_day": one.last}
        for meter, met in found.items()
        for one in met
        if one.kind == "shutdown"
    ]
    apart += [
        {"meter": meter, "first_day": one.first, "last_day": one.last or date.max}
        for meter, known in stated.items()
        for one in known
        if one.kwh_per_day is None
    ]
    keep(question, "savings_apart", apart, ("meter", "first_day", "last_day"))
    question.engine.execute(question.sql("without_shutdowns"))
    question.engine.execute(question.sql("priced"))
    return found


def _series(question: Question, meters: Sequence[Wanted], asked: str) -> Any:
    """(meter, its days, its columns as arrays) of a query."""
    for ends in parts(meters):
        rows = question.engine.arrow(asked, ends)
        dates = rows["day"].to_pylist() if rows.num_rows else []
        begin = 0
        for meter, table in by_meter(rows):
            end = begin + len(table["y"])
            yield meter, dates[begin:end], table
            begin = end


def _spread(use: Any, expected: Any) -> float:
    """RMSE of the baseline [kWh a row]."""
    import numpy as np

    return float(np.sqrt(np.mean((use - expected) ** 2)))


def _by_weekday(dates: list[Any], use: Any, expected: Any, before: Any) -> Any:
    """What is expected, times what each day of the week took of it in the baseline.

    A model by the weather alone expects of a quiet Sunday what it expects of a Monday: a building that is shut would
    look shut on its workdays only, and its week would hide a step.
    """
    import numpy as np

    weekday = np.array([day.weekday() for day in dates])
    used, told = (np.bincount(weekday[before], values[before], 7) for values in (use, expected))
    share = np.where((told > 0) & (used > 0), used / np.where(told > 0, told, 1.0), 1.0)
    return expected * share[weekday]


def _touched(dates: list[Any], ends: list[Any] | None, stated: Sequence[NonRoutine]) -> Any:
    """In which rows something lasted that city.yaml states; without `ends` each is a day."""
    import numpy as np

    if not stated:
        return np.zeros(len(dates), bool)
    ends = ends or [day + timedelta(days=1) for day in dates]
    return np.array(
        [any(lasts(one, day, end) for one in stated) for day, end in zip(dates, ends, strict=True)], bool
    )


def _of_days(
    dates: list[Any], table: dict[str, Any], after: Any, judged: Any, *, knows_week: bool
) -> list[Event]:
    """`judged`: days of which nothing is known; `knows_week`: whether the model tells weekdays from weekends."""
    y, expected, before = table["y"], table["expected"], ~after
    if not knows_week:
        expected = _by_weekday(dates, y, expected, before)
    spread = _spread(y[before], expected[before])
    refused = events.unit_jump(dates, y, table["t"]) or events.dead(
        _chosen(dates, after & judged),
        y[after & judged],
        expected[after & judged],
        float(y[before].mean()),
        spread,
    )
    if refused:
        return [refused]
    usual = events.longest_run(y[before], expected[before], spread)
    told = after & judged & ~table["beyond"].astype(bool)  # an extrapolated day is evidence of nothing
    these = _chosen(dates, told)
    met = events.shutdowns(these, y[told], expected[told], spread, usual)
    changed = events.step(these, y[told], expected[told], table["t"][told]) if not met else None
    return [*met, *(one for one in (changed, events.huge(dates, y)) if one is not None)]


def _closed(dates: list[Any], table: dict[str, Any], after: Any, judged: Any) -> list[Event]:
    """A closure of the baseline that does not come again."""
    before, since = (
        Days(_chosen(dates, which), table["y"][which], table["t"][which])
        for which in (~after, after & judged)
    )
    closed = closed_before(before, since, table["expected"][~after])
    return [] if closed is None else [closed]


def _with_bills(one: Event, dates: list[Any], ends: list[Any]) -> Event:
    """A shutdown with how many bills it lies in: they leave the account with it."""
    if one.kind != "shutdown":
        return one
    met = sum(day <= one.last and end > one.first for day, end in zip(dates, ends, strict=True))
    return replace(one, bills=met)


def _of_bills(
    dates: list[Any], ends: list[Any], table: dict[str, Any], after: Any, judged: Any
) -> list[Event]:
    """One bill is enough for a shutdown: it is longer than the run of days that makes one."""
    import numpy as np

    y, expected, days, before = table["y"], table["expected"], table["days"], ~after
    spread = _spread(y[before], expected[before])
    usual = events.longest_run(y[before], expected[before], spread, least=1)
    told = after & judged
    last = {day: end - timedelta(days=1) for day, end in zip(dates, ends, strict=True)}
    shut = [
        replace(one, last=last[one.last])
        for one in events.shutdowns(_chosen(dates, told), y[told], expected[told], spread, usual, least=1)
    ]
    rest = told & ~np.array([any(one.first <= day <= one.last for one in shut) for day in dates])
    use, usually = y / days, expected / days
    doubtful = events.low_bills(
        _chosen(dates, rest), use[rest], usually[rest], _spread(use[before], usually[before])
    )
    return [*shut, *([] if doubtful is None else [doubtful])]


def _chosen(dates: list[Any], which: Any) -> list[Any]:
    return [day for day, counts in zip(dates, which, strict=True) if counts]
