"""Whether the store is whole, as its list says, and how much room its disk has; opens no segment."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING

from cityctl.errors import StoreProblem
from cityctl.report.checking.nagios import Checked, Figure, Range, State
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.project import Project

LEAST_FREE, LEAST_FREE_CRITICAL = Range(10.0), Range(5.0)
"""% of the disk that should be free, without --warn and --crit."""


def of_store(project: Project, *, now: datetime, warn: Range | None, crit: Range | None) -> Checked:
    """Damaged segments are CRITICAL; `warn` and `crit` bound the free share of the disk, such as `10:`.

    Raises StoreProblem where there is no store.
    """
    from cityctl.store.choice import opened

    checked = Checked()
    with opened(project) as store:
        snapshot = store.snapshot()
        span = store.span()
        landed = store.list.landed_rows()
    whole = sum(segment.bytes for segment in snapshot.all)
    try:
        disk = shutil.disk_usage(project.store_folder)
    except OSError as problem:
        raise StoreProblem(f"{project.store_folder}: {problem.strerror}") from problem
    bounds = (warn, crit) if warn or crit else (LEAST_FREE, LEAST_FREE_CRITICAL)
    free = Figure("free", round(100 * disk.free / disk.total, 1), "%", *bounds)
    if snapshot.damaged:
        names = f"{len(snapshot.damaged)} damaged, such as {snapshot.damaged[0][0].path}"
        checked.worse(State.CRITICAL, f"{names}: `cityctl data verify`, `cityctl data restore`")
    checked.judge(free)
    last = f"to {span[1]:%Y-%m-%d %H:%M} UTC" if span else "without readings"
    checked.words.append(
        f"store {last}, {counted(len(snapshot.segments), 'segment')}, {free.value:g} % of the disk free"
    )
    checked.figures += [
        Figure("damaged", len(snapshot.damaged)), Figure("segments", len(snapshot.segments)),
        Figure("landed", landed), Figure("size", whole, "B"),
    ]  # fmt: skip
    if span is not None:
        checked.figures.append(Figure("age", round((now - span[1]).total_seconds()), "s"))
    return checked
