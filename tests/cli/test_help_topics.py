"""Help topics: each is there and answers, and no hint or page speaks of another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cityctl.cli.help import ABOUT

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("topic", ABOUT)
def test_each_topic_answers(cityctl, topic: str) -> None:
    ended = cityctl("help", topic)
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) > 4


def test_what_speaks_of_a_topic_speaks_of_one_that_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in [*ROOT.glob("cityctl/**/*.py"), ROOT / "README.md"]]
    named = {word for text in texts for word in re.findall(r"cityctl help ([a-z][a-z-]*)", text)}
    assert {"units", "analysis", "man"} <= named
    assert named <= set(ABOUT)
