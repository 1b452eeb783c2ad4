"""How runs end: codes of the published table, one line, a hint, and no traceback."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from textwrap import indent

import pytest


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("dat",), 2, "no command `dat`: did you mean `cityctl data`?"),
        (("--foo",), 2, "no such option: --foo"),
        (("help", "tims"), 2, "no help topic `tims`"),
        (("help", "poll"), 2, "`cityctl poll --help` shows the command"),
        (("poll", "--evry", "5m"), 2, "no such option: --evry; did you mean `--every`?"),
        (("devices", "lst"), 2, "no such command 'lst'; did you mean `list`?"),
        (("data", "import", "--map"), 2, "`cityctl data import --help` shows what it takes"),
        (("devices", "leaks"), 2, "no such command 'leaks': did you mean `cityctl report run leaks`?"),
        (("gaps",), 2, "no command `gaps`: did you mean `cityctl data gaps`?"),
        (("import",), 2, "did you mean `cityctl data import` or `cityctl tariffs import`?"),
        (("data", "export", "--from", "2025"), 2, "no such option: --from; did you mean `--since`?"),
        (("report", "run", "leaks", "--only-findngs"), 2, "did you mean `--only-findings`?"),
        (("help", "-o", "jsn"), 2, "`-o jsn`: no such value"),
        (("help", "--color", "maybe"), 2, "`--color maybe`: no such value"),
        (("config", "path"), 10, "no city.yaml in"),
        (("config", "path", "--project", "nowhere"), 10, "no such file"),
        (("completion", "powershell"), 2, "no completion for `powershell`"),
        (("init", "there", "--time-zone", "Europe/Berln"), 2, "no time zone"),
    ],
)
def test_a_wrong_word_is_one_line_and_a_hint(cityctl, words, code, said):
    ended = cityctl(*words)
    assert ended.returncode == code
    assert said in ended.stderr
    assert "hint: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_without_words_the_help_is_shown_and_it_is_wrong_usage(cityctl):
    ended = cityctl()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Start:" in ended.stderr


def test_a_bug_is_one_line_and_a_report(cityctl, tmp_path):
    ended = cityctl("help", "times", CITYCTL_OUTPUT="json", CITYCTL_NOW="x", PYTHONPATH=_broken(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("cityctl: a bug: ZeroDivisionError")
    assert "Traceback" not in ended.stderr
    report = next(tmp_path.glob("cityctl-bug-*.txt"))
    assert "ZeroDivisionError" in report.read_text()


def _broken(folder, lines="1 / 0"):
    """A sitecustomize that makes `help times` fail, as a bug would, or do what other lines say."""
    (folder / "sitecustomize.py").write_text(
        f"import cityctl.cli.help as h\ndef times(run):\n{indent(lines, '    ')}\nh.TOPICS['times'] = ('', times)\n"
    )
    return os.pathsep.join([str(folder), *sys.path])


@pytest.mark.parametrize("code", [0, 4])
def test_what_waits_for_the_end_of_a_run_is_not_cut_off(cityctl, tmp_path, code):
    """That Python takes down what was imported is left out; threads are waited for, and who asked is called."""
    lines = f"""\
import atexit, threading, time, typer
atexit.register(print, "called", end="")
threading.Thread(target=lambda: (time.sleep(0.3), print("waited for"))).start()
h.kept = type("Kept", (), {{"__del__": lambda self: print("taken down")}})()
raise typer.Exit({code})"""
    ended = cityctl("help", "times", PYTHONPATH=_broken(tmp_path, lines))
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "waited for\ncalled", "")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may become another user")
def test_a_folder_that_another_user_owns_is_no_bug():
    """Cron polled as one user, and somebody polls as another."""
    with tempfile.TemporaryDirectory(prefix="cityctl-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "city.yaml").write_text(
            "name: T\ntime_zone: UTC\ndevices: {a: {connector: siemens_mag6000, host: 127.0.0.1, port: 9}}\n"
        )
        code = f"""if True:
            import contextlib, os
            from cityctl.cli import main
            import cityctl.collect.poll, cityctl.store
            with contextlib.suppress(SystemExit):  # what is loaded now is loaded by who may read the program
                main(["poll", "--explain", "--project", {name!r}])
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
            main(["poll", "--project", {name!r}])
        """
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert ended.returncode == 10, ended.stderr
    assert ended.stderr == (
        f"cityctl: no permission: {name}/.cityctl\nhint: run as the user who owns it, or change its permissions\n"
    )


def test_json_is_one_document_and_a_quiet_success_writes_nothing(cityctl):
    document = json.loads(cityctl("help", "exit-codes", "-o", "json").stdout)
    assert {row["code"] for row in document["rows"]} >= {0, 1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 130, 143}
    quiet = cityctl("help", "exit-codes", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_it_works_as_cron_calls_it():
    """env -i, LANG=C, cwd=/, HOME unset: m³/h must still be written."""
    ended = subprocess.run(
        [sys.executable, "-m", "cityctl", "help", "units"],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LANG": "C"},
        cwd="/",
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "m³/h" in ended.stdout.decode("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_head_leaves_no_traceback():
    ended = subprocess.run(
        f"{shlex.quote(sys.executable)} -m cityctl help units | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == "Units"
    assert ended.stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_a_long_answer_ends_quietly_when_its_reader_leaves(project, cityctl):
    folder = project(
        "name: Long\ntime_zone: UTC\nnetworks: {water: {kind: water}}\npoints: {flow: {unit: m3/h, every: 1m}}\n"
    )
    rows = "".join(f"2026-01-{day:02}T{hour:02}:{minute:02},1\n" for day in range(1, 11)
                   for hour in range(24) for minute in range(60))  # fmt: skip
    (folder / "flow.csv").write_text("time,flow\n" + rows)
    assert cityctl("data", "import", folder / "flow.csv", "--project", folder).returncode == 0
    words = ["data", "export", "flow", "--since", "2026", "--project", str(folder), "-o", "csv"]
    program = shlex.join([sys.executable, "-m", "cityctl", *words])
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} | head -2"], capture_output=True, text=True, check=False
    )
    assert len(ended.stdout.splitlines()) == 2
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_its_code(number, code):
    running = subprocess.Popen(
        [sys.executable, "-m", "cityctl", "sim", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(number)
        _, said = running.communicate(timeout=300)
    finally:
        running.kill()
    assert "Traceback" not in said
    assert ("cityctl: interrupted" if code == 130 else "cityctl: terminated") in said
    assert running.returncode == code


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_while_it_starts_leaves_no_traceback():
    """At any of the moments of a start, of which the larger part is imports: they were cut with a traceback."""
    for delay in (0.02, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3):
        running = subprocess.Popen(
            [sys.executable, "-m", "cityctl", "help", "units"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with suppress(subprocess.TimeoutExpired):
            running.wait(delay)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=300)
        # Before the interpreter begins with the program, or has its own module of signals, a traceback is its own.
        assert str(Path("cityctl", "cli")) not in said, (delay, said)
        assert running.returncode in (0, 1, 130, -signal.SIGINT)


def test_an_output_file_is_whole_or_not_there(cityctl, tmp_path):
    ended = cityctl("help", "units", "--output-file", tmp_path / "units.csv")
    assert ended.returncode == 0
    assert (tmp_path / "units.csv").read_text(encoding="utf-8").startswith("quantity")
    (tmp_path / "file").write_text("in the way")
    refused = cityctl("help", "units", "--output-file", tmp_path / "file" / "units.csv")
    assert refused.returncode == 2
    assert "cannot write" in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")
def test_a_full_disk_is_no_wrong_usage(tmp_path):
    """RLIMIT_FSIZE stands in for it: as with a disk that is full, nothing more is taken."""
    line = f'ulimit -f 0; exec "{sys.executable}" -m cityctl help units --output-file units.csv'
    ended = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 10
    assert "cannot write units.csv: File too large" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_an_output_file_called_dash_is_stdout(cityctl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = cityctl("help", "units", "-o", "csv", "--output-file", "-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("quantity")
    assert not list(tmp_path.iterdir())
