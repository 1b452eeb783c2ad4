"""What the name and the first cells of a column tell about it. Knows no roles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from cityctl.exports.meaning import direction_of, known_unit
from cityctl.exports.table.names import column_unit, without_unit
from cityctl.exports.table.numbers import is_blank, looks_like_number


def plain_name(column: str) -> str:
    return re.sub(r"[\W_]+", "", without_unit(column)).casefold()


def by_words(columns: Sequence[str], words: Sequence[str], among: Sequence[int]) -> int | None:
    plain = {plain_name(columns[index]): index for index in reversed(among)}
    return next((plain[word] for word in words if word in plain), None)


def days_only(cells: Sequence[str]) -> bool:
    return all(":" not in cell or cell.strip().endswith("00:00:00") for cell in cells)


def mostly(test: object, cells: Sequence[str]) -> bool:
    assert callable(test)
    filled = [cell for cell in cells[:60] if not is_blank(cell)]
    return bool(filled) and sum(bool(test(cell)) for cell in filled) * 2 > len(filled)


def are_numbers(cells: Sequence[str]) -> bool:
    return mostly(looks_like_number, cells)


def are_units(cells: Sequence[str]) -> bool:
    return mostly(lambda cell: known_unit(cell) is not None, cells) and not are_numbers(cells)


def are_ways(cells: Sequence[str]) -> bool:
    return mostly(direction_of, cells)


def says_ways(cells: Sequence[str]) -> bool:
    """A column of words for directions, whatever it is called."""
    filled = {cell.strip() for cell in cells if not is_blank(cell)}
    return bool(filled) and all(len(cell) > 3 and cell[0].isalpha() and direction_of(cell) for cell in filled)


def any_number(cells: Sequence[str]) -> bool:
    return any(looks_like_number(cell) for cell in cells)


# What a row of totals says in place of a time.
TOTALS = (
    r"(?i)^\s*(?:grand\s+|sub-?|zwischen|gesamt|monats|tages|jahres)?"
    r"(?:totals?|sum|summe|gesamt|gesamtverbrauch|average|avg|mean|mittelwert|minimum|min|maximum|max|median|"
    r"somme|moyenne|totaal|gemiddelde|suma|media|totale|summa|medel|i alt|yhteens[aä]|razem)"
    r"(?:\s*[\[(]?(?:kwh|mwh|m3|m³)[\])]?)?\s*:?\s*$"
)
_MEASURED = re.compile(r"([-+]?[\d.,'\s\u00a0\u202f]*\d)\s*([^\W\d_][^\s\d]*[²³23]?(?:/\w+)?|%|°[CF])")
_ASIDE = re.compile(
    r"\b(?:notes?|comments?|remarks?|bemerkung(?:en)?|opmerking(?:en)?|costs?|prices?|charges?|kosten|preis|betrag|"
    r"kostnad|costes?|importe|prix|co[uû]t|prezzo|eur|usd|gbp|pence)\b|[€$£]|\((?:p|ct|c)\)",
    re.I,
)


def is_aside(column: str) -> bool:
    """Whether a column's name says that it holds remarks or money, which are no readings."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", column)
    return bool(_ASIDE.search(words)) and column_unit(column) is None


def counts_rows(column: str, cells: Sequence[str]) -> bool:
    """A nameless column 0, 1, 2 ...: the row numbers of the program that wrote the file."""
    if not re.fullmatch(r"column \d+|Unnamed: \d+|__index_level_\d+__|index", column):
        return False
    first = cells[0].strip() if cells else ""
    return first in ("0", "1") and [cell.strip() for cell in cells] == [
        str(int(first) + row) for row in range(len(cells))
    ]


def may_name(cells: Sequence[str], numeric: bool, valued: bool = False) -> bool:
    """A column of names. Whole numbers are names where they are long, begin with 0 or come again and again.

    `valued` says that another column is called as values are.
    """
    if not numeric:
        return True
    filled = [cell.strip() for cell in cells if not is_blank(cell)]
    if not all(re.fullmatch(r"\d+", cell) for cell in filled):
        return False
    long = bool(filled) and all(len(cell) >= 6 for cell in filled)
    return valued or long or begin_with_zero(filled) or len(set(filled)) * 2 <= len(filled)


def is_total(cell: str) -> bool:
    """Whether a cell says that its row holds totals."""
    return re.search(TOTALS, cell) is not None


def may_grade(cells: Sequence[str]) -> bool:
    """Words or a few whole numbers, as a column of qualities has them; not amounts that were estimated."""
    filled = {cell.strip() for cell in cells if not is_blank(cell)}
    numbers = {cell for cell in filled if looks_like_number(cell)}
    return all(cell.isdecimal() for cell in numbers) and (len(numbers) <= 10 or len(numbers) < len(filled))


def begin_with_zero(cells: Sequence[str]) -> bool:
    """Whole numbers of which some begin with a 0."""
    filled = [cell.strip() for cell in cells if not is_blank(cell)]
    return all(cell.isdecimal() for cell in filled) and any(
        len(cell) > 1 and cell[0] == "0" for cell in filled
    )


def are_ids(cells: Sequence[str]) -> bool:
    """Whole numbers that name meters: some begin with a 0, or all have ten figures and more and come again."""
    filled = [cell.strip() for cell in cells if not is_blank(cell)]
    long = bool(filled) and all(cell.isdecimal() and len(cell) >= 10 for cell in filled)
    return begin_with_zero(cells) or (long and len(set(filled)) * 2 <= len(filled))


def unit_behind(cells: Sequence[str]) -> str:
    """The unit that stands behind the number in most cells, as it is written (`0,45 kWh`); else an empty text.

    `101A` is a name.
    """
    filled = [cell.strip() for cell in cells if not is_blank(cell)]
    found = [_MEASURED.fullmatch(cell) for cell in filled]
    words = Counter(one[2] for one in found if one is not None and looks_like_number(one[1]))
    word, count = words.most_common(1)[0] if words else ("", 0)
    known = known_unit(word) if count * 2 > len(filled) else None
    if known is None or known.quantity == "time" or not any(re.search(r"[\s.,]", cell) for cell in filled):
        return ""
    return word
