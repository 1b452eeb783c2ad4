"""The demo as a user runs it, once from nothing and once again in its folder; and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.console import Console
from cityctl.errors import ConfigInvalid, LockHeld, UsageProblem
from cityctl.project.demo import PAGE, Demo, kept_installation, next_steps
from cityctl.sim.simulator import FILE_NAME, Installation
from cityctl.sim.town.scenario import Scenario

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
Run = Callable[..., subprocess.CompletedProcess[str]]
LOADED = """
import runpy, sys
sys.argv = ["cityctl", *sys.argv[1:]]
try:
    runpy.run_module("cityctl", run_name="__main__")
except SystemExit:
    print("pandas" in sys.modules)
"""


@pytest.mark.slow
def test_the_demo_does_what_it_promises_and_does_it_again(cityctl: Run, tmp_path: Path):
    first = cityctl("demo", "--folder", "shown")
    assert first.returncode == 0, first.stderr + first.stdout
    assert not set(first.stdout) & set("\x1b│╭…")
    day = Scenario.at(datetime.now(UTC)).day
    burst = day - timedelta(days=5)
    for said in (
        f"LEAK since {burst:%a} {burst.day} {burst:%b}",  # names the burst's start ...
        "burst, 12.6 m³/h",
        "weststadt-inlet/flow frozen since",  # ... and the sensor that cannot be trusted
        "9 of 9 told right",
        "cityctl sim serve",
    ):
        assert said in first.stdout, first.stdout
    assert "MISSED" not in first.stdout
    for step in range(1, 8):
        assert f"{step}/7  " in first.stderr
    assert "each accounted for" in first.stderr
    page = (tmp_path / "shown" / PAGE).read_text(encoding="utf-8")
    assert "Hafen" in page
    assert "Swimming pool" in page
    assert "<svg" in page
    assert len(page) < 2_000_000
    assert "http" not in page.split("<body")[1].replace("http://www.w3.org", "")  # nothing is fetched

    before = (tmp_path / "shown" / "city.yaml").read_bytes()
    again = cityctl("demo", "--folder", "shown", "-o", "json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert "9 of 9 told right" in told["summary"]
    assert (tmp_path / "shown" / "city.yaml").read_bytes() == before

    for words in (("data", "status"), ("sim", "truth"), ("config", "validate")):
        ended = cityctl(*words, cwd=tmp_path / "shown")
        assert ended.returncode == 0, ended.stderr
    # pandas' import is half of what the report of a small city costs (pumps use it, and sensor tests through ioos_qc)
    for report in ("leaks", "forecast", "savings", "bill", "lights", "transformers", "heat", "water-balance"):
        words = [sys.executable, "-c", LOADED, "report", "run", report, "--output-file", "page.html"]
        shown = subprocess.run(words, cwd=tmp_path / "shown", capture_output=True, text=True, check=False)
        assert shown.stdout.splitlines()[-1:] == ["False"], (report, shown.stdout, shown.stderr)


def test_another_project_is_not_touched(tmp_path: Path):
    (tmp_path / "city.yaml").write_text("name: Mine\n")
    with pytest.raises(UsageProblem, match="a project of its own") as refused:
        Demo(tmp_path, NOW, Console(quiet=True), lambda _: None).run()
    assert "--folder" in str(refused.value.hint)
    assert [path.name for path in tmp_path.iterdir()] == ["city.yaml"]


def test_an_old_demo_is_not_shown_as_a_new_one(tmp_path: Path):
    kept = Installation.from_base(Scenario.at(NOW), 21000)
    kept.write(tmp_path / FILE_NAME)
    assert kept_installation(tmp_path, NOW + timedelta(days=2)) == kept
    for later in (timedelta(days=3), timedelta(days=-1)):
        with pytest.raises(UsageProblem, match="2026-11-23"):
            kept_installation(tmp_path, NOW + later)


def test_a_damaged_record_is_named(tmp_path: Path):
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(ConfigInvalid, match=FILE_NAME):
        kept_installation(tmp_path, NOW)


def test_simulated_readings_go_into_no_other_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CITYCTL_STORE", "/srv/store")
    with pytest.raises(UsageProblem, match="CITYCTL_STORE"):
        kept_installation(tmp_path, NOW)


def test_a_failed_step_is_named_with_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def held(*_: object, **__: object) -> None:
        raise LockHeld("another run holds poll.lock", hint="wait")

    monkeypatch.setattr("cityctl.collect.poll.poll", held)
    with pytest.raises(LockHeld, match=r"step 3 of 7, polling: another run holds poll\.lock") as ended:
        Demo(tmp_path / "new", NOW, Console(quiet=True), lambda _: None).run()
    assert ended.value.hint == "wait"
    # what was made stays, and the next demo goes on with it
    assert kept_installation(tmp_path / "new", NOW) is not None


def test_what_to_try_next_is_commands(tmp_path: Path):
    for command in next_steps(tmp_path).cells("command"):
        assert str(command).startswith(("cityctl ", "cd "))
