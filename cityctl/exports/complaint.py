"""What an answer says went wrong though its status says that all is well: an error document, or a web page to log in.

Without this, an answer that holds no rows but an excuse would be taken for a window without readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

_ERRORS = frozenset({"error", "errors", "fault", "exception", "errormessage", "errorcode", "failure"})
_STATES = frozenset({"status", "result", "state", "success", "ok"})
_FAILED = frozenset({"error", "err", "fail", "failed", "failure", "false", "nok", "ko"})
_SOUND = frozenset({"", "0", "none", "null", "no", "ok", "success", "false", "no error"})
_TEXTS = ("message", "msg", "detail", "description", "reason", "title", "errormessage", "error_description")
_ELEMENTS = frozenset({"fault", "exceptionreport", "serviceexceptionreport", "error", "errors", "exception"})
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html)[\s>]", re.I | re.S)
_LONGEST = 200
_CRY = re.compile(
    r"\b(?:error|exception|fail(?:ed|ure)?|time[d -]*out|truncated|aborted|incomplete|exceeded|limit reached)\b",
    re.I,
)


def in_document(document: Any, *, beside_rows: bool = False) -> str:
    """What the top of a JSON document says went wrong; empty where it complains of nothing.

    Beside rows, which may well be a device's own states, a complaint is one in words.
    """
    if not isinstance(document, Mapping):
        return ""
    for key, value in document.items():
        named = str(key).casefold().replace("_", "") in _ERRORS
        if named and not _is_sound(value) and not (beside_rows and isinstance(value, int | float)):
            return _shortened(" ".join([f"{key}:", *_words(value)]))
    for key, value in () if beside_rows else document.items():
        if str(key).casefold() in _STATES and str(value).strip().casefold() in _FAILED:
            return _shortened(" ".join([f"{key}: {value}", *_beside(document)]))
    return ""


def in_elements(root: Any) -> str:
    """The same of an XML document, by the names that SOAP, OWS and most others give to an error's element."""
    for element in root.iter() if root is not None else ():
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if name.casefold() in _ELEMENTS:
            return _shortened(f"<{name}> {' '.join(' '.join(element.itertext()).split())}")
    return ""


def of_nothing(document: Any) -> str:
    """What a document without the rows that were looked for is: its complaint, or what it holds instead."""
    said = in_document(document)
    if said or not isinstance(document, Mapping):
        return said or f"it is a {'list' if isinstance(document, list) else type(document).__name__}"
    words = list(_beside(document))
    keys = ", ".join(f"`{key}`" for key in list(document)[:8])
    return _shortened(" ".join(words)) if words else f"it holds {keys or 'nothing'}"


def in_words(text: str) -> bool:
    """Whether a line among rows says that those behind it did not come: `ERROR: query timed out`."""
    return bool(_CRY.search(text))


def web_page(head: bytes) -> str | None:
    """The title of a web page (empty where it has none); None where bytes begin no web page."""
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if not _PAGE.match(plain):
        return None
    title = re.search(rb"<title[^>]*>(.*?)</title", plain, re.I | re.S)
    return _shortened(unescape(title[1].decode("utf-8", "replace"))) if title else ""


def _is_sound(value: Any) -> bool:
    return not value or str(value).strip().casefold() in _SOUND


def _words(value: Any) -> Iterator[str]:
    """The texts and numbers in a complaint, those that people are meant to read first."""
    if isinstance(value, Mapping):
        first = sorted(value, key=lambda key: str(key).casefold() not in _TEXTS)
        for key in first:
            yield from _words(value[key])
    elif isinstance(value, list):
        for one in value[:5]:
            yield from _words(one)
    elif value is not None:
        yield str(value)


def _beside(document: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in document.items():
        if str(key).casefold() in _TEXTS and isinstance(value, str) and value.strip():
            yield f"{key}: {value}"


def _shortened(text: str) -> str:
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}..."
