"""The page: self-contained, escaped, small, and readable; opened in a browser where there is one."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cityctl.clock import Interval
from cityctl.report.render import render
from cityctl.report.render.as_html import html_page
from cityctl.result import Column, Finding, Line, Plot, Result, Table
from cityctl.wording import grouped

TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * step) for step in range(96)]
VOID = {"meta", "link", "br", "path"}


class Nesting(HTMLParser):
    """Fails where a tag is not closed by its own."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Nesting:
    nesting = Nesting()
    nesting.feed(page)
    nesting.close()
    assert nesting.open == []
    return nesting


def page_of(result: Result, zone) -> str:
    page = render(result, "html", zone=zone, exit_code=result.exit_code())
    assert isinstance(page, str)
    return page


@pytest.mark.parametrize("which", ["night_flow", "nasty", "empty"])
def test_it_is_well_formed_and_asks_no_network(which, berlin, request) -> None:
    page = page_of(request.getfixturevalue(which), berlin)
    tags = parsed(page).seen
    assert page.startswith("<!DOCTYPE html>")
    addresses = [
        value
        for _, attributes in tags
        for key, value in attributes.items()
        if key in ("src", "href", "action")
    ]
    assert [address for address in addresses if not str(address).startswith(("#", "data:"))] == []
    assert not re.search(r"https?:|url\(|@import|//[a-z]", page)
    policies = [attributes.get("content", "") for tag, attributes in tags if "http-equiv" in attributes]
    assert policies
    assert str(policies[0]).startswith("default-src 'none'")


def test_names_are_text_and_never_markup(nasty, berlin) -> None:
    page = page_of(nasty, berlin)
    tags = parsed(page).seen
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert not any(tag in ("b", "bold") and not attributes for tag, attributes in tags if tag == "bold")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page


def test_findings_come_first_and_method_last(night_flow, berlin) -> None:
    page = page_of(night_flow, berlin)
    order = [
        page.index(word)
        for word in ("<h1>Minimum", "class='findings'", "<table>", "<figure", "How this was made")
    ]
    assert order == sorted(order)
    assert "ALARM" in page.upper()
    assert "99.4 % of readings present" in page
    assert "<dt>Sources</dt><dd>WRc report 26" in page
    assert "Zones whose flow at night" in page.split("<main>")[0]


def test_cells_sort_by_their_full_value(berlin) -> None:
    columns = [
        Column("a", "A"),
        Column("n", "N", "kWh", kind="number", digits=0),
        Column("t", "T", kind="time"),
    ]
    rows: list[tuple[object, ...]] = [("x", 12345.678, datetime(2026, 7, 1, tzinfo=UTC)), ("y", None, None)]
    page = page_of(Result("T", [Table("t", "T", columns, rows)]), berlin)
    assert '<td class=n data-v="12345.678">12\u202f346</td>' in page
    assert '<td class=t data-v="2026-07-01T00:00:00Z">2026-07-01 02:00</td>' in page
    assert '<td class=n data-v="">-</td>' in page


def year(plots: int, rows: int, berlin) -> Result:
    """A year of 15-minute data in each of `plots` plots, and a table of `rows` rows."""
    start = datetime(2025, 12, 31, 23, tzinfo=UTC)
    times = [start + timedelta(minutes=15 * step) for step in range(365 * 96)]
    values: list[float | None] = [
        50 + 30 * math.sin(step / 15.3) * math.cos(step / 911) for step in range(365 * 96)
    ]
    values[20000] = 4321.0  # a peak of one reading
    columns = [Column("meter", "Meter", priority=1), Column("kwh", "Used", "kWh", kind="number", digits=0)]
    return Result(
        "A year",
        [Table("meters", "Meters", columns, [(f"meter {at}", at * 1.5) for at in range(rows)])],
        Interval(start, start + timedelta(days=365), berlin),
        plots=[
            Plot(
                f"p{at}",
                f"Plot {at}",
                "kWh",
                [Line("load", times, values), Line("night", times[::96], values[::96])],
            )
            for at in range(plots)
        ],
    )


def test_a_printed_page_names_the_columns_that_it_has_no_room_for(berlin) -> None:
    wide = [Column(f"c{at}", f"Column {at}", kind="number", priority=1 + at // 4) for at in range(20)]
    wide.append(Column("nothing", "Nothing", priority=2))
    narrow = Table("narrow", "Narrow", wide[:3], [(1.0, 2.0, 3.0)])
    table = Table("wide", "Wide", wide, [(*map(float, range(20)), None)])
    page = page_of(Result("Two tables", [table, narrow]), berlin)
    (named,) = re.findall(r"<p class='under paper'>no room on this page: ([^<]*)</p>", page)
    off = named.split(" · ")
    # The one without a value goes first, then the last by priority; what is priority 1 stays.
    assert off[-1] == "Nothing"
    assert off[:-1] == [f"Column {at}" for at in range(20 - len(off) + 1, 20)]
    assert len(off) < 17
    heads = re.findall(r'<th scope=col class="?([^">]*)"?[^>]*><span[^>]*>([^<]*)<', page)
    assert [label for kind, label in heads if "off" in kind.split()] == off
    assert page.count("n off") == 2 * (len(off) - 1)  # heads and cells of the figures


def test_a_year_of_quarter_hours_stays_below_2_mb(berlin) -> None:
    page = page_of(year(20, 50_000, berlin), berlin)
    assert len(page.encode()) < 2_000_000
    said = re.search(r"the first (\d+) of 50000 rows; -o csv and -o parquet hold all", page)
    assert said is not None
    assert page.count("<tr>") == int(said[1]) + 1


def test_what_finds_no_room_is_counted(berlin) -> None:
    result = year(1, 1, berlin)
    result.findings = [Finding("leak", f"zone {at}", None, "x" * 150) for at in range(5000)]
    result.plots = [replace(result.plots[0], lines=[Line("a", TIMES, [1.0] * 96)]) for _ in range(4000)]
    page = page_of(result, berlin)
    assert len(page.encode()) < 2_000_000
    assert "and 4 800 more findings; -o json holds all" in page
    drawn = page.count("<figure")
    assert f"and {grouped(4000 - drawn)} more plots" in page
    assert drawn > 100


def test_thinning_keeps_the_peak(berlin) -> None:
    page = page_of(year(1, 1, berlin), berlin)
    assert "5\u202f000" in page  # the axis reaches over the one reading of 4321
    heights = [int(y) for y in re.findall(r"[ML]\d+ (\d+)", page)]
    assert min(height for height in heights if height > 0) == round(1000 * (1 - 4321 / 5000))


def test_several_results_share_a_page(night_flow, nasty, berlin) -> None:
    page = html_page([night_flow, nasty], "Simulated city", zone=berlin, intro="What was found.")
    tags = parsed(page).seen
    anchors = {attributes.get("id") for _, attributes in tags} - {None}
    links = {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a"}
    assert links == {"part-1", "part-2"} <= anchors
    assert "1 finding<" in page
    assert "2 findings<" in page


HARNESS = """
<script>
const said = {width: document.documentElement.scrollWidth, room: innerWidth};
const button = [...document.querySelectorAll(".sort")][1];
const names = () => [...document.querySelectorAll("tbody th")].slice(0, 3).map((cell) => cell.textContent).join();
button.click(); said.up = names(); button.click(); said.down = names();
const area = document.querySelector(".area"), box = area.getBoundingClientRect();
area.dispatchEvent(new PointerEvent("pointermove", {clientX: box.left + box.width / 2}));
said.tip = area.querySelector(".tip").innerText;
said.plot = [box.width, document.querySelector(".area path.line").getBoundingClientRect().height];
parent.postMessage(JSON.stringify(said), "*");
</script>
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium is installed")
    return found


def test_a_browser_shows_sorts_and_reads_it_at_400_and_1400_px(
    chromium, night_flow, berlin, tmp_path: Path
) -> None:
    import json
    from html import unescape

    page = page_of(night_flow, berlin)
    (tmp_path / "page.html").write_text(page.replace("</body>", HARNESS + "</body>"), encoding="utf-8")
    frames = "".join(f'<iframe src="page.html" width="{px}" height="900"></iframe>' for px in (400, 1400))
    listen = (
        "<script>onmessage = (said) => { const place = document.createElement('pre'); "
        "place.textContent = said.data; document.body.append(place); }</script>"
    )
    (tmp_path / "frames.html").write_text(f"<body>{listen}{frames}</body>", encoding="utf-8")
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=4000 --dump-dom"
    )
    ended = subprocess.run(
        [chromium, *options.split(), f"--user-data-dir={tmp_path / 'profile'}", f"file://{tmp_path / 'frames.html'}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ":CONSOLE" not in ended.stderr  # neither an error nor a refused load
    reports = [
        json.loads(unescape(said)) for said in re.findall(r"<pre>(.*?)</pre>", ended.stdout, re.DOTALL)
    ]
    assert sorted(report["room"] for report in reports) == [400, 1400]
    for report in reports:
        assert report["width"] <= report["room"]  # the page itself never scrolls sideways
        assert report["up"] == "Altstadt,Hafen,Weststadt"  # 9.2, 18.7, missing last
        assert report["down"] == "Hafen,Altstadt,Weststadt"
        assert re.fullmatch(r"18 Nov 2026, (11|12):\d\d\ninflow \d+\.\d m³/h", report["tip"])
        assert min(report["plot"]) > 100
