"""Hundreds of polls in a row with faults: nothing wrong, nothing lost, nothing left behind. The bench does 10 000."""

from __future__ import annotations

import pytest

from tests.modbus.soak import soak


@pytest.mark.slow
def test_hundreds_of_polls_leave_nothing_behind():
    found = soak(300, 0.02)
    assert found.spoilt > 100
    assert found.wrong == found.lost == 0
    assert found.right > 20 * found.named
    assert (found.tasks, found.threads, found.files) == (0, 0, 0)
    if found.resident[-1]:
        assert found.resident[-1] - found.resident[2] < 3_000  # kB, from the first fifth on
