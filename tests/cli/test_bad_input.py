"""Bad input as users have it: the place, a hint, the good part kept, the code of the table, no traceback."""

from __future__ import annotations

import json

import pytest

CITY = """\
name: Bad input
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hill: {network: water}}
points:
  hill_flow: {unit: m3/h, every: 15m, zone: hill}
"""


@pytest.fixture
def city(project):
    return project(CITY)


def rows_in(cityctl, folder) -> int:
    """How many readings the store holds."""
    said = cityctl("data", "sql", "SELECT count(*) AS n FROM readings", "--project", folder, "-o", "json")
    return int(json.loads(said.stdout)["rows"][0]["n"])


def take(cityctl, folder, text, *words):
    path = folder / "flows.csv"
    path.write_text(text, encoding="utf-8")
    ended = cityctl("data", "import", path, "--project", folder, *words)
    assert "Traceback" not in ended.stderr
    return ended


def test_a_wrong_column_lists_the_columns_and_the_near_one(cityctl, city):
    ended = take(cityctl, city, "time,hill_flow\n2026-11-01 00:00,1\n", "--time", "tine", "--unit", "m3/h")
    assert ended.returncode == 2
    assert "tine" in ended.stderr
    assert "hint: did you mean `time`?" in ended.stderr or "hint: did you mean `--time time`?" in ended.stderr


def test_a_decimal_comma_is_read_where_it_leaves_no_doubt(cityctl, city):
    ended = take(
        cityctl, city, "time;hill_flow\n2026-11-01 00:00;1,5\n2026-11-01 00:15;2,25\n", "--unit", "m3/h"
    )
    assert ended.returncode == 0, ended.stderr
    assert rows_in(cityctl, city) == 2
    said = cityctl("data", "sql", "SELECT sum(value) AS s FROM readings", "--project", city, "-o", "json")
    assert json.loads(said.stdout)["rows"][0]["s"] == pytest.approx(3.75)


def test_24_00_is_the_next_days_midnight(cityctl, city):
    ended = take(cityctl, city, "time,hill_flow\n2026-11-01 23:45,1\n2026-11-01 24:00,2\n", "--unit", "m3/h")
    assert ended.returncode == 0, ended.stderr
    said = cityctl(
        "data", "sql", "SELECT max(time)::VARCHAR AS t FROM readings", "--project", city, "-o", "json"
    )
    assert json.loads(said.stdout)["rows"][0]["t"].startswith("2026-11-01 23:00:00")  # 00:00 in Berlin


def test_an_hour_that_the_clocks_skip_is_rejected_and_the_rest_kept(cityctl, city):
    text = "time,hill_flow\n2026-03-29 01:45,1\n2026-03-29 02:15,9\n2026-03-29 03:00,2\n"
    ended = take(cityctl, city, text, "--unit", "m3/h")
    assert ended.returncode == 4
    assert "flows.csv" in ended.stdout + ended.stderr
    assert rows_in(cityctl, city) == 2


def test_a_missing_unit_is_asked_for(cityctl, city):
    ended = take(cityctl, city, "time,other_flow\n2026-11-01 00:00,1\n", "--all")
    assert ended.returncode in (2, 4)
    assert "unit" in ended.stdout + ended.stderr
    assert "--unit" in ended.stderr + ended.stdout


def test_broken_rows_are_named_and_the_others_kept(cityctl, city):
    text = "time,hill_flow\n2026-11-01 00:00,1\nyesterday,2\n2026-11-01 00:30,many\n2026-11-01 00:45,4\n"
    ended = take(cityctl, city, text, "--unit", "m3/h", "-o", "json")
    assert ended.returncode == 4
    document = json.loads(ended.stdout)
    row = document["rows"][0]
    assert (row["received"], row["new"], row["rejected"]) == (4, 2, 2)
    assert {rejection["line"] for rejection in document["rejections"]} == {3, 4}
    assert rows_in(cityctl, city) == 2


def test_a_file_that_is_not_there_is_said(cityctl, city):
    ended = cityctl("data", "import", "absent.csv", "--project", city)
    assert ended.returncode in (2, 4)
    assert "absent.csv" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_dead_device_is_named_and_the_reason_said(cityctl, project, closed_port):
    folder = project(
        CITY + f"devices: {{inlet: {{connector: siemens_mag6000, host: 127.0.0.1, port: {closed_port}}}}}\n"
    )
    ended = cityctl("poll", "--project", folder)
    assert ended.returncode == 12
    assert "inlet" in ended.stderr
    assert "refused" in ended.stderr
    assert "hint: " in ended.stderr


def test_a_report_on_nothing_says_how_to_get_readings(cityctl, project):
    folder = project(CITY.replace("{hill: {network: water}}", "{hill: {network: water, inflow: hill_flow}}"))
    ended = cityctl("report", "run", "leaks", "--project", folder)
    assert ended.returncode == 10
    assert "cityctl poll" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_report_that_asks_for_no_point_says_what_city_yaml_lacks(cityctl, city):
    ended = cityctl("report", "run", "leaks", "--project", city)
    assert ended.returncode == 2
    assert "no water zone matches" in ended.stderr
    assert "`inflow:`" in ended.stderr


def test_sql_cannot_write_or_read_files(cityctl, city):
    take(cityctl, city, "time,hill_flow\n2026-11-01 00:00,1\n", "--unit", "m3/h")
    for sql in (
        "COPY readings TO 'x.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "DROP VIEW readings",
        "INSTALL httpfs",
    ):
        ended = cityctl("data", "sql", sql, "--project", city)
        assert ended.returncode == 2, sql
        assert "Traceback" not in ended.stderr
    assert rows_in(cityctl, city) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("data", "backup", "FILE"), 10, "is a file, and a backup is a folder"),
        (("runbook", "lint", "FILE"), 10, "this is no text"),
        (("sim", "replay", "FILE"), 4, "is no line of a recorded session"),
        (("data", "import", "FILE", "--dry-run"), 4, "no format reads it"),
    ],
    ids=lambda words: words[1] if isinstance(words, tuple) else "",
)
def test_a_file_of_zeros_is_refused_by_name(cityctl, city, words, code, said):
    path = city / "zeros"
    path.write_bytes(b"\0" * 300)
    take(cityctl, city, "time,hill_flow\n2026-11-01 23:45,1\n", "--unit", "m3/h")
    ended = cityctl(*(path if word == "FILE" else word for word in words), "--project", city)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert str(path) in ended.stderr
    assert path.read_bytes() == b"\0" * 300


def test_what_a_file_ends_with_is_said_beside_it(cityctl, city):
    """Who looks at the terminal alone has to know why a run ended with 4."""
    take(cityctl, city, "time,hill_flow\n2026-11-01 00:00,1\n", "--unit", "m3/h")
    page = city / "presence.html"
    ended = cityctl(
        "report", "run", "data-quality", "--since", "2026-11-01", "--until", "2026-11-02", "--project", city,
        "--set", "sound=yes", "--output-file", page,
    )  # fmt: skip
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert f"written: {page}" in ended.stderr
    told = cityctl("report", "run", "data-quality", "--since", "2027", "--until", "2027", "--project", city,
                   "--output-file", page)  # fmt: skip
    assert told.returncode == 4
    assert "missing: hill_flow" in told.stderr
    assert "(exit 4" in told.stderr


def test_a_page_is_no_pdf(cityctl, city):
    page = city / "report.pdf"
    ended = cityctl("report", "run", "data-quality", "--project", city, "--output-file", page)
    assert ended.returncode == 2
    assert "cityctl writes no .pdf" in ended.stderr
    assert not page.exists()


def test_a_report_or_runbook_that_is_misspelt_is_wrong_usage(cityctl, city):
    for words in (
        ("report", "run", "leeks"),
        ("runbook", "show", "swap-duty-pmp"),
        ("connectors", "show", "x"),
    ):
        ended = cityctl(*words, "--project", city)
        assert ended.returncode == 2, words
        assert "hint: " in ended.stderr
