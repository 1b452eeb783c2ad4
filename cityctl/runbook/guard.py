"""Whether a write may be sent at this moment: the profile, the kill switch, windows of the week, rates.

Asked before each write, in a plan as in a run. Raises WriteRefused.
"""

from __future__ import annotations

import os
from datetime import datetime

from cityctl.clock import short
from cityctl.errors import WriteRefused
from cityctl.runbook.desk import Desk
from cityctl.runbook.points import Ref

SENT = "write"
"""The event of the audit that stands for a write on its way."""


def permit(desk: Desk, at: Ref, *, undoing: bool = False, again: int = 0) -> None:
    """Raises WriteRefused where a point may not be written now.

    Putting back what was there is bound by the profile and the kill switch alone: to stop half-way is worse
    than to be outside a window. `again` counts the writes of this point that a plan has in mind before this one.
    """
    writes = desk.city.writes
    if not writes.enabled:
        where = f"profile {desk.profile}" if desk.profile else "city.yaml"
        raise WriteRefused(
            f"{where} is read-only",
            tried=["`writes: {enabled: true}` is not set there"],
            hint="choose a profile that may write: `--profile NAME`",
        )
    stopped(desk, at)
    if undoing:
        return
    now = desk.clock.now()
    zone = desk.city.zone_info
    limits = [limit for limit in writes.limits if limit.covers(str(at))]
    for windows in (writes.windows, *(limit.windows for limit in limits)):
        if windows and not any(window.holds(now, zone) for window in windows):
            said = ", ".join(str(window) for window in windows)
            raise WriteRefused(
                f"{at} may be written {said} ({desk.city.time_zone}); it is {now.astimezone(zone):%a %H:%M}"
            )
    for limit in limits:
        if limit.most is None:
            continue
        since = now - limit.per
        sent = again + sum(
            entry.get("event") == SENT
            and entry.get("point") == str(at)
            and not entry.get("undoing")
            and datetime.fromisoformat(entry["time"]) >= since
            for entry in desk.audit.entries()
        )
        if sent >= limit.most:
            raise WriteRefused(
                f"{at} was written {sent} times within {short(limit.per)}, and {limit.most} is the most",
                hint="`cityctl audit list` shows by whom",
            )


def needs_two(desk: Desk, at: Ref) -> bool:
    """Whether a point is written only with another person's approval."""
    return any(limit.two_person and limit.covers(str(at)) for limit in desk.city.writes.limits)


def stopped(desk: Desk, at: Ref) -> None:
    """Raises WriteRefused where the kill switch is thrown for a point's device, or nobody can tell."""
    city = desk.city
    folder = city.project / city.writes.stop_folder
    zones, zone = [], city.devices[at.device].zone
    while zone is not None:
        zones.append(zone)
        zone = city.zones[zone].parent if zone in city.zones else None
    try:
        there = set(os.listdir(folder))  # noqa: PTH208 - names alone, and an error where it cannot be read
    except OSError as problem:
        raise WriteRefused(
            f"the folder of the kill switch cannot be read: {folder}: {problem.strerror}",
            hint="set `writes.stop_folder` in city.yaml to a folder that is there",
        ) from None
    for name in ("STOP", f"STOP.{at.device}", *(f"STOP.{zone}" for zone in zones)):
        if name in there:
            raise WriteRefused(
                f"the kill switch is thrown: {folder / name} is there",
                hint="ask who put it there; writes go on once it is removed",
            )
