"""`data compact`: the care of a store, as commands show it."""

from __future__ import annotations

from cityctl.city.project import Project
from cityctl.result import Column, Result, Table
from cityctl.store.choice import opened

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
)


def compacted(project: Project) -> Result:
    """`data compact`: compact the project's store. Raises StoreProblem, and LockHeld where another run works."""
    with opened(project) as store:
        done = store.compact()
    row = (done.flushed, len(done.months), done.before, done.after)
    sizes = (done.bytes_before / 1e6, done.bytes_after / 1e6, done.swept)
    result = Result("Compaction", [Table("compaction", "Compaction", list(COLUMNS), [(*row, *sizes)])])
    result.summary = f"{done.before} segments became {done.after}" if done.months else "nothing to merge"
    return result
