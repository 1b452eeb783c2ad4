"""The audit as tables and as an incident bundle."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from cityctl.disk import write_atomic
from cityctl.errors import UsageProblem
from cityctl.result import Completeness, Finding, Missing, Result, Table
from cityctl.runbook import columns as c
from cityctl.runbook.audit import Audit, digest
from cityctl.runbook.journal import Journal, find
from cityctl.wording import counted


def listing(audit: Audit) -> Result:
    """Every line of the audit."""
    rows: list[tuple[object, ...]] = []
    for entry in audit.entries():
        why = entry.get("work_order") or entry.get("reason") or ""
        rows.append(
            (
                entry.get("number"), datetime.fromisoformat(entry["time"]), entry.get("who", ""), entry.get("event"),
                entry.get("run", ""), entry.get("point", ""), entry.get("old", ""), entry.get("new", ""),
                entry.get("read_back", ""), why, entry.get("host", ""),
            )
        )  # fmt: skip
    shown = [c.NUMBER, c.TIME, c.WHO, c.EVENT, c.RUN, c.POINT, c.OLD, c.NEW, c.BACK, c.REASON, c.HOST]
    return Result(
        "Audit",
        [Table("audit", "Audit", shown, rows)],
        summary=f"{counted(len(rows), 'line')} in {audit.path}",
    )


def of_run(audit: Audit, run: str) -> list[dict[str, Any]]:
    """The lines of a run, by its name or the end of it. Raises UsageProblem where there are none."""
    found = [entry for entry in audit.entries() if len(run) >= 4 and str(entry.get("run", "")).endswith(run)]
    if not found:
        raise UsageProblem(f"the audit knows no run `{run}`", hint="`cityctl audit list` lists them")
    return found


def of_one(audit: Audit, run: str) -> Result:
    """Each line of one run, field by field."""
    rows = [
        (entry["number"], entry["event"], key, value if isinstance(value, str) else json.dumps(value))
        for entry in of_run(audit, run)
        for key, value in entry.items()
        if key not in ("number", "event") and value not in (None, "")
    ]
    table = Table("audit", "Audit", [c.NUMBER, c.EVENT, c.FIELD, c.FIELD_VALUE], list(rows))
    return Result(f"Audit of run {run}", [table])


def verified(audit: Audit, kept: str | None) -> Result:
    """Whether every byte of the audit is as it was written; each fault is a finding with its line."""
    faults = audit.faults(kept)
    table = Table("faults", "Faults", [c.NUMBER, c.FAULT], [(fault.line, fault.why) for fault in faults])
    findings = [
        Finding(
            "audit-broken",
            f"line {fault.line}",
            None,
            f"{audit.path}, line {fault.line}: {fault.why}",
            "alarm",
        )
        for fault in faults
    ]
    kept_elsewhere = audit.anchor().text if not faults else ""
    said = f"{len(faults)} faults" if faults else f"every line is as it was written; anchor {kept_elsewhere}"
    missing = [Missing(f"line {fault.line}", fault.why) for fault in faults]
    lines = sum(1 for _ in audit.entries())
    return Result(
        "Audit verified" if not faults else "AUDIT BROKEN", [table], findings=findings, summary=said,
        completeness=Completeness(lines, lines - len(faults), missing, "lines"),
    )  # fmt: skip


def export(state: Path, audit: Audit, run: str, target: Path) -> Path:
    """An incident bundle: a run's audit lines, its journal, its recipe, the anchor, and a hash of each.

    Raises UsageProblem.
    """
    import io
    import zipfile

    entries = of_run(audit, run)
    journal: Journal = find(state, str(entries[0]["run"]))
    files = {
        "audit.jsonl": audit.path.read_text(encoding="utf-8"),
        "anchor.json": audit.anchor_path.read_text(encoding="utf-8"),
        "run.jsonl": "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries),
        "journal.jsonl": journal.path.read_text(encoding="utf-8"),
        "recipe.yaml": journal.begin["recipe_text"],
    }
    faults = [f"line {fault.line}: {fault.why}" for fault in audit.faults()]
    files["summary.json"] = json.dumps(
        {
            "run": journal.run, "ended": journal.ending or "open", "audit_faults": faults,
            "files": {name: digest(text) for name, text in files.items()},
        },
        indent=1,
    )  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    write_atomic(target, packed.getvalue())
    return target
