"""A new device connector's text: from nothing, or from a maker's register list as CSV. Writes no file.

What comes out holds against the language, so that it can be linted, simulated and polled at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cityctl.errors import InputRefused, UsageProblem, near
from cityctl.modbus.maps.types import TYPES
from cityctl.modbus.maps.wordings import MAKERS_ACCESS, MAKERS_TYPES
from cityctl.wording import name_once, plain_name

# What makers head their columns with, and what the language calls it: the likeliest word first.
_TOLD = ("description", "bezeichnung", "beschreibung")
_HEADS: dict[str, tuple[str, ...]] = {
    "name": ("name", "point", "signal", "label", "quantity", "parameter", *_TOLD),
    "address": ("address", "register", "reg", "addr", "offset", "adresse", "startaddress", "modbusaddress"),
    "type": ("datatype", "type", "dataformat", "format", "datentyp", "typ"),
    "unit": ("unit", "units", "einheit"),
    "scale": ("scale", "factor", "multiplier", "scaling", "resolution", "faktor"),
    "offset_value": ("valueoffset",),
    "function_code": ("functioncode", "function", "fc"),
    "access": ("access", "rw", "readwrite", "mode"),
    "note": ("note", "remark", "comment", "bemerkung", *_TOLD),
}
_TEMPLATE = """\
connector: {name}
vendor: {vendor}
model: {model}
class: {device_class}
function_code: {function_code}
word_order: {word_order}   # ABCD, CDAB (low word first), BADC (bytes swapped), DCBA (both)
address_base: {address_base}    # the number that the maker's list gives to the first register: 0, 1 or 4xxxx
max_registers: 125
gap: 0             # unused registers that one request may bridge
confidence: 1      # 2: two independent sources agree; 0: unconfirmed, never polled unasked
points:
{points}
sources:
  - {source}
notes:
  - Compare every value with the display before trusting it.
"""
_EXAMPLE = (
    "  flow: {address: 0, type: float32, unit: m3/h}",
    "  total: {address: 2, type: uint32, unit: m3, scale: 0.01, kind: counter}",
    "  state: {address: 4, type: uint16, enum: {0: stopped, 1: running}}",
)


@dataclass(frozen=True)
class Written:
    """The text of a connector, how many points it has, what of a list was left out and why, and what to know."""

    text: str
    points: int
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def skeleton(
    name: str,
    *,
    vendor: str = "",
    model: str = "",
    device_class: str = "controller",
    word_order: str = "ABCD",
    address_base: str = "0",
    function_code: int = 3,
    table: str | None = None,
    source: str = "",
) -> Written:
    """A connector's YAML. `table` is the text of a CSV register list with a line of headings.

    Raises UsageProblem for a name that is none, InputRefused for a list without addresses.
    """
    plain(name)
    lines: Sequence[str] = _EXAMPLE
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if table is not None:
        lines, left, notes = _points(table, function_code)
    text = _TEMPLATE.format(
        name=name,
        vendor=quoted(vendor or "Someone"),
        model=quoted(model or name.replace("_", " ")),
        device_class=device_class,
        function_code=function_code,
        word_order=word_order,
        address_base=address_base,
        points="\n".join(lines),
        source=quoted(source or "the maker's register list: its name, revision and page"),
    )
    return Written(text, len(lines), left, notes)


def plain(name: str) -> str:
    """The name of a connector. Raises UsageProblem for one that is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        better = plain_name(name)
        raise UsageProblem(
            f"`{name}`: a connector is named in small letters, digits and _",
            hint=f"did you mean `{better}`?" if better[:1].isalpha() else "such as acme_flow_1",
        )
    return name


_NOT_TEXT = frozenset({"on", "off", "yes", "no", "true", "false", "null", "y", "n"})


def quoted(text: str) -> str:
    """A text as YAML takes it for a text."""
    if re.fullmatch(r"[A-Za-z][\w .,/()'+-]*", text) and text.lower().strip() not in _NOT_TEXT:
        return text.strip()
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _points(table: str, function_code: int) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """The lines of the points, what was left out, and what the list leaves open."""
    (_, head), *rows = _rows(table)
    at = _columns(head)
    if "address" not in at:
        raise InputRefused(
            f"no column of the list holds addresses: {', '.join(head)}",
            hint="head it `address`; also known: name, type, unit, scale, function code, access, note",
        )
    lines: list[str] = []
    left: list[str] = []
    taken: set[str] = set()
    for number, row in rows:
        cells = {key: row[index].strip() if index < len(row) else "" for key, index in at.items()}
        if not any(cells.values()):
            continue
        try:
            line, name = _point(cells, taken, function_code)
        except ValueError as problem:
            left.append(f"line {number}: {problem}")
            continue
        taken.add(name)
        lines.append(line)
    if not lines:
        raise InputRefused("no line of the list could be taken", tried=left[:5])
    return lines, tuple(left), tuple(_open(head, at, function_code))


def _open(head: Sequence[str], at: Mapping[str, int], function_code: int) -> Iterator[str]:
    """What the list does not say, or says under a heading that is not known."""
    if "type" not in at:
        assumed, _ = _type("", function_code)
        yield f"no column of the list says types: every point is taken as {assumed}; head it `type`"
    unread = [cell.strip() for index, cell in enumerate(head) if index not in at.values() and cell.strip()]
    if unread:
        yield f"columns of the list that were not read: {', '.join(unread)}"


def _rows(table: str) -> list[tuple[int, list[str]]]:
    """(number of its line, cells) of each row that is not empty."""
    first = next((line for line in table.splitlines() if line.strip()), "")
    separator = max((";", "\t", ","), key=first.count)
    reader = csv.reader(io.StringIO(table.lstrip("\ufeff")), delimiter=separator)
    try:
        rows = [(reader.line_num, row) for row in reader if any(row)]
    except csv.Error as problem:
        raise InputRefused(f"the list is no CSV: {problem}") from None
    if not rows:
        raise InputRefused("the list is empty")
    return rows


def _columns(head: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    plain = [re.sub(r"[^a-z]", "", cell.lower()) for cell in head]
    for key, names in _HEADS.items():
        for name in names:
            if key not in found and name in plain and plain.index(name) not in found.values():
                found[key] = plain.index(name)
    return found


def _point(cells: Mapping[str, str], taken: Container[str], function_code: int) -> tuple[str, str]:
    address = _whole(cells.get("address", ""))
    type_, length = _type(cells.get("type", ""), function_code)
    name = plain_name(cells.get("name", "")) or f"register_{address}"
    name = name if name[0].isalpha() else f"p_{name}"
    unique = name_once(name, taken)
    fields = [f"address: {address}", f"type: {type_}"]
    if length:
        fields.append(f"length: {length}")
    note = cells.get("note", "")
    unit = cells.get("unit", "")
    if unit and type_ not in ("string", "bool"):
        known = _unit(unit)
        if known is None:
            note = f"{note}; in {unit}".lstrip("; ")
        elif known:
            fields.append(f"unit: {quoted(known)}")
    scale = cells.get("scale", "")
    if scale and type_ not in ("string", "bool"):
        factor = float(scale.replace(",", "."))
        if factor not in (0.0, 1.0):
            fields.append(f"scale: {factor:g}")
    if re.search(r"total|energy|counter|zaehler|index", name) and type_ not in ("string", "bool"):
        fields.append("kind: counter")
    access = MAKERS_ACCESS.get(re.sub(r"[^a-z]", "", cells.get("access", "").lower()), "read")
    code = _whole(cells["function_code"]) if cells.get("function_code") else function_code
    if code not in (1, 2, 3, 4):
        raise ValueError(f"function code {code} reads nothing")
    if code != function_code:
        fields.append(f"function_code: {code}")
    if access != "read" and code in (1, 3):
        fields += [f"access: {access}", "polled: false"]
    if note:
        fields.append(f"note: {quoted(note)}")
    return f"  {unique}: {{{', '.join(fields)}}}", unique


def _whole(text: str) -> int:
    found = re.match(r"\s*(0x[0-9A-Fa-f]+|[0-9A-Fa-f]+h\b|\d+)", text)
    if not found:
        raise ValueError(f"`{text}` is no address")
    said = found[1].lower()
    return int(said[:-1], 16) if said.endswith("h") else int(said, 0) if "x" in said else int(said)


def _type(text: str, function_code: int) -> tuple[str, int]:
    """The language's word for a maker's type, and the characters of a string."""
    if not text:
        return ("bool", 0) if function_code in (1, 2) else ("uint16", 0)
    plain = re.sub(r"[\s_-]", "", text.lower())
    sized = re.fullmatch(r"(?:string|ascii|char|text)\[?\(?(\d+)\)?\]?", plain)
    if sized:
        return "string", int(sized[1])
    known = plain if plain in TYPES else MAKERS_TYPES.get(plain)
    if known == "string":
        return known, 16
    if known is None:
        match = near(plain, [*TYPES, *MAKERS_TYPES])
        raise ValueError(f"no type is named `{text}`" + (f", did you mean `{match}`?" if match else ""))
    return known, 0


def _unit(text: str) -> str | None:
    """The unit's symbol; None where cityctl does not know it, empty where there is none."""
    from cityctl.units import unit

    if text in ("-", "1", "none"):
        return ""
    try:
        return unit(text).symbol
    except UsageProblem:
        return None
