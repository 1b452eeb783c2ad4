"""Dates that are not three numbers: names of months, months alone, weeks of ISO 8601; written anew as year-month-day.

Names are known in English, German, French, Spanish, Portuguese, Italian, Romanian, Dutch, the Scandinavian languages,
Finnish, Estonian, Polish, Czech, Slovak, Hungarian, Turkish, Greek and Russian.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

# What the names of January to December begin with.
_NAMES = (
    "jan jän jaa ene gen ian oca sty led tam ιαν янв",
    "feb fév fev feb lut úno hel vee şub φεβ фев",
    "mar mär már mrz mrt maa bře μαρ μάρ мар",
    "apr avr abr ápr kwi dub huh nis απρ апр",
    "may mai mei maj máj mag kvě tou μαΐ μαι μάι май мая",
    "jun jún jūn juin juun giu iun cze čvn červ kes haz ιουν ιούν июн",
    "jul júl jūl juil juul giul lug iul lip čvc červenc červene hei tem ιουλ ιούλ июл",
    "aug août aou aoû ago sie srp elo ağu αυγ αύγ авг",
    "sep set sze wrz zář syy eyl σεπ сен",
    "oct okt ott out paź říj lok eki οκτ окт",
    "nov noi lis marr kas νοε νοέ ноя",
    "dec dez déc dic des det gru pro jou ara δεκ дек",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_WORD = r"(?P<name>[^\W\d_]{3,12})\.?"
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_REST = r"(?P<rest>(?:[T\s,]+\d{1,2}[:.h].*)?)"
_FORMS = tuple(
    re.compile(form, re.S)
    for form in (
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.?[-/\s](?:d[eo]\s)?{_WORD}[-/,\s]+(?:de[l]?\s)?(?P<year>\d{{4}}|\d{{2}}){_REST}",
        rf"{_WEEKDAY}{_WORD}[-/\s](?P<day>\d{{1,2}}),?[-/\s]+(?P<year>\d{{4}}){_REST}",
        rf"(?P<year>\d{{4}})\.?[-/\s]{_WORD}[-/\s](?P<day>\d{{1,2}})\.?{_REST}",
        rf"{_WORD}[-/\s](?P<year>\d{{4}})",
    )
)
_MONTH = re.compile(
    r"(?:(?P<year>(?:19|20)\d{2})[-/](?P<month>\d{1,2}))|(?:(?P<first>\d{1,2})/(?P<last>(?:19|20)\d{2}))"
)
# Hungarian, and Japanese, Chinese and Korean, where the clock follows at once.
_DOTTED = re.compile(
    rf"(?P<year>\d{{4}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<day>\d{{1,2}})\.?{_REST}"
    r"|(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일](?P<clock>(?:\s*\d{1,2}:.*)?)",
    re.S,
)
_WEEK = re.compile(r"(\d{4})-?W(\d{2})(?:-?([1-7]))?")


@lru_cache(maxsize=1 << 14)
def in_numbers(text: str) -> str | None:
    """`1-Apr-2021 05:06`, `Apr 1, 2021`, `April 2021`, `2021-04` and `2021-W13` as `2021-04-01 ...`; else None."""
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is None:
            continue
        month = _month(found["name"])
        said = found.groupdict()
        year = int(said["year"]) + (2000 if len(said["year"]) == 2 else 0)
        if month and 1 <= int(said.get("day") or 1) <= 31:
            rest = (said.get("rest") or "").lstrip("T ,")
            return f"{year:04}-{month:02}-{int(said.get('day') or 1):02} {rest}".rstrip()
    found = _DOTTED.fullmatch(text)
    if found is not None:
        year, month, day = (int(found[long] or found[long[0]]) for long in ("year", "month", "day"))
        rest = (found["rest"] or found["clock"] or "").lstrip("T ,")
        if 1 <= month <= 12 and 1 <= day <= 31:
            return f"{year:04}-{month:02}-{day:02} {rest}".rstrip()
    found = _MONTH.fullmatch(text)
    if found is not None:
        year, month = int(found["year"] or found["last"]), int(found["month"] or found["first"])
        return f"{year:04}-{month:02}-01" if 1 <= month <= 12 else None
    found = _WEEK.fullmatch(text)
    if found is not None:
        try:
            return date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1)).isoformat()
        except ValueError:
            return None
    return None


def _month(name: str) -> int | None:
    plain = name.casefold()
    return next((month for length in (7, 4, 3) if (month := _MONTHS.get(plain[:length]))), None)
