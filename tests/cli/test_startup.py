"""Start-up: the command line loads nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "numpy", "duckdb", "pyarrow", "pymodbus", "httpx", "yaml", "rich", "pydantic", "lxml")


@pytest.mark.parametrize("module", ["cityctl.cli", "cityctl.result", "cityctl.console", "cityctl.units"])
def test_importing_the_command_line_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


def test_every_command_file_loads_nothing_heavy():
    from cityctl.cli.root import COMMANDS

    modules = ", ".join(sorted({f"cityctl.cli.{entry.module}" for entry in COMMANDS.values()}))
    code = f"import sys, {modules}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) <= {"pydantic"}


def test_help_loads_no_command_file():
    code = (
        "import sys; from cityctl.cli import command\n"
        "try: command().main(['--help'], prog_name='cityctl')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('cityctl.cli.')], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cityctl.cli.poll" not in ended.stderr
    assert "Start:" in ended.stdout
