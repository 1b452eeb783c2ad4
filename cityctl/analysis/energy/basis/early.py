"""Clocks of loggers: a stamp a few seconds before its slot is of that slot, not of the one before. Knows no meter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from cityctl import arrow
from cityctl.analysis.question import Question
from cityctl.clock import Interval

LONGEST = timedelta(hours=12)  # steps beyond it are days: their stamps are dates
EARLY = timedelta(minutes=1)  # that a stamp is early at most (clocks.sql)


def from_early(window: Interval) -> Interval:
    """A window with the readings of its first slot that are stamped early."""
    return replace(window, start=window.start - EARLY)


def keep_clocks(question: Question, points: Iterable[str]) -> None:
    """Make the table `clocks` (point, early_us) of those of the points that tell how often they are read."""
    known = question.city.points()
    timed = {
        name: every // timedelta(microseconds=1)
        for name in points
        if (every := known[name].every) is not None and every < LONGEST
    }
    question.engine.register(
        "timed_points",
        arrow.table(point=arrow.texts(list(timed)), every_us=arrow.integers(list(timed.values()))),
    )
    question.engine.execute(question.sql("clocks"))
