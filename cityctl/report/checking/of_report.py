"""A report's findings as a monitor sees them: the last recorded run where it is fresh, otherwise a new one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cityctl.errors import listed
from cityctl.report.checking.nagios import Checked, Figure, Range, State
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import all_kept

if TYPE_CHECKING:
    from cityctl.city.project import Project


def of_report(
    name: str, project: Project, *, now: datetime, fresh: timedelta, warn: Range | None, crit: Range | None
) -> Checked:
    """Open findings that nobody has acknowledged or shelved: an alarm is CRITICAL, a warning WARNING.

    `warn` and `crit` bound their number instead. A run that could not judge everything is at least a WARNING.
    `fresh`: how old a recorded run may be; an older one is not believed, and the report is run (and not kept).
    Raises what the report raises.
    """
    book = Book(project.state)
    with book.reading() as connection:
        last = connection.execute(
            "SELECT * FROM runs WHERE report = ? ORDER BY run DESC LIMIT 1", (name,)
        ).fetchone()
        held = [one for one in all_kept(connection, name) if one.state != "closed"] if last else []
    known: dict[str, str] = {one.id: one.state_at(now) for one in held}
    age = (now - datetime.fromisoformat(last["at"])).total_seconds() if last else None
    if last is not None and age is not None and -60 <= age <= fresh.total_seconds():
        findings = [(one.severity, one.id, one.subject, one.text) for one in held if not one.gone]
        missing = json.loads(last["missing"])
        wanted, had = last["wanted"], last["had"]
    else:
        from cityctl.report.run import run

        age = 0.0
        result = run(name, project, now=now)
        findings = [(str(one.severity), one.id, one.subject, one.text) for one in result.findings]
        missing = sorted({gap.what for gap in result.completeness.missing})
        wanted, had = result.completeness.wanted, result.completeness.had
    return _told(name, findings, known, missing, (wanted, had), age, (warn, crit))


def _told(
    name: str,
    findings: list[tuple[str, str, str, str]],
    known: dict[str, str],
    missing: list[str],
    counts: tuple[int, int],
    age: float,
    bounds: tuple[Range | None, Range | None],
) -> Checked:
    checked = Checked()
    open_ = [one for one in findings if known.get(one[1], "open") == "open"]
    by_severity = Counter(one[0] for one in open_)
    by_state = Counter(known.get(one[1], "open") for one in findings)
    counted = [one for one in open_ if one[0] != "note"]
    checked.judge(Figure("findings", len(counted), "", *bounds))
    if bounds == (None, None) and counted:
        checked.worse(State.CRITICAL if by_severity["alarm"] else State.WARNING)
    order = {"alarm": 0, "warning": 1, "note": 2}
    shown = sorted(counted, key=lambda one: (order.get(one[0], 3), one[2]))
    if shown:
        checked.words.append(
            f"{name}: {len(counted)} open: "
            + listed([f"{where}: {text} [{id_}]" for _, id_, where, text in shown], 3)
        )
    else:
        checked.words.append(f"{name}: no open finding")
    for state in ("acknowledged", "shelved"):
        if by_state[state]:
            checked.words.append(f"{by_state[state]} {state}")
    wanted, had = counts
    if wanted and not had:
        checked.worse(State.UNKNOWN if not counted else State.WARNING, "no readings to judge by")
    elif missing:
        checked.worse(State.WARNING, f"cannot be judged: {listed(missing, 3)}")
    checked.figures += [Figure(f"{word}s", by_severity[word]) for word in ("alarm", "warning", "note")]
    checked.figures += [Figure(word, by_state[word]) for word in ("acknowledged", "shelved")]
    checked.figures += [Figure("missing", len(missing)), Figure("age", round(age), "s")]
    return checked
