"""What takes the place of longer amounts that the same run brought, stored as received right after them.

Of two words that are received together the larger value would win: an hour's amount over that of its first quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cityctl.collect.ledger import Ledger, schema, settle
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.points import Point
    from cityctl.store import Store


def take_after(store: Store, ledger: Ledger, points: Mapping[str, Point] | None, now: datetime) -> None:
    """Store the readings that a ledger held back, once its others are stored; they are noted in it."""
    import pyarrow as pa

    held, ledger.after = ledger.after, []
    if not held:
        return
    for name, count in ledger.held_back.items():
        ledger.lines[name].handed_in += count
    reader = pa.RecordBatchReader.from_batches(schema(), held)
    received = now + timedelta(microseconds=1)
    settle([ledger], store.add(reader, source=ledger.source, received=received, points=points))
    ledger.notes.append(
        f"{ledger.source}: {counted(sum(ledger.held_back.values()), 'reading')} took the place of amounts of longer "
        "intervals that came in the same run"
    )
    ledger.held_back.clear()
