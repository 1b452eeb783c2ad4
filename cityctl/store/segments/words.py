"""The dictionary of the words that stand in readings: code -> text, in the list, and again in each segment's footer.

Points of kind `state` take words; a reading holds the word's code (see `cityctl.reading`). Knows rows of the list
and Arrow columns.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cityctl.arrow import floats, integers, numbers_of, table, texts
from cityctl.engine.duck import Engine
from cityctl.errors import StoreProblem
from cityctl.reading import LEAST_WORD, code_of, word_of

if TYPE_CHECKING:
    import pyarrow as pa

    from cityctl.city.points import Point

TABLE = "CREATE TABLE words (code INTEGER PRIMARY KEY, text TEXT NOT NULL);"

Words = dict[int, str]
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")


def known(connection: sqlite3.Connection) -> Words:
    """All words of the list."""
    return dict(connection.execute("SELECT code, text FROM words ORDER BY code").fetchall())


def learn(connection: sqlite3.Connection, words: Mapping[int, str]) -> None:
    """Put words into the list. Raises StoreProblem where two words have one code: neither may stand for the other."""
    connection.executemany("INSERT INTO words VALUES (?, ?) ON CONFLICT DO NOTHING", list(words.items()))
    for code, text in words.items():
        ((there,),) = connection.execute("SELECT text FROM words WHERE code = ?", (code,)).fetchall()
        if there != text:
            raise StoreProblem(
                f"the words {there!r} and {text!r} have the same code {code}",
                hint="write one of them in another way: nothing of this import was stored",
            )


def keep(engine: Engine, words: Mapping[int, str]) -> None:
    """The dictionary as a table `words` of the engine: code, word."""
    engine.keep("words", table(code=integers(list(words)), word=texts(list(words.values()))))


def among(values: Any, words: Mapping[int, str]) -> Words:
    """Those of the words that stand among values (numpy, float64)."""
    import numpy as np

    high = values[values >= LEAST_WORD]
    return {int(code): words[int(code)] for code in np.unique(high) if int(code) in words}


def faults(words: Mapping[int, str]) -> list[str]:
    """What is wrong with a dictionary: each code follows from its text."""
    wrong = [code for code, text in words.items() if code_of(text) != code]
    return (
        [f"words: {len(wrong)} codes are not those of their texts, the first is {wrong[0]}"] if wrong else []
    )


def numbered(part: pa.Table, points: Mapping[str, Point] | None, words: Words) -> pa.Table:
    """A part with texts for values, with numbers instead: words of states by code, learnt in `words`.

    What is neither number nor word of a state becomes infinite, which no reading may be.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = part.schema.field("value").type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    states = [name for name, point in (points or {}).items() if point.kind == "state"]
    if not states or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return part
    coded: Any = pc.dictionary_encode(part["value"].cast(pa.string())).unify_dictionaries().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) and coded.num_chunks else coded
    if not part.num_rows:
        return part.set_column(part.schema.get_field_index("value"), "value", floats([]))
    places = numbers_of(coded.indices, "int64", missing=-1)
    meant: list[tuple[float, str]] = []
    for text in coded.dictionary.to_pylist():
        word = word_of(text)
        if not word or _NUMBER.fullmatch(word):
            meant.append((float(word or "nan"), ""))
        else:
            meant.append((float(code_of(word)), word))
    numbers = np.array([number for number, _ in meant] + [np.nan])[places]
    is_word = np.array([bool(word) for _, word in meant] + [False])[places]
    if is_word.any():
        names: Any = part["point"].cast(pa.string())
        held = numbers_of(pc.is_in(names, value_set=texts(states)), "uint8", missing=0) > 0
        by_name = {
            (name, said.casefold()): float(code)
            for name in states
            for code, said in (points or {})[name].states
        }
        for at in np.flatnonzero(is_word & held).tolist() if by_name else []:
            word = meant[places[at]][1]
            code = by_name.get((names[at].as_py(), word.casefold()))
            if code is not None:
                numbers[at], is_word[at] = code, False
        numbers[is_word & ~held] = np.inf
        for place in np.unique(places[is_word & held]).tolist():
            words[int(meant[place][0])] = meant[place][1]
    return part.set_column(part.schema.get_field_index("value"), "value", floats(numbers))
