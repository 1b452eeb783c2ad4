from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, ExitCode, UsageProblem
from cityctl.sim import serving
from cityctl.sim.city_text import project_files
from cityctl.sim.simulator import FILE_NAME, Installation
from cityctl.sim.town.scenario import Scenario

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


def _started(folder: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "cityctl", "sim", "serve", "--output-file", str(ready), *words],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith("CITYCTL_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 300
    while not ready.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    return process, ready


def test_serve_says_where_it_answers_and_ends_when_it_is_told_to(tmp_path: Path):
    process, ready = _started(tmp_path)
    try:
        assert ready.exists(), process.communicate(timeout=60)
        told = json.loads(ready.read_text())
        with urlopen(told["services"]["historian"]["url"] + "/series", timeout=120) as answer:
            assert b"HAFEN.FT01" in answer.read()
        assert len(told["devices"]) >= 12
        assert Installation.read(ready).answers()
    finally:
        process.terminate()
        _, said = process.communicate(timeout=300)
    assert process.returncode == (1 if sys.platform == "win32" else ExitCode.TERMINATED)
    assert "Traceback" not in said
    assert not Installation.read(ready).answers()


def test_serve_prints_every_address_and_ends_by_itself(
    cityctl: Callable[..., subprocess.CompletedProcess[str]],
):
    ended = cityctl("sim", "serve", "--for", "0.1s", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert "hafen-inlet" in json.dumps(told)


def test_truth_is_one_json_document(cityctl: Callable[..., subprocess.CompletedProcess[str]]):
    ended = cityctl("sim", "truth", "--now", "2026-11-23T08:00+01:00", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    assert "Hafen" in json.dumps(json.loads(ended.stdout), ensure_ascii=False)


def test_the_recorded_city_is_switched_on_again(tmp_path: Path):
    kept = Installation.from_base(Scenario.at(NOW, seed=3), 21000)
    text, others = project_files(kept)
    (tmp_path / "city.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "meters.csv").write_text(others["meters.csv"], encoding="utf-8")
    kept.write(tmp_path / FILE_NAME)
    project = Project(tmp_path)
    later = datetime(2026, 11, 25, 9, tzinfo=UTC)
    plan = serving.plan(project, now=later)
    assert plan.installation == kept
    assert plan.begin == later
    assert serving.plan(project, now=later, port_base=30000).installation.scenario == kept.scenario
    assert serving.plan(project, now=later, seed=4).installation.scenario == Scenario.at(later, 4)
    (tmp_path / FILE_NAME).write_text('{"day": "some day"}')
    with pytest.raises(ConfigInvalid, match="does not describe"):
        serving.plan(project, now=later)


def test_another_time_is_said_in_iso(tmp_path: Path):
    project = Project(tmp_path / "nowhere")
    plan = serving.plan(project, now=NOW, at="2026-07-01T06:00")
    assert plan.begin == datetime(2026, 7, 1, 4, tzinfo=UTC)  # the city's time where no offset is said
    with pytest.raises(UsageProblem, match="no instant"):
        serving.plan(project, now=NOW, at="noon")
