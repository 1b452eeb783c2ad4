"""A hash of what went into an account: the same input gives the same one, in whatever order it came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any


def digest(rows: Iterable[tuple[Any, ...]]) -> str:
    """A hash of rows; ten digits of a number: the last ones of a sum hang on the order in which threads add it up."""
    text = "\n".join("|".join(_said(value) for value in row) for row in rows)
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _said(value: Any) -> str:
    return "-" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
