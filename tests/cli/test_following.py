"""A watch on a terminal: it fits, `q` and Ctrl-C end it, and the terminal is left as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from cityctl.cli.run import shortened

ZONES = "".join(f"  z{at}: {{network: water}}\n" for at in range(30))
POINTS = "".join(f"  p{at}: {{unit: m3/h, zone: z{at}}}\n" for at in range(30))
CITY = f"name: Tall\ntime_zone: UTC\nnetworks: {{water: {{kind: water}}}}\nzones:\n{ZONES}points:\n{POINTS}"


@pytest.mark.parametrize(("key", "code"), [(b"q", 0), (b"\x03", 130)])
def test_a_key_ends_it_and_leaves_the_terminal_as_it_was(project, cityctl, key, code):
    folder = project(CITY)
    (folder / "flows.csv").write_text("time,p0\n2026-11-01 00:00,1\n")
    assert cityctl("data", "import", folder / "flows.csv", "--project", folder).returncode == 0
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 80, 0, 0))
    before = termios.tcgetattr(other)
    # A shell around the tests may have exported its own terminal's size, which would count for more than this one's.
    surroundings = {name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")}
    run = subprocess.Popen(
        ["setsid", "-c", sys.executable, "-m", "cityctl", "watch", "--every", "1s", "--project", folder],
        stdin=other,
        stdout=other,
        stderr=other,
        env={**surroundings, "TERM": "xterm", "NO_COLOR": "1"},
    )
    told = ""
    end = time.monotonic() + 300
    try:
        while told.count("0 devices silent") < 2 and time.monotonic() < end:
            if select.select([main], [], [], 0.2)[0]:
                told += os.read(main, 65536).decode(errors="replace")
        os.write(main, b"x" + key)
        assert run.wait(300) == code or (code == 0 and run.returncode == 4)  # 4: no point has a reading
        assert termios.tcgetattr(other)[3] == before[3]
    finally:
        run.kill()
        os.close(other)
        os.close(main)
    frame = told.split("\x1b[H\x1b[2J")[1].replace("\r", "").rstrip("\n").split("\n")
    assert len(frame) <= 19
    assert "more lines; a taller terminal shows them" in frame[-2]
    assert "0 devices silent" in frame[-1]


def test_what_does_not_fit_is_counted():
    text = "".join(f"line {at}\n" for at in range(40))
    cut = shortened(text, 24).splitlines()
    assert len(cut) == 23
    assert cut[:21] == text.splitlines()[:21]
    assert cut[-1] == "line 39"
    assert cut[-2].strip() == "18 more lines; a taller terminal shows them"
    assert shortened(text, 41) == text
