"""Streams that are closed, full or cut off, and options that stand before the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

POSIX = pytest.mark.skipif(os.name == "nt", reason="a shell's redirections")
LINES = ["report list", "--help", "help units", "check store", "--version"]


def sh(tmp_path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell that finds the program as `cityctl`; in no project."""
    program = f'"{sys.executable}" -m cityctl'
    surroundings = {**os.environ, "CITYCTL_BUG_FOLDER": str(tmp_path)}
    return subprocess.run(
        ["sh", "-c", line.replace("cityctl", program)],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


@POSIX
@pytest.mark.parametrize("words", LINES)
def test_a_closed_stdout_ends_as_an_open_one_would(tmp_path, words):
    usual = sh(tmp_path, f"cityctl {words} >/dev/null")
    closed = sh(tmp_path, f"cityctl {words} >&-")
    assert (closed.returncode, closed.stderr) == (usual.returncode, usual.stderr)
    assert sh(tmp_path, f"cityctl {words} <&- >&- 2>&-").returncode == usual.returncode


@POSIX
def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path):
    # With 1 free, the first file that is opened would be what a stray `print` writes to.
    code = (
        "import os, cityctl.console as console; console.fill_closed_streams(); "
        "taken = os.open('/dev/null', os.O_RDONLY); raise SystemExit(0 if taken > 2 else 9)"
    )
    line = f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0


@POSIX
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("words", LINES[:3])
def test_a_full_disk_behind_stdout_is_one_line_and_no_bug(tmp_path, words):
    ended = sh(tmp_path, f"cityctl {words} >/dev/full")
    assert ended.returncode == 10
    assert ended.stderr.startswith("cityctl: cannot write to stdout: No space left on device\nhint: ")
    assert not list(tmp_path.glob("cityctl-bug-*"))


@POSIX
def test_head_leaves_no_word_on_stderr(tmp_path):
    ended = sh(tmp_path, "cityctl help units | head -1")
    assert (ended.stdout, ended.stderr) == ("Units\n", "")


@pytest.mark.parametrize(
    "words",
    [("-o", "json", "report", "list"), ("--output=json", "-v", "report", "list")],
)
def test_common_options_may_stand_before_the_command(cityctl, words):
    ended = cityctl(*words)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["title"] == "Reports"


def test_options_that_are_moved_stay_before_the_words_of_a_scheduled_command(cityctl, project):
    folder = project("name: A\ntime_zone: UTC\n")
    words = ("-o", "json", "--project", folder, "schedule", "print", "--cron", "--every", "15m", "--", "poll")
    ended = cityctl(*words, "-q")
    line = json.loads(ended.stdout)["rows"][0]["whole_text"]
    assert "poll -q --project" in line


def test_an_option_of_a_report_that_is_misspelt_gets_the_near_one(cityctl, project):
    city = "networks: {water: {kind: water}}\nzones: {a: {network: water, inflow: p}}\npoints: {p: {unit: m3/h}}\n"
    folder = project(f"name: A\ntime_zone: UTC\n{city}")
    told = (("--lats", "--last"), ("--sinse", "--since"), ("--certanty", "certainty"), ("--from", "--since"))
    for given, meant in told:
        ended = cityctl("report", "run", "leaks", given, "7d", "--project", folder)
        assert ended.returncode == 2
        assert f"hint: did you mean `{meant}`?" in ended.stderr
