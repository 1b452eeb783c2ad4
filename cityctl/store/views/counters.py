"""Counters become amounts here and nowhere else: what a register rose by, from one reading to the next.

A register rolls over, is reset or exchanged, and answers a zero or a code for "no value" now and then. Readings
that are no register's are left out; a fall books the rest of the register where it rolled over, and nothing
where it did not: a repair never makes use out of a zero, a code or a reset. Every repair is told. Knows SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cityctl import units
from cityctl.arrow import floats, table, texts

if TYPE_CHECKING:
    from cityctl.city.points import Point
    from cityctl.engine.duck import Engine

MEANINGS: dict[str, str] = {
    "no value": "the code that a device sends for `no value`; left out",
    "negative": "a register below zero; left out",
    "zero": "a zero between higher values; left out",
    "spike": "up to three values above the later ones; left out",
    "dip": "up to three values below the earlier ones; left out",
    "rollover": "the register ran over and began at zero: the way over its end is booked",
    "reset": "it fell to near zero: nothing is booked",
    "exchange": "it went on from another value, as a new meter does: nothing is booked",
    "start": "it rose from zero by more than it ever does: nothing is booked",
}

COUNTERS = "counters"
"""Table of the engine: point, rollover (canonical; NULL: not known), factor of the unit that the city speaks."""

_CODES = (32767.0, 65535.0, 16777215.0, 2147483647.0, 4294967295.0)
_SCALES = (1.0, 10.0, 100.0, 1000.0)
_USUAL = 5.0  # times the rate that 95 % of the rises stay below: what may have passed while it rolled over
_JUMP = 100.0  # times that rate: no use, but another meter
_ENOUGH = 20  # rises that it takes to know what is usual
_UNKNOWN = 1e9  # further than a register rises between two readings; sums of it keep 7 digits after the point
_NEAR_END = 0.9  # of a register that is not known to be one: where a roll-over may begin


def keep_counters(engine: Engine, points: Mapping[str, Point], name: str = COUNTERS) -> None:
    """Make the table of the points that count."""
    counting = [point for point in points.values() if point.kind == "counter"]
    engine.keep(
        name,
        table(
            point=texts([point.id for point in counting]),
            rollover=floats([point.rollover for point in counting]),
            factor=floats([units.linear(point.unit, point.shown_unit)[0] for point in counting]),
        ),
    )


def attach_counted(engine: Engine, points: Mapping[str, Point]) -> None:
    """Show what the counters of the view `readings` counted as the view `counted`: the columns of `steps`.

    `counted_between('a', 'b')` is the same of those whose ids lie from a to b: a filter of the view does not reach
    all that it is made of. There is neither where no point counts.
    """
    if any(point.kind == "counter" for point in points.values()):
        keep_counters(engine, points)
        told = steps("SELECT point, time, value, quality, received FROM readings")
        engine.execute(f"CREATE OR REPLACE VIEW counted AS {told}")
        some = steps(
            "SELECT point, time, value, quality, received FROM readings WHERE point >= lowest AND point <= highest"
        )
        engine.execute(f"CREATE OR REPLACE MACRO counted_between(lowest, highest) AS TABLE {some}")


def judged(readings: str, counters: str = COUNTERS) -> str:
    """The query for every reading of the counters among `readings` (a query), with what is wrong with it.

    point, time, value, quality, received, rollover, factor, fault (NULL: it counts). Readings without a value
    are not among them. A register that only rises, past no zero and no code, has no faults: it costs no closer look.
    """
    by = "PARTITION BY point ORDER BY time"
    known = ", ".join(map(repr, _CODES))
    codes = " OR ".join(f"round(r.value * c.factor * {scale}, 3) IN ({known})" for scale in _SCALES)
    odd = "CASE WHEN NOT odd AND NOT bad THEN value END"
    near = [f"lag(value, {n}) OVER ahead AS b{n}, lead(value, {n}) OVER ahead AS a{n}" for n in (1, 2, 3)]
    # A run of n values at place i of it: the one before it is i back, the one after it n - i + 1 on.
    pairs = [(back, on) for back in (1, 2, 3) for on in (1, 2, 3) if back + on <= 4]
    spike = " OR ".join(
        f"(b{back} <= a{on} AND a{on} < value{_between(back, on, '>')})" for back, on in pairs
    )
    dip = " OR ".join(
        f"(b{back} > value AND a{on} >= b{back}{_between(back, on, '<')})" for back, on in pairs
    )
    return f"""
WITH taken AS (
    SELECT r.point, r.time, r.value, r.quality, r.received, c.rollover, c.factor,
           r.quality >= 3 OR r.value < 0 OR coalesce(r.value > c.rollover * (1 + 1e-9), false) AS bad,
           coalesce({codes}, false) AS code, r.value = 0 AS nought
    FROM ({readings}) AS r JOIN {counters} AS c ON c.point = r.point WHERE r.value IS NOT NULL
), uneven AS (
    SELECT point FROM (SELECT point, bad OR code OR nought OR value < lag(value) OVER ({by}) AS odd FROM taken)
    GROUP BY point HAVING bool_or(odd)
), marked AS (
    SELECT *, code OR nought AS odd FROM taken WHERE point IN (SELECT point FROM uneven)
), framed AS (
    SELECT *, last_value({odd} IGNORE NULLS) OVER (
                  {by} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
           first_value({odd} IGNORE NULLS) OVER (
                  {by} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS after
    FROM marked
), odds AS (
    SELECT *, CASE WHEN bad AND value < 0 THEN 'negative' WHEN bad THEN 'no value'
                   WHEN nought AND before > 0 AND after >= before THEN 'zero'
                   WHEN code AND value > before AND value > after
                        AND (after >= before OR value - before > 0.01 * value) THEN 'no value'
                   WHEN code AND after IS NULL AND value - before > 0.01 * value THEN 'no value'
                   WHEN code AND before IS NULL THEN 'no value'
                   WHEN code AND value < before AND after >= before THEN 'no value'
              END AS fault FROM framed
), neighbours AS (
    SELECT *, {", ".join(near)} FROM odds WHERE fault IS NULL WINDOW ahead AS ({by})
)
SELECT point, time, value, quality, received, rollover, factor,
       CASE WHEN {spike} THEN 'spike' WHEN {dip} THEN 'dip' END AS fault FROM neighbours
UNION ALL
SELECT point, time, value, quality, received, rollover, factor, fault FROM odds WHERE fault IS NOT NULL
UNION ALL
SELECT point, time, value, quality, received, rollover, factor, NULL AS fault FROM taken
WHERE point NOT IN (SELECT point FROM uneven)"""


def _between(back: int, on: int, sign: str) -> str:
    """That the others of a run lie on the same side as the value does."""
    edge = f"a{on}" if sign == ">" else f"b{back}"
    inner = [f"b{n} {sign} {edge}" for n in range(1, back)] + [f"a{n} {sign} {edge}" for n in range(1, on)]
    return "".join(f" AND {condition}" for condition in inner)


def steps(readings: str, counters: str = COUNTERS) -> str:
    """The query for what each counter counted, from one reading that counts to the next.

    point, since, until, amount (canonical unit; NULL: not known), before, after, quality (the worse of both),
    received, repair (NULL: none).
    """
    by = "PARTITION BY point ORDER BY time"
    digits = "pow(10, ceil(log10(before * factor + 1e-12))) / factor"
    rolled = f"(CASE WHEN rollover IS NOT NULL THEN rollover ELSE {digits} END)"
    rest = f"({rolled} - before + after)"
    known = (
        f"(rollover IS NOT NULL OR (after > 0 AND before >= {_NEAR_END} * {rolled} AND rises >= {_ENOUGH}))"
    )
    return f"""
WITH kept AS (
    SELECT * FROM ({judged(readings, counters)}) WHERE fault IS NULL
), paired AS (
    SELECT point, lag(time) OVER w AS since, time AS until, lag(value) OVER w AS before, value AS after,
           greatest(quality, lag(quality) OVER w) AS quality, greatest(received, lag(received) OVER w) AS received,
           rollover, factor
    FROM kept WINDOW w AS ({by})
), timed AS (
    SELECT *, (epoch_us(until) - epoch_us(since)) / 3.6e9 AS hours FROM paired WHERE since IS NOT NULL
), usual AS (
    SELECT point, quantile_cont((after - before) / hours, 0.95) AS rate, count(*) AS rises
    FROM timed WHERE after > before AND before > 0 GROUP BY point
), weighed AS (
    SELECT t.*, coalesce(u.rate, 0) * t.hours AS usual, coalesce(u.rises, 0) AS rises
    FROM timed AS t LEFT JOIN usual AS u ON u.point = t.point
), told AS (
    SELECT *, {rest} AS rest,
        CASE WHEN after >= before AND before = 0 AND after > {_USUAL} * usual THEN 'start'
             WHEN after >= before AND rises >= {_ENOUGH} AND after - before > {_JUMP} * usual THEN 'exchange'
             WHEN after >= before THEN NULL
             WHEN {known} AND {rest} <= {_USUAL} * usual THEN 'rollover'
             WHEN after <= greatest({_USUAL} * usual, 0.01 * before) THEN 'reset'
             ELSE 'exchange' END AS repair
    FROM weighed
)
SELECT point, since, until,
       CASE WHEN repair IS NULL THEN after - before WHEN repair = 'rollover' THEN rest END AS amount,
       before, after, quality, received, repair
FROM told"""


def repairs(readings: str, counters: str = COUNTERS) -> str:
    """The query for everything that was left out or put right: point, time, repair, before, after, amount."""
    return f"""
SELECT point, until AS time, repair, before, after, amount FROM ({steps(readings, counters)})
WHERE repair IS NOT NULL
UNION ALL
SELECT point, time, fault, NULL, value, NULL FROM ({judged(readings, counters)}) WHERE fault IS NOT NULL"""


def registers(readings: str, counters: str = COUNTERS) -> str:
    """The query for the counters' readings that count, as one register that never ran over: a reading's columns.

    The difference of two of them is what was counted between them; across a step of which that is not known it
    is far below zero.
    """
    lift = f"CASE WHEN s.amount IS NULL THEN -{_UNKNOWN!r} ELSE s.amount END + s.before - s.after"
    return f"""
SELECT k.point, k.time, k.value + coalesce(sum(CASE WHEN s.repair IS NOT NULL THEN {lift} END)
           OVER (PARTITION BY k.point ORDER BY k.time), 0) AS value, k.quality, k.received
FROM ({judged(readings, counters)}) AS k
LEFT JOIN ({steps(readings, counters)}) AS s ON s.point = k.point AND s.until = k.time
WHERE k.fault IS NULL"""


def spread(step_query: str, slots: str) -> str:
    """What was counted in each slot (a query of slot, start, until): point, slot, amount, share of it known.

    A step that reaches over the edge of a slot is divided by time, so that slots that touch add up to the
    whole. `known`: share of the slot that lies in steps whose amount is known.
    """
    overlap = "(epoch_us(least(s.until, t.until)) - epoch_us(greatest(s.since, t.start)))::DOUBLE"
    return f"""
SELECT s.point, t.slot, sum(s.amount * {overlap} / (epoch_us(s.until) - epoch_us(s.since))) AS amount,
       sum(CASE WHEN s.amount IS NOT NULL THEN {overlap} ELSE 0 END)
           / max(epoch_us(t.until) - epoch_us(t.start)) AS known
FROM ({step_query}) AS s JOIN ({slots}) AS t ON s.since < t.until AND s.until > t.start
GROUP BY s.point, t.slot"""
