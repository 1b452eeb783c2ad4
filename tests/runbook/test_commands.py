"""The commands as people and cron use them: processes of their own, with and without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def at_terminal(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the program at a pseudo terminal and type something: (exit code, what was shown)."""
    pty = pytest.importorskip("pty")

    def run(typed: str, *words: str | Path) -> tuple[int, str]:
        pid, terminal = pty.fork()
        if not pid:
            os.environ["CITYCTL_BUG_FOLDER"] = os.environ["CITYCTL_USER_FOLDER"] = str(tmp_path)
            os.execv(sys.executable, [sys.executable, "-m", "cityctl", *map(str, words)])
        shown = b""
        asked = False
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            shown += piece
            if not piece:
                break
            if not asked and b"(yes or no)" in shown:
                asked = True
                os.write(terminal, typed.encode() + b"\n")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    return run


def words(rig, *more):
    return (*more, "--project", rig.folder, "--profile", "maintenance")


def test_a_person_at_a_terminal_says_yes(rig, at_terminal, cityctl):
    command = words(rig, "write", "pressure", "500", "--expect", "4 bar", "--reason", "a test")
    code, shown = at_terminal("yes", *command)
    assert code == 0, shown
    assert "send 1 write? (yes or no)" in shown
    assert f"holding 40001 = 16544 0 (function 16)  127.0.0.1:{rig.port} unit 1" in shown
    assert "4 bar -> 5 bar" in shown
    assert rig.words(1, 0, 2) == [0x40A0, 0]  # 500 kPa, in the unit that city.yaml gives the point
    listed = json.loads(cityctl("audit", "list", "--project", rig.folder, "-o", "json").stdout)
    assert [row["audit_event"] for row in listed["rows"]] == ["begin", "write", "read back", "end"]
    assert cityctl("audit", "verify", "--project", rig.folder).returncode == 0
    path = rig.folder / ".cityctl/audit/audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"4 bar", b"3 bar", 1))
    broken = cityctl("audit", "verify", "--project", rig.folder)
    assert broken.returncode == 3
    assert "line 2" in broken.stdout


def test_a_person_says_no(rig, at_terminal):
    code, shown = at_terminal("no", *words(rig, "write", "plc-1/command", "start", "--reason", "a test"))
    assert code == 20
    assert "not consented" in shown
    assert rig.writes == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("plc-1/command", "start", "--reason", "cron"), "there is no terminal"),
        (("plc-1/command", "start"), "nobody says why"),
        (("plc-2/setpoint", "9", "--reason", "x"), "above the highest"),
        (("plc-1/setpoint", "5", "--reason", "x"), "city.yaml shows it in kPa: say which"),
        (("plc-1/setpoint", "5", "--unit", "m3/h", "--reason", "x"), "takes pressure"),
        (("plc-1/setpoint", "5", "--unit", "bahr", "--reason", "x"), "no unit"),
        (("plc-1/setpoint", "nan", "--reason", "x"), "`nan` is no value of plc-1/setpoint"),
        (("plc-2/setpoint", "4,5", "--reason", "x"), "`4,5`, column 2: `,` was not expected"),
        (("plc-2/setpoint", "-1.5", "--reason", "x"), "-1.5 bar is below the lowest"),
        (("plc-2/setpoint", "4.1", "--expect", "-0.5", "--reason", "x"), "-0.5 bar was expected"),
        (("plc-1/command", "strat", "--reason", "x"), "cityctl: plc-1/command knows no state `strat`"),
        (("plc-2/setpoint", "1e999", "--reason", "x"), "too large"),
        (("plc-1/setpoint", "__import__('os')", "--reason", "x"), "no function"),
        (("plc-1/command", "7", "--reason", "x"), "takes a state"),
    ],
)
def test_cron_writes_nothing_and_is_told_why(rig, cityctl, more, said):
    ended = cityctl(*words(rig, "write", *more))
    assert (ended.returncode, rig.writes) == (20, 0), ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_dry_run_shows_it_and_a_wrong_one_shows_why(rig, cityctl):
    ended = cityctl(*words(rig, "write", "plc-2/setpoint", "4.5", "--dry-run", "-o", "json"))
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    (row,) = shown["rows"]
    assert row["runbook_change"] == "4 bar -> 4.5 bar"
    # 4.5 as a float32 is 0x40900000; function 16 writes two registers from address 0 of unit 2
    assert shown["tables"]["writes"]["rows"] == [
        {
            "runbook_step": "1", "device": "plc-2", "point": "setpoint", "write_host": f"127.0.0.1:{rig.port}",
            "modbus_unit": 2, "function_code": 16, "address": 0, "write_words": "16528 0",
            "old_value": "4 bar", "new_value": "4.5 bar", "depends_on": None,
        }
    ]  # fmt: skip
    wrong = cityctl(*words(rig, "write", "plc-2/setpoint", "9", "--dry-run"))
    assert wrong.returncode == 20
    assert "REFUSED" in wrong.stdout
    assert rig.writes == 0


def test_a_saved_write_says_why_by_itself(rig, cityctl, tmp_path):
    saved = tmp_path / "one.plan"
    wanted = words(rig, "write", "plc-2/setpoint", "4.5")
    assert cityctl(*wanted, "--save", saved, "--reason", "night").returncode == 0
    ended = cityctl(*wanted, "--plan", saved)
    assert (ended.returncode, rig.writes) == (20, 0)
    assert "nobody consents" in ended.stderr  # and not that nobody says why


def test_an_unknown_device_is_wrong_usage(rig, cityctl):
    ended = cityctl(*words(rig, "write", "plc-9/setpoint", "4.5"))
    assert ended.returncode == 2
    assert "hint: did you mean `plc-" in ended.stderr


def test_the_exit_codes_of_a_write_that_fails(rig, at_terminal):
    rig.faults.ignore_write = 1
    code, shown = at_terminal("yes", *words(rig, "write", "plc-1/command", "start", "--reason", "a test"))
    assert (code, "rolled back and verified" in shown) == (21, True), shown
    rig.faults.keep_other = 7
    code, shown = at_terminal("yes", *words(rig, "write", "plc-1/third", "2", "--reason", "a test"))
    assert (code, "the plant's state is unknown" in shown) == (22, True), shown


def test_a_runbook_from_new_to_log(rig, cityctl):
    made = cityctl("runbook", "new", "raise-pressure", "--project", rig.folder)
    assert made.returncode == 0, made.stderr
    assert cityctl("runbook", "lint", "raise-pressure", "--project", rig.folder).returncode == 0
    done = cityctl("runbook", "run", "raise-pressure", "--simulate", "--project", rig.folder)
    assert done.returncode == 0, done.stderr
    assert "1 write sent" in done.stdout
    path = rig.folder / "recipes/runbooks/raise-pressure.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("measured > 1 bar", "measured > 1 m3/h"), encoding="utf-8")
    wrong = cityctl("runbook", "lint", "--project", rig.folder)
    assert wrong.returncode == 10
    assert f"{path}:11:" in wrong.stderr
    assert "pressure cannot be compared with flow" in wrong.stderr
    assert cityctl("runbook", "log", "--project", rig.folder).returncode == 0
    refused = cityctl(
        *words(rig, "runbook", "plan", "night-pressure", "mode=reduce", "setpoint=plc-1/setpoint",
               "pressure=plc-1/measured", "night=3 m3/h")
    )  # fmt: skip
    assert refused.returncode == 20
    assert rig.writes == 0


def test_a_plan_is_shown_saved_and_needs_an_approval(rig, cityctl, tmp_path):
    saved = tmp_path / "night.plan"
    given = ("mode=reduce", "setpoint=plc-1/setpoint", "pressure=plc-1/measured", "day=4.5 bar")
    planned = cityctl(
        *words(rig, "runbook", "plan", "night-pressure", *given, "--save", saved, "--reason", "night")
    )
    assert planned.returncode == 0, planned.stderr
    assert "1 write, 0 already in place. Nothing was sent." in planned.stdout
    assert "night-pressure on plc-1 (profile maintenance)" in planned.stdout
    own = cityctl(*words(rig, "runbook", "approve", saved))
    assert own.returncode == 20
    assert "another person approves it" in own.stderr
    run = cityctl(*words(rig, "runbook", "run", "--plan", saved))
    assert run.returncode == 20
    assert "no approved plan" in run.stderr
    assert cityctl("runbook", "run", "--plan", saved, "--project", rig.folder).returncode == 20
    assert rig.writes == 0


def test_a_simulation_needs_no_project(cityctl, tmp_path):
    ended = cityctl("runbook", "run", "swap-duty-pump", "--simulate", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "2 writes sent" in ended.stdout


def test_a_simulation_with_the_citys_own_devices_asks_none_of_them(rig, cityctl):
    given = ("mode=reduce", "setpoint=plc-1/setpoint", "pressure=plc-1/measured")
    ended = cityctl("runbook", "run", "night-pressure", "--simulate", *given, "--project", rig.folder)
    assert ended.returncode == 0, ended.stderr
    assert "plc-1/setpoint" in ended.stdout
    assert rig.server.requests == 0
    assert not (rig.folder / ".cityctl").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's pipes")
def test_a_run_that_nobody_looks_on_any_more_goes_on(tmp_path):
    """`2>&1 | head -1`: the line that cannot be written is no reason to undo what was done to a plant."""
    command = f"{sys.executable} -m cityctl runbook run swap-duty-pump --simulate"
    line = f"{command} 2>&1 >{tmp_path}/out; echo $? >{tmp_path}/rc"
    environment = {**os.environ, "CITYCTL_BUG_FOLDER": str(tmp_path)}
    seen = subprocess.run(
        ["sh", "-c", f"({line}) | head -1"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert seen.stdout.split()[:2] == ["require", "require"]
    assert (tmp_path / "rc").read_text() == "0\n"
    assert "2 writes sent" in (tmp_path / "out").read_text()
