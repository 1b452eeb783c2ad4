"""The plug-ins' line and ranges, against the table of the Monitoring Plugins Development Guidelines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import UsageProblem
from cityctl.report.checking.nagios import Checked, Figure, Range, State, line, read_range

# "Threshold and Ranges", the table of examples: range, values that alert, values that do not.
GUIDELINES = [
    ("10", (-1, 10.1, 11), (0, 5, 10)),
    ("10:", (-1, 9.9), (10, 11)),
    ("~:10", (10.1,), (-100, 10)),
    ("10:20", (9, 21), (10, 15, 20)),
    ("@10:20", (10, 15, 20), (9, 21)),
]


@pytest.mark.parametrize(("said", "alerts", "fine"), GUIDELINES)
def test_ranges_are_those_of_the_guidelines(said, alerts, fine) -> None:
    found = read_range("--warn", said)
    assert found is not None
    assert all(found.alerts(value) for value in alerts)
    assert not any(found.alerts(value) for value in fine)
    assert found.text == said


def test_a_duration_is_in_seconds() -> None:
    assert read_range("--warn", "~:2h") == Range(float("-inf"), 7200)


@pytest.mark.parametrize("said", ["", ":", "x", "1:2:3", "20:10", "@", "nan", "1e999", "~"])
def test_what_is_no_range_is_wrong_usage(said) -> None:
    with pytest.raises(UsageProblem, match="no range"):
        read_range("--crit", said)


def test_unknown_hides_no_alarm() -> None:
    checked = Checked()
    checked.worse(State.CRITICAL)
    checked.worse(State.UNKNOWN)
    assert checked.state is State.CRITICAL
    unsure = Checked()
    unsure.worse(State.UNKNOWN)
    assert unsure.state is State.UNKNOWN


@given(st.text(max_size=80))
def test_a_line_is_one_line_with_one_bar(words) -> None:
    said = line(State.OK, words, [Figure(words or "x", 1.5, "s").text.replace("\n", " ")])
    assert said.split(" | ")[0].count("|") == 0
    assert len(said.split(" - ")[0].splitlines()) == 1


def test_figures_are_performance_data() -> None:
    figure = Figure("free space", 12.5, "%", Range(10), Range(5))
    assert figure.text == "'free space'=12.5%;10:;5:"
    assert re.fullmatch(r"age=30s", Figure("age", 30, "s").text)
