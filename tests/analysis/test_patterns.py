"""Names as people choose them."""

from __future__ import annotations

import pytest

from cityctl.analysis.patterns import matching
from cityctl.errors import UsageProblem

ZONES = {"hafen": "Hafen", "altstadt": "Altstadt", "dma-7": "Am Berg"}


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ("*", {"hafen", "altstadt", "dma-7"}),
        (None, {"hafen", "altstadt", "dma-7"}),
        ("hafen, alt*", {"hafen", "altstadt"}),
        ("Am Berg,Hafen", {"dma-7", "hafen"}),
        ("north*,hafen", {"hafen"}),
        ("north*", set()),
    ],
)
def test_ids_patterns_and_names(patterns: object, found: set[str]) -> None:
    assert matching(patterns, ZONES, "water zone") == found


def test_a_misspelt_name_is_not_left_out_without_a_word() -> None:
    with pytest.raises(UsageProblem, match="no water zone matches `altstat`") as problem:
        matching("hafen,altstat", ZONES, "water zone")
    assert problem.value.hint == "did you mean `altstadt`?"
    with pytest.raises(UsageProblem) as problem:
        matching("xyz", ZONES, "water zone")
    assert problem.value.hint == "there are: hafen, altstadt, dma-7"
