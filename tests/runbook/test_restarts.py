"""A PLC that loses its power in the middle of a run, and comes back with other values than were written."""

from __future__ import annotations

import pytest

from cityctl.errors import PlantStateUnknown, WriteRolledBack
from cityctl.modbus.pretended.wire import Request, Silence
from cityctl.runbook import session

TWO = "steps: [{write: plc-1/setpoint, to: 5 bar}, {write: plc-1/command, to: start}]\n"


@pytest.mark.parametrize("words", [(0x4080, 0), (0, 0)], ids=["as before", "zeros"])
def test_a_write_that_was_proven_and_is_lost_by_the_end_undoes_the_run(rig, consent, words):
    """The setpoint reads back as 5 bar; as the second write comes it is 4 bar as before, or nothing."""

    async def restarts(request: Request) -> int | None:
        if request.function_code == 6 and request.values == (1,):
            rig.banks[1].write(3, 0, words)
        return None

    rig.server.hook = restarts
    with pytest.raises(WriteRolledBack, match=r"plc-1/setpoint was 5 bar after its write, and is [04] bar"):
        session.run(rig.job(TWO), consent())
    assert (rig.words(1, 0, 2), rig.words(1, 4)) == ([0x4080, 0], [0])


def test_a_plc_that_is_away_at_the_end_leaves_its_state_unknown(rig, consent):
    """After both writes are proven it says nothing more."""
    rig.city(timeout=0.1)
    away = False

    async def goes(request: Request) -> int | None:
        nonlocal away
        if away:
            raise Silence
        away = request.function_code == 3 and request.address == 4 and rig.writes == 2
        return None

    rig.server.hook = goes
    with pytest.raises(PlantStateUnknown, match="whether it stays cannot be told"):
        session.run(rig.job(TWO), consent())
    assert rig.writes == 2
