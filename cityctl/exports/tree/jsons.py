"""JSON documents: whole where they are small, item by item where they are not; what is unsafe is refused.

`NaN` and `Infinity` are no JSON. Depth is capped, because a parser that recurses is at the mercy of the file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import ijson

from cityctl.errors import InputRefused
from cityctl.exports.source import Source

WHOLE = 32 << 20  # bytes up to which a document is read at once
LARGEST = 128 << 20  # of a document that has to be read at once
_DEEPEST = 64
_PIECE = 1 << 18  # a text longer than the piece is looked through anew with each


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def start(source: Source, size: int = WHOLE) -> tuple[bytes, bool]:
    """(the first bytes, whether they are all)."""
    with source.stream() as stream:
        read = _read(stream, size + 1)
    return read[:size], len(read) <= size


def _read(stream: Any, size: int) -> bytes:
    buffer = io.BytesIO()
    while buffer.tell() < size and (piece := stream.read(min(1 << 20, size - buffer.tell()))):
        buffer.write(piece)
    return buffer.getvalue()


def document(source: Source) -> Any:
    """The whole document. Raises InputRefused where it is no JSON, is cut, too deep or too large."""
    data, complete = start(source, LARGEST)
    if not complete:
        raise InputRefused(
            f"{source.name}: larger than {LARGEST >> 20} MB, and its layout cannot be read item by item",
            hint="ask for smaller windows",
        )
    return parse(source.name, data)


def parse(name: str, data: bytes) -> Any:
    """The document in these bytes. Raises InputRefused."""
    if not data.strip():
        raise InputRefused(f"{name}: the file is empty", hint="fetch it again")
    check_depth(name, data)
    try:
        return json.loads(data.removeprefix(b"\xef\xbb\xbf"), parse_constant=_no_constant)
    except json.JSONDecodeError as problem:
        cut = problem.pos >= len(problem.doc.rstrip()) - 1 or "Unterminated" in problem.msg
        why = "the document is cut short" if cut else f"no sound JSON: {problem.msg}"
        raise InputRefused(
            f"{name}:{problem.lineno}:{problem.colno}: {why}; nothing of it was taken", hint="fetch it again"
        ) from None
    except UnicodeDecodeError as problem:
        raise InputRefused(
            f"{name}: its text is no UTF-8, as JSON has to be (byte {problem.start + 1}); nothing of it was taken",
            hint="ask the publisher to send UTF-8",
        ) from None
    except (ValueError, RecursionError) as problem:
        raise InputRefused(
            f"{name}: no sound JSON: {str(problem)[:120]}; nothing of it was taken", hint="fetch it again"
        ) from None


def check_depth(name: str, data: bytes) -> None:
    """Refuse what nests deeper than any export does; counted with the brackets in texts left out."""
    if data.count(b"[") + data.count(b"{") <= _DEEPEST:
        return
    depth = 0
    try:
        for event, _ in ijson.basic_parse(io.BytesIO(data), use_float=True, buf_size=_PIECE):
            if event in ("start_map", "start_array"):
                depth += 1
                if depth > _DEEPEST:
                    raise InputRefused(
                        f"{name}: nested deeper than {_DEEPEST} levels", hint="is this an export of readings?"
                    )
            elif event in ("end_map", "end_array"):
                depth -= 1
    except (ijson.JSONError, UnicodeDecodeError, ValueError, OverflowError):
        return  # json says it with line and column


def items(source: Source, path: str) -> Iterator[Any]:
    """The items of the list at `path` (`value.item`), one by one. Raises InputRefused as `document` does."""
    with source.stream() as stream:
        try:
            depth = 0
            builder: Any = None
            events = ijson.parse(stream, use_float=True, buf_size=_PIECE)
            for prefix, event, value in events:
                if event in ("start_map", "start_array"):
                    depth += 1
                    if depth > _DEEPEST:
                        raise InputRefused(
                            f"{source.name}: nested deeper than {_DEEPEST} levels", hint="check the file"
                        )
                elif event in ("end_map", "end_array"):
                    depth -= 1
                if builder is None and prefix == path and event != "map_key":
                    builder = ijson.ObjectBuilder()
                    base = depth - (1 if event in ("start_map", "start_array") else 0)
                if builder is not None:
                    builder.event(event, value)
                    if depth == base:
                        yield builder.value
                        builder = None
        except (ijson.JSONError, UnicodeDecodeError, ValueError, OverflowError) as problem:
            raise InputRefused(
                f"{source.name}: no sound JSON, or cut short: {str(problem)[:120]}; nothing of it was taken",
                hint="fetch it again",
            ) from None
