"""The grammar of conditions: what it means, what it refuses, and that no text does anything else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import UsageProblem
from cityctl.runbook.dimension import IS_TRUTH, Kind, check_condition, kind
from cityctl.runbook.evaluate import holds, value
from cityctl.runbook.grammar import parse
from cityctl.runbook.points import states
from cityctl.runbook.values import Amount, State, Unknown, amount

VALUES = {
    "level": amount(2.5, "m"),
    "p": amount(4.2, "bar"),
    "flow": amount(5.0, "L/s"),
    "water": amount(20.0, "degC"),
    "pump_2.fault": False,
    "mode": State("stop", 0.0),
    "silent": Unknown("plc-1 does not answer"),
}
KINDS = {
    "level": Kind("amount", "length"),
    "p": Kind("amount", "pressure"),
    "flow": Kind("amount", "flow"),
    "water": Kind("amount", "temperature"),
    "pump_2.fault": IS_TRUTH,
    "mode": states(frozenset({"stop", "start"}), frozenset({0, 1})),
    "silent": IS_TRUTH,
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("level > 2.0 m and not pump_2.fault", True),
        ("level > 250 cm", False),
        ("level >= 250 cm", True),
        ("p == 420 kPa", True),
        ("p between 4 bar and 5.5 bar", True),
        ("p < 42 mH2O", False),  # 42 m of head are 4.119 bar
        ("flow == 18 m³/h", True),
        ("water > 60 °F", True),  # 15.6 °C
        ("water - 5 °C == 15 delta_K", True),
        ("water > -5 °C", True),
        ("flow * 10 min == 3 m3", True),  # 5 L/s for 600 s
        ("3 m3 / flow == 10 min", True),
        ("p / 2 bar == 2.1", True),
        ("mode == stop", True),
        ("mode != 'start'", True),
        ("not (level > 2 m or p > 9 bar)", False),
        ("2 + 3 * 4 == 14 and (2 + 3) * 4 == 20 and 10 - 3 - 2 == 5 and 8 / 4 / 2 == 1", True),
        ("max(1 bar, p, 3 bar) == p and abs(-2 m) == 2 m and min(1, 2) == 1", True),
        ("abs(now() - 1000 s) < 1 s", True),
    ],
)
def test_what_a_condition_means(text, wanted):
    check_condition(parse(text), KINDS.get)
    assert holds(parse(text), VALUES.get, now=1000.0) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("silent and level > 9 m", False),  # false whatever silent is
        ("silent or level > 1 m", True),
        ("silent and level > 1 m", None),
        ("silent or level > 9 m", None),
        ("not silent", None),
        ("level / (1 m - 1 m) > 1", None),
    ],
)
def test_the_unknown_stays_unknown(text, wanted):
    found = holds(parse(text), VALUES.get)
    assert (None if isinstance(found, Unknown) else found) is wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("level > 2 bar", "length cannot be compared with pressure"),
        ("p > 40 m", "m of head is written mH2O"),
        ("level > 2", "cannot be compared with a bare number"),
        ("level + p > 1 m", "length \\+ pressure has no meaning"),
        ("water + water > 1 °C", "temperature \\+ temperature"),
        ("water * 2 > 1 °C", "has no meaning"),
        ("level", "gives length, and a condition is true or false"),
        ("not level", "stands where true or false"),
        ("mode == strat", "did you mean `start`"),
        ("mode > stop", "compares amounts, not states"),
        ("livel > 2 m", "nothing is named `livel`"),
        ("level > 2 mm3", "no unit"),
        ("1 m < level < 3 m", "one comparison at a time"),
        ("level > ", "ends too early"),
        ("(level > 2 m", "`\\)` is missing"),
        ("__import__('os')", "no function"),
        ("level.__class__ > 1", "named `level.__class__`|has no meaning"),
        ("{{ level }}", "has no meaning here"),
        ("lambda: 1", "has no meaning"),
        ("max(level, p) > 1 m", "max\\(\\) of"),
        ("mode = stop", "`=` is written `==`"),
        ("mode is stop", "`is` is written `==`"),
        ("level ≥ 2 m", "`≥` is written `>=`"),
        ("level <> 2 m", "`<>` is written `!=`"),
        ("silent AND level > 2 m", "`AND` is written `and`"),
        ("silent && level > 2 m", "`&&` is written `and`"),
        ("mode == 'is' ?", "`\\?` has no meaning here None"),
        ("plc/ok == yes", "point `plc/ok` of a device is written `plc.ok` here"),
        ("plc-1/ok == yes", "is written `plc_1.ok` here"),
        ("plc-1.ok == yes", "is written `plc_1.ok` here"),
        ("prv-north.ok == yes", "is written `prv_north.ok` here"),
        ("level/span > 2", "is written `level.span` here"),
        ("(" * 60 + "1" + ")" * 60 + " == 1", "nested deeper"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_is_read(text, said):
    with pytest.raises(UsageProblem) as told:
        check_condition(parse(text), KINDS.get)
    import re

    assert re.search(said, f"{told.value.message} {told.value.hint}")


@given(st.text(alphabet="abp12.0 ()<>=!+-*/'`andornotbetween_°³mhL,{}[]%\\", max_size=40))
def test_any_text_is_a_tree_or_a_usage_problem(text):
    try:
        tree = parse(text)
        kind(tree, KINDS.get)
    except UsageProblem:
        return
    found = value(tree, VALUES.get, now=0.0)  # what is checked can be worked out
    assert found is not None


numbers = st.floats(0.001, 1e6).map(lambda number: float(f"{number:.6g}"))


@given(st.lists(st.tuples(st.sampled_from("+-*/"), numbers), min_size=1, max_size=6), numbers)
def test_arithmetic_is_that_of_everybody(terms, first):
    text = repr(first) + "".join(f" {sign} {number!r}" for sign, number in terms)
    wanted = eval(text)  # the tests' own text of numbers and signs
    found = value(parse(text), VALUES.get)
    assert isinstance(found, Amount)
    assert math.isclose(found.number, wanted, rel_tol=1e-9, abs_tol=1e-9)
