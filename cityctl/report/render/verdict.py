"""How a verdict is to be taken, read off its words: capitals ask for attention, in every format alike."""

from __future__ import annotations

from typing import Literal

Mood = Literal["alarm", "doubt", "fine"]

# Words that say that nothing can be said, rather than that something is wrong.
_DOUBT = ("UNKNOWN", "NOT", "UNCLEAR", "INCOMPLETE")


def mood(text: str) -> Mood:
    """`LEAK since Thu` is an alarm, `UNKNOWN 3 nights missing` and `not proven` a doubt, `normal` is fine."""
    word = text.split(" ")[0].strip(":,.")
    if word.upper() in _DOUBT:
        return "doubt"
    return "alarm" if word.isupper() and len(word) > 1 else "fine"
