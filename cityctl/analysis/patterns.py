"""Names as people choose them: patterns with commas between them, `hafen, alt*`, or what a thing is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from cityctl.city.points import Point
from cityctl.errors import UsageProblem, listed, near

MANY = 10_000  # names among which a near one takes too long to look for


def matching(patterns: object, known: Mapping[str, str], what: str) -> frozenset[str]:
    """The ids that any pattern matches, or whose name (the mapping's value) it is; all of them for `*`, or none given.

    Raises UsageProblem for a plain name that is none of them, with the near match: misspelt, it would leave its
    figures out without a word. A pattern may match nothing. `what` says what they are: `water zone`.
    """
    words = [word.strip() for word in str(patterns or "*").split(",") if word.strip()]
    if "*" in words or not words:
        return frozenset(known)
    found: set[str] = set()
    for word in words:
        own = [one for one, name in known.items() if name == word or fnmatchcase(one, word)]
        if not own and not set(word) & set("*?["):
            match = near(word, known) if len(known) <= MANY else None
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(known) or 'none'}"
            raise UsageProblem(f"no {what} matches `{word}`", hint=hint)
        found.update(own)
    return frozenset(found)


def points_of(patterns: object, among: Iterable[Point], what: str) -> list[Point]:
    """Those of some points whose ids the patterns match, in their order. Raises UsageProblem as `matching` does."""
    points = list(among)
    asked = matching(patterns, {point.id: point.id for point in points}, what)
    return [point for point in points if point.id in asked]
