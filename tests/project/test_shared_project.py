"""A project that several users share: whatever their umasks, what one of them makes in its state is for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.collect.fetch import Seen
from cityctl.collect.watermark import Watermarks
from cityctl.disk import Lock
from cityctl.exports.auth import Rotated
from cityctl.exports.landing import Landing
from cityctl.exports.secret import Secret
from cityctl.report.findings.book import Book
from tests.runbook.test_audit import in_a_process

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no modes here")
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(params=[0o022, 0o077])
def state(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where the state of a project will lie whose folder `chmod g+ws` shared."""
    tmp_path.chmod(0o2770)
    before = os.umask(request.param)
    yield tmp_path / ".cityctl"
    os.umask(before)


def pulled(state: Path) -> None:
    """The answer of a service, what may be asked of it next time, and how far it was pulled."""
    landing = Landing(state / "raw")
    with landing.draft() as draft:
        draft.restart()
        draft.write(b"time,value\n")
        draft.keep({})
    Seen(state / "pull" / "a.seen.json", changed=True).write()
    marks = Watermarks.read(state / "pull", "a")
    marks.drained("flow", (NOW - timedelta(days=1), NOW), NOW)
    marks.write()


def recorded(state: Path) -> None:
    with Book(state).writing():
        pass


def locked(state: Path) -> None:
    with Lock(state / "locks" / "line.lock", purpose="a test"):
        pass


@pytest.mark.parametrize("make", [pulled, recorded, locked])
def test_what_one_makes_all_may_write(state: Path, make: Callable[[Path], None]) -> None:
    make(state)
    made = [state, *state.rglob("*")]
    assert len(made) >= 2
    for path in made:
        assert path.stat().st_mode & 0o777 == (0o770 if path.is_dir() else 0o660), path


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="changes users")
def test_a_right_that_is_missing_is_said(tmp_path: Path) -> None:
    """A book, and a refresh token, that another user keeps to himself."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:3]:
        if folder.stat().st_uid == 0 and folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    recorded(tmp_path)
    (tmp_path / "findings.sqlite").chmod(0o600)
    token = Rotated(tmp_path / "tokens" / "a.json")
    token.keep(Secret("the-first-one-1"), Secret("the-following-1"))

    def another(act: Callable[[], object]) -> str:
        def as_other() -> str:
            os.setgroups([])
            os.setuid(65533)
            return str(act())

        return in_a_process(as_other)

    assert "no permission" in another(lambda: recorded(tmp_path))
    assert "for another user's run" in another(lambda: token.current(Secret("the-first-one-1")))
