"""Meters of savings that tell the same use twice: the second one's saving is set apart, not booked again."""

from __future__ import annotations

from itertools import pairwise

from cityctl import arrow
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.basis.twice import by_same_days, may_tell_twice, told_twice
from cityctl.analysis.question import Question


def found(question: Question, meters: list[Wanted]) -> dict[str, str]:
    """Meter -> the one before it that tells the same use in another way, after the days of the account are made."""
    import numpy as np

    beside = may_tell_twice(question.city, [one.point for one in meters])
    if not beside:
        return {}
    question.engine.register("meters_beside", arrow.table(meter=arrow.texts([one.id for one in beside])))
    table = question.engine.arrow(
        "select k.meter as meter, k.day as day, k.y as y from savings_kept as k "
        "join meters_beside as b on b.meter = k.meter where k.y is not null order by k.meter, k.day"
    )
    owner = np.array(table["meter"].to_pylist(), dtype=object)
    day, used = arrow.array_of(table["day"]).astype("datetime64[D]"), arrow.array_of(table["y"])
    edges = [0, *(np.flatnonzero(owner[1:] != owner[:-1]) + 1).tolist(), len(owner)]
    told = {owner[at]: (day[at:end], used[at:end]) for at, end in pairwise(edges) if end > at}
    known = [one for one in beside if one.id in told]
    return told_twice(question.city, known, by_same_days(told))
