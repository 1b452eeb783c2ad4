"""Progress, on a terminal of its own."""

from __future__ import annotations

import io
import os
import re
import time

import pytest

from cityctl.console import Console


def until(terminal: int, wanted: str) -> str:
    """What comes to a terminal up to something wanted; one read may end before the last of it has arrived."""
    came = ""
    while wanted not in came:
        came += os.read(terminal, 4096).decode()
    return came


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="Windows has no terminals to make")
def test_long_work_says_for_how_long_it_lasts_and_takes_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    with (
        open(ours, "rb"),
        open(theirs, "w", encoding="utf-8") as error,
    ):
        with Console(out=io.StringIO(), error=error).waiting("leaks", every=0.05):
            assert re.search(r"leaks: \d+ s", until(ours, " s"))
        until(ours, " \r")


def test_work_that_is_soon_done_and_a_pipe_see_nothing_of_it() -> None:
    error = io.StringIO()
    with Console(out=io.StringIO(), error=error).waiting("leaks", every=0.05):
        time.sleep(0.2)
    assert error.getvalue() == ""
