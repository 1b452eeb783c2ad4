"""Which letters the bytes of a text are. Looks at the first bytes alone."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(start: bytes, said: str | None) -> tuple[str, str, bool]:
    """(the first bytes as text, their encoding, whether that is a guess).

    A mark at the beginning goes before what is `said`; without both it is UTF-8, or else taken for Windows-1252.
    """
    for mark, word in _MARKS:
        if start.startswith(mark):
            return _begun(start[len(mark) :], word), word, False
    if said is not None:
        return _begun(start, said), said, False
    word = _without_mark(start)
    try:
        return codecs.getincrementaldecoder(word)().decode(start), word, False
    except UnicodeDecodeError:
        return start.decode("cp1252", "replace"), "cp1252", True


def _begun(start: bytes, encoding: str) -> str:
    """Text that may be cut within a letter."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(start)


def _without_mark(start: bytes) -> str:
    """UTF-16 where every second byte is zero at first, as in no other text; else UTF-8."""
    line = start[:200]
    for zeros, word in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(line) > 3 and not line[zeros::2].strip(b"\x00") and b"\x00" not in line[1 - zeros :: 2]:
            return word
    return "utf-8"
