"""Modbus: thousands of faults of each kind on each transport, and ten thousand polls in a row with 1 % faults.

Bounds: no wrong value booked as good, no reading lost without its reason, memory flat, nothing left behind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from cityctl.sim.faulty import KINDS
from tests.modbus.soak import KINDS_OF_LINE, soak
from tests.modbus.storm import storm


def bench(faults: int = 3000, polls: int = 10_000) -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    for kind in KINDS_OF_LINE:
        for fault in KINDS:
            if fault == "wrong-transaction" and kind in ("rtu-tcp", "pty"):
                continue
            used = time.process_time()
            timeout = 1.0 if fault == "slow" or (fault == "drip" and kind != "udp") else 0.05
            spoilt, booked = storm(kind, {fault: 0.2}, wanted=faults, lines=24, timeout=timeout, late=0.08)
            used = time.process_time() - used
            yield (
                f"{kind}: {spoilt[fault]} x {fault}",
                f"{booked['wrong']} values wrong, {booked['right']} right, {booked['missing']} named missing, "
                f"{used:.1f} CPU s",
            )
    used, begun = time.process_time(), time.perf_counter()
    found = soak(polls, 0.01)
    used = time.process_time() - used
    yield (
        f"{polls} polls in a row on {len(KINDS_OF_LINE)} transports, {found.spoilt} answers spoilt",
        f"{found.wrong} values wrong, {found.lost} lost, {found.named} named missing, {found.right} right; "
        f"{used:.0f} CPU s, {time.perf_counter() - begun:.0f} s",
    )
    yield "  memory, after each tenth", " ".join(f"{kb / 1024:.1f}" for kb in found.resident) + " MB"
    yield "  left behind", f"{found.tasks} tasks, {found.threads} threads, {found.files} files"


if __name__ == "__main__":
    for what, how in bench():
        sys.stdout.write(f"{what}: {how}\n")
