"""Whatever the bytes are: readings, rejections or a clear refusal, and nothing unaccounted for."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import formats
from cityctl.exports.parsed import counted
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.samples import all_of_them

SETTINGS = settings(max_examples=60)
SHAPE = Shape(time_zone="Europe/Berlin", unit="kWh")
CSV = (
    "\ufeffExport;\nmeter;time;value;quality\nm1;28.03.2021 01:30;1.234,5;A\nm1;28.03.2021 02:30;2;\n"
    "m2;31.10.2021 02:00;3;E\nm2;31.10.2021 02:00;4;E\nm2;31.10.2021 24:00;;\n"
).encode()
DAYS = (
    "meter,date," + ",".join(f"P{n}" for n in range(1, 101)) + "\nm,2021-10-31" + ",1" * 100 + "\n"
).encode()
FEED = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a/b/"><entry><link rel="self" href="M"/>'
    b'<link rel="related" href="M/B"/><link rel="related" href="R"/><content><MeterReading xmlns="http://naesb.org/espi"/>'
    b'</content></entry><entry><link rel="self" href="R"/><content><ReadingType xmlns="http://naesb.org/espi"><uom>72</uom>'
    b"<powerOfTenMultiplier>-3</powerOfTenMultiplier></ReadingType></content></entry><entry><link rel='up' href='M/B'/>"
    b'<content><IntervalBlock xmlns="http://naesb.org/espi"><IntervalReading><timePeriod><start>900</start></timePeriod>'
    b"<value>5</value></IntervalReading><IntervalReading><timePeriod><start>1800</start></timePeriod><value>7</value>"
    b"<ReadingQuality><quality>8</quality></ReadingQuality></IntervalReading></IntervalBlock></content></entry></feed>"
)


def read(name: str, data: bytes) -> tuple[int, int] | None:
    """(readings, rejected), or None where the bytes are refused."""
    try:
        pairs = list(counted(formats.find(name).parse(Source("a", data=data), SHAPE)))
    except (InputRefused, UsageProblem):
        return None
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A sample with a few bytes changed, cut out, doubled or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["change", "cut", "double", "insert"])):
            case "change" if data:
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 60))]
            case _:
                data[at:at] = draw(
                    st.sampled_from(
                        [b'"', b"\n", b";", b",", b"<", b"&", b"\x00", b"\xff", b"24:00", b"-", b"1e999"]
                    )
                )
    return bytes(data)


@SETTINGS
@given(st.sampled_from(sorted(formats.names())), st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    read(name, data)
    read(name, gzip.compress(data)[: len(data)])


@SETTINGS
@given(st.text(alphabet="0123456789.,;:-/ \t\n\r\"'TZapm+<>|#\u00a0e", max_size=300))
def test_any_text_of_the_signs_that_tables_use(text: str) -> None:
    read("csv", b"time;value\n" + text.encode())
    read("csv", text.encode())


@SETTINGS
@given(st.one_of(damaged(CSV), damaged(DAYS)))
def test_a_damaged_table(data: bytes) -> None:
    read("csv", data)


@SETTINGS
@given(damaged(FEED))
def test_a_damaged_feed(data: bytes) -> None:
    read("green_button", data)


@SETTINGS
@given(st.data(), st.sampled_from(sorted(all_of_them())))
def test_a_damaged_file_of_every_other_format(data: st.DataObject, name: str) -> None:
    whole = data.draw(st.sampled_from(all_of_them()[name]))
    read(name, data.draw(damaged(whole)))


@pytest.mark.parametrize("name", sorted(all_of_them()))
def test_a_file_that_is_cut_anywhere_is_refused_or_loses_nothing_silently(name: str) -> None:
    for whole in all_of_them()[name]:
        complete = read(name, whole)
        assert complete is not None
        stop = len(whole.rstrip())
        for cut in range(1, stop, max(1, stop // 97)):
            left = read(name, whole[:cut])
            # A log of telegrams ends where it ends: a whole one before the cut may stay, the cut one is rejected.
            assert left is None or (name == "dsmr" and (left[1] or left[0] < complete[0]))


def test_the_samples_themselves() -> None:
    assert read("csv", CSV) == (3, 1)  # the hour that the clocks skip
    assert read("csv", DAYS) == (100, 0)
    assert read("green_button", FEED) == (2, 0)


@SETTINGS
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["m1", "m2", ""]),
            st.sampled_from(
                ["2021-03-28 02:15", "2021-10-31 02:15", "2021-01-01 00:00", "2021-06-01 24:00", "soon", ""]
            ),
            st.sampled_from(["1", "2.5", "", "x", "1,5"]),
        ),
        max_size=40,
    )
)
def test_every_row_of_a_table_is_a_reading_a_rejection_or_blank(rows: list[tuple[str, str, str]]) -> None:
    text = "meter\ttime\tvalue\n" + "".join("\t".join(row) + "\n" for row in rows)
    shape = Shape(
        time_zone="Europe/Berlin", decimal=".", layout="long", time="time", point="meter", value="value"
    )
    total = 0
    for chunk in formats.find("csv").parse(Source("a", data=text.encode()), shape):
        total += chunk.readings.num_rows if chunk.readings is not None else 0
        total += sum(one.count for one in chunk.rejections)
    assert total == sum(value != "" for _, _, value in rows)
