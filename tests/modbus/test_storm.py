"""Every fault that a device or a line can have, many times, on every transport: never a wrong value booked as good.

A bench does the same by thousands of each.
"""

from __future__ import annotations

import sys

import pytest

from cityctl.sim.faulty import KINDS
from tests.modbus.storm import storm

TRANSPORTS = [
    "tcp",
    "udp",
    "rtu-tcp",
    pytest.param("pty", marks=pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")),
]


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_all_faults_at_once_bring_no_wrong_value(kind):
    for timeout in (0.05, 0.2, 0.8):  # s; on a machine that is busy with others good answers need longer
        spoilt, booked = storm(
            kind, dict.fromkeys(KINDS, 0.03), wanted=400, lines=16, timeout=timeout, late=1.6 * timeout
        )
        assert set(spoilt) == set(KINDS) - ({"wrong-transaction"} if kind in ("pty", "rtu-tcp") else set())
        assert booked["wrong"] == 0
        if booked["right"] > booked["missing"]:
            return
    pytest.fail(f"{booked['missing']} values are missing and {booked['right']} came")


@pytest.mark.slow
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_each_fault_brings_no_wrong_value(kind, fault):
    if fault == "wrong-transaction" and kind in ("pty", "rtu-tcp"):
        pytest.skip("a wire without transaction numbers")
    comes = fault == "slow" or (fault == "drip" and kind != "udp")  # a datagram does not come in drops
    timeout = 30.0 if comes else 0.04
    spoilt, booked = storm(kind, {fault: 0.2}, wanted=120, lines=32, timeout=timeout, late=0.06)
    assert spoilt[fault] >= 120
    assert booked["wrong"] == 0
    if comes:
        assert not booked["missing"]


@pytest.mark.parametrize("late", [0.02, 0.15])
def test_answers_of_any_lateness_are_never_the_next_ones(late):
    """Later than a try and earlier than the timeout; later than two of them, so that it comes in the next poll."""
    for kind in ("tcp", "rtu-tcp", *(["pty"] if sys.platform != "win32" else [])):
        spoilt, booked = storm(kind, {"late": 0.15}, wanted=60, lines=16, timeout=0.03, late=late)
        assert spoilt["late"] >= 60
        assert booked["wrong"] == 0
