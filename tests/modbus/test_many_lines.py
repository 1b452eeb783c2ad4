"""More lines than the process may open files: they are asked one after another, and none is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.modbus.ten_words import POINTS, bank

ROOT = Path(__file__).resolve().parents[2]
LIMITED = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from pathlib import Path
from cityctl.modbus.alone import most_lines
from cityctl.modbus.line import Link, SerialSettings
from cityctl.modbus.looking.scan import scanning
from cityctl.modbus.run import ask_all
from tests.modbus.ten_words import behind
# Lines of their own to one port: what is said of the wire behind a gateway tells them apart.
links = [Link("127.0.0.1", int(sys.argv[1]), serial=SerialSettings(baud=9600 + n)) for n in range(70)]
print(most_lines(400))
print(sum(len(answer.values) for answer in ask_all([behind(link, 1, timeout=20) for link in links])))
print(sum(len(place.seen) for place in asyncio.run(scanning(links, [1], timeout=20))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
def test_lines_beyond_the_limit_of_open_files_wait(serve):
    words = [sys.executable, "-c", LIMITED, str(serve({1: bank()}))]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    at_once, came, seen = map(int, done.stdout.split())
    assert 1 <= at_once < 30
    assert came == 70 * len(POINTS)
    assert seen == 70  # a scan opened all of them, and told most as `too many open files`
