"""Modbus: thousands of faults of each kind on each transport.

Bound: no wrong value booked as good. `modbus_soak` is ten thousand polls in a row with some of each.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from cityctl.sim.faulty import KINDS
from tests.modbus.soak import KINDS_OF_LINE
from tests.modbus.storm import storm

SIDE_BY_SIDE = 4
"""Storms at once: they wait for time-outs most of the time."""


def one(kind: str, fault: str, faults: int) -> tuple[Counter[str], Counter[str], float]:
    """A storm of one kind of fault: spoilt, booked, CPU seconds."""
    used = time.process_time()
    timeout = 1.0 if fault == "slow" or (fault == "drip" and kind != "udp") else 0.05
    spoilt, booked = storm(kind, {fault: 0.2}, wanted=faults, lines=24, timeout=timeout, late=0.08)
    return spoilt, booked, time.process_time() - used


def bench(faults: int = 3000) -> Iterator[tuple[str, str]]:
    """(what, figure), as each storm is over"""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(SIDE_BY_SIDE, mp_context=fresh) as pool:
        running = {
            pool.submit(one, kind, fault, faults): (kind, fault)
            for fault in KINDS
            for kind in KINDS_OF_LINE
            if fault != "wrong-transaction" or kind not in ("rtu-tcp", "pty")
        }
        for done in as_completed(running):
            kind, fault = running[done]
            spoilt, booked, used = done.result()
            yield (
                f"{kind}: {spoilt[fault]} x {fault}",
                f"{booked['wrong']} values wrong, {booked['right']} right, {booked['missing']} named missing, "
                f"{used:.1f} CPU s",
            )


if __name__ == "__main__":
    for what, how in bench():
        sys.stdout.write(f"{what}: {how}\n")
