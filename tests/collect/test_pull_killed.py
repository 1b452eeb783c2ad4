"""A pull that is killed at any point: the next one ends with the same store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.project import Project
from tests.collect.historian import CANARY, FLOW, PRESSURE, Historian, city_yaml, counts, go, stored
from tests.http_service import Service

SINCE = "2026-09-01"
TIMES = 25


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed processes are forked")
def test_killed_at_random_points_the_store_ends_the_same(
    http: Service, project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes are real and so is SIGKILL; a store that nobody disturbed says what is right."""
    monkeypatch.setenv("HISTORIAN_KEY", CANARY)
    http.answer = Historian()
    text = city_yaml(http.url, FLOW + PRESSURE)
    killed, undisturbed = project(text, "killed"), project(text, "undisturbed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.collect.killed", str(killed), SINCE, "20261123", str(TIMES)],
        capture_output=True, text=True, timeout=800, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["code"] == 0
    assert told["killed"] >= TIMES // 2
    right = stored(Project(undisturbed))
    assert len(right) > 2000
    assert stored(Project(killed)) == right
    again = counts(go(Project(killed), since=SINCE))
    assert all(line[1] == line[3] == line[5] == 0 for line in again.values())
    assert all(line[0] == line[2] for line in again.values())
