"""`data compact | verify | backup | restore | rebuild | retain`: the care of a store, as commands show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cityctl.city.project import Project
from cityctl.glossary import column
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.store.care.backup import Copied, backup, restore
from cityctl.store.care.checking import check
from cityctl.store.care.healing import rebuild
from cityctl.store.choice import opened
from cityctl.store.folder import network_warning
from cityctl.store.segments.quarantine import DAMAGED, described, name_damaged
from cityctl.store.segments.retain import Keep
from cityctl.store.store import Store
from cityctl.wording import counted

COLUMNS: tuple[Column, ...] = (
    Column(
        "flushed", "Flushed", meaning="polled readings that went into segments", kind="integer", priority=1
    ),
    Column("months", "Months", meaning="months whose segments were merged", kind="integer", priority=2),
    Column("before", "Before", meaning="segments that were merged", kind="integer", priority=2),
    Column("after", "After", meaning="segments that they became", kind="integer", priority=2),
    Column("size_before", "Size before", unit="MB", kind="number", digits=2, meaning="of them", priority=4),
    Column("size_after", "Size after", unit="MB", kind="number", digits=2, meaning="of them", priority=4),
    Column("swept", "Swept", meaning="files deleted that nobody needs any more", kind="integer", priority=4),
    Column("checked", "Checked", meaning="segments that were looked at", kind="integer", priority=1),
    DAMAGED,
    Column("mended", "Mended", meaning="segments that are whole again", kind="integer", priority=3),
    Column(
        "orphans", "Orphans", meaning="files that are on no list: swept later", kind="integer", priority=4
    ),
    Column("checked_size", "Size", unit="MB", kind="number", digits=2, meaning="bytes looked at", priority=4),
    Column("copied", "Copied", meaning="segments copied; the others were there", kind="integer", priority=1),
    Column("copied_size", "Copied", unit="MB", kind="number", digits=2, meaning="of them", priority=3),
    Column("pruned", "Pruned", meaning="files that the backup needs no more", kind="integer", priority=5),
    Column("rolled", "Rolled up", meaning="local months rolled up (anew)", kind="integer", priority=1),
    Column(
        "dropped", "Dropped", meaning="months (UTC) whose readings were dropped", kind="integer", priority=1
    ),
    Column("dropped_readings", "Readings", meaning="of them", kind="integer", priority=2),
    Column("expired", "Expired", meaning="roll-ups dropped by their age", kind="integer", priority=3),
    Column("freed", "Freed", unit="MB", kind="number", digits=2, meaning="by what was dropped", priority=3),
    Column("rebuilt", "Taken in", meaning="segments put on the new list", kind="integer", priority=1),
    Column("unreadable", "Unreadable", meaning="files moved aside", kind="integer", priority=1),
)
_OWN = {entry.key: entry for entry in COLUMNS}


def _one_row(title: str, key: str, **cells: object) -> Result:
    columns = [_OWN[name] if name in _OWN else column(name) for name in cells]
    return Result(title, [Table(key, title, columns, [tuple(cells.values())])])


def compacted(project: Project) -> Result:
    """`data compact`: compact the project's store. Raises StoreProblem, and LockHeld where another run works."""
    with opened(project) as store:
        done = store.compact()
    result = _one_row(
        "Compaction",
        "compaction",
        flushed=done.flushed,
        months=len(done.months),
        before=done.before,
        after=done.after,
        size_before=done.bytes_before / 1e6,
        size_after=done.bytes_after / 1e6,
        swept=done.swept,
    )
    result.summary = (
        f"{counted(done.before, 'segment')} became {done.after}" if done.months else "nothing to merge"
    )
    return result


def verified(project: Project) -> Result:
    """`data verify`: every segment against the list. What is damaged is marked, named, and a finding each.

    Raises StoreProblem where the list itself is damaged.
    """
    with Store.open(project.store_folder, create=False) as store:
        found = check(store)
    result = _one_row(
        "Verification",
        "verification",
        checked=found.segments,
        damaged=len(found.damaged),
        mended=len(found.healed),
        orphans=len(found.orphans),
        checked_size=found.bytes / 1e6,
    )
    rows: list[tuple[object, ...]] = [
        (segment.path, segment.month, segment.rows, why) for segment, why in found.damaged.items()
    ]
    rows += [(None, None, None, fault) for fault in found.faults]
    if rows:
        columns = [column("file"), _MONTH, column("readings"), column("reason")]
        result.tables.append(Table("damaged_segments", "Damaged", columns, rows))
    result.completeness = Completeness(found.segments, found.segments - len(found.damaged), unit="segments")
    _miss(result, ((described(segment), why) for segment, why in found.damaged.items()))
    _miss(result, (("the list", fault) for fault in found.faults))
    result.findings = [
        Finding("damage", segment.path, None, f"{described(segment)}: {why}", "alarm")
        for segment, why in found.damaged.items()
    ]
    if found.damaged:
        result.notes.append("`cityctl data restore DIR` brings damaged segments back from a backup")
    if found.orphans:
        result.notes.append(
            "files on no list were left by runs that died: `cityctl data compact` sweeps them"
        )
    _warn(result, project)
    result.summary = f"{found.segments - len(found.damaged)} of {found.segments} segments are sound"
    return result


_MONTH = Column("month", "Month", meaning="YYYY-MM, in UTC", priority=2)


def backed_up(project: Project, target: Path) -> Result:
    """`data backup DIR`. Raises StoreProblem, and LockHeld where another backup is at work."""
    with opened(project) as store:
        done = backup(store, target)
    return _copied("Backup", done, f"in {target}")


def restored(project: Project, source: Path, *, replace: bool) -> Result:
    """`data restore DIR`: the whole store, or the damaged segments of one that is there. Raises StoreProblem."""
    done = restore(project.store_folder, source, replace=replace)
    result = _copied("Restore", done, f"from {source}")
    if done.aside is not None:
        result.notes.append(f"the store that was there is kept as {done.aside}")
    return result


def _copied(title: str, done: Copied, where: str) -> Result:
    result = _one_row(
        title,
        title.lower(),
        checked=done.segments,
        copied=done.copied,
        copied_size=done.copied_bytes / 1e6,
        pruned=done.pruned,
        damaged=len(done.damaged),
    )
    result.completeness = Completeness(done.segments, done.segments - len(done.damaged), unit="segments")
    _miss(result, done.damaged.items())
    result.summary = (
        f"{counted(done.segments, 'segment')}, {done.bytes / 1e6:.1f} MB {where}; {done.copied} copied"
    )
    return result


def rebuilt(project: Project) -> Result:
    """`data rebuild`: a lost or damaged list made anew from the segments. Raises StoreProblem."""
    done = rebuild(project.store_folder, project.city.points())
    if done.sound:
        result = _one_row("Rebuilt list", "rebuilt", rebuilt=0, unreadable=0)
        result.summary = "the list is sound: nothing to rebuild; `cityctl data verify` checks the segments"
        return result
    result = _one_row(
        "Rebuilt list",
        "rebuilt",
        rebuilt=done.segments + done.rollups,
        readings=done.readings,
        unreadable=len(done.unreadable),
    )
    _miss(result, done.unreadable.items())
    if done.unreadable:
        result.notes.append(f"unreadable files were moved to {project.store_folder / 'damaged'}")
    if done.aside is not None:
        result.notes.append(f"the damaged list is kept in {done.aside}")
    result.summary = f"{counted(done.readings, 'reading')} from {counted(done.segments, 'segment')}"
    return result


def retained(
    project: Project,
    *,
    raw: timedelta | None,
    hourly: timedelta | None,
    daily: timedelta | None,
    now: datetime,
    dry_run: bool,
) -> Result:
    """`data retain`: months rolled up, and what is older than city.yaml or the arguments say dropped."""
    rules = project.city.retention
    keep = Keep(raw or rules.raw, hourly or rules.hourly, daily or rules.daily)
    every = {name: point.every for name, point in project.city.points().items() if point.every is not None}
    with opened(project) as store:
        done = store.retain(keep, zone=project.city.zone_info, now=now, every=every, dry_run=dry_run)
        name_damaged(store.list.snapshot(landing=False), None, None)
    result = _one_row(
        "Retention",
        "retention",
        rolled=len(done.rolled),
        dropped=len(done.dropped),
        dropped_readings=done.readings,
        expired=len(done.expired),
        freed=done.bytes / 1e6,
    )
    if done.dropped:
        result.notes.append(
            f"{'would drop' if dry_run else 'dropped'} the readings of {', '.join(done.dropped)}"
        )
    if done.expired:
        result.notes.append(f"{'would drop' if dry_run else 'dropped'} roll-ups: {', '.join(done.expired)}")
    result.notes += [
        f"{late} readings of {month} came in after its readings were dropped, between ones that were rolled up: "
        "they stay beside the roll-up"
        for month, late in done.late.items()
    ]
    if keep == Keep():
        result.notes.append("nothing is dropped: neither city.yaml's `retention` nor --raw says how long")
    result.summary = (
        f"{counted(len(done.rolled), 'month')} rolled up, {counted(done.readings, 'reading')} dropped"
    )
    return result


def _miss(result: Result, named: Iterable[tuple[str, str]]) -> None:
    result.completeness.missing += [Missing(what, why) for what, why in named]


def _warn(result: Result, project: Project) -> None:
    warning = network_warning(project.store_folder)
    if warning is not None:
        result.notes.append(warning)
