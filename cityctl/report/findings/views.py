"""The book of findings as tables: what is open, one finding's history, what a run changed, alarm figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from cityctl.clock import Interval
from cityctl.glossary import column
from cityctl.report.findings import alarms
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import STATES, Kept, all_kept, found, instant
from cityctl.report.findings.record import CLOSES_AFTER, Change
from cityctl.report.render.heading import COLUMNS as FOUND
from cityctl.result import Column, Result, Table
from cityctl.wording import counted

COLUMNS: tuple[Column, ...] = (
    Column("found_by", "Report", meaning="the report that found it", priority=2),
    Column("finding_state", "Finding is", meaning="open, acknowledged, shelved or closed", priority=1),
    Column("opened_at", "Opened", meaning="when a recorded run first found it", kind="time", priority=4),
    Column("seen_at", "Last seen", meaning="when a recorded run last found it", kind="time", priority=3),
    Column(
        "runs_gone",
        "Runs gone",
        meaning="runs in a row that did not find it any more",
        kind="integer",
        priority=5,
    ),
    Column("acted_by", "By", meaning="who acknowledged, shelved or closed it", priority=3),
    Column("shelved_until", "Shelved until", meaning="when it is open again", kind="time", priority=5),
    Column("change", "Change", meaning="what became of it since the run before", priority=1),
    Column("event", "Event", meaning="what happened to it", priority=1),
    Column("figure", "Figure", meaning="a figure of the alarm system, after ISA-18.2", priority=1),
    Column("counted", "Counted", meaning="what the figure is", kind="number", digits=2, priority=1),
    Column("limit_text", "Limit", meaning="what ISA-18.2 holds for manageable", priority=2),
    Column(
        "announced",
        "Alarms",
        meaning="findings that were opened, or opened again",
        kind="integer",
        priority=1,
    ),
)
_OWN = {one.key: one for one in (*COLUMNS, *FOUND)}


def columns(*keys: str) -> list[Column]:
    """Columns by key: those of findings, then the glossary's."""
    return [_OWN.get(key) or column(key) for key in keys]


def listing(book: Book, *, states: Sequence[str], report: str | None, now: datetime) -> Result:
    """The findings in `states` (all where empty)."""
    with book.reading() as connection:
        held = all_kept(connection, report)
    wanted = states or STATES
    rows = [_row(one, now) for one in held if one.state_at(now) in wanted]
    counts = [f"{sum(one.state_at(now) == state for one in held)} {state}" for state in STATES]
    return Result(
        "Findings",
        [
            Table(
                "recorded", "Findings",
                columns(
                    "finding", "finding_state", "severity", "subject", "since", "text", "found_by", "opened_at",
                    "seen_at", "runs_gone", "acted_by", "shelved_until", "note",
                ),
                rows,
            )
        ],
        summary=", ".join(counts) if held else "none is recorded: `cityctl report run NAME --record` keeps them",
    )  # fmt: skip


def _row(one: Kept, now: datetime) -> tuple[object, ...]:
    return (
        one.id, one.state_at(now), one.severity, one.subject, one.since, one.text, one.report, one.opened_at,
        one.seen_at, one.gone, one.who, one.shelved_until, one.note,
    )  # fmt: skip


def history(book: Book, word: str, *, now: datetime) -> Result:
    """One finding: how it stands, and what happened to it. Raises UsageProblem."""
    with book.reading() as connection:
        one = found(connection, word)
        events = connection.execute(
            "SELECT at, event, who, note FROM events WHERE report = ? AND id = ? ORDER BY at, rowid",
            (one.report, one.id),
        ).fetchall()
    rows: list[tuple[object, ...]] = [
        (instant(row["at"]), row["event"], row["who"], row["note"]) for row in events
    ]
    state = listing_of([one], now)
    return Result(
        f"Finding {one.id}",
        [state, Table("events", "What happened", columns("time", "event", "acted_by", "note"), rows)],
        subtitle=f"{one.report}: {one.subject}",
        summary=f"`cityctl explain {one.id}` shows what it rests on",
    )


def listing_of(findings: Sequence[Kept], now: datetime) -> Table:
    """Findings as they stand."""
    keys = ("finding", "finding_state", "severity", "subject", "since", "text", "seen_at", "runs_gone")
    rows: list[tuple[object, ...]] = [
        (one.id, one.state_at(now), one.severity, one.subject, one.since, one.text, one.seen_at, one.gone)
        for one in findings
    ]
    return Table("recorded", "Finding", columns(*keys), rows)


def changes(change: Change, *, now: datetime) -> Table:
    """What a run changed, as a table of its report: the new ones first."""
    became = [
        ("new", change.new), ("back", change.back), ("closed", change.closed), ("gone", change.gone),
        ("not judged", change.unjudged), ("as before", change.on),
    ]  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (word, one.state_at(now), one.severity, one.subject, one.text, one.id)
        for word, findings in became
        for one in findings
    ]
    title = "Since the last run" if change.before is not None else "First recorded run"
    note = (
        f"A finding closes after {CLOSES_AFTER} runs in a row that could judge it and did not find it."
        if change.gone
        else ""
    )
    keys = ("change", "finding_state", "severity", "subject", "text", "finding")
    return Table("changes", title, columns(*keys), rows, note=note)


def change_words(change: Change, zone: tzinfo) -> str:
    """`2 new, 1 gone since the run of 24 Nov 06:00`."""
    parts = [
        f"{len(findings)} {word}"
        for word, findings in (
            ("new", change.new), ("back", change.back), ("gone", change.gone), ("closed", change.closed),
            ("not judged", change.unjudged),
        )
        if findings
    ]  # fmt: skip
    said = ", ".join(parts) or "nothing new"
    if change.before is None:
        return f"{said}; the first run that is recorded"
    when = change.before.astimezone(zone)
    return f"{said} since the run of {when.day} {when:%b %H:%M}"


def stats(book: Book, interval: Interval, *, now: datetime) -> Result:
    """Alarm figures of an interval after ISA-18.2. Raises StoreProblem."""
    end = min(interval.end, now)
    with book.reading() as connection:
        first_run = instant(connection.execute("SELECT min(at) FROM runs").fetchone()[0])
        announced = [
            (instant(row["at"]), f"{row['report']}:{row['id']}")
            for row in connection.execute(
                "SELECT at, report, id FROM events WHERE event IN ('opened', 'reopened', 'unshelved')"
            )
        ]
        held = {f"{one.report}:{one.id}": one for one in all_kept(connection)}
    standing = [(one.opened_at, name) for name, one in held.items() if one.state_at(now) == "open"]
    found_ = alarms.figures(
        [(at, name) for at, name in announced if at is not None],
        standing,
        start=interval.start,
        end=max(end, interval.start + timedelta(minutes=10)),
    )
    rows: list[tuple[object, ...]] = [
        ("alarms", found_.alarms, ""),
        ("alarms a day", found_.per_day, "150 acceptable, 300 manageable"),
        ("alarms in 10 minutes, mean", found_.per_ten_minutes, "1 acceptable, 2 manageable"),
        ("alarms in 10 minutes, most", found_.most_in_ten_minutes, "10"),
        ("floods", len(found_.floods), "more than 10 in 10 minutes, until fewer than 5"),
        ("share of time in a flood, %", 100 * found_.flood_share, "1"),
        ("chattering", len(found_.chattering), "none: 3 or more times within a minute"),
        ("stale", len(found_.stale), "fewer than 5: open for more than 24 hours, nobody on it"),
    ]
    floods: list[tuple[object, ...]] = [(flood.start, flood.end, flood.alarms) for flood in found_.floods]
    worst: list[tuple[object, ...]] = []
    for name, count in found_.frequent:
        report, _, short = name.partition(":")
        one = held.get(name)
        worst.append((short, count, one.subject if one else "", one.text if one else "", report))
    lasting: list[tuple[object, ...]] = [
        (held[name].id, held[name].severity, held[name].subject, held[name].opened_at, held[name].text)
        for name in found_.stale
    ]
    return Result(
        "Alarm figures",
        [
            Table("figures", "Figures", columns("figure", "counted", "limit_text"), rows),
            Table("floods", "Floods", columns("since", "until", "announced"), floods),
            Table(
                "frequent",
                "Most frequent",
                columns("finding", "announced", "subject", "text", "found_by"),
                worst,
            ),
            Table("stale", "Stale", columns("finding", "severity", "subject", "opened_at", "text"), lasting),
        ],
        interval=interval,
        subtitle="after ISA-18.2",
        notes=[
            *([_recorded_since(first_run, interval)] if first_run and first_run > interval.start else []),
            "Source: ANSI/ISA-18.2-2016, clause 16: monitoring and assessment of alarm systems.",
        ],
        summary=f"{counted(found_.alarms, 'alarm')}, {len(found_.stale)} stale, {counted(len(found_.floods), 'flood')}",
    )


def _recorded_since(first_run: datetime, interval: Interval) -> str:
    local = first_run.astimezone(interval.zone)
    return f"Recorded since {local.day} {local:%b %Y %H:%M}; before that nothing was counted."
