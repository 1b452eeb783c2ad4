"""The series of each row of a long table: its name with channel and direction, and the unit that its rows say.

Rows that say another unit than a series began with are a series of their own: nothing is converted in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.exports.meaning import direction_in, direction_of, known_unit
from cityctl.exports.parsed import Direction
from cityctl.exports.table.kinds import kind_said
from cityctl.exports.table.names import bracket_unit
from cityctl.reading import Kind
from cityctl.units import Unit


@dataclass(frozen=True)
class Said:
    """What the rows say about a series, beside its readings."""

    unit: Unit | None
    text: str
    direction: Direction
    kind: Kind | None = None


@dataclass
class Labels:
    """Names the series of rows; `units` and `unit` hold for rows that say none."""

    units: Mapping[str, str]
    unit: str
    usual: str = ""  # the channel that goes without saying
    said: dict[str, Said] = field(default_factory=dict)
    _known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def names(self, parts: Sequence[Any], words: Any, ways: Any) -> Any:
        """The series of each row: `parts` are columns that name it, `words` its units, `ways` its directions."""
        columns = [_coded(column) for column in parts]
        count = len(parts[0])
        extra = [_coded(column) if column is not None else None for column in (words, ways)]
        key = np.zeros(count, np.int64)
        for codes, texts in (*columns, *(one for one in extra if one is not None)):
            key = key * (len(texts) + 1) + codes
        _, first, codes = np.unique(key, return_index=True, return_inverse=True)
        found: list[str] = []
        for row in first.tolist():
            named = [texts[codes_[row]] for codes_, texts in columns]
            word, way = (one[1][one[0][row]] if one is not None else "" for one in extra)
            found.append(self._name((*named, word, way)))
        distinct = list(dict.fromkeys(found))
        place = np.array([distinct.index(name) for name in found], np.int32)
        return arrow.named(place[codes.reshape(-1)], distinct)

    def _name(self, key: tuple[str, ...]) -> str:
        if key in self._known:
            return self._known[key]
        *parts, word, way = key
        told = [part for part in parts[1:] if part]
        name = "/".join((parts[0], *(part for part in told if part != self.usual))) if parts[0] else ""
        if name:
            way = direction_of(way) or direction_in(*told)
            in_channel = next(filter(None, map(bracket_unit, told)), "")
            name = self._settled(
                name, word or in_channel, way, next(filter(None, map(kind_said, told)), None)
            )
        self._known[key] = name
        return name

    def _settled(self, series: str, word: str, way: Direction, kind: Kind | None) -> str:
        name = series
        known = self.said.get(name)
        if known is not None and known.direction != way:
            name = f"{series}/{way or 'none'}"
            known = self.said.get(name)
        text = word or self.units.get(series) or self.unit
        unit = known_unit(text)
        if known is None:
            self.said[name] = Said(unit, text, way, kind)
        elif (known.unit, known.unit or known.text) != (unit, unit or text):
            name = f"{name} ({text})"
            self.said.setdefault(name, Said(unit, text, way, kind))
        return name


def _coded(column: Any) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[str]]:
    """(code of each row, distinct texts) of a column; no text is the empty one."""
    coded = pc.dictionary_encode(pc.fill_null(column, ""))
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    plain = pc.dictionary_encode(bare_names(coded.dictionary))
    codes = arrow.array_of(plain.indices).astype(np.int64)
    return codes[arrow.array_of(coded.indices)], plain.dictionary.to_pylist()


def bare_names(texts: Any) -> Any:
    """Names without the blanks around them and without the signs by which spreadsheets keep them text: ="01", '01."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"""^(?:="(.*)"|'([^']*))$""", r"\1\2")
