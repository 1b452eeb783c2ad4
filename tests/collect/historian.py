"""A historian over a real HTTP server on loopback, and what a pull of it left behind."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cityctl.city.project import Project
from cityctl.collect.pull import pull
from cityctl.console import Console
from cityctl.engine.duck import Engine
from cityctl.exports.http import Patience
from cityctl.result import Result
from cityctl.store import Store
from tests.http_service import send

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CANARY = "canary-7f3a9c"
HOUR = timedelta(hours=1)
FLOW = "  flow: {unit: L/s, every: 1h, service: historian/HAFEN.FT01}\n"
PRESSURE = "  pressure: {unit: bar, every: 1h, service: historian/HAFEN.PT01}\n"


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


def console() -> Console:
    """A console that says nothing."""
    return Console(quiet=True, out=io.StringIO(), error=io.StringIO())


def go(project: Project, *names: str, hours: float = 0, **words: Any) -> Result:
    words.setdefault("patience", Patience(connect=2, read=2, total=10, tries=3))
    return pull(
        project,
        names,
        now=NOW + timedelta(hours=hours),
        console=console(),
        sleep=lambda seconds: None,
        **words,
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
