"""Amounts of energy or volume out of readings of any kind: counters, intervals, power (amounts.sql). Knows no meter."""

from __future__ import annotations

from datetime import timedelta

from cityctl.analysis.question import Question

_AMOUNTS = {"interval": "intervals", "counter": "counters", "gauge": "powers"}
DAILY_S = 43200  # a series with a longer step holds days


def seconds(every: timedelta | None) -> float | None:
    """A step in seconds; None where there is none."""
    return None if every is None else every.total_seconds()


def add_up(question: Question, kinds: set[str]) -> None:
    """Make the view `amounts` (meter, at, amount, spread) of asked_meters of these kinds (amounts.sql)."""
    question.engine.execute(question.sql("counter_steps"))
    if "counter" in kinds:
        question.engine.execute(question.sql("counted_all"))
        if question.engine.rows("select meter from counter_steps where every_s is null"):
            question.engine.execute(question.sql("usual_steps"))
    parts = [question.sql(name) for kind, name in _AMOUNTS.items() if kind in kinds]
    question.engine.execute(f"create or replace view amounts as {' union all '.join(parts)}")
