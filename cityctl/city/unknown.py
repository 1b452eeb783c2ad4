"""A name in city.yaml that nothing in it bears."""

from __future__ import annotations

from collections.abc import Iterable

from cityctl.document import Document, Key
from cityctl.errors import ConfigInvalid, listed, near


def no_such(
    document: Document, keys: tuple[Key, ...], word: str, name: str, known: Iterable[str]
) -> ConfigInvalid:
    """The error for a name that nothing in city.yaml bears."""
    known = list(known)
    match = near(name, known)
    hint = (
        f"did you mean `{match}`?"
        if match
        else f"there are: {listed(known)}"
        if known
        else f"add it under `{word}s:`"
    )
    return ConfigInvalid(f"{document.place(*keys)}: no {word} named `{name}`", hint=hint)
