"""Registers beside a column of what they are to be multiplied by: never a value, never left out unsaid. By hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
HEAD = "MeterID,ReadDate,ReadTime,Reading,Multiplier,Units\n"


def odometer(*factors: str, meter: str = "1001", first: int = 1130) -> str:
    """Hourly counts of an odometer, with its zeros."""
    return "".join(
        f"{meter},03/14/2025,{hour:02}:00,{first + hour * 2:08},{factor},GAL\n"
        for hour, factor in enumerate(factors)
    )


def test_counts_with_zeros_are_the_value_and_not_the_factor(table: Read) -> None:
    """The counts looked like names of meters, and each reading was its multiplier: 1, for ever."""
    read = table(HEAD + odometer(*["1"] * 12), time_zone="America/Chicago")
    assert [value for _, value, _, _ in read.readings["1001"]] == [1130.0 + 2 * hour for hour in range(12)]
    assert read.series["1001"].kind == "counter"


def test_a_factor_that_is_not_one_is_asked_for(table: Read) -> None:
    text = HEAD + odometer(*["1"] * 12) + odometer(*["100"] * 12, meter="1003")
    with pytest.raises(InputRefused, match="`Multiplier` is 100 in line 14") as refused:
        table(text, time_zone="America/Chicago")
    assert "--value 'Reading * Multiplier' multiplies" in (refused.value.hint or "")


def test_values_times_their_factors_where_that_is_said(table: Read) -> None:
    text = HEAD + odometer(*["1"] * 12) + odometer(*["100"] * 12, meter="1003")
    read = table(text, time_zone="America/Chicago", value="Reading * Multiplier")
    assert read.readings["1001"][-1][1] == 1152.0
    assert read.readings["1003"][-1][1] == 115_200.0
    as_written = table(text, time_zone="America/Chicago", value="Reading")
    assert as_written.readings["1003"][-1][1] == 1152.0
    assert any("`Multiplier`" in note for note in as_written.notes)


def test_a_value_without_a_factor_is_refused(table: Read) -> None:
    text = HEAD + odometer("10", "10", "", "10")
    with pytest.raises(InputRefused, match="line 4, is no number to multiply by"):
        table(text, time_zone="America/Chicago", value="Reading * Multiplier")


def test_use_beside_a_factor_is_told_multiplied(table: Read) -> None:
    rows = "".join(f"m1,2025-03-14 {hour:02}:00,{hour * 7 % 5 + 1}.5,10,GAL\n" for hour in range(12))
    read = table("MeterID,Time,Consumption,Multiplier,Units\n" + rows, time_zone="UTC")
    assert read.readings["m1"][1][1] == 3.5
    assert any("columns left out: `Multiplier`" in note for note in read.notes)
