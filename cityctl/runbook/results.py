"""Runs, plans, recipes and the audit as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cityctl.disk import write_atomic
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.result import Completeness, Missing, Result, Table
from cityctl.runbook import columns as c
from cityctl.runbook.change import Change
from cityctl.runbook.job import Job
from cityctl.runbook.journal import find, journals
from cityctl.runbook.plan import Plan
from cityctl.runbook.recipe import RUNBOOKS, load, read
from cityctl.runbook.session import Ended
from cityctl.runbook.values import shown
from cityctl.runbook.walk import Line, Walk
from cityctl.units import pretty
from cityctl.wording import counted

WRITES = [
    c.STEP,
    column("device"),
    c.POINT,
    c.HOST_PORT,
    c.UNIT,
    c.FUNCTION,
    c.ADDRESS,
    c.WORDS,
    c.OLD,
    c.NEW,
    c.DEPENDS,
]
LINES = [c.STEP, c.VERB, c.WHAT, c.CHANGE, c.RAW, c.PLACE, c.VERDICT]


def _count(writes: int) -> str:
    return counted(writes, "write")


def _rows(lines: Sequence[Line]) -> list[tuple[object, ...]]:
    return [(one.step, one.verb, one.what, one.change, one.raw, one.place, one.verdict) for one in lines]


def _writes(changes: Sequence[tuple[str, Change]]) -> Table:
    """What a plan would send, field by field, as machines want it."""
    rows: list[tuple[object, ...]] = []
    for step, each in changes:
        sent = each.telegram
        words = sent.masks if sent.masks is not None else sent.words
        rows.append(
            (
                step, each.at.device, each.at.point, each.host, each.unit, sent.function, sent.address,
                " ".join(map(str, words)), shown(each.old), shown(each.new), ", ".join(each.depends_on) or None,
            )
        )  # fmt: skip
    return Table("writes", "Writes", WRITES, rows)


def plan(job: Job, walk: Walk, made: Plan) -> Result:
    """A plan: each step with what it would do and what was seen."""
    desk = job.desk
    until = made.expires.astimezone(desk.city.zone_info)
    profile = f"profile {desk.profile}" if desk.profile else "no profile"
    where = ", ".join(job.devices()) or "no device"
    title = f"{job.loaded.runbook.runbook} on {where} ({profile})"
    risks = [f"Risk: {risk}" for risk in job.loaded.runbook.risks]
    writes = len(walk.changes) + walk.untold
    refused = f"; REFUSED: {walk.problems[0]}" if walk.problems else ""
    tables = [Table("steps", "Steps", LINES, _rows(walk.lines)), _writes(walk.changes)]
    return Result(
        title, [table for table in tables if table.rows], notes=[*risks, *job.left_open()],
        subtitle=f"plan {made.short}, expires {until:%H:%M}",
        summary=f"{_count(writes)}, {walk.in_place} already in place{refused}. Nothing was sent.",
    )  # fmt: skip


def ended(job: Job, end: Ended) -> Result:
    """A run that came to its end."""
    said = end.said or f"{_count(end.sent)} sent, {end.in_place} already in place; run {end.run}"
    return Result(job.loaded.runbook.title, [Table("steps", "Steps", LINES, _rows(end.lines))], summary=said)


def resumed(end: Ended) -> Result:
    """The rest of a run."""
    said = end.said or f"{_count(end.sent)} sent in all; run {end.run}"
    return Result(f"Run {end.run}", [Table("steps", "Steps", LINES, _rows(end.lines))], summary=said)


def listing(library: Library) -> Result:
    """Every runbook by name; a broken one is named as missing, with the place of its error."""
    rows: list[tuple[object, ...]] = []
    broken: list[Missing] = []
    paths = library.list(RUNBOOKS)
    for name, path in paths.items():
        try:
            loaded = read(path, library)
        except ConfigInvalid as problem:
            broken.append(Missing(name, problem.message))
            continue
        book = loaded.runbook
        rows.append((name, book.title, ", ".join(book.inputs), loaded.origin))
    table = Table("runbooks", "Runbooks", [c.RUNBOOK, c.TITLE, c.INPUTS, column("origin")], rows)
    return Result(
        "Runbooks", [table], completeness=Completeness(len(paths), len(rows), broken, "recipes"),
        summary="`cityctl runbook run NAME --simulate` shows one at work, on no plant at all",
    )  # fmt: skip


def description(library: Library, name: str) -> Result:
    """What a runbook takes and does."""
    loaded = load(library, name)
    book = loaded.runbook
    inputs: list[tuple[object, ...]] = []
    for word, entry in book.inputs.items():
        unit = pretty(entry.unit) if entry.unit else ""
        span = f"{entry.min:g} to {entry.max:g}" if entry.min is not None and entry.max is not None else ""
        range_ = span or ", ".join(entry.choices or entry.points)
        inputs.append((word, entry.type, range_, unit, _plain(entry.default), entry.meaning))
    steps: list[tuple[object, ...]] = [
        (str(number), step.verb, _said(step.model_dump(exclude_unset=True, exclude={step.verb}), step))
        for number, step in enumerate(book.steps, 1)
    ]
    return Result(
        book.title,
        [
            Table("inputs", "Inputs", [c.INPUT, c.TYPE, c.RANGE, column("unit"), c.DEFAULT, column("meaning")], inputs),
            Table("steps", "Steps", [c.STEP, c.VERB, c.WHAT], steps),
        ],
        notes=[book.purpose, *(f"Risk: {risk}" for risk in book.risks)],
        summary=f"{loaded.origin}: {loaded.path}",
    )  # fmt: skip


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _said(more: dict[str, Any], step: Any) -> str:
    held = getattr(step, step.verb)
    head = getattr(held, "text", None) or (
        counted(len(held), "step") if isinstance(held, list) else str(held)
    )
    rest = [
        f"{key} {value['text']}" for key, value in more.items() if isinstance(value, dict) and "text" in value
    ]
    return ", ".join([head, *rest])


def lint(library: Library, names: Sequence[str]) -> Result:
    """Check runbooks by name or file, or all; each that is wrong is named with its place. Raises ConfigInvalid."""
    paths = [
        Path(name) if "/" in name or name.endswith(".yaml") else library.asked_for(RUNBOOKS, name)
        for name in names
    ]
    paths = paths or list(library.list(RUNBOOKS).values())
    rows: list[tuple[object, ...]] = []
    first: ConfigInvalid | None = None
    tried: list[str] = []
    for path in paths:
        try:
            read(path, library)
            rows.append((path.stem, "ok"))
        except ConfigInvalid as problem:
            first = first or problem
            tried += [problem.message, *problem.tried]
    if first is not None:
        raise ConfigInvalid(first.message, tried=tried[1:12], hint=first.hint)
    return Result("Runbooks checked", [Table("runbooks", "Runbooks", [c.RUNBOOK, c.VERDICT], rows)])


def log(state: Path, run: str | None) -> Result:
    """Every run of a project, or what one noted."""
    if run is None:
        rows = [
            (
                journal.run, journal.begin["runbook"], datetime.fromisoformat(journal.begin["time"]),
                journal.ending or "open", sum(entry["what"] == "intent" for entry in journal.entries),
            )
            for journal in journals(state)
        ]  # fmt: skip
        table = Table("runs", "Runs", [c.RUN, c.RUNBOOK, c.BEGUN, c.STATE, c.SENT], list(rows))
        return Result("Runs", [table], summary="" if rows else "nothing was run yet")
    journal = find(state, run)
    lines = [(str(entry.get("key", "")), entry["what"], _noted(entry)) for entry in journal.entries]
    return Result(f"Run {journal.run}", [Table("journal", "Journal", [c.STEP, c.ENTRY, c.WHAT], list(lines))])


def _noted(entry: dict[str, Any]) -> str:
    change = entry.get("change")
    if change:
        at = change["at"]
        return f"{at['device']}/{at['point']} words {change['old_words']} -> {change['new_words']}"
    return ", ".join(
        f"{key} {entry[key]}" for key in ("runbook", "inputs", "saved", "how", "why") if entry.get(key)
    )


def new(project: Path, name: str) -> Path:
    """A runbook to fill in, in a project. Raises UsageProblem where there is one."""
    path = project / RUNBOOKS / f"{name}.yaml"
    if path.exists():
        raise UsageProblem(f"{path} is there already")
    text = (Path(__file__).parent / "template.yaml").read_text(encoding="utf-8").replace("NAME", name, 1)
    write_atomic(path, text.encode())
    try:
        read(path, Library(project))
    except ConfigInvalid:
        path.unlink()
        raise UsageProblem(f"`{name}` is no name of a runbook", hint="small letters, digits and -") from None
    return path
