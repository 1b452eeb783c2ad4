"""`cityctl check` as a monitor calls it: one line, a code of 0 to 3, whatever happens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.report.findings.conftest import DRIFT, LEAK, sheet  # noqa: F401  a fixture

NOW = "2026-11-23T07:00Z"
LINE = re.compile(
    r"(OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+"
    r"( \| (('[^']+'|[\w.%-]+)=-?[\d.]+(s|B|%)?(;[\d.:~@-]*){0,2} ?)+)?\n"
)
CODES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def checked(cityctl, *words, now=NOW, **env):
    ended = cityctl("check", *words, CITYCTL_NOW=now, **env)
    assert LINE.fullmatch(ended.stdout), ended.stdout + ended.stderr
    assert ended.returncode == CODES[ended.stdout.split(" ")[0]]
    assert ended.stderr == ""
    return ended


def record(cityctl, place, now=NOW):
    ended = cityctl("report", "run", "sheet", "--record", "-q", "--project", place.folder, CITYCTL_NOW=now)
    assert ended.returncode in (0, 4), ended.stderr


def test_a_report_by_its_last_recorded_run(cityctl, sheet) -> None:  # noqa: F811
    sheet.says(LEAK, DRIFT)
    record(cityctl, sheet)
    shutil.rmtree(sheet.folder / ".cityctl/store")  # so the check can only have read what was recorded
    told = checked(cityctl, "sheet", "--project", sheet.folder, now="2026-11-23T08:00Z")
    assert told.returncode == 2
    assert "sheet: 2 open: Hafen: night flow rose by 12.6 m³/h [" in told.stdout
    assert (
        "findings=2 alarms=1 warnings=1 notes=0 acknowledged=0 shelved=0 missing=0 age=3600s" in told.stdout
    )
    bounded = checked(cityctl, "sheet", "--warn", "1", "--crit", "5", "--project", sheet.folder)
    assert (bounded.returncode, "findings=2;1;5" in bounded.stdout) == (1, True)
    # a day later what was recorded is believed no more, and there is no store to run the report on
    stale = checked(cityctl, "sheet", "--max-age", "1h", "--project", sheet.folder, now="2026-11-24T08:00Z")
    assert (stale.returncode, "no readings yet" in stale.stdout) == (3, True)


def test_what_somebody_is_on_alarms_no_more(cityctl, sheet) -> None:  # noqa: F811
    record(cityctl, sheet)
    found = json.loads(cityctl("findings", "list", "-o", "json", "--project", sheet.folder).stdout)["rows"]
    cityctl("findings", "ack", found[0]["finding"], "--who", "mara", "--project", sheet.folder)
    told = checked(cityctl, "sheet", "--project", sheet.folder)
    assert told.returncode == 0
    assert "1 acknowledged" in told.stdout


def test_a_report_that_was_never_recorded_is_run(cityctl, sheet) -> None:  # noqa: F811
    sheet.says(missing=("hafen_inflow",))
    told = checked(cityctl, "sheet", "--project", sheet.folder)
    assert (told.returncode, "cannot be judged: hafen_inflow" in told.stdout) == (1, True)
    assert not (sheet.folder / ".cityctl/findings.sqlite").exists()


def test_freshness_store_and_devices(cityctl, sheet) -> None:  # noqa: F811
    fresh = checked(cityctl, "freshness", "--project", sheet.folder)
    assert fresh.returncode == 0
    assert "points=2 late=0 silent=0 oldest=3600s" in fresh.stdout  # the last reading is of 06:00
    late = checked(cityctl, "freshness", "--project", sheet.folder, now="2026-11-23T11:00Z")
    assert late.returncode == 1  # 5 h, of readings that come every hour: more than 4 rounds
    silent = checked(cityctl, "freshness", "--crit", "~:30m", "--project", sheet.folder)
    assert (silent.returncode, "oldest=3600s;;~:1800" in silent.stdout) == (2, True)
    store = checked(cityctl, "store", "--warn", "0:", "--crit", "0:", "--project", sheet.folder)
    assert (store.returncode, "damaged=0" in store.stdout) == (0, True)
    assert checked(cityctl, "store", "--warn", "101:", "--project", sheet.folder).returncode == 1
    assert checked(cityctl, "devices", "--project", sheet.folder).returncode == 3  # city.yaml names none


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "issing argument"),
        (("leaks", "--wrn", "5"), "no such option"),
        (("leaks",), "no city.yaml"),
        (("store", "--warn", "much"), "is no range"),
        (("leaks", "--max-age", "soon"), "no duration"),
        (("leaks", "-o", "jsn"), "no such value"),
    ],
)
def test_wrong_usage_is_unknown(cityctl, words, said) -> None:
    told = checked(cityctl, *words, now="")
    assert (told.returncode, said in told.stdout.lower().replace("missing", "issing")) == (3, True), (
        told.stdout
    )


def test_a_bug_and_a_wrong_city_are_unknown(cityctl, project, tmp_path) -> None:
    folder = project("name: X\ntime_zone: Nowhere/Town\n")
    assert "city.yaml:2:" in checked(cityctl, "freshness", "--project", folder).stdout
    bug = checked(cityctl, "store", "--project", folder, now="no instant")
    assert bug.returncode == 3


def test_help_and_json(cityctl, sheet) -> None:  # noqa: F811
    assert cityctl("check", "--help").returncode == 0
    ended = cityctl("check", "store", "-o", "json", "--project", sheet.folder, CITYCTL_NOW=NOW)
    document = json.loads(ended.stdout)
    assert CODES[document["rows"][0]["plugin_state"]] == ended.returncode == document["exit_code"]
    assert {row["label_of"] for row in document["tables"]["performance"]["rows"]} >= {"free", "damaged"}


def test_a_document_holds_an_unknown_and_every_code(cityctl, sheet) -> None:  # noqa: F811
    late = cityctl(
        "check", "freshness", "-o", "json", "--project", sheet.folder, CITYCTL_NOW="2026-11-23T11:00Z"
    )
    assert (late.returncode, json.loads(late.stdout)["exit_code"]) == (1, 1)
    none = cityctl("check", "nosuch", "-o", "json", "--project", sheet.folder, CITYCTL_NOW=NOW)
    document = json.loads(none.stdout)
    assert (none.returncode, document["exit_code"]) == (3, 3)
    (row,) = document["rows"]
    assert row["plugin_state"] == "UNKNOWN"
    assert row["check_said"].startswith("no report named `nosuch`; project: ")


@pytest.mark.skipif(os.name == "nt", reason="CPU time of child processes")
def test_it_costs_at_most_four_times_a_bare_help(cityctl, sheet) -> None:  # noqa: F811
    """CPU seconds, the best of some each: a monitor asks every minute."""
    import resource

    def cpu(words):
        def spent():
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime

        before = spent()
        env = {**os.environ, "CITYCTL_NOW": NOW}
        subprocess.run([sys.executable, *map(str, words)], env=env, capture_output=True, check=False)
        return spent() - before

    record(cityctl, sheet)
    program = "import typer\na = typer.Typer()\n@a.command()\ndef b(): 'B'\n@a.command()\ndef c(): 'C'\na()"
    bare = min(cpu(("-c", program, "--help")) for _ in range(3))
    for name in ("sheet", "freshness", "store"):
        own = float("inf")
        for _ in range(8):  # others at work make it dearer, and nothing makes it cheaper
            own = min(own, cpu(("-m", "cityctl", "check", name, "--project", sheet.folder)))
            if own <= 4 * bare:
                break
        assert own <= 4 * bare, f"check {name}: {own:.3f} CPU s, bare {bare:.3f}"
