"""Whether a table's values are a register that only rises, and whether its times label the end of an interval.

A register that is summed as if it were use is the costliest mistake of all: names and first rows are judged.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence

from cityctl.exports import obis
from cityctl.exports.table.clock.said import without_zone
from cityctl.exports.table.names import column_unit, without_unit
from cityctl.exports.table.numbers import is_blank, read_number
from cityctl.exports.table.registers import are_registers
from cityctl.reading import Kind

_REGISTERS = frozenset(
    [
        "read", "meterread", "registerread", "registerreading", "totalizer", "totaliser", "cumulative", "index",
        "zählerstand", "zaehlerstand", "stand", "odometer", "cumulativeread", "cumulativevolume", "meterindex",
    ]
)  # fmt: skip
_ENDS = re.compile(
    r"(?:.*(?<!week)(?<!wochen))?end(?:s|ed|ing)?(?:time|date|datetime|timestamp|at|utc|datum|zeit|uhrzeit)?|he"
    r"|(?:.*(?<!wochen))?ende(?:datum|zeit)?|bis(?:datum|zeit|uhrzeit)?|stop|to|tot"
    r"|(?:slutt?|eind|loppu)(?:dato|datum|tid|tidspunkt|tijd|tijdstip|aika)|(?:fecha|hora|data|ora|date|heure)(?:fin|fine|fim)"
    r"|(?:tot|til|bis|to)(?:date|dato|datum|time|tid|tijdstip)|hasta|fin|.*defin"
)
_END_WORDS = frozenset(
    ["bis", "ende", "end", "until", "till", "to", "fin", "fim", "fine", "hasta", "até", "til", "tot", "slut", "slutt",
     "loppu", "lõpp", "koniec", "konec", "do", "vége"]
)  # fmt: skip
_BESIDE_END = frozenset(
    ["zeit", "uhrzeit", "datum", "zeitpunkt", "zeitstempel", "date", "time", "datetime", "timestamp", "hour", "period",
     "interval", "intervall", "periode", "periodo", "perioodi", "fecha", "hora", "data", "ora", "heure", "tid", "dato",
     "tidspunkt", "tijd", "tijdstip", "czas", "čas", "de", "del", "la", "le", "of", "the"]
)  # fmt: skip
_REGISTER = re.compile(
    r"\b(?:register|index|cumulative|totali[sz]er|meter read|zählerstand|meterstand)\b", re.I
)
_HOURS = frozenset(
    ["hour", "hr", "he", "hourending", "hourended", "stunde", "hourofday", "hourend", "hora", "heure", "ora", "uur",
     "timme", "godzina", "hodina", "tunti", "óra", "klukkustund", "saat"]
)  # fmt: skip
_LATER = re.compile(r"\D(?!00:00)\d{2}:\d{2}")  # than midnight


def plain(column: str) -> str:
    """A column's name in small letters, without unit and signs."""
    words = re.sub(r"[\W_]+", "", without_unit(column)).casefold()
    last = re.split(r"[\s_]+", column.strip())[-1].casefold()
    return words.removesuffix(last) or words if column_unit(last) else words


def found_kind(column: str, names: Sequence[Hashable], cells: Sequence[str]) -> Kind | None:
    """Counter where the column's name or its first values say so; None where they do not.

    `names` keep the values of its series apart.
    """
    name = without_unit(column)
    called = plain(column) in _REGISTERS or kind_said(name) == "counter"
    runs: dict[Hashable, list[float]] = {}
    for one, cell in zip(names, cells, strict=True):
        if is_blank(cell):
            continue
        try:
            value = read_number(cell, "." if "," not in cell or "." in cell.rpartition(",")[2] else ",")
        except ValueError:
            return "counter" if called else None
        if value is not None:
            runs.setdefault(one, []).append(value)
    return "counter" if are_registers(name, runs.values(), called) else None


def kind_said(channel: str) -> Kind | None:
    """What the name of a channel says: a register (`register`, `Zählerstand`, 1-0:1.8.0) or amounts (1-0:1.29.0)."""
    code = obis.read(channel) if channel.count(".") > 1 or ":" in channel else None
    if code is not None:
        return code.kind if code.kind != "gauge" else None
    return "counter" if _REGISTER.search(channel) else None


def labels_end(column: str) -> bool:
    """Whether a time column's name says that it holds the ends of intervals."""
    bare = without_zone(column)
    words = {word.casefold() for word in re.findall(r"[^\W_]+", bare)}
    return bool(_ENDS.fullmatch(plain(bare))) or (
        bool(words & _END_WORDS) and words <= _END_WORDS | _BESIDE_END
    )


def load_curve_of_enedis(column: str, cells: Sequence[str], beside: Iterable[str]) -> bool:
    """Whether a column holds the times of a load curve (R6x, Linky, Data Connect): the ends of its intervals.

    `cells` are its first ones, `beside` other names and cells. Amounts of a day lie on their day there.
    """
    if plain(without_zone(column)) not in ("horodate", "d", "date") or not any(
        _LATER.search(cell) for cell in cells
    ):
        return False
    said = {word.strip().casefold() for word in beside}
    if {"interval_length", "measure_type"} <= said:
        return True
    meters = any({"prm", "idprm"} & set(word.split()) for word in said)
    return meters and bool({"w", "kw", "courbe de charge"} & said)


def hours(column: str, cells: Sequence[str]) -> str:
    """Whether a column numbers the hours of the day by their `start` (from 0) or `end` (up to 24); else empty."""
    column = without_zone(column)
    if plain(column) not in _HOURS:
        return ""
    found = {cell.strip() for cell in cells if not is_blank(cell)}
    if not found or not all(re.fullmatch(r"\d{1,2}", cell) and int(cell) <= 25 for cell in found):
        return ""
    ends = plain(column) in ("he", "hourending", "hourended", "hourend") or bool({"24", "25"} & found)
    return "end" if ends else "start"
