"""The grammar of derived points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.city.formula import Binary, Call, Name, Number, parse, signed
from cityctl.errors import UsageProblem


def test_precedence_and_brackets():
    assert parse("a + b * c").tree == Binary("+", Name("a"), Binary("*", Name("b"), Name("c")))
    assert parse("(a + b) * c").tree == Binary("*", Binary("+", Name("a"), Name("b")), Name("c"))
    assert parse("a - b - c").tree == Binary("-", Binary("-", Name("a"), Name("b")), Name("c"))
    assert parse("-2 * -x").tree == Binary("*", Number(-2.0), Binary("-", Number(0.0), Name("x")))


def test_each_name_says_whether_it_is_added_or_taken_off():
    """In a - (b - 2 * c) - rate(d) the bracket turns the sign of what it takes off."""
    assert list(signed(parse("a - (b - 2 * c) - rate(d)").tree)) == [("a", 1), ("b", -1), ("c", 1), ("d", -1)]


def test_names_of_devices_stand_in_back_quotes_or_bare():
    assert parse("`hafen-inlet/flow` - plc/flow").names == ("hafen-inlet/flow", "plc/flow")
    assert parse("a / b").tree == Binary("/", Name("a"), Name("b"))


def test_calls_take_their_arguments():
    assert parse("max(a, 0, rate(level))").tree == Call(
        "max", (Name("a"), Number(0.0), Call("rate", (Name("level"),)))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it ends too early"),
        ("a +", "it ends too early"),
        ("a b", "`b` was not expected"),
        ("a $ b", "`$` has no meaning here"),
        ("rate(a, b)", "takes 1 argument, found 2"),
        ("__import__(os)", "no function `__import__`"),
        ("a.b.c()", "no function"),
        ("(" * 60 + "a" + ")" * 60, "nested deeper than 50"),
        ("-" * 60 + "a", "nested deeper than 50"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_column(text, said):
    with pytest.raises(UsageProblem) as caught:
        parse(text)
    assert said in caught.value.message
    assert "column" in caught.value.message


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text):
    said = "formula "
    try:
        assert isinstance(parse(text).names, tuple)
    except UsageProblem as problem:
        said = problem.message
    assert said.startswith("formula ")
