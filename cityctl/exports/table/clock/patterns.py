"""Formats of times as people write them: `DD.MM.YYYY HH:mm`, `m/d/yy h:mm AM/PM`, `%d/%m/%Y %H:%M`, `excel`.

Spreadsheets, Java and moment.js give one letter several meanings; where a letter stands tells which is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from cityctl.errors import UsageProblem
from cityctl.exports.table.clock.order import Order

EXCEL = "excel"  # in place of a strptime pattern: days since 1899-12-30
EXCEL_1904 = "excel1904"  # the same since 1904-01-01, as workbooks from old Macs count
_HINT = (
    "write DD/MM/YYYY HH:mm or %d/%m/%Y %H:%M; iso, unix, excel (days since 1900) and excel1904 are known too"
)
_WORDS = {"iso": "ymd", "iso8601": "ymd", "unix": "ymd", "epoch": "ymd"}
_FIELDS = re.compile(
    r"(?P<quoted>'[^']*')|(?P<half>AM/PM|am/pm|A/P|tt|[aA](?![A-Za-z]))|(?P<weekday>EEEE?|dddd?)|(?P<year>[yY]{4}|[yY]{2})"
    r"|(?P<name>M{3,4}|m{3,4})|(?P<m>[mM]{1,2})|(?P<day>[dD]{1,2})|(?P<hour>[hH]{1,2})|(?P<offset>X{1,3}|ZZ?|z{1,3}|K)"
    r"|(?P<fraction>S{3,6}|f{1,6})|(?P<second>[sS]{1,2})|(?P<apart>[^A-Za-z']+|T)"
)
_DIRECTIVES = {
    "weekday": "%a", "year": "%Y", "short": "%y", "month": "%m", "name": "%b", "day": "%d", "hour": "%H",
    "minute": "%M", "second": "%S", "fraction": "%f", "half": "%p", "offset": "%z",
}  # fmt: skip
_KINDS = {"%Y": "y", "%y": "y", "%m": "m", "%b": "m", "%B": "m", "%d": "d"}
_PLAIN = re.compile(
    r"%[Ymbd][-/. ]%[mbd][-/. ]%[Yyd](?:(?:T|,? )%[HI]:%M(?::%S(?:[.,]%f)?)?(?: ?%p)?(?: ?%z)?)?"
    r"|%Y%m%d(?:[T ]?%H%M(?:%S)?)?"
)


@dataclass(frozen=True)
class StampFormat:
    """How the times are written: the order of day, month and year, or a strptime pattern for the rest.

    `zone` is the city's, or the one that was said: it tells whose EST or IST is meant. `taken` is a time whose order
    nothing but that zone tells.
    """

    order: Order
    pattern: str | None = None
    zone: str | None = None
    taken: str = ""


def said_format(text: str) -> StampFormat:
    """The format that `text` says, in letters (`DD/MM/YYYY HH:mm`), as strptime does, or by its name.

    Raises UsageProblem where it is none, or says no day.
    """
    said = text.strip()
    if said.casefold() in _WORDS:
        return StampFormat("ymd")
    if said.casefold() in (EXCEL, EXCEL_1904):
        return StampFormat("ymd", said.casefold())
    pattern = said if "%" in said else _from_letters(said)
    parts = re.findall(r"%.", pattern.replace("%%", ""))
    order = "".join(_KINDS[part] for part in parts if part in _KINDS)
    whole = {"ymd": "ymd", "dmy": "dmy", "mdy": "mdy"}.get(order)
    if not (sorted(order) == sorted("ymd") or {"%j", "%G", "%c", "%x", "%D", "%F"} & set(parts)):
        raise UsageProblem(f"`{text}` says no day, month and year", hint=_HINT)
    if whole is not None and _PLAIN.fullmatch(pattern):
        return StampFormat(whole)  # type: ignore[arg-type]  # one of the three
    moment = datetime(2021, 1, 31, 13, 15)  # noqa: DTZ001  any, to try the pattern
    try:
        datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007  only tried
    except (ValueError, re.error) as problem:
        if "does not match" not in str(problem):  # an offset that this moment lacks is none
            raise UsageProblem(f"`{text}` is no time format: {problem}", hint=_HINT) from None
    return StampFormat("ymd", pattern)


def spelled(text: str, order: Order) -> str:
    """The format of one time in letters: `31.01.2021 13:15` is `DD.MM.YYYY HH:mm`; an odd clock is left out."""
    letters = iter(
        {"ymd": ("YYYY", "MM", "DD"), "dmy": ("DD", "MM", "YYYY"), "mdy": ("MM", "DD", "YYYY")}[order]
    )
    day, clock = re.match(r"([\d./-]*)(.*)", text.strip(), re.S).groups()  # type: ignore[union-attr]  # fits any text
    date = re.sub(r"\d+", lambda _: next(letters, ""), day)
    fields = iter(("HH", "mm", "ss"))
    return date + (
        re.sub(r"\d+", lambda _: next(fields, ""), clock) if re.fullmatch(r"[T ][\d:]+", clock) else ""
    )


def _from_letters(text: str) -> str:
    """`DD/MM/YYYY HH:mm` as `%d/%m/%Y %H:%M`. Raises UsageProblem."""
    fields: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _FIELDS.match(text, at)
        if found is None:
            raise UsageProblem(f"`{text}` is no time format: what is `{text[at:]}`?", hint=_HINT)
        fields.append((found.lastgroup or "", found[0]))
        at = found.end()
    kinds = [kind for kind, _ in fields if kind not in ("apart", "quoted")]
    told: list[str] = []
    seen = 0
    for kind, letters in fields:
        if kind in ("apart", "quoted"):
            told.append(letters.strip("'"))
            continue
        before, after = kinds[seen - 1] if seen else "", kinds[seen + 1] if seen + 1 < len(kinds) else ""
        seen += 1
        if kind == "m":
            kind = "minute" if before == "hour" or after == "second" else "month"
        elif kind == "year" and len(letters) == 2:
            kind = "short"
        told.append("%I" if kind == "hour" and "half" in kinds else _DIRECTIVES[kind])
    return "".join(told)
