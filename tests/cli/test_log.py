"""CITYCTL_LOG: stderr as JSON lines with one run id, or a file of them beside it."""

from __future__ import annotations

import json


def test_stderr_is_json_lines_of_one_run(cityctl) -> None:
    ended = cityctl("config", "path", "--project", "nowhere", CITYCTL_LOG="json")
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert len({line["run"] for line in lines}) == 1
    assert [line["level"] for line in lines] == ["info", "error", "hint", "error"]
    assert lines[0]["command"] == ["config", "path", "--project", "nowhere"]
    assert lines[-1]["exit_code"] == ended.returncode == 10
    assert cityctl("config", "path", CITYCTL_LOG="json").stderr.split('"run": ')[1][:14] != lines[0]["run"]


def test_stdout_is_the_same(cityctl) -> None:
    plain = cityctl("help", "exit-codes", "-o", "json")
    assert cityctl("help", "exit-codes", "-o", "json", CITYCTL_LOG="json").stdout == plain.stdout


def test_a_file_is_added_to_beside_stderr(cityctl, tmp_path) -> None:
    path = tmp_path / "log.jsonl"
    for run in ("one", "two"):
        ended = cityctl("hlp", CITYCTL_LOG=str(path), CITYCTL_RUN=run)
        assert ended.stderr.startswith("cityctl: no command `hlp`")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["run"] for line in lines if line["message"] == "ended"] == ["one", "two"]


def test_a_log_that_cannot_be_written_ends_no_run(cityctl, tmp_path) -> None:
    ended = cityctl("help", "times", CITYCTL_LOG=str(tmp_path / "no" / "log"))
    assert (ended.returncode, "this run is not logged" in ended.stderr) == (0, True)


def test_a_ping_address_stands_in_no_log(cityctl) -> None:
    for words in (("--ping", "http://127.0.0.1:9/canary"), ("--ping=http://127.0.0.1:9/canary",)):
        ended = cityctl("pull", *words, CITYCTL_LOG="json")
        assert "canary" not in ended.stderr + ended.stdout
