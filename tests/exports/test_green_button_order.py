"""Green Button feeds in any order, with lines that went astray: ElementTree counts what is to be accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.errors import InputRefused
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.conftest import Parsed, parse
from tests.exports.test_green_button import atom, block, entry, meter, reading, reading_type

METERS = ("UP/1/MR/1", "UP/1/MR/2", "UP/2/MR/1")
Pairs = Counter[tuple[str, str]]


def entries() -> list[str]:
    """Three meters of two usage points, each with a type of its own and two blocks; no value comes twice."""
    told = []
    for number, name in enumerate(METERS):
        told += [meter(name, f"ReadingType/{number}"), reading_type(f"ReadingType/{number}")]
        for day in range(2):
            first = number * 100 + day * 10
            told.append(
                block("".join(reading((first + slot) * 900, first + slot) for slot in range(4)), name)
            )
    return told


def pairs(text: str) -> tuple[int, Pairs]:
    """(readings, (start, value) of those that have one of each), as another parser finds them."""
    count, found = 0, Counter[tuple[str, str]]()
    for element in ElementTree.fromstring(text).iter("{http://naesb.org/espi}IntervalReading"):
        count += 1
        space = element.tag.removesuffix("IntervalReading")
        starts = {one.text or "" for one in element.findall(f"{space}timePeriod/{space}start")}
        values = {one.text or "" for one in element.findall(f"{space}value")}
        if len(starts) == len(values) == 1:
            found[starts.pop(), values.pop()] += 1
    return count, found


def read(text: str) -> Parsed:
    return parse(Source("feed.xml", data=text.encode()), "green_button", Shape())


@settings(max_examples=40)
@given(st.permutations(entries()))
def test_entries_in_any_order_are_the_same_readings(order: list[str]) -> None:
    told = read(atom(*order))
    assert not told.rejections
    assert {name: sorted(told.of(name)) for name in METERS} == {
        name: sorted(SOUND.of(name)) for name in METERS
    }


SOUND = read(atom(*entries()))
LINES = atom(*entries()).replace("><", ">\n<").split("\n")


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(2, len(LINES) - 2), st.integers(-3, 3)), min_size=1, max_size=3))
def test_lines_that_went_astray_lose_and_change_nothing_unseen(moves: list[tuple[int, int]]) -> None:
    lines = list(LINES)
    for at, by in moves:
        line = lines.pop(at)
        lines.insert(max(2, min(at + by, len(lines) - 1)), line)
    text = "\n".join(lines)
    try:
        told = read(text)
    except InputRefused:
        return
    count, sound = pairs(text)
    taken = Counter(
        (str(place(time)), str(int(value or 0))) for name in told.readings for time, value in told.of(name)
    )
    assert taken.total() + sum(one.count for one in told.rejections) == count
    assert not taken - sound


def place(time: str) -> int:
    """Epoch seconds of a time of the first days of 1970."""
    date, clock = time.removesuffix("Z").split(" ")
    hour, minute, second = map(int, clock.split(":"))
    return (int(date[-2:]) - 1) * 86400 + hour * 3600 + minute * 60 + second


def moved(text: str, what: str, before: str) -> str:
    """The text with its first `what` moved to stand before the last `before`."""
    head, tail = text.replace(what, "", 1).rsplit(before, 1)
    return f"{head}{what}{before}{tail}"


@pytest.mark.parametrize("what", ["<value>1</value>", "<start>900</start>"])
def test_what_belongs_to_another_reading_moves_no_value_to_another_time(
    feed: Callable[..., Parsed], what: str
) -> None:
    text = atom(reading_type(), meter(), block("".join(reading(at * 900, at) for at in range(6))))
    told = feed(moved(text, what, "</timePeriod>" if "start" in what else "</IntervalReading>"))
    assert [(place(time), value) for time, value in told.of("UP/1/MR/1")] == [
        (at * 900, at) for at in (0, 2, 3, 4)
    ]
    assert [reason.partition(":")[0] for _, reason in told.refused] == [
        f"it has no {'start' if 'start' in what else 'value'}",
        "its start `4500, 900` is no time" if "start" in what else "its value `5, 1` is no number",
    ]


def test_readings_outside_of_blocks_and_within_each_other_are_named(feed: Callable[..., Parsed]) -> None:
    stray = reading(1800, 3).replace("<IntervalReading>", '<IntervalReading xmlns="http://naesb.org/espi">')
    within = reading(900, 2).replace("</IntervalReading>", f"{reading(2700, 4)}</IntervalReading>")
    told = feed(atom(reading_type(), meter(), block(reading(0, 1) + within), entry("", stray), stray))
    assert [value for _, value in told.of("UP/1/MR/1")] == [1, 2]
    assert [one.reason.partition(":")[0] for one in told.rejections] == [
        "it stands where no reading belongs"
    ] * 3


@pytest.mark.parametrize(
    "links", ['<link rel="related" href="UP/1/MR/1"/>', '<link href="UP/1/MR/1" rel="UP"/>']
)
def test_a_block_may_name_its_meter_itself(feed: Callable[..., Parsed], links: str) -> None:
    inside = f'<IntervalBlock xmlns="http://naesb.org/espi">{reading(0, 5)}</IntervalBlock>'
    told = feed(atom(entry(f'<link rel="self" href="B/1"/>{links}', inside), reading_type(), meter()))
    assert told.of("UP/1/MR/1") == [("1970-01-01 00:00:00Z", 5.0)]


def test_readings_in_another_namespace_than_their_block_are_read(feed: Callable[..., Parsed]) -> None:
    plain = atom(reading_type(), meter(), block(reading(0, 5) + reading(900, 7)))
    sloppy = plain.replace(
        '<IntervalBlock xmlns="http://naesb.org/espi">', '<e:IntervalBlock xmlns:e="http://naesb.org/espi">'
    )
    told = feed(sloppy.replace("</IntervalBlock>", "</e:IntervalBlock>"))
    assert told.readings == feed(plain).readings
