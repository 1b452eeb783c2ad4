"""A project whose services are on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.project import Project
from tests.collect.historian import CANARY


@pytest.fixture
def make(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    monkeypatch.setenv("HISTORIAN_KEY", CANARY)
    return lambda text: Project(project(text))


@pytest.fixture
def unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
