"""A project whose services are on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl.city.project import Project
from tests.collect.historian import CANARY
from tests.collect.importing import CITY, FLOWS

TABLE = (
    "answer: {format: json, proof: format, table: {rows: rows, time: t, value: v, unit: m3/h, kind: gauge}}\n"
)


@pytest.fixture
def make(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    monkeypatch.setenv("HISTORIAN_KEY", CANARY)
    return lambda text: Project(project(text))


@pytest.fixture
def unused_url(closed_port: int) -> str:
    return f"http://127.0.0.1:{closed_port}"


@pytest.fixture
def paged(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """A project with a connector of its own: its pagination, its auth and more of its request."""
    monkeypatch.setenv("KEY", CANARY)

    def make(
        url: str, pagination: str, *, auth: str = "{kind: bearer}", more: str = "", service: str = ""
    ) -> Project:
        folder = project(
            f"name: T\ntime_zone: UTC\nnetworks: {{water: {{kind: water}}}}\nservices:\n"
            f'  historian: {{connector: mine, url: "{url}", secret: {{env: KEY}}{service}}}\n'
            "points:\n  flow: {unit: m3/h, every: 1h, service: historian/A}\n"
        )
        (folder / "connectors" / "services").mkdir(parents=True, exist_ok=True)
        text = f"title: T\nrequest: {{path: '/{{series}}'}}\nauth: {auth}\npagination: {pagination}\n{more}{TABLE}"
        (folder / "connectors" / "services" / "mine.yaml").write_text(text)
        return Project(folder)

    return make


@pytest.fixture
def city(project: Callable[[str], Path]) -> Project:
    folder = project(CITY)
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "flows.csv").write_text(FLOWS)
    return Project(folder)
