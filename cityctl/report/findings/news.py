"""What changed: every event of the book in an interval, or since each report's run before its last one."""

from __future__ import annotations

from datetime import datetime

from cityctl.clock import Interval
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import all_kept, instant
from cityctl.report.findings.views import columns
from cityctl.result import Result, Table

_KEYS = (
    "time",
    "event",
    "finding_state",
    "severity",
    "subject",
    "text",
    "found_by",
    "acted_by",
    "note",
    "finding",
)
_LAST_RUNS = """
SELECT report, max(at) AS at FROM runs AS r
WHERE run < (SELECT max(run) FROM runs WHERE report = r.report) GROUP BY report
"""


def news(book: Book, interval: Interval | None, *, now: datetime) -> Result:
    """What was opened, came back, was closed or acted on, the newest first. Raises StoreProblem.

    Without an interval: what the last recorded run of each report changed, and what was done since the one before.
    """
    with book.reading() as connection:
        held = {(one.report, one.id): one for one in all_kept(connection)}
        before = dict(connection.execute(_LAST_RUNS).fetchall())
        events = connection.execute("SELECT * FROM events ORDER BY at DESC, rowid DESC").fetchall()
    rows: list[tuple[object, ...]] = []
    counts: dict[str, int] = {}
    for event in events:
        at, one = instant(event["at"]), held.get((event["report"], event["id"]))
        assert at is not None
        if interval is not None:
            wanted = interval.start <= at < interval.end
        else:
            wanted = event["report"] not in before or event["at"] > before[event["report"]]
        if one is None or not wanted:
            continue
        counts[event["event"]] = counts.get(event["event"], 0) + 1
        rows.append(
            (
                at, event["event"], one.state_at(now), one.severity, one.subject, one.text, one.report,
                event["who"], event["note"], one.id,
            )
        )  # fmt: skip
    said = ", ".join(f"{count} {event}" for event, count in sorted(counts.items()))
    return Result(
        "What changed",
        [Table("changed", "What changed", columns(*_KEYS), rows)],
        interval=interval,
        subtitle="" if interval is not None else "since each report's run before its last one",
        summary=said or "nothing",
    )
