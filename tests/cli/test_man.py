"""The manual page: every command, option and exit code is in it, and groff has no complaint."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from cityctl.cli.man import page
from cityctl.errors import ExitCode
from tests.cli.test_tree import LEAVES


def shown() -> str:
    """The page as a reader sees it, without breaks."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    words = ["groff", "-man", "-ww", "-Tutf8", "-P-c", "-rLL=500n", "-rHY=0"]
    ended = subprocess.run(words, input=page(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    plain = ended.stdout
    for sign in ("\x1b[0m", "\x1b[1m", "\x1b[4m", "\x1b[22m", "\x1b[24m"):
        plain = plain.replace(sign, "")
    return plain


def test_it_holds_every_command_with_its_options_and_example() -> None:
    text = page().replace("\\-", "-").replace("\\e", "\\")
    for words, leaf in LEAVES.items():
        assert f".B cityctl {' '.join(words)}\n" in text
        for parameter in leaf.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert option == "--help" or option in text, f"{words}: {option}"
        assert (leaf.epilog or "").removeprefix("Example:  ") in text
    for code in ExitCode:
        assert f".B {int(code)}\n{code.meaning}" in text


def test_arguments_are_written_as_in_the_usage_line_of_help() -> None:
    text = page().replace("\\-", "-")
    for words, line in {
        ("poll",): "[DEVICE]...",
        ("read",): "DEVICE[/POINT]...",
        ("init",): "[FOLDER]",
        ("runbook", "run"): "[NAME] [INPUT=VALUE]...",
        ("audit", "show"): "RUN",
    }.items():
        leaf = LEAVES[words]
        with leaf.make_context("cityctl", [], resilient_parsing=True) as context:
            assert leaf.get_usage(context) == f"Usage: cityctl [OPTIONS] {line}"
        written = " ".join(rf"\fI{one}\fR" for one in line.split(" "))
        assert f".B cityctl {' '.join(words)}\n{written}\n" in text


def test_groff_shows_it_without_a_complaint() -> None:
    said = " ".join(shown().split())
    assert "cityctl report run" in said
    assert "'select point, count(*) as readings from readings group by point'" in said
    assert "CITYCTL(1)" in said


def test_the_topic_prints_it(cityctl) -> None:
    ended = cityctl("help", "man")
    assert (ended.returncode, ended.stdout) == (0, page())
