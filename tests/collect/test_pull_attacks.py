"""Answers that are meant to harm, over HTTP: what the user sees, other series come, and a later pull heals."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode
from tests.collect.historian import FLOW, PRESSURE, Historian, city_yaml, go, marks, stored
from tests.http_service import Service, send

GOOD = b"time,value\n2026-11-22T00:00:00Z,1\n"
LAUGHS = b'<!DOCTYPE feed [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><feed>&b;</feed>'
ENTITY_OF_A_FILE = (
    b'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>&f;</title></feed>'
)
NESTED_FEED = (
    b'<feed xmlns="http://www.w3.org/2005/Atom">' + b"<entry>" * 5000 + b"</entry>" * 5000 + b"</feed>"
)
DEEP = b'{"rows":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


def lying() -> bytes:
    """An archive that says its member is 100 bytes; it unpacks to 80 MB."""
    whole = zipped({"a.csv": GOOD + b"#" * (80 << 20)})
    size = (len(GOOD) + (80 << 20)).to_bytes(4, "little")
    return whole.replace(size, (100).to_bytes(4, "little"))


ARCHIVES = {
    "a bomb": (lambda: zipped({"a.csv": GOOD + b"\n" * (80 << 20)}), "a bomb?"),
    "a bomb that lies": (lying, "a.csv"),
    "a name that climbs": (lambda: zipped({"../../evil.csv": GOOD}), "its name leads out of the archive"),
    "an absolute name": (lambda: zipped({"/tmp/evil.csv": GOOD}), "its name leads out of the archive"),
    "good and bad together": (lambda: zipped({"a.csv": GOOD, "..\\evil.csv": GOOD}), "leads out of the archive"),
    "an archive within": (lambda: zipped({"a.zip": zipped({"a.csv": GOOD})}), "an archive within the archive"),
    "a sign that rings": (lambda: zipped({"a\x1b[2J.csv": GOOD}), "control characters"),
}  # fmt: skip


def one_is_bad(bad: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """The flow is answered with these bytes, the pressure as ever."""
    historian = Historian()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if "FT01" in handler.path:
            send(handler, bad)
        else:
            historian(handler)

    return answer


def healed(http: Service, project: Project) -> int:
    """How many readings of the flow stand after the service mended its answer."""
    http.answer = Historian()
    assert go(project, since="2026-11-22", hours=1).exit_code() == ExitCode.DONE
    return sum(point == "flow" for point, _, _ in stored(project))


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_harms_is_refused_by_name(
    http: Service, make: Callable[..., Project], tmp_path: Path, name: str
) -> None:
    build, why = ARCHIVES[name]
    http.answer = one_is_bad(build())
    project = make(city_yaml(http.url, FLOW + PRESSURE))
    result = go(project, since="2026-11-22")
    (missing,) = result.completeness.missing
    assert missing.what == "historian/HAFEN.FT01"
    assert why in missing.why
    assert "\x1b" not in missing.why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert {point for point, _, _ in stored(project)} == {"pressure"}
    assert "HAFEN.FT01" not in marks(project)  # it is asked for again
    # What came is kept as it came; nothing was unpacked anywhere.
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name or path.suffix == ".tmp"]
    assert not Path("/tmp/evil.csv").exists()
    assert len(list((project.state / "raw").glob("??/*"))) == 2
    assert healed(http, project) == 31  # local midnight of 22 November to 06:00Z of the next day


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (LAUGHS, "a DOCTYPE is refused"),
        (ENTITY_OF_A_FILE, "a DOCTYPE is refused"),
        (LAUGHS.decode().encode("utf-16"), "a DOCTYPE is refused"),
        (NESTED_FEED, "no sound XML"),
    ],
)
def test_xml_that_harms_is_refused(
    http: Service, make: Callable[..., Project], body: bytes, why: str
) -> None:
    http.answer = lambda handler: send(handler, body)
    points = "  used: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall}\n"
    project = make(city_yaml(http.url, points, connector="green_button"))
    result = go(project, since="2026-11-22")
    (missing,) = result.completeness.missing
    assert why in missing.why
    assert (stored(project), result.exit_code()) == ([], ExitCode.INCOMPLETE)
    http.answer = Historian()
    assert go(project, hours=1).exit_code() == ExitCode.DONE
    assert stored(project)


def test_json_nested_a_hundred_thousand_deep_is_refused(http: Service, make: Callable[..., Project]) -> None:
    http.answer = lambda handler: send(handler, DEEP)
    points = "  used: {unit: kWh, kind: interval, every: 30m, service: historian/1200000123456/19L0000001}\n"
    project = make(city_yaml(http.url, points, connector="octopus_electricity"))
    result = go(project, since="2026-11-22")
    (missing,) = result.completeness.missing
    assert "nested" in missing.why or "deep" in missing.why
    assert (stored(project), result.exit_code()) == ([], ExitCode.INCOMPLETE)


def test_a_pull_as_json_holds_the_balance_and_the_rejections(
    http: Service, make: Callable[..., Project], cityctl: Callable[..., Any]
) -> None:
    body = b"time,value\n2026-11-22T00:00:00Z,1\n2026-11-22T01:00:00Z,x\n"
    http.answer = lambda handler: send(handler, body)
    project = make(city_yaml(http.url, FLOW))
    ended = cityctl(
        "pull", "--since", "2026-11-22", "--until", "2026-11-23", "--project", project.folder, "-o", "json",
        HISTORIAN_KEY="k",
    )  # fmt: skip
    assert ended.returncode == ExitCode.INCOMPLETE
    told = json.loads(ended.stdout)
    (row,) = told["rows"]
    keys = {"series", "quantity", "unit", "direction", "received", "new", "unchanged", "revised", "duplicate",
            "rejected", "sum", "first", "last"}  # fmt: skip
    assert keys <= set(row)
    assert [row[key] for key in ("series", "received", "new", "rejected")] == ["HAFEN.FT01", 2, 1, 1]
    (rejected,) = told["rejections"]
    assert {"file", "line", "series", "reason", "count"} <= set(rejected)
    assert (rejected["line"], rejected["series"], rejected["count"]) == (3, "HAFEN.FT01", 1)
