"""Starts the program at the price of a fork: from a process that holds the libraries, and ours below the command line.

    python -m tests.starter ADDRESS

Every run is a process of its own, with its own words, folder, environment and pipes, and imports the command line anew.
What it finds in memory are numpy, Arrow, DuckDB and the like, and our own models and tables: their import costs more
than most commands. tests/cli/test_startup.py says what a start really loads, and many tests start an interpreter of
their own.
"""

from __future__ import annotations

import gc
import json
import os
import random
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "duckdb", "httpx", "ijson", "jmespath", "lxml.etree", "numpy", "pandas", "pyarrow.compute", "pyarrow.csv",
    "pyarrow.parquet", "pydantic.functional_validators", "pydantic.main", "pymodbus", "rich.console", "sqlite3",
    "typer.core", "typer.main", "yaml",
)  # fmt: skip

# Nothing here needs itself to be imported (tests/packaging/test_lint.py): it is the same whoever imports it first.
OURS = (
    "cityctl.city.load", "cityctl.collect.load", "cityctl.collect.poll", "cityctl.collect.pull", "cityctl.engine.duck",
    "cityctl.modbus.look", "cityctl.report.run", "cityctl.report.shelf", "cityctl.runbook.session", "cityctl.store",
    "cityctl.tariff.model",
)  # fmt: skip

Ended = subprocess.CompletedProcess[str]


class Starter:
    """The process, and how to ask it for a run. Any thread may ask."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="starter-", dir="/tmp")
        self._address = f"{self._folder.name}/socket"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.starter", self._address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # what is no pipe at first cannot become one: Python asks once whether it seeks
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def run(self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> Ended:
        """As subprocess.run, with output captured as UTF-8 and stdin closed."""
        out, err = os.pipe(), os.pipe()
        with (
            socket.socket(socket.AF_UNIX) as connection,
            open(out[0], "rb") as told,
            open(err[0], "rb") as said,
        ):
            connection.connect(self._address)
            asked = json.dumps({"words": list(words), "cwd": str(cwd), "env": dict(env)}) + "\n"
            socket.send_fds(connection, [b"."], [out[1], err[1]])
            connection.sendall(asked.encode())
            os.close(out[1])
            os.close(err[1])
            answers = connection.makefile("r")
            pid = int(answers.readline())
            found = _read({told.fileno(): b"", said.fileno(): b""}, time.monotonic() + timeout)
            if found is None:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), timeout)
            code = int(answers.readline())
            texts = [found[one.fileno()].decode().replace("\r\n", "\n") for one in (told, said)]
        return subprocess.CompletedProcess(["cityctl", *words], code, *texts)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._process.stderr.close()
        self._folder.cleanup()


def _read(pieces: dict[int, bytes], until: float) -> dict[int, bytes] | None:
    """All that comes out of some pipes up to their ends; None where they have not ended in time."""
    with selectors.DefaultSelector() as ready:
        for pipe in pieces:
            ready.register(pipe, selectors.EVENT_READ)
        while ready.get_map():
            found = ready.select(max(0.0, until - time.monotonic()))
            if not found:
                return None
            for key, _ in found:
                piece = os.read(key.fd, 1 << 16)
                pieces[key.fd] += piece
                if not piece:
                    ready.unregister(key.fd)
    return pieces


def serve(address: str) -> list[str]:
    """Wait for somebody who asks; returns in a process that is to become the program, with its words."""
    for name in (*LIBRARIES, *OURS):
        import_module(name)
    gc.collect()
    gc.freeze()  # what no child touches is not copied for it
    heard, said = os.pipe()
    os.set_blocking(said, False)
    signal.set_wakeup_fd(said)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    waiting: dict[int, socket.socket] = {}  # who waits for the end of which program
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(16)
        print("ready", flush=True)
        while True:
            ready = select.select([listener, heard, 0], [], [])[0]
            if 0 in ready:
                os._exit(0)  # nothing is written to it: whoever started this is gone
            if heard in ready:
                os.read(heard, 1 << 10)
                _tell(waiting)
            if listener in ready:
                connection, _ = listener.accept()
                _, pipes, _, _ = socket.recv_fds(connection, 1, 2)
                with connection.makefile("r") as asked:
                    given = json.loads(asked.readline())
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for one in (listener, connection, *waiting.values()):
                        one.close()
                    os.close(heard)
                    os.close(said)
                    return _become(given, pipes)
                for pipe in pipes:
                    os.close(pipe)
                connection.sendall(f"{pid}\n".encode())
                waiting[pid] = connection


def _tell(waiting: dict[int, socket.socket]) -> None:
    """The code of each program that has ended, to whom waits for it."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            with waiting.pop(found[0]) as connection, suppress(OSError):
                connection.sendall(f"{os.waitstatus_to_exitcode(found[1])}\n".encode())


def _become(given: dict[str, Any], pipes: Sequence[int]) -> list[str]:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, pipe in enumerate([nothing, *pipes]):
        os.dup2(pipe, place)
        os.close(pipe)
    os.chdir(given["cwd"])
    os.environ.clear()
    os.environ.update(given["env"])
    sys.path[0] = given["cwd"]
    random.seed()
    return list(given["words"])


if __name__ == "__main__":
    sys.argv[1:] = serve(sys.argv[1])
    runpy.run_module("cityctl", run_name="__main__", alter_sys=True)
