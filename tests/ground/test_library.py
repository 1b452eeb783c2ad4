"""Where connectors and recipes are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cityctl.library import Library

posix = pytest.mark.skipif(not hasattr(os, "seteuid"), reason="Windows keeps other users out in other ways")


@contextmanager
def another_user() -> Iterator[None]:
    """As root is somebody who may not read all."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@posix
def test_another_users_folder_is_passed_over(tmp_path, monkeypatch):
    """As where HOME is root's and the run is not."""
    home = tmp_path / "home"
    (home / "cityctl" / "recipes" / "reports").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert [origin for origin, _ in Library().folders("recipes/reports")] == ["user", "shipped"]
    home.chmod(0)
    with another_user():
        found = [origin for origin, _ in Library().folders("recipes/reports")]
    home.chmod(0o700)
    assert found == ["shipped"]
