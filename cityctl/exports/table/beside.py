"""Tables side by side in one file, each with a column of times of its own: read as one where all times are alike.

Values of the second one would otherwise be taken at the times of the first. Knows no formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cityctl.errors import InputRefused
from cityctl.exports.table.cells import mostly
from cityctl.exports.table.clock.stamps import looks_like_time
from cityctl.exports.table.roles import Roles
from cityctl.exports.table.texts import as_text
from cityctl.exports.table.words import TIME_WORDS

# When a row came or was made, and other clocks' words for one instant: no times of another table.
_OTHERWISE = frozenset({
    "received", "receive", "reception", "arrival", "update", "updated", "upload", "uploaded", "created", "creation",
    "inserted", "import", "imported", "processed", "modified", "changed", "sent", "server", "gateway", "log", "logged",
    "last", "next", "first", "end", "until", "to", "from", "utc", "gmt", "local", "empfang", "empfangen", "eingang",
    "geändert", "erstellt", "erfasst", "ende", "bis", "von",
})  # fmt: skip

Pairs = tuple[tuple[int, int], ...]


def times_beside(name: str, columns: Sequence[str], cells: Sequence[Sequence[str]], roles: Roles) -> Pairs:
    """(a column of times that is read, one of a table beside it that has to say the same) by the first rows.

    Raises InputRefused where these show other times already.
    """
    found = []
    for time, other in _candidates(columns, cells, roles):
        for own, again in zip(cells[time], cells[other], strict=True):
            if again.strip() and own.strip() != again.strip():
                raise _side_by_side(name, columns, time, other)
        found.append((time, other))
    return tuple(found)


def check_times_beside(name: str, columns: Sequence[str], pairs: Pairs, block: Mapping[int, Any]) -> None:
    """Raises InputRefused where tables side by side go on with other times."""
    for time, other in pairs:
        own, again = _texts(block[time]), _texts(block[other])
        apart = pc.and_(pc.not_equal(again, pa.scalar("")), pc.not_equal(own, again))
        if pc.any(apart).as_py():
            raise _side_by_side(name, columns, time, other)


def _texts(column: Any) -> Any:
    return pc.fill_null(pc.utf8_trim_whitespace(as_text(column)), "")


def _candidates(
    columns: Sequence[str], cells: Sequence[Sequence[str]], roles: Roles
) -> Iterator[tuple[int, int]]:
    for time in roles.time:
        for other in range(time + 1, len(columns)):
            if other in roles.read or not mostly(looks_like_time, cells[other]):
                continue
            again = re.fullmatch(re.escape(columns[time]) + r" #\d+", columns[other]) is not None
            if again or (len(roles.time) == 1 and _begins_a_table(columns, roles, time, other)):
                yield time, other


def _begins_a_table(columns: Sequence[str], roles: Roles, time: int, other: int) -> bool:
    """Whether values stand before and right behind a column that is called much as the times: `Time A`, `A_ts`."""
    values = {one.index for one in roles.series}
    if other + 1 not in values or not any(time < index < other for index in values):
        return False
    own, again = _words(columns[time]), _words(columns[other])
    return bool(own & again & set(TIME_WORDS)) and not (own ^ again) & _OTHERWISE


def _words(column: str) -> set[str]:
    return {word for word in re.split(r"[^a-zäöüß]+", column.casefold()) if word}


def _side_by_side(name: str, columns: Sequence[str], time: int, other: int) -> InputRefused:
    first, second = columns[time], columns[other]
    alike = second.startswith(f"{first} #")
    called = f"two columns are called `{first}`" if alike else f"columns `{first}` and `{second}` are times"
    return InputRefused(
        f"{name}: {called} and hold other times: tables side by side",
        hint="cut the file in two: each table by itself",
    )
