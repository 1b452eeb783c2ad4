"""Feeds in which several resources have one address: their series stay apart, or the feed is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]

ESPI = 'xmlns="http://naesb.org/espi"'
POINT = "User/1/UsagePoint/1"
METER = f"{POINT}/MeterReading/1"
START = 1704067200  # 2024-01-01 00:00 UTC


def entry(resource: str, own: str, ident: str, *related: str, up: str = "", inner: str = "") -> str:
    links = f'<link rel="self" href="{own}"/>' + (f'<link rel="up" href="{up}"/>' if up else "")
    links += "".join(f'<link rel="related" href="{one}"/>' for one in related)
    named = f"<id>urn:uuid:{ident}</id>" if ident else ""
    return f"<entry>{named}{links}<content><{resource} {ESPI}>{inner}</{resource}></content></entry>"


def kilowatt_hours(power: int = 3) -> str:
    inner = f"<accumulationBehaviour>4</accumulationBehaviour><powerOfTenMultiplier>{power}</powerOfTenMultiplier>"
    return entry("ReadingType", "ReadingType/1", "type", inner=f"{inner}<uom>72</uom>")


def block(value: int) -> str:
    inner = "".join(
        f"<IntervalReading><timePeriod><start>{START + 3600 * hour}</start></timePeriod><value>{value + hour}</value>"
        "</IntervalReading>"
        for hour in range(3)
    )
    return entry(
        "IntervalBlock", f"{METER}/IntervalBlock/1", "block", up=f"{METER}/IntervalBlock", inner=inner
    )


def house(ident: str, *, named: bool = True) -> list[str]:
    """A UsagePoint and its MeterReading, whose addresses are those of every other house."""
    return [
        entry("UsagePoint", POINT, f"point-{ident}", f"{POINT}/MeterReading"),
        entry("MeterReading", METER, f"meter-{ident}" * named, f"{METER}/IntervalBlock", "ReadingType/1"),
    ]


def whole(*entries: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


@pytest.mark.parametrize("late", [False, True], ids=["types first", "types last"])
@pytest.mark.parametrize("named", [True, False], ids=["meters have ids", "usage points have"])
def test_houses_of_one_address_are_series_of_their_own(feed: Read, late: bool, named: bool) -> None:
    """They were one series, of which half the readings gave way to the other half, or filled its gaps."""
    houses = [*house("a", named=named), block(1), *house("b", named=named), block(10)]
    told = feed(whole(*([*houses, kilowatt_hours()] if late else [kilowatt_hours(), *houses])))
    word = "meter" if named else "point"
    assert {name: [value for _, value in told.of(name)] for name in told.series} == {
        f"{METER} (urn:uuid:{word}-a)": [1000, 2000, 3000],
        f"{METER} (urn:uuid:{word}-b)": [10000, 11000, 12000],
    }
    assert {series.usage_point for series in told.series.values()} == {""}
    assert not told.rejections


def test_the_same_meter_again_goes_on(feed: Read) -> None:
    told = feed(whole(kilowatt_hours(), *house("a"), block(1), *house("a"), block(1)))
    assert list(told.series) == [METER]
    assert told.series[METER].usage_point == POINT


def test_meters_of_one_address_before_their_readings_are_refused(feed: Read) -> None:
    with pytest.raises(InputRefused, match=f"have the address `{METER}` .entry 5.: whose"):
        feed(whole(kilowatt_hours(), *house("a"), *house("b"), block(1), block(10)))


def test_a_type_that_contradicts_an_earlier_one_is_refused_where_readings_wait(feed: Read) -> None:
    """The first house's Wh were read as the second one's kWh, or the other way round."""
    first, second = house("a"), house("b")
    with pytest.raises(InputRefused, match="declared in two ways"):
        feed(whole(*first, block(1), kilowatt_hours(0), block(5), *second, block(10), kilowatt_hours(3)))
