"""A connector that begins like another one: a device's and a service's, each under its new name."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_service_begins_like_another_and_is_played(cityctl, tmp_path: Path) -> None:
    assert cityctl("init", tmp_path / "city").returncode == 0
    made = cityctl("connectors", "new", "own_csv", "--like", "csv_headend", cwd=tmp_path / "city")
    assert made.returncode == 0, made.stderr
    written = tmp_path / "city" / "connectors" / "services" / "own_csv.yaml"
    assert written.read_text(encoding="utf-8").startswith("title: CSV head-end")
    played = cityctl("connectors", "test", "own_csv", "-o", "json", cwd=tmp_path / "city")
    assert played.returncode == 0, played.stderr
    assert {row["verdict"] for row in json.loads(played.stdout)["rows"]} == {"ok"}
    again = cityctl("connectors", "new", "own_csv", "--like", "csv_headend", cwd=tmp_path / "city")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_a_device_begins_like_another_under_its_own_name(cityctl, tmp_path: Path) -> None:
    made = cityctl("connectors", "new", "sdm_next", "--like", "eastron_sdm630", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "connector: sdm_next\n" in (tmp_path / "sdm_next.yaml").read_text(encoding="utf-8")
    wrong = cityctl("connectors", "new", "sdm_other", "--like", "eastron_sdm63", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean `eastron_sdm630`?" in wrong.stderr


def test_an_empty_service_is_checked_as_one(cityctl, tmp_path: Path) -> None:
    written = tmp_path / "services" / "own.yaml"
    written.parent.mkdir()
    written.write_text("", encoding="utf-8")
    ended = cityctl("connectors", "lint", written)
    assert ended.returncode == 10
    assert "`request` is missing" in ended.stdout
    assert "`class`" not in ended.stdout
