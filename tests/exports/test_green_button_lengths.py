"""One MeterReading that gives its amounts in intervals of several lengths: counted once, and what is left out named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.exports.overlap import Covered
from tests.exports.conftest import Parsed
from tests.exports.test_green_button_shared import METER, START, entry, house, kilowatt_hours, whole

Read = Callable[..., Parsed]


def block(number: int, length: int, count: int, value: int, *, start: int = START) -> str:
    inner = "".join(
        f"<IntervalReading><timePeriod><duration>{length}</duration><start>{start + length * at}</start></timePeriod>"
        f"<value>{value}</value></IntervalReading>"
        for at in range(count)
    )
    return entry(
        "IntervalBlock",
        f"{METER}/IntervalBlock/{number}",
        f"block-{number}",
        up=f"{METER}/IntervalBlock",
        inner=inner,
    )


def total(told: Parsed) -> float:
    return sum(value or 0 for _, value in told.of(METER))


@pytest.mark.parametrize("late", [False, True], ids=["types first", "types last"])
@pytest.mark.parametrize("quarters_first", [True, False])
def test_a_day_in_quarters_and_in_hours_counts_once(feed: Read, quarters_first: bool, late: bool) -> None:
    """24 hours of 4 kWh, and the same as 96 quarters: they summed to 168 kWh, as only equal instants gave way."""
    blocks = [block(1, 900, 96, 1), block(2, 3600, 24, 4)][:: 1 if quarters_first else -1]
    entries = [*house("a"), *blocks, kilowatt_hours()] if late else [kilowatt_hours(), *house("a"), *blocks]
    told = feed(whole(*entries))
    assert total(told) == 96_000
    ((count, reason),) = [(one.count, one.reason) for one in told.rejections]
    first, other = (900, 3600) if quarters_first else (3600, 900)
    assert count == 86_400 // other
    assert reason.startswith(f"its interval of {other} s lies over others of {first} s")


def test_hours_of_one_day_and_quarters_of_the_next_are_all_taken(feed: Read) -> None:
    told = feed(
        whole(
            kilowatt_hours(), *house("a"), block(1, 3600, 24, 4), block(2, 900, 96, 1, start=START + 86_400)
        )
    )
    assert (total(told), told.rejections) == (192_000, [])


def test_quarters_of_half_a_day_within_its_hours(feed: Read) -> None:
    told = feed(whole(kilowatt_hours(), *house("a"), block(1, 900, 48, 1), block(2, 3600, 24, 4)))
    assert (total(told), sum(one.count for one in told.rejections)) == (96_000, 12)


def test_both_lengths_within_one_block(feed: Read) -> None:
    mixed = block(1, 3600, 24, 4).replace("</IntervalBlock>", "")
    inner = block(1, 900, 96, 1).partition('espi">')[2]
    told = feed(whole(kilowatt_hours(), *house("a"), mixed.partition("</content>")[0] + inner))
    assert total(told) == 96_000


def test_months_and_a_long_hour_that_overlap_a_little_are_no_other_length() -> None:
    covered = Covered()
    month = 30 * 86_400
    lengths = np.array([month, month + 86_400, month])
    starts = np.array([0, month - 3600, 2 * month + 80_000]) * 1_000_000
    assert not covered.again(starts, lengths).any()
    hours = np.array([3600] * 40 + [7200])
    assert not Covered().again(np.arange(41) * 3_600_000_000 - 3_600_000_000 * (hours == 7200), hours).any()
