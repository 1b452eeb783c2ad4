"""`schedule print`: what cron and systemd are given runs there, and the words survive their quoting."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

CITY = "name: X\ntime_zone: UTC\n"


def printed(cityctl, folder, *words):
    ended = cityctl("schedule", "print", "--project", folder, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    ("every", "fields"),
    [
        (("--every", "15m"), "*/15 * * * *"),
        (("--every", "1m"), "* * * * *"),
        (("--every", "1h"), "0 * * * *"),
        (("--every", "6h"), "0 */6 * * *"),
        (("--every", "1d"), "0 0 * * *"),
        (("--at", "6:05"), "5 6 * * *"),
    ],
)
def test_a_crontab_line(cityctl, project, every, fields) -> None:
    folder = project(CITY)
    line = printed(cityctl, folder, "--cron", *every, "--", "report", "run", "leaks", "-q").splitlines()[-1]
    assert line.startswith(fields + "  ")
    words = shlex.split(line[len(fields) :])
    assert words[0].startswith("/")
    assert words[1:] == ["report", "run", "leaks", "-q", "--project", str(folder)]


def test_cron_runs_the_line_as_it_stands(cityctl, project) -> None:
    """What cron does: /bin/sh, `%` unescaped, an empty environment, another folder."""
    folder = project(CITY, "a 100% city's")
    line = printed(
        cityctl, folder, "--cron", "--every", "1h", "--", "config", "path", "-o", "json"
    ).splitlines()[-1]
    command = line.removeprefix("0 * * * *  ")
    assert "%" not in command.replace("\\%", "")
    program = shlex.split(command.replace("\\%", "%"))[0]
    shell = command.replace("\\%", "%").replace(
        shlex.quote(program), f"{shlex.quote(sys.executable)} -m cityctl", 1
    )
    ended = subprocess.run(
        ["/bin/sh", "-c", shell], env={"PYTHONPATH": os.pathsep.join(sys.path)}, cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert str(folder) in ended.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(cityctl, project, tmp_path) -> None:
    folder = project(CITY)
    text = printed(cityctl, folder, "--systemd", "--every", "15m", "--", "poll", "--deadline", "5m")
    service, timer = text.split("# /etc/systemd/system/")[1:]
    units = tmp_path / "units"
    units.mkdir()
    for part in (service, timer):
        name, _, body = part.partition("\n")
        if name.endswith(".service"):  # the program of this test's Python, wherever it is
            program = re.search(r'ExecStart=("[^"]*"|\S+)', body)
            assert program
            body = body.replace(program[1], f'"{sys.executable}"', 1)
        (units / name).write_text(body)
    ended = subprocess.run(
        ["systemd-analyze", "verify", *map(str, units.iterdir())], capture_output=True, text=True, check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
    )  # fmt: skip
    about_ours = [line for line in ended.stderr.splitlines() if "cityctl-poll" in line]
    assert about_ours == []
    calendar = subprocess.run(
        ["systemd-analyze", "calendar", "*:0/15"], capture_output=True, text=True, check=False
    )
    assert (calendar.returncode, "*:00/15:00" in calendar.stdout) == (0, True)
    for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", f"ReadWritePaths={folder}/.cityctl"):
        assert line in service


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cron", "--every", "7m", "--", "poll"), "no marks of the clock"),
        (("--cron", "--at", "25:00", "--", "poll"), "no time of day"),
        (("--cron", "--", "poll"), "say when it runs"),
        (("--every", "15m", "--", "poll"), "--cron and --systemd"),
        (("--cron", "--at", "06:00", "--", "pol"), "did you mean `cityctl poll`"),
        (("--cron", "--at", "06:00", "--", "poll", "--dedline", "5m"), "no such option"),
    ],
)
def test_what_would_not_run_is_refused(cityctl, project, words, said) -> None:
    ended = cityctl("schedule", "print", "--project", project(CITY), *words)
    assert (ended.returncode, ended.stdout, said in ended.stderr) == (2, "", True), ended.stderr
