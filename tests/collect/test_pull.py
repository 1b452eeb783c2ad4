"""Services into the store over a real HTTP server on loopback: watermarks, revisions, faults, secrets."""

from __future__ import annotations

import gzip
import io
import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from cityctl.city.project import Project
from cityctl.collect.pull import pull
from cityctl.collect.watermark import Watermark, windows
from cityctl.console import Console
from cityctl.engine.duck import Engine
from cityctl.errors import CredentialsRefused, ExitCode, LockHeld, Unreachable, UsageProblem
from cityctl.exports.http import Patience
from cityctl.result import Result
from cityctl.store import Store
from tests.http_service import Service, send

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CANARY = "canary-7f3a9c"
HOUR = timedelta(hours=1)


class Historian:
    """Serves an hourly series as CSV and as Green Button, for the window that is asked for."""

    def __init__(self, first: datetime = NOW - timedelta(days=60), until: datetime = NOW) -> None:
        self.first = first
        self.until = until
        self.known = {"HAFEN.FT01", "HAFEN.PT01"}
        self.changed: dict[datetime, float] = {}
        self.asked: list[tuple[str, datetime, datetime]] = []

    def value(self, moment: datetime) -> float:
        return self.changed.get(moment, float(moment.timestamp() // 3600 % 24))

    def hours(self, since: datetime, until: datetime) -> list[datetime]:
        start = max(since, self.first)
        count = int((min(until, self.until) - start) / HOUR)
        return [start + HOUR * index for index in range(max(count, 0))]

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        low, high = ("published-min", "published-max") if "published-min" in query else ("from", "to")
        since, until = (datetime.fromisoformat(query[key]) for key in (low, high))
        name = unquote(parts.path.rpartition("/")[2]).rpartition(".")[0]
        self.asked.append((name, since, until))
        if parts.path.endswith("/export.csv"):
            rows = [
                f"{at:%Y-%m-%dT%H:%M:%SZ},{one},{self.value(at)}"
                for at in self.hours(since, until)
                for one in sorted(self.known)
            ]
            send(handler, ("time,series,value\n" + "\n".join(rows) + "\n").encode())
        elif "/greenbutton/" in parts.path:
            send(handler, self.feed(name, since, until).encode())
        elif name not in self.known:
            send(handler, b"no such series", 404)
        else:
            rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{self.value(at)}" for at in self.hours(since, until)]
            send(handler, ("time,value\n" + "\n".join(rows) + "\n").encode())

    def feed(self, name: str, since: datetime, until: datetime) -> str:
        """Two MeterReadings: what the building takes (1) and what it feeds in (2)."""
        espi = 'xmlns="http://naesb.org/espi"'
        entries = [
            f'<entry><link rel="self" href="UsagePoint/{name}"/><content><UsagePoint {espi}/></content></entry>'
        ]
        for number, flow in ((1, 1), (2, 19)):
            meter = f"UsagePoint/{name}/MeterReading/{number}"
            entries.append(
                f'<entry><link rel="self" href="{meter}"/><link rel="related" href="{meter}/IntervalBlock"/>'
                f'<link rel="related" href="ReadingType/{number}"/><content><MeterReading {espi}/></content></entry>'
                f'<entry><link rel="self" href="ReadingType/{number}"/><content><ReadingType {espi}>'
                f"<accumulationBehaviour>4</accumulationBehaviour><flowDirection>{flow}</flowDirection>"
                "<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom></ReadingType></content></entry>"
            )
            readings = "".join(
                f"<IntervalReading><timePeriod><duration>3600</duration><start>{int(at.timestamp())}</start></timePeriod>"
                f"<value>{int(self.value(at)) * 1000 * number}</value></IntervalReading>"
                for at in self.hours(since, until)
            )
            entries.append(
                f'<entry><link rel="self" href="{meter}/IntervalBlock/1"/><link rel="up" href="{meter}/IntervalBlock"/>'
                f"<content><IntervalBlock {espi}>{readings}</IntervalBlock></content></entry>"
            )
        return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def city_yaml(url: str, points: str, *, connector: str = "csv_headend", more: str = "") -> str:
    return f"""
name: Test city
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}}}
services:
  historian: {{connector: {connector}, url: "{url}", secret: {{env: HISTORIAN_KEY}}}}
{more}
points:
{points}
"""


FLOW = "  flow: {unit: L/s, every: 1h, service: historian/HAFEN.FT01}\n"
PRESSURE = "  pressure: {unit: bar, every: 1h, service: historian/HAFEN.PT01}\n"


@pytest.fixture
def make(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    monkeypatch.setenv("HISTORIAN_KEY", CANARY)
    return lambda text: Project(project(text))


def go(project: Project, *names: str, hours: float = 0, **words: Any) -> Result:
    words.setdefault("patience", Patience(connect=2, read=2, total=10, tries=3))
    console = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    return pull(
        project, names, now=NOW + timedelta(hours=hours), console=console, sleep=lambda seconds: None, **words
    )


def stored(project: Project) -> list[tuple[Any, ...]]:
    with Store.open(project.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        return engine.rows("SELECT point, time, value FROM readings ORDER BY ALL")


def counts(result: Result) -> dict[str, tuple[int, int, int, int, int, int]]:
    """series -> received, new, unchanged, revised, duplicate, rejected."""
    table = result.tables[0]
    keys = [column.key for column in table.columns]
    wanted = [keys.index(key) for key in ("received", "new", "unchanged", "revised", "duplicate", "rejected")]
    return {str(row[0]): tuple(row[at] for at in wanted) for row in table.rows}  # type: ignore[misc]  # six integers


def marks(project: Project) -> dict[str, dict[str, str]]:
    told: dict[str, dict[str, str]] = json.loads((project.state / "pull" / "historian.json").read_text())[
        "series"
    ]
    return told


def test_windows_are_half_open_and_at_most_so_long() -> None:
    now = datetime(2026, 11, 23, 6, 0, 0, 5, tzinfo=UTC)
    day, week = timedelta(days=1), timedelta(days=7)
    known = {"now": now, "largest": week, "first": 10 * day, "settle": 2 * day}
    end = now.replace(microsecond=0)
    begin = end - 10 * day
    assert windows(None, since=None, until=None, **known) == [(begin, begin + week), (begin + week, end)]
    mark = Watermark(end - 9 * day, end - day)
    assert windows(mark, since=None, until=None, **known) == [(end - 3 * day, end)]
    assert windows(Watermark(end - day, end - day / 2), since=None, until=None, **known) == [(end - day, end)]
    assert windows(mark, since=end, until=None, **known) == []


def test_a_watermark_grows_without_gaps() -> None:
    at = [NOW + HOUR * step for step in range(10)]
    mark = Watermark(at[2], at[4])
    assert mark.covers((at[4], at[6])) == Watermark(at[2], at[6])
    assert mark.covers((at[0], at[3])) == Watermark(at[0], at[4])
    assert mark.covers((at[5], at[6])) == mark
    assert mark.covers((at[0], at[1])) == mark


def test_a_pull_stores_canonical_units_and_keeps_the_raw_answers(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url + "/historian", FLOW + PRESSURE))
    result = go(project, since="2026-09-24")
    hours = int((NOW - historian.first) / HOUR)
    assert counts(result) == {
        "HAFEN.FT01": (hours, hours, 0, 0, 0, 0),
        "HAFEN.PT01": (hours, hours, 0, 0, 0, 0),
    }
    assert result.exit_code() == ExitCode.DONE
    flows = [row for row in stored(project) if row[0] == "flow"]
    assert len(flows) == hours
    first = historian.first.replace(tzinfo=None)
    assert flows[0] == ("flow", first, pytest.approx(historian.value(historian.first) * 3.6))
    # Two windows of at most 31 days for each series, half-open.
    spans = [(since, until) for name, since, until in historian.asked if name == "HAFEN.FT01"]
    assert spans[0][1] == spans[1][0]
    assert spans[-1][1] == NOW
    assert all(until - since <= timedelta(days=31) for since, until in spans)
    index = [json.loads(line) for line in (project.state / "raw" / "index.jsonl").read_text().splitlines()]
    assert len(index) == len(historian.asked)
    raw = gzip.decompress(
        (project.state / "raw" / index[0]["sha256"][:2] / f"{index[0]['sha256']}.gz").read_bytes()
    )
    assert raw.startswith(b"time,value\n")
    assert http.requests[0][1]["authorization"] == f"Bearer {CANARY}"


def test_pulling_again_changes_nothing_and_late_data_is_a_revision(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-01")
    before = stored(project)
    assert marks(project)["HAFEN.FT01"]["until"] == "2026-11-23T06:00:00+00:00"
    again = go(project)
    settle = 7 * 24
    assert counts(again) == {"HAFEN.FT01": (settle, 0, settle, 0, 0, 0)}
    assert stored(project) == before
    historian.changed[NOW - 5 * HOUR] = 99.0
    historian.until = NOW + 2 * HOUR
    later = go(project, hours=2)
    assert counts(later) == {"HAFEN.FT01": (settle + 2, 2, settle - 1, 1, 0, 0)}
    assert len(stored(project)) == len(before) + 2


def test_one_dead_service_is_named_and_the_others_are_kept(
    http: Service, make: Callable[..., Project], unused_url: str
) -> None:
    http.answer = Historian()
    more = f'  dead: {{connector: csv_headend, url: "{unused_url}"}}'
    points = FLOW + "  other: {unit: bar, every: 1h, service: dead/X}\n"
    project = make(city_yaml(http.url, points, more=more))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 31  # local midnight of 22 November to 06:00Z of the next day
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert [missing.what for missing in result.completeness.missing] == ["dead"]
    assert (result.completeness.wanted, result.completeness.had) == (2, 1)
    with pytest.raises(Unreachable, match="dead: no connection"):
        go(project, "dead", since="2026-11-22")


@pytest.fixture
def unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_all_dead_is_unreachable_and_refused_credentials_are_that(
    http: Service, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(city_yaml(http.url, FLOW))
    http.answer = lambda handler: send(handler, b"", 503)
    with pytest.raises(Unreachable) as gone:
        go(project, since="2026-11-22")
    assert gone.value.exit_code == 12
    http.answer = lambda handler: send(handler, b"", 401)
    with pytest.raises(CredentialsRefused) as refused:
        go(project, since="2026-11-22")
    assert refused.value.exit_code == 13
    monkeypatch.delenv("HISTORIAN_KEY")
    with pytest.raises(CredentialsRefused, match="HISTORIAN_KEY"):
        go(project, since="2026-11-22")
    assert not (project.state / "pull" / "historian.json").exists()


def test_a_series_that_the_service_does_not_know_is_named(
    http: Service, make: Callable[..., Project]
) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW + "  x: {unit: bar, every: 1h, service: historian/HAFEN.XX}\n"))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 31
    ((missing),) = result.completeness.missing
    assert missing.what == "historian/HAFEN.XX"
    assert "no such series (404)" in missing.why
    assert set(marks(project)) == {"HAFEN.FT01"}


def test_a_cut_answer_moves_no_watermark_and_the_next_pull_heals_it(
    http: Service, make: Callable[..., Project]
) -> None:
    historian = Historian()

    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b"time,value\n2026-11-22T00:00:00Z,1\n")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)

    project = make(city_yaml(http.url, FLOW))
    http.answer = cut
    with pytest.raises(Unreachable, match="cut short"):
        go(project, since="2026-11-22")
    assert stored(project) == []
    http.answer = historian
    go(project, since="2026-11-22")
    assert len(stored(project)) == 31


def test_an_answer_whose_end_is_not_proven_is_kept_and_asked_for_again(
    http: Service, make: Callable[..., Project]
) -> None:
    def close(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"time,value\n2026-11-22T00:00:00Z,1\n")
        handler.close_connection = True

    http.answer = close
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert len(stored(project)) == 1
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert "not proven" in result.completeness.missing[0].why
    assert not (project.state / "pull" / "historian.json").exists()


def test_no_data_is_an_answer(http: Service, make: Callable[..., Project]) -> None:
    http.answer = lambda handler: send(handler, b"", 204)
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert result.exit_code() == ExitCode.DONE
    assert marks(project)["HAFEN.FT01"]["until"] == "2026-11-23T06:00:00+00:00"
    assert counts(result) == {"HAFEN.FT01": (0, 0, 0, 0, 0, 0)}


def test_rejected_readings_are_in_the_balance_with_their_place(
    http: Service, make: Callable[..., Project]
) -> None:
    hours = ["00:00:00Z,1", "01:00:00Z,x", "02:00:00Z,", "00:00:00Z,2"]
    body = b"time,value\n" + "".join(f"2026-11-22T{hour}\n" for hour in hours).encode()
    http.answer = lambda handler: send(handler, body)
    project = make(city_yaml(http.url, FLOW))
    result = go(project, since="2026-11-22")
    assert counts(result) == {"HAFEN.FT01": (3, 1, 0, 0, 0, 2)}
    rejected = result.tables[1].rows
    assert [(row[1], row[4]) for row in rejected] == [
        (3, "`x` is no number"),
        (2, "1 at 2026-11-22 00:00:00Z, where line 5 gives 2 for the same instant"),
    ]
    assert re.fullmatch(r"historian/[0-9a-f]{12}", str(rejected[0][0]))
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_all_series_in_one_table(http: Service, make: Callable[..., Project]) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW, connector="csv_headend_all"))
    result = go(project, since="2026-11-22")
    assert counts(result) == {"HAFEN.FT01": (31, 31, 0, 0, 0, 0)}
    assert {name for name, _, _ in historian.asked} == {"export"}
    assert any("HAFEN.PT01" in note for note in result.notes)  # not asked for, and said so
    assert result.exit_code() == ExitCode.DONE


def test_green_button_by_usage_point_forward_and_reverse(http: Service, make: Callable[..., Project]) -> None:
    http.answer = historian = Historian()
    points = (
        "  used: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall}\n"
        "  fed_in: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall#reverse}\n"
        "  again: {unit: kWh, kind: interval, every: 1h, service: historian/school#2}\n"
        "  water: {unit: m3, kind: interval, every: 1h, service: historian/pool}\n"
    )
    project = make(city_yaml(http.url, points, connector="green_button"))
    result = go(project, since="2026-11-22")
    found = {(point, time): value for point, time, value in stored(project)}
    noon = datetime(2026, 11, 22, 12)
    value = historian.value(noon.replace(tzinfo=UTC))
    assert (found["used", noon], found["fed_in", noon], found["again", noon]) == (value, 2 * value, 2 * value)
    assert len(found) == 3 * 31
    ((missing),) = result.completeness.missing
    assert missing.what == "historian/pool"
    assert "none of its series fits" in missing.why
    assert {name for name, _, _ in historian.asked} == {"town-hall", "school", "pool"}


def test_a_feed_that_only_feeds_in_needs_no_word_for_it(http: Service, make: Callable[..., Project]) -> None:
    whole = Historian().feed("roof", NOW - timedelta(days=1), NOW)
    alone = whole.replace("<flowDirection>1<", "<flowDirection>19<").replace("<uom>72<", "<uom>29<", 1)
    http.answer = lambda handler: send(handler, alone.encode())
    points = "  fed_in: {unit: kWh, kind: interval, every: 1h, service: historian/roof}\n"
    result = go(make(city_yaml(http.url, points, connector="green_button")), since="2026-11-22")
    assert counts(result) == {"roof": (24, 24, 0, 0, 0, 0)}
    assert result.tables[0].rows[0][4] == "reverse"
    assert any("left out: `UsagePoint/roof/MeterReading/1`" in note for note in result.notes)  # volts


def test_a_cut_feed_is_refused_whole_though_its_length_is_right(
    http: Service, make: Callable[..., Project]
) -> None:
    whole = Historian().feed("town-hall", NOW - timedelta(days=1), NOW).encode()
    http.answer = lambda handler: send(handler, whole[:-200])
    points = "  used: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall}\n"
    project = make(city_yaml(http.url, points, connector="green_button"))
    result = go(project, since="2026-11-22")
    assert stored(project) == []
    assert "cut short" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert not (project.state / "pull" / "historian.json").exists()


def test_a_dry_run_sends_nothing_and_reads_no_secret(
    http: Service, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(city_yaml(http.url, FLOW))
    monkeypatch.delenv("HISTORIAN_KEY")
    result = go(project, since="2026-09-24", dry_run=True)
    rows = result.tables[0].rows
    assert len(rows) == 2
    assert str(rows[0][4]).startswith(
        f"GET {http.url}/series/HAFEN.FT01.csv?from=2026-09-23T22%3A00%3A00Z&to="
    )
    assert rows[0][5] == "bearer, secret from env"
    assert http.requests == []
    assert not project.state.exists()


def test_a_redirect_elsewhere_gets_no_secret(
    http: Service, another_http: Service, make: Callable[..., Project]
) -> None:
    http.answer = lambda handler: send(handler, b"", 307, Location=another_http.url + "/x")
    another_http.answer = Historian()
    with pytest.raises(Unreachable, match="another origin"):
        go(make(city_yaml(http.url, FLOW)), since="2026-11-22")
    assert another_http.requests == []


def test_the_secret_is_in_no_output_file_or_error(
    http: Service, make: Callable[..., Project], cityctl: Callable[..., Any]
) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    now = {"CITYCTL_NOW": "2026-11-23T06:00Z", "HISTORIAN_KEY": CANARY}
    outputs = [cityctl("pull", "--since", "2026-11-22", "-o", "json", "-v", cwd=project.folder, **now)]
    assert outputs[0].returncode == 0, outputs[0].stderr
    told = json.loads(outputs[0].stdout)["rows"]
    assert [(row["series"], row["received"], row["new"]) for row in told] == [("HAFEN.FT01", 31, 31)]
    http.answer = lambda handler: send(handler, b"", 401)
    outputs.append(cityctl("pull", "--debug", cwd=project.folder, **now))
    assert outputs[-1].returncode == 13
    assert all(CANARY not in ended.stdout + ended.stderr for ended in outputs)
    for path in project.state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            plain = gzip.decompress(data) if path.suffix == ".gz" else data
            assert CANARY.encode() not in plain


def test_wrong_words(http: Service, make: Callable[..., Project]) -> None:
    project = make(city_yaml(http.url, FLOW))
    with pytest.raises(UsageProblem, match="`histrian`") as wrong:
        go(project, "histrian")
    assert wrong.value.hint == "did you mean `historian`?"
    empty = make(city_yaml(http.url, "  flow: {unit: L/s, every: 1h}\n"))
    with pytest.raises(UsageProblem, match="no point of the city comes from historian"):
        go(empty)


def test_two_pulls_do_not_overlap(http: Service, make: Callable[..., Project]) -> None:
    from cityctl.disk import Lock

    project = make(city_yaml(http.url, FLOW))
    with (
        Lock(project.state / "pull.lock", purpose="another pull"),
        pytest.raises(LockHeld, match="another pull"),
    ):
        go(project, since="2026-11-22")
    assert http.requests == []
