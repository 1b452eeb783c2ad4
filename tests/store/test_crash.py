"""kill -9 at random points, and many processes at once: nothing acknowledged is lost, doubled or seen by half."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

WORKER = Path(__file__).with_name("crash_worker.py")


def _run(*words: object) -> dict:
    ended = subprocess.run(
        [sys.executable, str(WORKER), *map(str, words)], capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _check(found: dict, rounds: int) -> None:
    assert found["acknowledged"] >= rounds
    assert (found["lost"], found["half"], found["doubled"], found["orphans"]) == ([], [], [], [])
    assert not found["changed_by_compaction"]


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path):
    _check(_run("kill", tmp_path / "store", 6, 1), 6)


@pytest.mark.slow
def test_many_killed_writers_lose_nothing_that_was_acknowledged(tmp_path):
    _check(_run("kill", tmp_path / "store", 60, 2), 60)


@pytest.mark.slow
def test_the_harness_catches_a_store_that_is_broken_on_purpose(tmp_path):
    """Such a store shows half of an add for 0.3 s of about 0.35 s: 5 kills cannot all miss it."""
    assert _run("kill", tmp_path / "store", 5, 1, "broken")["half"]


def test_a_crowd_of_writers_readers_and_a_compactor_get_along(tmp_path):
    found = _run("crowd", tmp_path / "store", 2.5)
    assert (found["wrong"], found["failed"], found["lost"]) == ([], [], [])
    assert found["looks"] >= 3
    assert found["acknowledged"] >= 6


@pytest.mark.slow
def test_a_crowd_for_a_while(tmp_path):
    found = _run("crowd", tmp_path / "store", 15)
    assert (found["wrong"], found["failed"], found["lost"]) == ([], [], [])
