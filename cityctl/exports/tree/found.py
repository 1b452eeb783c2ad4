"""Rows of a JSON document about which nothing was said: the list of objects that holds times and numbers.

Objects around the rows (a meter around its readings) are told to each of them. Where two lists may be meant, or none,
the document is refused: nothing of it is dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cityctl.errors import InputRefused, UsageProblem, listed
from cityctl.exports import complaint
from cityctl.exports.meaning import direction_in
from cityctl.exports.shape import Shape
from cityctl.exports.table.clock.stamps import looks_like_time
from cityctl.exports.table.columns import find_roles
from cityctl.exports.table.kinds import load_curve_of_enedis
from cityctl.exports.table.numbers import looks_like_number
from cityctl.exports.table.roles import SeriesColumn
from cityctl.exports.table.words import TIME_WORDS
from cityctl.exports.tree.known import QUALITIES, Row, known_rows
from cityctl.exports.tree.rows import text_of, time_of

_SAMPLE = 100
_FEWEST = 4  # rows of a field
_DEEPEST = 8
Path = tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The flat rows of a document, how each of their values is read, and the fields of numbers that are not."""

    rows: list[Row]
    shapes: tuple[Shape, ...]
    left_out: tuple[str, ...] = ()


def found_shape(name: str, document: Any, shape: Shape) -> Found:
    """How a document is read about which nothing was said; rows of several measured values once for each of them.

    Raises InputRefused where no list of objects holds times and numbers.
    """
    if (known := known_rows(name, document)) is not None:
        return Found(known, (_as_known(shape, known),))
    flat = _rows(name, document)
    if not flat:
        raise InputRefused(
            f"{name}: no list of rows with times and values in this JSON: {complaint.of_nothing(document)}",
            hint="say where they are: --rows, --time and --value, or in a service connector",
        )
    columns, first = _first_rows(flat)
    sample = [[_time_or_text(key, row.get(key)) for key in columns] for row in first]
    try:
        roles = find_roles(name, columns, [None] * len(columns), sample, replace(shape, layout="long"))
    except UsageProblem as problem:
        raise InputRefused(problem.message, hint=problem.hint) from None
    if roles.value is None:
        raise InputRefused(f"{name}: no field of its rows is a value", hint="name it with --value")
    if roles.period is not None:
        raise InputRefused(
            f"{name}: the times of its rows are a day and the number of an interval",
            hint="such rows are read from a table: save them as CSV",
        )

    def of(indices: Sequence[int | None], sign: str = " ") -> str | None:
        return _joined(flat, [columns[index] for index in indices if index is not None], sign)

    def called(words: Sequence[str], found: int | None) -> str | None:
        named = (index for index, key in enumerate(columns) if key.split(".")[-1].lower() in words)
        return of((next(named, found),))

    at = roles.time[0]
    enedis = load_curve_of_enedis(columns[at], [row[at] for row in sample], (*columns, *sample[0]))
    direction = called(("direction", "flowdirection"), roles.direction)
    found = replace(
        shape,
        rows="@",
        time=of((*roles.time, roles.zone)),
        point=of((roles.point, roles.channel), "/"),
        value=of((roles.value,)),
        quality=of((roles.quality,)),
        unit_from=called(("unit", "uom", "units", "unitcode"), roles.unit),
        direction=direction or shape.direction,
        unit=shape.unit or roles.value_unit,
        kind=shape.kind or roles.kind,
        stamp="end" if roles.ends or enedis else shape.stamp,
    )
    several = _measured(name, columns, sample, shape) if found.unit_from is None else ()
    if len(several) < 2:
        return Found(flat, (found,), roles.left_out)
    names = (roles.point, roles.channel)
    told = [columns[index] for index in names if index is not None]
    each = tuple(
        replace(
            found,
            point=_joined(flat, [*told, one.name], "/", last=True) if told else None,
            series=shape.series if told else one.name,
            value=_quoted(one.name),
            unit=shape.units.get(one.name) or one.unit,
            kind=shape.kind or one.kind,
            direction=found.direction or direction_in(one.name) or None,
        )
        for one in several
    )
    read = {one.name for one in several}
    left = (columns[roles.value], *roles.left_out)
    return Found(flat, each, tuple(key for key in dict.fromkeys(left) if key not in read))


def _first_rows(flat: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """(the fields of all rows, the first ones of each field that comes later, before the first rows of all)."""
    seen: Counter[str] = Counter(key for row in flat[:_SAMPLE] for key in row)
    later: list[Row] = []
    for row in flat[_SAMPLE:]:
        if any(seen[key] < _FEWEST for key in row):
            later.append(row)
            seen.update(row.keys())
    return list(seen), later + list(flat[:_SAMPLE])


def _measured(
    name: str, columns: Sequence[str], sample: Sequence[Sequence[str]], shape: Shape
) -> tuple[SeriesColumn, ...]:
    """The fields that a table of these rows would have as series of known units."""
    try:
        roles = find_roles(name, columns, [None] * len(columns), sample, shape)
    except (InputRefused, UsageProblem):
        return ()
    return tuple(one for one in roles.series if one.unit is not None)


def _as_known(shape: Shape, rows: Sequence[Row]) -> Shape:
    keys = rows[0].keys() if rows else ()
    return replace(
        shape,
        rows="@",
        time="time",
        point="series",
        value="value",
        unit_from="unit" if any(row["unit"] for row in rows) else None,
        quality="quality" if "quality" in keys else None,
        qualities=QUALITIES | dict(shape.qualities) if "quality" in keys else shape.qualities,
        direction="direction" if any(row.get("direction") for row in rows) else shape.direction,
    )


def _quoted(key: str) -> str:
    """The path of a field of flat rows."""
    return '"' + key.replace('"', '\\"') + '"'


def _joined(
    rows: Sequence[dict[str, Any]], keys: Sequence[str], sign: str, *, last: bool = False
) -> str | None:
    """The path of a field of flat rows; of several, such as a day and a clock, a field of both is made.

    Of the `last` one the name is taken.
    """
    key = sign.join(keys)
    if len(keys) > 1:
        fields, ends = (keys[:-1], keys[-1:]) if last else (keys, ())
        for row in rows:
            told = [said for part in fields if (said := text_of(row.get(part)))]
            row[key] = sign.join((*told, *ends)) if told else ""
    return _quoted(key) if keys else None


def _rows(name: str, document: Any) -> list[Row]:
    """The rows of the list that holds times and numbers, each with what is said around it; else of the longest."""
    found: dict[Path, list[tuple[Row, Row]]] = {}
    for path, own, around in _objects(document, (), {}, 0):
        found.setdefault(path, []).append((own, around))
    sound = [path for path, rows in found.items() if _are_readings([own for own, _ in rows[:_SAMPLE]])]
    # A meter around its readings may have a date and a number too.
    sound = [
        path for path in sound if not any(len(one) > len(path) and one[: len(path)] == path for one in sound)
    ]
    if _is_own(sound) and found[sound[0]] == found[sound[1]]:
        sound = sound[:1]
    if len(sound) > 1:
        lists = listed(f"`{'.'.join(path)}`" for path in sound)
        raise InputRefused(
            f"{name}: several lists hold times and values: {lists}", hint="name one with --rows"
        )
    if not found:
        return []
    best = sound[0] if sound else max(found, key=lambda path: len(found[path]))
    return [
        own | {key: value for key, value in around.items() if key not in own} for own, around in found[best]
    ]


def _is_own(paths: Sequence[Path]) -> bool:
    """Whether lists stand where cityctl's own JSON has its first table: as `rows`, and under `tables` once more."""
    return len(paths) == 2 and paths[0] == ("rows",) and paths[1][::2] == ("tables", "rows")


def _objects(node: Any, path: Path, around: Row, depth: int) -> Iterator[tuple[Path, Row, Row]]:
    """(where it stands, its fields, those of the objects around it) of each object in a list."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        if node and all(isinstance(item, dict) for item in node):
            for item in node:
                own = dict(_flat(item))
                yield path, own, around
                nested = {key: child for key, child in item.items() if isinstance(child, list | dict)}
                for key, child in nested.items():
                    yield from _objects(child, (*path, key), around | own, depth + 1)
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _objects(child, (*path, key), around, depth + 1)


def _are_readings(rows: Sequence[Row]) -> bool:
    """Whether most objects hold a time and a number of their own."""
    sound = 0
    for row in rows:
        timed = {key for key, value in row.items() if looks_like_time(_time_or_text(key, value))}
        sound += bool(timed) and any(looks_like_number(text_of(row[key])) for key in row.keys() - timed)
    return sound * 2 > len(rows)


def _flat(row: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif not isinstance(value, list):
            yield f"{before}{key}", value


def _time_or_text(key: str, value: Any) -> str:
    called = key.rpartition(".")[2].lower()
    timed = called in TIME_WORDS or any(word in called for word in ("time", "date", "start"))
    return time_of(value) if timed else text_of(value)
