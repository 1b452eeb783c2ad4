"""Bills by a tariff of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityctl.result import Result


@pytest.fixture
def billed(
    ask: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """billed(city, tariff, series, since, until, **parameters): with the tariff beside city.yaml."""

    def asked(city: str, tariff: str, *rest: Any, **parameters: Any) -> Result:
        folder = tmp_path / "user" / "recipes" / "tariffs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "t.yaml").write_text(tariff, encoding="utf-8")
        monkeypatch.setenv("CITYCTL_USER_FOLDER", str(tmp_path / "user"))
        return ask("energy/bill", city, *rest, **parameters)

    return asked
