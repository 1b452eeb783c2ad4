"""Locks that die with their process, and files that are there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cityctl.disk import Lock, write_atomic
from cityctl.errors import LockHeld

HOLD = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from cityctl.disk import Lock
    with Lock(Path(sys.argv[1]), purpose="poll"):
        print("held", flush=True)
        time.sleep(60)
    """
)


def test_a_second_run_is_told_who_holds_the_lock_and_a_killed_holder_frees_it(tmp_path: Path):
    path = tmp_path / "store.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"poll \(process {holder.pid}"), Lock(path, purpose="pull"):
            pass
    finally:
        holder.kill()
        holder.wait()
    with Lock(path, purpose="pull"):
        pass


def test_a_lock_is_free_again_after_its_block(tmp_path: Path):
    for _ in range(3):
        with Lock(tmp_path / "a.lock", purpose="test"):
            pass


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "report.html"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_link_keeps_pointing_at_the_file_that_is_written(tmp_path: Path):
    held, link = tmp_path / "2026-11.html", tmp_path / "latest.html"
    held.write_bytes(b"old")
    link.symlink_to(held.name)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert held.read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_strangers_link_in_a_folder_open_to_all_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    held, link = tmp_path / "passwd", tmp_path / "report.html"
    held.write_bytes(b"old")
    link.symlink_to(held.name)
    monkeypatch.setattr("cityctl.disk._followed", lambda _: False)
    write_atomic(link, b"new")
    assert not link.is_symlink()
    assert held.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with a name are POSIX")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path):
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(pipe)!r}).read())"], stdout=subprocess.PIPE
    ) as one:
        write_atomic(pipe, b"through")
        assert one.communicate()[0] == b"through\n"
    assert pipe.is_fifo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
