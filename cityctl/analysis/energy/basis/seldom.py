"""What can be said of what has few readings: a breach is one whenever it was seen, `normal` takes most of them.

Knows no reading.
"""

from __future__ import annotations

from cityctl.wording import percent

LEAST_METERED = 0.9  # of the interval: below it the report is incomplete, and says so
LEAST_NORMAL = 0.5  # and below this nobody saw most of it: what is called normal cannot be assessed
UNASSESSED = "NOT ASSESSABLE"
NOTE = "Limits: nothing is called normal of which less than half of the interval was metered: NOT ASSESSABLE."


def unless_seldom(verdict: str, metered: float) -> str:
    """A verdict, or `NOT ASSESSABLE` in place of `normal` where less than half of the interval was metered."""
    if verdict != "normal" or metered >= LEAST_NORMAL:
        return verdict
    return f"{UNASSESSED} {percent(metered)} of the interval metered"


def tells(verdict: str) -> bool:
    """Whether a verdict is a finding: neither that all is well nor that nobody knows."""
    return verdict != "normal" and not verdict.startswith(UNASSESSED)
