"""Green Button: a MeterReading that links two ReadingTypes. Where these contradict each other, none of both holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed
from tests.exports.test_green_button import atom, block, meter, reading, reading_type

Read = Callable[..., Parsed]
BLOCK = block(reading(0, 5) + reading(900, 7))


def two_types() -> str:
    link = '<link rel="related" href="ReadingType/1"/>'
    return meter().replace(link, f'{link}<link rel="related" href="ReadingType/2"/>')


@pytest.mark.parametrize("other", [{"uom": 38}, {"power": 3}, {"flowDirection": 19}])
def test_readings_under_types_that_contradict_each_other_are_refused(
    feed: Read, other: dict[str, int]
) -> None:
    """5 and 7 Wh were taken, the first type's, where the second one says W, kWh, or the other direction."""
    types = reading_type(), reading_type("ReadingType/2", **other)
    for order in ((*types, two_types(), BLOCK), (BLOCK, two_types(), *types), (two_types(), *types, BLOCK)):
        told = feed(atom(*order))
        assert not told.readings
        ((count, why),) = [(one.count, one.reason) for one in told.rejections]
        assert count == 2
        assert "links two ReadingTypes that contradict each other, (uom 72, power of ten 0" in why


def test_a_second_type_behind_the_readings_refuses_the_feed(feed: Read) -> None:
    with pytest.raises(
        InputRefused, match=r"`UP/1/MR/1` links two ReadingTypes .* \(entry 4\), and readings"
    ):
        feed(atom(reading_type(), two_types(), BLOCK, reading_type("ReadingType/2", power=3)))


def test_types_that_differ_in_the_length_of_intervals_alone_agree(feed: Read) -> None:
    types = reading_type(intervalLength=900), reading_type("ReadingType/2", intervalLength=3600)
    told = feed(atom(*types, two_types(), BLOCK))
    assert [value for _, value in told.of("UP/1/MR/1")] == [5, 7]
    assert told.series["UP/1/MR/1"].every is None
    assert not told.rejections


def test_a_link_that_leads_nowhere_is_no_second_type(feed: Read) -> None:
    assert [value for _, value in feed(atom(reading_type(), two_types(), BLOCK)).of("UP/1/MR/1")] == [5, 7]
