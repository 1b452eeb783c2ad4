"""Many processes at once: readers follow the list while files vanish below them.

See tests/crash for kills, and for ten minutes of the like (`make soak`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

WORKER = Path(__file__).with_name("crowd_worker.py")


def _run(*words: object) -> dict:
    ended = subprocess.run(
        [sys.executable, str(WORKER), *map(str, words)], capture_output=True, text=True, timeout=800
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_crowd_of_writers_readers_and_a_compactor_get_along(tmp_path):
    found = _run(tmp_path / "store", 2.5)
    assert (found["wrong"], found["failed"], found["lost"]) == ([], [], [])
    assert found["looks"] >= 3
    assert found["acknowledged"] >= 6
