"""The promises of every command, over the whole tree: JSON, plain text, -q, no stdin.

Each leaf is run with words that work on one small city, or stands under its reason not to be.
"""

from __future__ import annotations

import io
import json
import sys

import pytest

from cityctl.cli import command
from tests.cli.test_tree import LEAVES
from tests.report.findings.conftest import sheet  # noqa: F401  a fixture

NOW = "2026-11-23T07:00Z"
FINDING = "{finding}"

RUN: dict[str, tuple[str, ...]] = {
    "audit list": (),
    "audit verify": (),
    "check": ("store", "--warn", "0:", "--crit", "0:"),
    "completion": ("bash",),
    "config path": (),
    "config schema": (),
    "config show": (),
    "config validate": (),
    "connectors lint": (),
    "connectors list": (),
    "connectors show": ("eastron_sdm630",),
    "data backup": ("{tmp}/backup",),
    "data compact": (),
    "data export": ("hafen_inflow", "--since", "2026-11-21"),
    "data gaps": ("--since", "2026-11-21T08:00", "--until", "2026-11-22"),
    "data history": ("hafen_inflow",),
    "data import": ("{folder}/more.csv",),
    "data repairs": (),
    "data sql": ("select point, value from readings order by time",),
    "data status": (),
    "data verify": (),
    "devices list": (),
    "explain": (FINDING,),
    "findings ack": (FINDING, "--who", "mara"),
    "findings changes": ("--last", "2d"),
    "findings list": (),
    "findings shelve": (FINDING, "--for", "2d", "--who", "mara"),
    "findings show": (FINDING,),
    "findings stats": (),
    "help": ("units",),
    "report list": (),
    "report run": ("sheet",),
    "report show": ("sheet",),
    "runbook list": (),
    "runbook lint": (),
    "schedule print": ("--cron", "--every", "15m", "--", "poll"),
    "tariffs list": (),
}

ELSEWHERE: dict[str, str] = {
    "audit": "needs writes to the plant",
    "connectors": "needs a service or a register list",
    "data": "needs a backup, a damaged store or landed exports",
    "demo": "runs for half a minute",
    "devices": "needs devices that answer",
    "doctor": "has its own tests",
    "findings": "closes what others show",
    "init": "makes a folder",
    "leak": "runs over a year of history",
    "poll": "needs devices that answer",
    "pull": "needs services that answer",
    "read": "needs devices that answer",
    "runbook": "needs a plant",
    "sim": "serves until it is ended",
    "tariffs": "needs a tariff of its own",
    "watch": "runs until it is ended",
    "write": "needs a plant",
}


def test_every_leaf_is_tried_or_says_why_not() -> None:
    names = {" ".join(words) for words in LEAVES}
    assert set(RUN) <= names, set(RUN) - names
    for name in names - set(RUN):
        assert name.split(" ")[0] in ELSEWHERE, name


@pytest.fixture
def tried(sheet, cityctl, tmp_path, monkeypatch, capsys):  # noqa: F811
    """tried(name, *options) -> (exit code, stdout, stderr); stdin is closed, stdout no terminal."""
    folder = sheet.folder
    (folder / "more.csv").write_text("time,hafen_inflow\n2026-11-23T06:30Z,5\n")
    from tests.report.findings.test_over_time import listed, recorded

    recorded(sheet, "2026-11-23T06:30Z")
    finding = listed(sheet)[0]["finding"]
    for key in ("CITYCTL_OUTPUT", "CITYCTL_STORE", "CITYCTL_LOG", "FORCE_COLOR"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("CITYCTL_NOW", NOW)
    monkeypatch.setenv("CITYCTL_USER_FOLDER", str(tmp_path / "user"))
    monkeypatch.setenv("CITYCTL_BUG_FOLDER", str(tmp_path))
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)

    def run(name: str, *options: str) -> tuple[int, str, str]:
        given = [word.format(finding=finding, tmp=tmp_path, folder=folder) for word in RUN[name]]
        words = [*name.split(" "), *options, "--project", str(folder), *given]
        capsys.readouterr()
        code = command().main(words, prog_name="cityctl", standalone_mode=False)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.mark.parametrize("name", RUN)
def test_json_is_one_document_and_plain_text_is_plain(tried, name) -> None:
    code, out, err = tried(name, "-o", "json", "-v")
    assert code in (0, 4), err
    json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    if name in ("data import", "findings ack", "findings shelve", "data backup"):
        return  # a second time they would say something else
    code, out, err = tried(name)
    assert code in (0, 4), err
    assert not set(out) & set("\x1b\u2026│╭╰─┃━"), f"{name} is not plain"


@pytest.mark.parametrize("name", [name for name in RUN if name not in ("completion", "data export")])
def test_a_quiet_success_writes_nothing(tried, name) -> None:
    code, out, err = tried(name, "-q")
    if code == 0:
        assert (out, err) == ("", "")
