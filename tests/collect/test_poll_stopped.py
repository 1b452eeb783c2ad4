"""A poll that is ended half-way: what had come is stored, whoever ends it; and who may not store asks nobody."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.collect import poll as polling
from cityctl.collect.every import Times, poll_every
from cityctl.errors import ExitCode
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Silence
from tests.collect.test_poll import stored
from tests.modbus.conftest import serve  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and users of POSIX")
CONNECTOR = """\
connector: acme
vendor: ACME
model: F1
class: water_meter
points:
  flow: {address: 0, type: uint16, unit: m3/h}
  level: {address: 900, type: uint16, unit: m}
sources: [a page]
"""
CITY = """\
name: Town
time_zone: Europe/Berlin
devices:
  whole: {{connector: acme, host: 127.0.0.1, port: {whole}, timeout: 60}}
  half: {{connector: acme, host: 127.0.0.1, port: {half}, timeout: 60}}
"""


def heard() -> None:
    """Signals end a child as they do from a terminal: tests that run under nohup, or behind `&`, hand on deafness."""
    for name in ("SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


class Town:
    """A device that answers, one that says nothing from its second request on, and what both were asked."""

    def __init__(self, folder: Path, serve) -> None:  # noqa: F811 - the fixture above
        path = folder / "connectors" / "devices" / "acme.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(CONNECTOR)
        self.folder = folder
        self.asked: list[Request] = []
        self.waits = threading.Event()
        device = load_connector(path)
        bank = Bank.from_connector(device, {"flow": 7.0, "level": 3.0}.get)
        ports = {"whole": serve({1: bank}, self.whole), "half": serve({1: bank}, self.half)}
        (folder / "city.yaml").write_text(CITY.format(**ports))

    async def whole(self, request: Request) -> None:
        self.asked.append(request)

    async def half(self, request: Request) -> None:
        self.asked.append(request)
        if request.address:
            self.waits.set()
            raise Silence

    def poll(self, *words: str, **how: object) -> subprocess.Popen[str]:
        program = [sys.executable, "-m", "cityctl", "poll", *words, "--project", str(self.folder)]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heard, **how}
        return subprocess.Popen(program, text=True, **given)  # type: ignore[call-overload,no-any-return]

    def reached(self) -> None:
        """Wait until all has come that comes."""
        assert self.waits.wait(60)
        until = time.monotonic() + 60
        while len(self.asked) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)  # the last answer is on its way

    def kept(self) -> dict[str, list[float | None]]:
        return {point: [value for _, value, _ in rows] for point, rows in stored(self.folder).items()}


@pytest.fixture
def town(tmp_path, serve) -> Town:  # noqa: F811
    return Town(tmp_path / "city", serve)


KEPT = {"half/flow": [7.0], "whole/flow": [7.0], "whole/level": [3.0]}


@pytest.mark.parametrize(
    ("words", "name", "code", "said"),
    [
        ([], "SIGINT", 130, "interrupted"),
        ([], "SIGTERM", 143, "terminated"),
        ([], "SIGHUP", 143, "terminated"),
        (["--every", "1s"], "SIGTERM", 143, "terminated"),
    ],
)
def test_what_had_come_is_stored(town, words, name, code, said):
    process = town.poll(*words)
    town.reached()
    process.send_signal(getattr(signal, name))
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), told
    assert town.kept() == KEPT
    assert told.splitlines()[-2:] == [
        "the poll was stopped: 3 readings stored; not asked to the end: half",
        f"cityctl: {said}",
    ]


def test_a_terminal_that_is_closed_costs_no_reading(town):
    ours, theirs = pty.openpty()
    process = town.poll(stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    town.reached()
    os.close(ours)  # it is not the controlling one: the signal comes from here
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == ExitCode.TERMINATED
    assert town.kept() == KEPT


def test_nohup_stays_deaf_to_the_end_of_its_terminal(town):
    process = town.poll("--deadline", "1s", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    town.reached()
    process.send_signal(signal.SIGHUP)
    out, told = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INCOMPLETE, told
    assert "within the run's deadline of 1 s" in out


def told_to_another_user(work: Callable[[], object]) -> str:
    """What stops another user, in a process that has all modules already."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            work()
        except BaseException as problem:
            os.write(theirs, f"{type(problem).__name__}: {problem}".encode())
        os._exit(0)
    os.close(theirs)
    with open(ours) as said:
        told = said.read()
    os.waitpid(pid, 0)
    return told


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("length", [None, timedelta(hours=1)], ids=["once", "every"])
def test_who_may_not_store_asks_nobody(town, length):
    project = Project(town.folder)
    assert polling.poll(project, ["whole"]).exit_code() is ExitCode.DONE
    town.asked.clear()
    for parent in (town.folder, *town.folder.parents):
        parent.chmod(parent.stat().st_mode | 0o055)
    for name in ("poll.lock", "poll-every.lock"):
        (project.state / name).touch()
        (project.state / name).chmod(0o644)

    def work() -> None:
        if length is None:
            polling.poll(project, ["whole"])
        else:
            poll_every(project, ["whole"], Times(length), say=pytest.fail)  # nothing is said of a first mark

    assert told_to_another_user(work).startswith("StoreProblem: the store is read-only for this user: ")
    assert town.asked == []
