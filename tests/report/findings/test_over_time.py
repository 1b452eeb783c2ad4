"""Findings over recorded runs, as a user sees them: new, gone, closed, back, acknowledged, shelved."""

from __future__ import annotations

import json
import shlex
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.report.findings.book import Book
from cityctl.report.findings.news import news
from cityctl.report.findings.views import listing
from cityctl.report.recorded import keep
from cityctl.report.run import run
from tests.report.findings.conftest import DRIFT, LEAK

FIRST = "2026-11-23T06:30Z"


def recorded(sheet, now=FIRST, **asked):
    """Run and keep, as `report run sheet --record` does, without a process for each."""
    settings = asked.pop("settings", ())
    project = Project(sheet.folder)
    moment = datetime.fromisoformat(now)
    result = run("sheet", project, now=moment, settings=settings, **asked)
    return keep("sheet", result, project, now=moment, settings=settings)


def changes(result):
    table = next(one for one in result.tables if one.key == "changes")
    return list(zip(table.cells("change"), table.cells("subject"), strict=True))


def listed(sheet, now="2026-11-23T12:00Z"):
    """The findings that are not closed, as rows by column key."""
    book = Book(sheet.folder / ".cityctl")
    states = ("open", "acknowledged", "shelved")
    (table,) = listing(book, states=states, report=None, now=datetime.fromisoformat(now)).tables
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def test_a_report_without_record_keeps_nothing(cityctl, sheet) -> None:
    assert cityctl("report", "run", "sheet", "--project", sheet.folder, CITYCTL_NOW=FIRST).returncode == 0
    assert not (sheet.folder / ".cityctl/findings.sqlite").exists()
    assert listed(sheet) == []
    assert not (sheet.folder / ".cityctl/findings.sqlite").exists()


def test_new_gone_closed_and_back(cityctl, sheet) -> None:
    assert changes(recorded(sheet)) == [("new", "Hafen")]
    sheet.says(LEAK, DRIFT)
    second = recorded(sheet, "2026-11-24T06:30Z")
    assert changes(second) == [("new", "berg_level"), ("as before", "Hafen")]
    assert "1 new since the run of 23 Nov 07:30" in second.summary  # Berlin is an hour ahead of UTC
    sheet.says(DRIFT)
    assert changes(recorded(sheet, "2026-11-25T06:30Z"))[0] == ("gone", "Hafen")
    assert changes(recorded(sheet, "2026-11-26T06:30Z"))[0] == ("gone", "Hafen")
    assert changes(recorded(sheet, "2026-11-27T06:30Z"))[0] == ("closed", "Hafen")
    assert [row["subject"] for row in listed(sheet)] == ["berg_level"]
    sheet.says(LEAK, DRIFT)
    assert changes(recorded(sheet, "2026-11-28T06:30Z"))[0] == ("back", "Hafen")


def test_what_changed_since_the_last_run(sheet) -> None:
    book = Book(sheet.folder / ".cityctl")

    def told(interval=None):
        result = news(book, interval, now=datetime(2026, 11, 29, tzinfo=UTC))
        table = result.tables[0]
        return [
            (event, subject)
            for event, subject in zip(table.cells("event"), table.cells("subject"), strict=True)
        ]

    assert told() == []
    recorded(sheet)
    assert told() == [("opened", "Hafen")]
    sheet.says(LEAK, DRIFT)
    recorded(sheet, "2026-11-24T06:30Z")
    assert told() == [("opened", "berg_level")]
    recorded(sheet, "2026-11-25T06:30Z")
    assert told() == []
    day = Interval(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, 6, 30, tzinfo=UTC), UTC)
    assert told(day) == [("opened", "Hafen")]  # half-open: the run at 06:30 is not in it


def test_a_silent_sensor_repairs_no_leak(cityctl, sheet) -> None:
    """The zone's own point is missing: a run that cannot judge it says nothing of its leak, ever."""
    recorded(sheet)
    sheet.says(missing=("hafen_inflow",))
    for day in range(24, 29):
        assert changes(recorded(sheet, f"2026-11-{day}T06:30Z")) == [("not judged", "Hafen")]
    assert [row["finding_state"] for row in listed(sheet)] == ["open"]


def test_a_finding_of_one_of_two_zones_of_a_name_knows_its_own(cityctl, sheet) -> None:
    """Its subject is `Hafen, hafen` then, which is no name of a zone: the evidence says which one it is."""
    sheet.says([*LEAK[:1], "Hafen, hafen", *LEAK[2:], "hafen"])
    recorded(sheet)
    sheet.says(missing=("hafen_inflow",))
    for day in range(24, 28):
        assert changes(recorded(sheet, f"2026-11-{day}T06:30Z")) == [("not judged", "Hafen, hafen")]


def test_a_finding_goes_on_where_its_zone_goes_by_another_name(cityctl, sheet) -> None:
    """Renamed in city.yaml, or its name borne by a second zone since: what the evidence is about is the same."""
    sheet.says([*LEAK, "hafen"])
    recorded(sheet)
    (before,) = listed(sheet)
    for day, name in ((24, "Hafen, hafen"), (25, "Old harbour")):
        sheet.says([LEAK[0], name, *LEAK[2:], "hafen"])
        assert changes(recorded(sheet, f"2026-11-{day}T06:30Z")) == [("as before", name)]
        (after,) = listed(sheet)
        assert (after["finding"], after["subject"]) == (before["finding"], name)


def test_a_book_that_tells_the_name_alone_goes_on(cityctl, sheet) -> None:
    """As books were before findings told their zone: one of two that share the name goes on, the other is new."""
    recorded(sheet)
    sheet.says(*([LEAK[0], f"Hafen, {zone}", *LEAK[2:], zone] for zone in ("east", "west")))
    told = changes(recorded(sheet, "2026-11-24T06:30Z"))
    assert sorted(told) == [("as before", "Hafen, east"), ("new", "Hafen, west")]
    for day in range(25, 29):
        told = changes(recorded(sheet, f"2026-11-{day}T06:30Z"))
        assert sorted(told) == [("as before", "Hafen, east"), ("as before", "Hafen, west")]


def test_another_zone_of_the_same_kind_of_finding_is_another(cityctl, sheet) -> None:
    sheet.says([*LEAK, "hafen"])
    recorded(sheet)
    sheet.says([LEAK[0], "Berg", *LEAK[2:], "berg"])
    assert sorted(changes(recorded(sheet, "2026-11-24T06:30Z"))) == [("gone", "Hafen"), ("new", "Berg")]


def test_a_look_back_and_other_settings_repair_nothing(cityctl, sheet) -> None:
    recorded(sheet)
    sheet.says()
    back = recorded(sheet, "2026-11-24T06:30Z", since="2026-11-21", until="2026-11-22")
    assert changes(back) == [("not judged", "Hafen")]
    other = recorded(sheet, "2026-11-24T07:30Z", settings=["limit=9"])
    assert changes(other) == [("not judged", "Hafen")]


def test_a_start_that_is_estimated_anew_is_the_same_finding(cityctl, sheet) -> None:
    recorded(sheet)
    (before,) = listed(sheet)
    sheet.says([*LEAK[:2], "2026-11-18T22:00+00:00", *LEAK[3:]])
    again = recorded(sheet, "2026-11-24T06:30Z")
    assert changes(again) == [("as before", "Hafen")]
    (after,) = listed(sheet)
    assert after["finding"] == before["finding"]
    other = again.findings[0].id
    assert other != before["finding"]
    shown = cityctl("findings", "show", other, "--project", sheet.folder)
    assert before["finding"] in shown.stdout


def test_acknowledged_shelved_and_closed_by_somebody(cityctl, sheet) -> None:
    recorded(sheet)
    (row,) = listed(sheet)
    name = row["finding"]

    def act(*words, now="2026-11-23T08:00Z"):
        return cityctl("findings", *words, "--project", sheet.folder, CITYCTL_NOW=now, CITYCTL_USER="mara")

    assert act("ack", name, "--note", "crew is out").returncode == 0
    (row,) = listed(sheet)
    assert (row["finding_state"], row["acted_by"], row["note"]) == ("acknowledged", "mara", "crew is out")
    assert act("shelve", name).returncode == 2
    assert act("shelve", name, "--until", "2026-11-20").returncode == 2
    assert act("shelve", name, "--for", "2d", "--who", "Jo").returncode == 0
    assert listed(sheet, now="2026-11-25T07:59Z")[0]["finding_state"] == "shelved"
    assert listed(sheet, now="2026-11-25T08:00Z")[0]["finding_state"] == "open"
    assert act("close", name, "--note", "repaired").returncode == 0
    assert listed(sheet) == []
    assert "closed already" in act("ack", name).stderr
    events = act("show", name, "-o", "json")
    told = json.loads(events.stdout)["tables"]["events"]["rows"]
    assert [one["event"] for one in told] == ["opened", "acknowledged", "shelved", "closed"]
    assert [one["acted_by"] for one in told] == [None, "mara", "Jo", "mara"]


def test_an_unknown_finding_and_state_are_named(cityctl, sheet) -> None:
    unknown = cityctl("findings", "ack", "00000000", "--project", sheet.folder)
    assert unknown.returncode == 2
    assert "--record" in unknown.stderr
    assert not (sheet.folder / ".cityctl/findings.sqlite").exists()
    wrong = cityctl("findings", "list", "--state", "opn", "--project", sheet.folder)
    assert (wrong.returncode, "did you mean `open`?" in wrong.stderr) == (2, True)


def test_runs_at_once_lose_nothing(cityctl, sheet) -> None:
    """Processes record at once: all four runs are in the book, and one finding."""
    with ThreadPoolExecutor(2) as several:
        ended = list(
            several.map(
                lambda at: cityctl(
                    *("report", "run", "sheet", "--record", "--project", sheet.folder),
                    CITYCTL_NOW=f"2026-11-23T06:3{at}Z",
                ),
                range(4),
            )
        )
    assert [one.returncode for one in ended] == [0] * 4
    book = sqlite3.connect(sheet.folder / ".cityctl/findings.sqlite")
    assert book.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    assert book.execute("SELECT count(*) FROM findings").fetchone() == (1,)
    assert book.execute("SELECT count(*) FROM events").fetchone() == (1,)
    book.close()


def test_a_damaged_book_is_said_in_plain_words(cityctl, sheet) -> None:
    (sheet.folder / ".cityctl/findings.sqlite").write_bytes(b"not a database" * 100)
    ended = cityctl("findings", "list", "--project", sheet.folder)
    assert ended.returncode == 10
    assert "move findings.sqlite aside" in ended.stderr


def test_explain_shows_what_it_rests_on_and_its_lines_run(cityctl, sheet) -> None:
    recorded(sheet)
    (row,) = listed(sheet)
    ended = cityctl("explain", row["finding"], "-o", "json", "--project", sheet.folder)
    assert ended.returncode == 0, ended.stderr
    tables = {key: table["rows"] for key, table in json.loads(ended.stdout)["tables"].items()}
    # 48 L/s is 172.8 m³/h; the zone's own point alone is shown, not the level
    assert tables["evidence"][0] == {"evidence_of": "largest_m3_h", "evidence_is": "172.8"}
    (readings,) = tables["readings"]
    assert (readings["point"], readings["readings"], readings["good"]) == ("hafen_inflow", 48, 48)
    assert readings["largest"] == 172.8
    assert sum(day["readings"] for day in tables["days"]) == 48
    assert max(day["largest"] for day in tables["days"]) == 172.8
    assert {day["date"] for day in tables["days"]} == {"2026-11-21", "2026-11-22", "2026-11-23"}
    assert tables["rule"][0]["value"] == "7.2 m³/h"  # 2 L/s
    assert tables["rule"][0]["said_by"] == "recipe"
    assert "max(r.value)" in tables["sql"][0]["sql_text"]
    report, export, sql, gaps = [line["command_line"] for line in tables["commands"]]
    again = run_line(cityctl, report, "-o", "json")
    (found,) = json.loads(again.stdout)["findings"]
    assert found["id"] == row["finding"]
    assert found["evidence"]["largest_m3_h"] == 172.8  # to the last digit
    assert len(run_line(cityctl, export).stdout.splitlines()) == 49
    largest = max(one["value"] for one in json.loads(run_line(cityctl, sql, "-o", "json").stdout)["rows"])
    assert largest == 172.8
    assert run_line(cityctl, gaps).returncode in (0, 4)
    assert cityctl("explain", "nothing", "--project", sheet.folder).returncode == 2


def run_line(cityctl, line, *more):
    """Run a line that `explain` printed, as a shell would."""
    words = shlex.split(line)
    env = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    assert words[0] == "cityctl"
    ended = cityctl(*words[1:], *more, **env)
    assert ended.returncode in (0, 4), ended.stderr
    return ended


def test_a_book_that_a_full_disk_left_empty_is_begun_anew(sheet):
    book = Book(sheet.folder / ".cityctl")
    book.path.parent.mkdir(exist_ok=True)
    book.path.write_bytes(b"")
    assert listed(sheet) == []
    sheet.says(LEAK)
    recorded(sheet)
    assert len(listed(sheet)) == 1
