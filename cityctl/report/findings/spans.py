"""Until when a finding is shelved."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cityctl import clock
from cityctl.errors import UsageProblem


def shelf_end(span: str | None, until: str | None, *, zone: ZoneInfo, now: datetime) -> datetime:
    """The instant that `--for 7d` or `--until 2026-12-24` (that day's end) names. Raises UsageProblem."""
    if (span is None) == (until is None):
        raise UsageProblem("say until when it is shelved", hint="`--for 7d`, or `--until 2026-12-24`")
    if span is not None:
        return now + clock.duration(span)
    return clock.interval("1900-01-01", until, None, zone=zone, now=now).end
