"""Parameters as options: `--method split` is `--set method=split`."""

from __future__ import annotations

import pytest

from cityctl.errors import UsageProblem
from cityctl.report.asking import from_options


def test_options_become_settings() -> None:
    given = ["--method", "split", "--most-change=60 %", "--threshold", "-2"]
    assert from_options(given) == ["method=split", "most_change=60 %", "threshold=-2"]


@pytest.mark.parametrize(
    "words", [["split"], ["-z", "1"], ["--method"], ["--method", "--plots", "1"], ["--"]]
)
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageProblem):
        from_options(words)
