"""Segments cut at their signs: the quick way and the careful one, one sign after the other, agree on any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.exports.edifact.segments import Signs, _elements

# The last one uses one sign for two things, as damaged service string advice does.
SIGNS = (Signs(), Signs(release=" "), Signs(":", "+", ",", "!", "~"), Signs("|", "^", ".", "^", "'"))


def one_by_one(text: str, signs: Signs) -> list[list[str]]:
    """Sign after sign, as ISO 9735 says it: what follows a release sign stands for itself."""
    elements, part = [[""]], ""
    released = signs.release.strip()
    at = 0
    while at < len(text):
        sign = text[at]
        if released and sign == signs.release:
            part += text[at + 1 : at + 2] or sign
            at += 2
            elements[-1][-1] = part
            continue
        if sign == signs.element:
            elements.append([""])
            part = ""
        elif sign == signs.component:
            elements[-1].append("")
            part = ""
        else:
            part += sign
            elements[-1][-1] = part
        at += 1
    return elements


@given(st.text("aZ1?+:'!|^~ \x01\x03,é", max_size=30))
@pytest.mark.parametrize("signs", SIGNS)
def test_both_ways_agree(signs: Signs, text: str) -> None:
    assert _elements(text, signs) == one_by_one(text, signs)


def test_released_signs_stand_for_themselves() -> None:
    assert _elements("FTX+a?+b:c?:d??:e?'f", Signs()) == [["FTX"], ["a+b", "c:d?", "e'f"]]
