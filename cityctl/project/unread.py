"""What the doctor says about rows of files beside city.yaml that cannot be read, and so are not counted."""

from __future__ import annotations

from collections.abc import Iterator

from cityctl.city.project import Project
from cityctl.project.exposure import Said
from cityctl.wording import counted

MOST_NAMED = 3  # rows of a file


def unread_rows(project: Project) -> Iterator[Said]:
    """A row for each file that holds some, with the places of the first ones."""
    city = project.city
    interruptions = [f"{place}: {why}" for place, why in city.interruption_faults()]
    files = ((city.interruptions_file, interruptions), (city.work_orders_file, city.work_order_faults()))
    for name, faults in files:
        if faults:
            named = "; ".join(faults[:MOST_NAMED])
            more = f"; {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
            said = f"{counted(len(faults), 'row')} cannot be read: {named}{more}"
            yield f"rows of {name}", "look", said, "correct them: no report counts them"
