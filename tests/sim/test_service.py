from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.sim.service import DEMO_KEY
from cityctl.sim.simulator import Simulator
from cityctl.sim.town.whole import Town

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"


def _get(url: str, key: str | None = None) -> bytes:
    request = Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urlopen(request, timeout=120) as answer:
        assert int(answer.headers["Content-Length"]) > 0
        return answer.read()


def _series(simulator: Simulator, tag: str, window: str = "") -> list[tuple[datetime, float]]:
    there = simulator.installation
    url = there.historian_url if "." in tag else there.weather_url
    text = _get(f"{url}/series/{tag}.csv{window}").decode()
    header, *rows = csv.reader(text.splitlines())
    assert header == ["time", "value"]
    return [(datetime.fromisoformat(time), float(value)) for time, value in rows]


def test_a_window_of_a_series(simulator: Simulator, town: Town, now: datetime):
    start = datetime(2026, 11, 20, 23, tzinfo=UTC)
    rows = _series(
        simulator, "HAFEN.FT01", f"?from={quote('2026-11-21T00:00:00+01:00')}&to=2026-11-21T23:00:00Z"
    )
    assert [time for time, _ in rows] == [start + timedelta(minutes=15 * n) for n in range(96)]
    _, expected = town.records.recorded(
        "HAFEN.FT01", int(start.timestamp()), int(start.timestamp()) + 86400, int(now.timestamp())
    )
    assert [value for _, value in rows] == pytest.approx(expected.tolist(), abs=1e-9)


def test_all_there_is_without_a_window_and_nothing_of_the_future(
    simulator: Simulator, town: Town, now: datetime
):
    rows = _series(simulator, "air_temperature")
    assert rows[0][0] == town.scenario.history_start
    assert rows[-1][0] == now - timedelta(hours=1)
    later = f"?from={quote(now.isoformat())}&to={quote((now + timedelta(days=2)).isoformat())}"
    assert _series(simulator, "air_temperature", later) == []


def test_the_tags_are_listed_and_every_one_is_there(simulator: Simulator):
    listed = []
    for url in (simulator.installation.historian_url, simulator.installation.weather_url):
        _, *rows = csv.reader(_get(f"{url}/series").decode().splitlines())
        listed += rows
    assert len(listed) >= 15
    for tag, unit, seconds in listed:
        assert unit
        got = _series(simulator, tag, "?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z")
        assert len(got) == 86400 // int(seconds)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("historian/series/NOBODY.FT01.csv", 404),
        ("weather/series/HAFEN.FT01.csv", 404),
        ("historian/series/HAFEN.FT01.csv?from=yesterday", 400),
        ("historian/series/HAFEN.FT01.csv?from=2026-11-20T00:00:00", 400),
        ("greenbutton/town-hall.xml", 401),
        ("elsewhere", 404),
    ],
)
def test_what_is_refused(simulator: Simulator, path: str, status: int):
    base = simulator.installation.historian_url.removesuffix("/historian")
    with pytest.raises(HTTPError) as refused:
        _get(f"{base}/{path}")
    assert refused.value.code == status
    assert refused.value.read().strip()


def test_an_unknown_usage_point_and_a_wrong_key(simulator: Simulator):
    url = simulator.installation.green_button_url
    for path, key, status in (("nobody", DEMO_KEY, 404), ("town-hall", "wrong", 401)):
        with pytest.raises(HTTPError) as refused:
            _get(f"{url}/greenbutton/{path}.xml", key)
        assert refused.value.code == status


def _green_button(simulator: Simulator, name: str, first: str, last: str) -> ElementTree.Element:
    window = f"?published-min={quote(first)}&published-max={quote(last)}"
    return ElementTree.fromstring(
        _get(f"{simulator.installation.green_button_url}/greenbutton/{name}.xml{window}", DEMO_KEY)
    )


def test_a_green_button_feed_holds_what_the_meter_counted(simulator: Simulator, town: Town):
    """Over the day on which the clocks go back: 25 hours in one block, energies in Wh."""
    feed = _green_button(simulator, "clinic", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z")
    blocks = feed.findall(f".//{ESPI}IntervalBlock")
    readings = [block.findall(f"{ESPI}IntervalReading") for block in blocks]
    assert [len(block) for block in readings] == [25, 24]
    assert blocks[0].findtext(f"{ESPI}interval/{ESPI}duration") == str(25 * 3600)
    begin = int(datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp())
    hours = np.arange(begin, begin + 49 * 3600, 3600, dtype=np.int64)
    flat = [reading for block in readings for reading in block]
    assert [int(one.findtext(f"{ESPI}timePeriod/{ESPI}start")) for one in flat] == hours.tolist()
    energy = [int(one.findtext(f"{ESPI}value")) / 1000 for one in flat]
    assert energy == pytest.approx(town.loads["clinic"].energy(hours).tolist(), abs=0.0006)
    kind = feed.find(f".//{ESPI}ReadingType")
    told = {child.tag.removeprefix(ESPI): child.text for child in kind}
    assert (told["uom"], told["powerOfTenMultiplier"], told["accumulationBehaviour"]) == ("72", "0", "4")
    assert (told["flowDirection"], told["intervalLength"], told["commodity"]) == ("1", "3600", "1")


def test_the_resources_of_a_feed_are_joined_by_their_links(simulator: Simulator):
    feed = _green_button(simulator, "solar-depot", "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z")
    links: dict[str, dict[str, list[str]]] = {}
    for entry in feed.findall(f"{ATOM}entry"):
        resource = entry.find(f"{ATOM}content")[0].tag.removeprefix(ESPI)
        for link in entry.findall(f"{ATOM}link"):
            links.setdefault(resource, {}).setdefault(link.get("rel"), []).append(link.get("href"))
    reading = links["MeterReading"]
    assert links["UsagePoint"]["related"][0] == reading["up"][0]
    assert links["ReadingType"]["self"][0] in reading["related"]
    assert set(links["IntervalBlock"]["up"]) <= set(reading["related"])
    assert feed.findtext(f".//{ESPI}flowDirection") == "19"


def test_the_rules_of_the_time_zone_are_those_of_its_region(simulator: Simulator):
    """ESPI's bit fields: month, operator 7 (last), weekday 7 (Sunday), hour; tzOffset leaves DST out."""
    feed = _green_button(simulator, "library", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z")
    told = {child.tag.removeprefix(ESPI): child.text for child in feed.find(f".//{ESPI}LocalTimeParameters")}
    rules = {name: int(told[name], 16) for name in ("dstStartRule", "dstEndRule")}
    fields = {
        name: (rule >> 28, rule >> 25 & 7, rule >> 17 & 7, rule >> 12 & 31) for name, rule in rules.items()
    }
    assert fields == {"dstStartRule": (3, 7, 7, 2), "dstEndRule": (10, 7, 7, 3)}
    winter = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")).utcoffset()
    assert winter == timedelta(seconds=int(told["tzOffset"]))


def test_the_front_page_tells_which_city_it_is(simulator: Simulator):
    page = json.loads(_get(simulator.installation.historian_url.removesuffix("historian")))
    assert page["day"] == "2026-11-23"
    assert "town-hall" in page["usage_points"]
    assert "leak" not in json.dumps(page)
