"""XML that is no format of its own, read by XPath; figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cityctl.errors import InputRefused, UsageProblem

Read = Callable[..., Any]
TEXT = """<?xml version="1.0"?>
<e:export xmlns:e="urn:some:export" xmlns="urn:other">
  <e:meter id="A" unit="kWh"><r at="2024-01-01T00:00:00Z">1.5</r><r at="2024-01-01T01:00:00Z">2.5</r></e:meter>
  <e:meter id="B" unit="m3">
    <r at="2024-01-01T00:00:00Z" state="estimated"> 7 </r><r at="2024-01-01T01:00:00Z"/>
  </e:meter>
</e:export>
"""
WORDS = {
    "rows": "//r",
    "time": "@at",
    "value": ".",
    "point": "../@id",
    "unit_from": "../@unit",
    "quality": "@state",
}
T0, T1 = "2024-01-01 00:00:00Z", "2024-01-01 01:00:00Z"


def test_rows_fields_and_what_stands_around_them(read: Read) -> None:
    told = read("xml", TEXT, **WORDS)
    assert told.of("A") == [(T0, 1.5), (T1, 2.5)]
    assert told.of("B") == [(T0, 7.0)]
    assert told.blank == 1
    assert (told.series["A"].unit, told.series["B"].unit) == ("kWh", "m3")


def test_lists_of_values_beside_their_times(read: Read) -> None:
    text = "<s><t>2024-01-01T00:00:00Z</t><t>2024-01-01T01:00:00Z</t><v>1</v><v>2</v></s>"
    told = read("xml", text, rows="/s", time="t", value="v", series="s", unit="kWh")
    assert told.of("s") == [(T0, 1.0), (T1, 2.0)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": None}, "`rows` is not said"),
        ({"rows": "//r["}, "is no XPath"),
        ({"value": "count("}, "cannot be looked up"),
        ({"time": "unknown()"}, "cannot be looked up"),
    ],
)
def test_a_wrong_path_is_told(read: Read, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        read("xml", TEXT, **{**WORDS, **change})
    assert said in problem.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT[:200], "is cut short"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "DOCTYPE is refused"),
        ("<x><y></x>", "no sound XML"),
        ("no xml", "XML"),
    ],
)
def test_what_is_unsafe_or_damaged_is_refused(read: Read, text: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        read("xml", text, **WORDS)


def test_a_path_that_finds_text_is_no_row(read: Read) -> None:
    with pytest.raises(InputRefused, match="finds no elements"):
        read("xml", TEXT, **{**WORDS, "rows": "//r/@at"})
