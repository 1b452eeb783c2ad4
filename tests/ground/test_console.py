"""Progress, on a terminal of its own."""

from __future__ import annotations

import io
import os
import time

import pytest

from cityctl.console import Console


def all_of(terminal: int) -> bytes:
    """What came to a terminal whose other side is closed; one read may end before the last of it has arrived."""
    came = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # how Linux tells of the end
            return came
        if not piece:
            return came
        came += piece


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="Windows has no terminals to make")
def test_long_work_says_for_how_long_it_lasts_and_takes_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    with (
        open(theirs, "w", encoding="utf-8") as error,
        Console(out=io.StringIO(), error=error).waiting("leaks", every=0.05),
    ):
        time.sleep(0.3)
    said = all_of(ours).decode()
    os.close(ours)
    assert "leaks: 0 s" in said
    assert said.endswith(" \r")


def test_work_that_is_soon_done_and_a_pipe_see_nothing_of_it() -> None:
    error = io.StringIO()
    with Console(out=io.StringIO(), error=error).waiting("leaks", every=0.05):
        time.sleep(0.2)
    assert error.getvalue() == ""
