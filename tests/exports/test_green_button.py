"""Green Button feeds: every published sample against independent parsers, and what is unsafe or broken."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cityctl.errors import InputRefused
from cityctl.exports import formats
from cityctl.exports.espi import feed as espi_feed
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.conftest import Parsed, parse

Read = Callable[..., Parsed]
SAMPLES = (
    "12MonthlyUpdates.xml", "BatchFeedThreeUsagePoints_M.xml", "Electric.xml", "GETBatchSampleEUI.xml", "Gas.xml",
    "MonthlyOnlyElectricData.xml", "Temperature.xml", "Water.xml", "electric_containerized.xml", "gas_direct.xml",
    "gba_test_usage_data.xml", "hourlyForMonthMar.xml",
    "ngma_natural_gas_billing_billing_data_Service_1_1_2021-05-26_to_2024-04-25.xml",
)  # fmt: skip
UNITS = {"72": "Wh", "169": "therm", "6": "K", "128": "gal"}
DIRECTIONS = {"1": "forward", "19": "reverse", None: ""}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_sample_agrees_with_independent_parsers(shared: Path, name: str) -> None:
    folder = shared / "data" / "exports" / "greenbutton"
    expected = json.loads((folder / "expected.json").read_text())[name]
    source = Source.file(folder / name)
    assert formats.recognise(source) == "green_button"
    read = parse(source, "green_button", Shape())
    assert set(read.series) == {one["meter_reading"] for one in expected["series"]}
    assert not read.rejections
    for one in expected["series"]:
        series = read.series[one["meter_reading"]]
        rows = read.readings[series.id]
        assert len(rows) == one["intervals"]
        assert len({time for time, *_ in rows}) == one["unique_starts"]
        assert sum(value for _, value, _, _ in rows if value is not None) == pytest.approx(
            one["scaled_sum"], rel=1e-12
        )
        assert min(time for time, *_ in rows) == one["first_start_utc"].replace("T", " ")
        assert max(time for time, *_ in rows) == one["last_start_utc"].replace("T", " ")
        assert series.unit == UNITS[one["uom"]]
        assert series.direction == DIRECTIONS[one["flow_direction"]]
        graded = sum(quality == 1 for _, _, quality, _ in rows)
        assert graded == sum(one["qualities"].get(code, 0) for code in ("7", "8"))


def test_a_temperature_is_no_amount(shared: Path) -> None:
    folder = shared / "data" / "exports" / "greenbutton"
    read = parse(Source.file(folder / "Temperature.xml"), "green_button", Shape())
    (series,) = read.series.values()
    assert (series.kind, series.quantity) == ("gauge", "temperature")


def test_gzip_reads_as_the_plain_file(shared: Path) -> None:
    folder = shared / "data" / "exports" / "greenbutton"
    plain, packed = (
        parse(Source.file(folder / name), "green_button", Shape()) for name in ("Gas.xml", "Gas.xml.gz")
    )
    assert packed.readings == plain.readings


def test_the_published_bad_file_is_refused(shared: Path) -> None:
    path = shared / "data" / "exports" / "greenbutton" / "1hrLP_32DaysM_D000_BAD.xml"
    with pytest.raises(InputRefused, match="<xyz>"):
        formats.recognise(Source.file(path))
    with pytest.raises(InputRefused, match="<xyz>, not <feed>"):
        parse(Source.file(path), "green_button", Shape())


def entry(links: str, content: str) -> str:
    return f"<entry>{links}<title/><content>{content}</content></entry>"


def reading_type(href: str = "ReadingType/1", uom: int | None = 72, power: int = 0, **more: Any) -> str:
    words = {
        "powerOfTenMultiplier": power,
        "uom": uom,
        "accumulationBehaviour": 4,
        "flowDirection": 1,
        **more,
    }
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in words.items() if value is not None)
    return entry(
        f'<link rel="self" href="{href}"/>',
        f'<ReadingType xmlns="http://naesb.org/espi">{inside}</ReadingType>',
    )


def meter(href: str = "UP/1/MR/1", kind: str = "ReadingType/1") -> str:
    links = (
        f'<link rel="self" href="{href}"/><link rel="related" href="{href}/IntervalBlock"/>'
        f'<link rel="related" href="{kind}"/>'
    )
    return entry(links, '<MeterReading xmlns="http://naesb.org/espi"/>')


def reading(start: object, value: object, quality: int | None = None) -> str:
    graded = f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>" if quality is not None else ""
    return (
        f"<IntervalReading><cost>1</cost><timePeriod><duration>900</duration><start>{start}</start></timePeriod>"
        f"<value>{value}</value>{graded}</IntervalReading>"
    )


def block(readings: str, href: str = "UP/1/MR/1") -> str:
    links = f'<link rel="self" href="{href}/IntervalBlock/7"/><link rel="up" href="{href}/IntervalBlock"/>'
    return entry(links, f'<IntervalBlock xmlns="http://naesb.org/espi"><interval/>{readings}</IntervalBlock>')


def atom(*entries: str, prolog: str = '<?xml version="1.0"?>') -> str:
    return f'{prolog}<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def test_types_may_come_after_the_readings(feed: Read) -> None:
    read = feed(atom(block(reading(0, 5) + reading(900, 7, 8)), reading_type(power=3), meter()))
    assert read.of("UP/1/MR/1") == [("1970-01-01 00:00:00Z", 5000.0), ("1970-01-01 00:15:00Z", 7000.0)]
    assert [quality for _, _, quality, _ in read.readings["UP/1/MR/1"]] == [0, 1]


def test_prefixes_and_a_base_change_nothing(feed: Read) -> None:
    plain = atom(reading_type(), meter(), block(reading(0, 5)))
    prefixed = plain.replace("http://naesb.org/espi", "urn:x").replace("<value>", "<value >")
    assert feed(prefixed).readings == feed(plain).readings
    based = plain.replace("<feed ", '<feed xml:base="https://a.example/espi/" ').replace(
        'rel="related" href="ReadingType', 'rel="related" href="https://a.example/espi/ReadingType'
    )
    assert feed(based).readings == feed(plain).readings


def test_blocks_that_nothing_links_are_not_taken_and_said_so(feed: Read) -> None:
    read = feed(
        atom(reading_type(), meter(kind="ReadingType/9"), block(reading(0, 5) * 3), block(reading(0, 5), "X"))
    )
    assert not read.readings
    assert [(one.count, one.reason.split(":")[0]) for one in read.rejections] == [
        (3, "no ReadingType is linked"),
        (1, "no MeterReading links this block"),
    ]


@pytest.mark.parametrize(("uom", "why"), [(None, "has no unit of measure"), (113, "unit of measure 113")])
def test_a_unit_that_is_unknown_is_not_taken_and_said_so(feed: Read, uom: int | None, why: str) -> None:
    read = feed(atom(reading_type(uom=uom), meter(), block(reading(0, 5) * 2)))
    assert not read.readings
    ((one),) = read.rejections
    assert (one.series, one.count) == ("UP/1/MR/1", 2)
    assert why in one.reason


def test_a_power_of_ten_that_is_no_number_is_not_taken_for_none(feed: Read) -> None:
    text = atom(reading_type(), meter(), block(reading(0, 5)))
    read = feed(text.replace("Multiplier>0<", "Multiplier>kilo<"))
    assert read.refused == [(1, "its ReadingType has a power of ten that is no number")]
    assert feed(text.replace("Multiplier>0<", "Multiplier><")).of("UP/1/MR/1")[0][1] == 5


def test_tiers_of_one_interval_are_no_duplicates(feed: Read) -> None:
    """One hour in two tiers, of the same amount; an hour in one tier is as any other."""

    def tier(start: int, number: int) -> str:
        return reading(start, 5).replace("</value>", f"</value><tou>{number}</tou>")

    read = feed(atom(reading_type(), meter(), block(tier(0, 1) + tier(0, 2) + tier(3600, 2) + tier(3600, 2))))
    assert [value for _, value in read.of("UP/1/MR/1")] == [5, 5, 5]
    (rejection,) = read.rejections
    assert rejection.place == "entry 3, reading 2"
    assert "tier 2 of an interval of which tier 1 is taken" in rejection.reason


def test_costs_are_left_out_and_named(feed: Read) -> None:
    text = atom(reading_type(), meter(), block(reading(0, 5)))
    assert feed(text).notes == ["feed.xml: what readings cost (`cost`) is left out"]
    assert not feed(text.replace("<cost>1</cost>", "")).notes


def test_a_type_that_is_declared_twice_in_two_ways_is_told(feed: Read) -> None:
    one, other = reading_type(power=0), reading_type(power=3)
    read = feed(atom(one, meter(), block(reading(0, 5)), other, block(reading(900, 5))))
    assert [value for _, value in read.of("UP/1/MR/1")] == [5, 5000]
    assert any("declared anew in another way (entry 4)" in note for note in read.notes)
    assert not any("anew" in note for note in feed(atom(one, one, meter(), block(reading(0, 5)))).notes)


def test_fractional_starts_stay_apart(feed: Read) -> None:
    starts = ["1384095600.25", "1384095600.5", "1.3840956E9"]
    read = feed(atom(reading_type(), meter(), block("".join(reading(start, 1) for start in starts))))
    assert [time for time, _ in read.of("UP/1/MR/1")] == [
        "2013-11-10 15:00:00.250000Z", "2013-11-10 15:00:00.500000Z", "2013-11-10 15:00:00Z",
    ]  # fmt: skip


def test_a_reading_that_cannot_be_taken_is_named_and_the_others_stay(feed: Read) -> None:
    bad = [("x", 1), (0, "y"), ("", 1), (0, ""), ("1e30", 1), (0, "inf"), ("nan", 1)]
    text = atom(reading_type(), meter(), block("".join(reading(*pair) for pair in bad) + reading(900, 7)))
    read = feed(text)
    assert read.of("UP/1/MR/1") == [("1970-01-01 00:15:00Z", 7.0)]
    assert [one.place for one in read.rejections] == [f"entry 3, reading {number}" for number in range(1, 8)]
    assert {one.series for one in read.rejections} == {"UP/1/MR/1"}


def test_accumulation_says_what_may_be_summed(feed: Read) -> None:
    kinds = {}
    for code in (1, 3, 4, 6, 12):
        read = feed(atom(reading_type(accumulationBehaviour=code), meter(), block(reading(0, 5))))
        kinds[code] = read.series["UP/1/MR/1"].kind
    assert kinds == {1: "counter", 3: "counter", 4: "interval", 6: "gauge", 12: "gauge"}


def test_a_large_entry_goes_by_in_parts(feed: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    text = atom(reading_type(), meter(), block("".join(reading(i * 900, i) for i in range(1000))))
    whole = feed(text)
    monkeypatch.setattr(espi_feed, "_FLUSH", 64)
    assert feed(text).readings == whole.readings


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE feed SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?>'
        + "<!-- "
        + "x" * 9000
        + ' --><!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    ],
)
def test_a_doctype_is_refused(feed: Read, prolog: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(InputRefused, match="DOCTYPE"):
            feed(atom(reading_type(), prolog=prolog.replace('<?xml version="1.0"?>', "")).encode(encoding))


def test_what_is_cut_is_refused_whole(feed: Read) -> None:
    text = atom(reading_type(), meter(), block(reading(0, 5)), block(reading(900, 5)))
    for size in (len(text) - 3, len(text) - 7, len(text) // 2, 80):
        with pytest.raises(InputRefused, match=r"cut short|no sound XML"):
            feed(text[:size])


def test_deep_nesting_and_endless_text_are_refused(feed: Read) -> None:
    with pytest.raises(InputRefused, match="no sound XML"):
        feed(atom("<a>" * 300 + "</a>" * 300))
    with pytest.raises(InputRefused, match="no sound XML"):
        feed(atom(reading_type(), meter(), block(reading(0, "1" * 11_000_000))))


def test_what_is_no_feed_is_refused(feed: Read) -> None:
    for text in ("", "   ", "<a/>", "not xml", "<feed", "<!-- " + "x" * 2_000_000):
        with pytest.raises(InputRefused):
            feed(text)


def test_a_feed_without_entries_has_no_readings(feed: Read) -> None:
    read = feed(atom())
    assert not read.readings
    assert any("no entries" in note for note in read.notes)


def pieces(blocks: int) -> Iterator[bytes]:
    yield b'<feed xmlns="http://www.w3.org/2005/Atom">' + (reading_type() + meter()).encode()
    for day in range(blocks):
        yield block("".join(reading(day * 86400 + slot * 900, slot) for slot in range(96))).encode()
    yield b"</feed>"


@pytest.mark.skipif(sys.platform == "win32", reason="resource is POSIX only")
def test_memory_does_not_grow_with_the_feed(tmp_path: Path) -> None:
    import resource

    def grown(blocks: int) -> int:
        path = tmp_path / f"{blocks}.xml.gz"
        with gzip.open(path, "wb", 1) as file:
            for piece in pieces(blocks):
                file.write(piece)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        count = 0
        for chunk in formats.find("green_button").parse(Source.file(path), Shape()):
            count += chunk.readings.num_rows if chunk.readings is not None else 0
        assert count == blocks * 96
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    grown(60)  # 1 MB: what every first run takes
    assert grown(1200) < 8000  # kB, for a feed of 20 MB


@pytest.mark.parametrize(
    ("codes", "worst"), [((8, 17), 1), ((17, 8), 1), ((10, 0), 2), ((0, 10, 8), 2), ((17,), 0)]
)
def test_of_several_qualities_of_a_reading_the_worst_counts(
    feed: Read, codes: tuple[int, ...], worst: int
) -> None:
    graded = "".join(f"<ReadingQuality><quality>{code}</quality></ReadingQuality>" for code in codes)
    text = _SMALL.format(graded=graded)
    ((_, value, quality, _),) = feed(text).readings["M"]
    assert (value, quality) == (5.0, worst)


_SMALL = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="M"/><link rel="related" href="M/B"/>'
    '<link rel="related" href="R"/><content><MeterReading xmlns="http://naesb.org/espi"/></content></entry><entry>'
    '<link rel="self" href="R"/><content><ReadingType xmlns="http://naesb.org/espi"><uom>72</uom></ReadingType>'
    '</content></entry><entry><link rel="up" href="M/B"/><content><IntervalBlock xmlns="http://naesb.org/espi">'
    "<IntervalReading><timePeriod><start>900</start></timePeriod><value>5</value>{graded}</IntervalReading>"
    "</IntervalBlock></content></entry></feed>"
)
