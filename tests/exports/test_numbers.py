"""Numbers as exports write them; expected values by hand."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import InputRefused
from cityctl.exports.table.numbers import (
    BAD,
    BLANK,
    OK,
    check_alike,
    decimal_of,
    read_number,
    read_numbers,
    with_signs,
)
from tests.exports.conftest import Parsed


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.5", ".", 1.5), (" 1.5 ", ".", 1.5), ("-0.25", ".", -0.25), ("1e3", ".", 1000.0), (".5", ".", 0.5),
        ("1,234.5", ".", 1234.5), ("1,234", ".", 1234.0), ("1 234.5", ".", 1234.5), ("1'234.5", ".", 1234.5),
        ("12,5", ",", 12.5), ("1.234,5", ",", 1234.5), ("1.234", ",", 1234.0), ("7", ",", 7.0),
        ("1\u202f234,5", ",", 1234.5), ("", ".", None), ("-", ".", None), ("NaN", ".", None), ("n/a", ",", None),
    ],
)  # fmt: skip
def test_a_number_is_read(text: str, decimal: str, value: float | None) -> None:
    assert read_number(text, decimal) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "decimal", "why"),
    [("12,5", ".", "--decimal ,"), ("12.5", ",", "--decimal ."), ("abc", ".", "no number"), ("1.2.3", ".", "no number"),
     ("1_000", ".", "no number"), ("12 kWh", ".", "no number"), ("1e999", ".", "too large")],
)  # fmt: skip
def test_what_is_no_number_says_why(text: str, decimal: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace(".", r"\.")):
        read_number(text, decimal)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "sign"),
    [(["1", "2"], None), (["1.5", "1,234"], "."), (["12,5"], ","), (["1.234,5", "7"], ","), (["1,234.5"], "."),
     (["1.234"], "."), (["1,234", "0,5"], ","), (["1,234", "0,253"], ",")],
)  # fmt: skip
def test_the_decimal_sign_is_found(texts: list[str], sign: str | None) -> None:
    assert decimal_of("a.csv", texts, None)[0] == sign


def test_a_sure_sign_among_many_unsure_ones_is_seen() -> None:
    texts = pa.array([f"{number}.{number:03}" for number in range(1, 400)] + ["0.25", "1,234"])
    assert decimal_of("a.csv", with_signs(texts), None)[0] == "."
    assert decimal_of("a.csv", with_signs(pa.array(["1.234", "0,5"])), None)[0] == ","


def test_one_comma_and_three_figures_may_be_either() -> None:
    with pytest.raises(InputRefused, match="1,234") as refused:
        decimal_of("a.csv", ["1,234", "5,678"], None)
    assert "--decimal" in (refused.value.hint or "")


def test_cells_parted_by_semicolons_leave_the_comma_to_the_numbers() -> None:
    assert decimal_of("a.csv", ["1,234", "5,678"], ";") == (",", True)
    assert decimal_of("a.csv", ["1,234", "5,67"], ";") == (",", False)
    with pytest.raises(InputRefused, match=r"12\.345"):  # it may be 12 345
        decimal_of("a.csv", ["12.345", "13.456"], ";")
    assert decimal_of("a.csv", ["12.345", "678"], ",") == (".", False)
    with pytest.raises(InputRefused):
        decimal_of("a.csv", ["1,234"], ",")


@pytest.mark.parametrize(
    ("texts", "delimiter"),
    [
        (["12.213", "0.494", "0,494"], ";"),  # one cell of another sign: 12.213 is not 12 213
        (["437,478", "47672,936", "18.3"], ","),
        (["2,746", "7,943", "3.106"], ";"),
        (["47672,936", "2,746", "3.106"], ";"),  # the one grouped number among ungrouped ones
        (["47672.936", "12,213"], "|"),
    ],
)
def test_a_number_that_may_be_a_thousand_times_another_is_refused(texts: list[str], delimiter: str) -> None:
    with pytest.raises(InputRefused, match=r"thousand|may have either"):
        decimal_of("a.csv", with_signs(pa.array(texts)), delimiter)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (
            ["950", "1.020", "999", "1.001"],
            [950, 1020, 999, 1001],
        ),  # a program leaves zeros out, or writes 950.000
        (["950,5", "1.020", "999"], [950.5, 1020, 999]),
        (["0.950", "1.020", "3"], [0.95, 1.02, 3]),  # no thousand begins with 0
        (["2500", "1.020", "3"], [2500, 1.02, 3]),  # nor stands ungrouped beside others
        (["950", "1.104", "999"], None),
        (["1.104", "2.207"], None),
    ],
)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_whole_numbers_beside_them_tell_thousands(
    table: Callable[..., Parsed], cells: list[str], values: list[float] | None, delimiter: str
) -> None:
    rows = "".join(f"2024-01-01 {hour:02}:00{delimiter}{cell}\n" for hour, cell in enumerate(cells))
    text = f"Zeit{delimiter}Menge\n{rows}"
    if values is not None:
        assert [value for _, value in table(text, time_zone="UTC", unit="kWh").of("Menge")] == values
    elif delimiter == ";" or len(cells) == 3:
        with pytest.raises(InputRefused, match="thousand"):
            table(text, time_zone="UTC", unit="kWh")


@pytest.mark.parametrize(
    ("texts", "doubtful"),
    [
        (["0.494", "5.123", "5,458"], True),
        (["0,494", "5,123", "5.458"], True),
        (["0.494", "5.123", "5,458", "1,234.567"], False),  # grouped by other numbers too
        (
            ["0.494", "5.12", "5,458"],
            False,
        ),  # zeros at the end are left out: 1,234 is how such programs write 1234
        (["0.494", "5.123", "5,458", "1,234,567"], False),
        (["0.494", "5.123", "5458", "n/a"], False),
    ],
)
def test_a_whole_thousand_among_numbers_of_three_decimals_may_be_one_of_them(
    texts: list[str], doubtful: bool
) -> None:
    told = with_signs(pa.array(texts))
    sign, _ = decimal_of("a.csv", told, None)
    assert sign is not None
    if doubtful:
        with pytest.raises(InputRefused, match=rf"`{re.escape(texts[2])}` may be `"):
            check_alike("a.csv", told, sign)
    else:
        check_alike("a.csv", told, sign)


def test_decimals_that_are_uneven_far_below_are_seen() -> None:
    texts = [f"0.{number:03}" for number in range(1, 40)] + ["0.5", "5,458"]
    check_alike("a.csv", with_signs(pa.array(texts)), ".")


def test_columns_are_held_against_their_own_numbers(table: Callable[..., Parsed]) -> None:
    text = "time,flow,register\n" + "".join(
        f'2024-01-01 {hour:02}:00,0.{hour}94,"{hour + 1},500"\n' for hour in range(9)
    )
    read = table(text, time_zone="UTC", unit="m3")
    assert [value for _, value in read.of("register")][:2] == [1500, 2500]
    with pytest.raises(InputRefused, match=r"may be `5\.458` where"):
        table(text.replace("0.394", '"5,458"'), time_zone="UTC", unit="m3")


def test_a_cell_of_the_other_sign_alone_is_left_to_its_rejection() -> None:
    assert decimal_of("a.csv", ["12.5", "7.25", "3,5"], ";") == (".", False)


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12, allow_nan=False)), min_size=1), st.sampled_from(".,")
)
def test_a_column_reads_as_its_cells_do(numbers: list[float | None], decimal: str) -> None:
    texts = ["" if number is None else repr(number).replace(".", decimal) for number in numbers]
    values, states = read_numbers(pa.array(texts), decimal, ())  # type: ignore[arg-type]
    for number, value, state in zip(numbers, values.tolist(), states.tolist(), strict=True):
        assert state == (BLANK if number is None else OK)
        assert number is None or value == number


def test_a_blank_is_missing_and_not_zero_and_a_declared_value_is_too() -> None:
    _, states = read_numbers(pa.array(["0", "", "-9999", "x", "inf"]), ".", (-9999.0,))
    assert states.tolist() == [OK, BLANK, BLANK, BAD, BAD]
    _, typed = read_numbers(pa.array([0.0, None, np.nan, np.inf]), ".", (0.0,))
    assert typed.tolist() == [BLANK, BLANK, BLANK, BAD]
