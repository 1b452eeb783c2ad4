"""Registers that roll over, are reset or exchanged, and lie now and then: what they counted, by hand and as laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityctl.arrow import floats, octets, table, texts, times
from cityctl.city.load import load
from cityctl.city.points import Point
from cityctl.engine.duck import Engine
from cityctl.store.views import counters

HOUR = 3_600_000_000
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
START = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def engine():
    with Engine(threads=1) as opened:
        yield opened


def _show(engine, values, *, rollover=None, quality=None):
    """One reading an hour; None leaves the value out."""
    count = len(values)
    at = [START + n * HOUR for n in range(count)]
    engine.keep(
        "r",
        table(
            point=texts(["m"] * count),
            time=times(at),
            value=floats(list(values)),
            quality=octets(quality or [0] * count),
            received=times(at),
        ),
    )
    point = Point("m", "volume", "m3", "m3", "counter", rollover=rollover)
    counters.keep_counters(engine, {"m": point})


def _counted(engine, values, **known):
    """(amounts booked by hour, repairs by hour) of a register's hourly values."""
    _show(engine, values, **known)
    steps = engine.rows(
        f"SELECT since, until, amount FROM ({counters.steps('SELECT * FROM r')}) ORDER BY since"
    )
    told = engine.rows(
        f"SELECT time, repair FROM ({counters.repairs('SELECT * FROM r')}) ORDER BY time, repair"
    )

    def hour(moment):
        return int((moment.replace(tzinfo=UTC) - datetime(2026, 3, 1, tzinfo=UTC)) / timedelta(hours=1))

    return (
        {(hour(since), hour(until)): amount for since, until, amount in steps},
        [(hour(moment), repair) for moment, repair in told],
    )


RISING = [100.0 + n for n in range(30)]  # 1 m³/h


@pytest.mark.parametrize(
    ("values", "total", "repairs"),
    [
        (RISING, 29, []),
        # One zero, and a run of zeros: 10 -> 12 and 10 -> 16 are booked over the hole.
        ([*RISING[:11], 0.0, *RISING[12:]], 29, [(11, "zero")]),
        ([*RISING[:11], *[0.0] * 5, *RISING[16:]], 29, [(hour, "zero") for hour in range(11, 16)]),
        # The code of a 32-bit register for "no value", as it is and at a scale of 0.01, also at the end.
        ([*RISING[:11], 4294967295.0, *RISING[12:]], 29, [(11, "no value")]),
        ([*RISING[:11], *[42949672.95] * 4, *RISING[15:]], 29, [(hour, "no value") for hour in range(11, 15)]),
        ([*RISING, 65535.0], 29, [(30, "no value")]),
        ([65535.0, *RISING], 29, [(0, "no value")]),
        ([*RISING[:11], -1.0, *RISING[12:]], 29, [(11, "negative")]),
        # One and three values that are too high, or too low.
        ([*RISING[:11], 900.0, *RISING[12:]], 29, [(11, "spike")]),
        ([*RISING[:11], 900.0, 901.0, 899.0, *RISING[14:]], 29, [(h, "spike") for h in (11, 12, 13)]),
        ([*RISING[:11], 20.0, 21.0, *RISING[13:]], 29, [(11, "dip"), (12, "dip")]),
        # A reset to 0 and one to 2: 10 before, then 18 after it (0 to 18; 2 to 20).
        ([*RISING[:11], *[float(n) for n in range(19)]], 28, [(11, "reset")]),
        ([*RISING[:11], *[2.0 + n for n in range(19)]], 28, [(11, "reset")]),
        # Another meter that begins at 40, or at 90 000.
        ([*RISING[:11], *[40.0 + n for n in range(19)]], 28, [(11, "exchange")]),
        ([*RISING[:25], *[90_000.0 + n for n in range(5)]], 28, [(25, "exchange")]),
        # A register that shows a zero when it is exchanged: the zero is no beginning.
        ([*RISING[:11], 0.0, *[40.0 + n for n in range(18)]], 27, [(11, "reset"), (12, "start")]),
    ],
)  # fmt: skip
def test_what_a_register_counted(engine, values, total, repairs):
    steps, told = _counted(engine, values)
    assert sum(amount for amount in steps.values() if amount is not None) == pytest.approx(total)
    assert told == repairs


def test_a_register_of_known_width_rolls_over(engine):
    values = [65_520.0 + n for n in range(16)] + [float(n) for n in range(14)]  # 2^16 = 65 536 is shown as 0
    steps, told = _counted(engine, values, rollover=65_536.0)
    assert sum(steps.values()) == 29
    assert told == [(16, "rollover")]


def test_a_register_of_decimal_digits_rolls_over(engine):
    values = [99_970.5 + n for n in range(30)] + [0.5 + n for n in range(10)]  # five digits
    steps, told = _counted(engine, values)
    assert sum(steps.values()) == 39
    assert told == [(30, "rollover")]


def test_a_reset_in_the_middle_of_a_known_register_is_no_rollover(engine):
    values = [40_000.0 + n for n in range(15)] + [float(n) for n in range(15)]
    steps, told = _counted(engine, values, rollover=65_536.0)
    assert sum(amount or 0 for amount in steps.values()) == 28
    assert told == [(15, "reset")]


def test_a_bad_reading_is_left_out(engine):
    steps, told = _counted(engine, [1.0, 2.0, 77.0, 4.0], quality=[0, 0, 3, 0])
    assert steps == {(0, 1): 1.0, (1, 3): 2.0}
    assert told == [(2, "no value")]


rise = st.floats(0, 5).map(lambda number: round(number, 2))
fault = st.sampled_from([None, None, None, None, None, 0.0, 65535.0, 4294967295.0, -1.0, "reset"])


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.floats(0, 1000), st.lists(st.tuples(rise, fault), min_size=2, max_size=40))
def test_nothing_is_booked_that_was_not_counted(engine, begin, moves):
    """Faults laid over a register that truly rises: never more is booked than it rose by.

    Its first reading is sound: a 0 there, one usual step below the next reading, is how a new register begins.
    """
    shown, true, booked_at_most = [], begin, 0.0
    for step, wrong in [(0.0, None), *moves]:
        true += step
        booked_at_most += step
        if wrong == "reset":
            true = 0.0
        shown.append(wrong if isinstance(wrong, float) else true)
    steps, _ = _counted(engine, shown)
    amounts = [amount for amount in steps.values() if amount is not None]
    assert all(amount >= 0 for amount in amounts)
    assert sum(amounts) <= booked_at_most + 1e-6


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(rise, fault), min_size=2, max_size=25), st.lists(st.integers(1, 23), max_size=6))
def test_any_partition_of_time_adds_up_to_the_whole(engine, moves, cuts):
    """Slots that touch, cut anywhere (every 10 minutes of the hour): their amounts add up to the steps' sum."""
    true, shown = 50.0, []
    for step, wrong in moves:
        true = 0.0 if wrong == "reset" else true + step
        shown.append(wrong if isinstance(wrong, float) else true)
    _show(engine, shown)
    steps = counters.steps("SELECT * FROM r")
    edges = sorted(
        {START - HOUR, START + len(shown) * HOUR, *(START + cut * HOUR + cut * HOUR // 6 for cut in cuts)}
    )
    slots = " UNION ALL ".join(
        f"SELECT {n} AS slot, make_timestamp({a}) AS start, make_timestamp({b}) AS until"
        for n, (a, b) in enumerate(pairwise(edges))
    )
    parts = [row[0] for row in engine.rows(f"SELECT amount FROM ({counters.spread(steps, slots)})")]
    (whole,) = engine.row(f"SELECT sum(amount) FROM ({steps})")
    assert sum(part or 0.0 for part in parts) == pytest.approx(whole or 0.0)


def test_lifted_registers_have_no_fall_at_a_rollover(engine):
    _show(engine, [65_534.0, 65_535.5, 1.0, 2.0, 0.0, 3.0], rollover=65_536.0)
    found = engine.rows(f"SELECT value FROM ({counters.registers('SELECT * FROM r')}) ORDER BY time")
    assert [value for (value,) in found] == [65_534.0, 65_535.5, 65_537.0, 65_538.0, 65_539.0]


def test_a_formula_sees_the_repaired_register(store, project, rows):
    """rate(register): 1 m³/h throughout, over a zero, a roll-over at 65 536, and nothing at the reset."""
    text = (
        "name: T\ntime_zone: Europe/Berlin\nnetworks: {water: {kind: water}}\npoints:\n"
        "  c: {unit: m3, kind: counter, every: 1h, rollover: 65536}\n  d: {formula: rate(c), unit: m3/h}\n"
    )
    city = load(project(text))
    values = [65_530.0, 65_531.0, 0.0, 65_533.0, 65_534.0, 65_535.0, *map(float, range(6)), 0.0, 1.0]
    _show_in(store, values, city)
    found = {
        int((time - BEGIN) / timedelta(hours=1)): value
        for _, time, value, _ in rows(store, city, points=["d"])
    }
    # Hour 2 shows a zero, so hours 2 and 3 have no rate; hour 12 is the reset.
    assert found == dict.fromkeys([1, *range(4, 12), 13], 1.0)


def _show_in(store, values, city):
    at = [START + n * HOUR for n in range(len(values))]
    readings = table(point=texts(["c"] * len(values)), time=times(at), value=floats(values))
    store.add(readings, source="x", received=BEGIN + timedelta(days=9), points=city.points())


def test_some_counters_count_what_they_do_among_all(engine):
    """Three registers, one of which is reset: those from b to c are the same by themselves."""
    points = {name: Point(name, "volume", "m3", "m3", "counter") for name in "abc"}
    begin = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1e6)
    at = [begin + hour * 3_600_000_000 for hour in range(30)]
    values = [*RISING, *(2 * one for one in RISING), *RISING[:20], *(1.0 + n for n in range(10))]
    engine.keep(
        "readings",
        table(
            point=texts([name for name in "abc" for _ in at]),
            time=times(at * 3),
            value=floats(values),
            quality=octets([0] * 90),
            received=times(at * 3),
        ),
    )
    counters.attach_counted(engine, points)
    columns = "point, since, until, amount, repair"
    order = "ORDER BY point, since"
    all_of_them = engine.rows(f"SELECT {columns} FROM counted WHERE point >= 'b' {order}")
    assert engine.rows(f"SELECT {columns} FROM counted_between('b', 'c') {order}") == all_of_them
    assert len(all_of_them) == 58
    assert any(repair == "reset" for *_, repair in all_of_them)
