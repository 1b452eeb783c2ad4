"""Looking at a file without a store: its readings are counted and forgotten, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cityctl.collect.ledger import Ledger
from cityctl.collect.order import Repeats
from cityctl.store.balance import Balance


def tally(batches: Iterable[Any]) -> Balance:
    """The balance of an empty store that takes these readings; what repeats is told by `settle_repeated`."""
    import pyarrow.compute as pc

    balance = Balance()
    for batch in batches:
        for counted in pc.value_counts(batch.column("point")).to_pylist():
            entry = balance.of(counted["values"])
            entry.received += counted["counts"]
            entry.new += counted["counts"]
    return balance


def settle_repeated(ledger: Ledger, found: dict[str, Repeats]) -> None:
    """Of readings that repeat an instant one alone is new."""
    for name, repeat in found.items():
        line = ledger.lines[name]
        again = line.new - repeat.distinct
        line.new -= again
        line.duplicate += again
