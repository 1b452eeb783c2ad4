"""Looking before pulling: the first readings that a service would bring, and whether it and its connector work.

Nothing is stored and no watermark moves.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cityctl import units
from cityctl.city.project import Project
from cityctl.collect import pull as pulling
from cityctl.collect.fetch import Fetch
from cityctl.collect.intake import Intake
from cityctl.collect.plan import Plan, plans
from cityctl.errors import CityctlError, ConfigInvalid, Unreachable
from cityctl.exports.http import Away, Budgets, Client, Forbidden, Patience
from cityctl.exports.http.origin import host
from cityctl.exports.landing import Landing
from cityctl.exports.language import Connector
from cityctl.glossary import column
from cityctl.reading import Quality
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

CHECK = Column("check", "Check", meaning="what was looked at", priority=1)
DETAIL = Column("detail", "Detail", meaning="what was found", priority=2)
COLUMNS: tuple[Column, ...] = (CHECK, DETAIL)
_WINDOWS = 3  # that are asked for, from the latest back, until readings come
_QUALITIES = {int(quality): quality.name.lower() for quality in Quality}


@dataclass
class Look:
    """What a look at one service brought."""

    plan: Plan
    rows: list[tuple[object, ...]] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    requests: int = 0
    pages: int = 0


def preview(
    project: Project,
    names: Sequence[str] | None,
    rows: int,
    *,
    since: str | None = None,
    until: str | None = None,
    now: datetime,
    patience: Patience | None = None,
) -> Result:
    """The first `rows` readings of each series that a pull would bring, in the units of city.yaml.

    Raises UsageProblem and ConfigInvalid, and Unreachable or CredentialsRefused where a service cannot be asked.
    """
    shown: list[tuple[object, ...]] = []
    missing: list[Missing] = []
    notes: list[str] = []
    asked = plans(project, names, since, until, now)
    for plan in asked:
        looked = look(project, plan, rows, now, patience or Patience())
        shown += looked.rows
        missing += looked.missing
        notes += list(_left_out(plan))
    columns = [column("service"), column("series"), column("point"), column("time"), column("value"),
               column("unit"), column("quality")]  # fmt: skip
    wanted = sum(len(plan.tasks) for plan in asked)
    return Result(
        "Preview",
        [Table("readings", "Readings", columns, shown)],
        completeness=Completeness(wanted=wanted, had=wanted - len(missing), missing=missing, unit="series"),
        notes=notes,
        summary=f"{counted(len(shown), 'reading')}, the first of each series; nothing was stored",
    )


def look(
    project: Project,
    plan: Plan,
    rows: int,
    now: datetime,
    patience: Patience,
    client: Callable[[], Client] | None = None,
) -> Look:
    """Ask for each series' latest windows until something comes; at most `rows` readings of each are kept."""
    found = Look(plan)
    budgets = Budgets()
    budgets.limit(host(plan.service.url), pulling.rate(plan))
    with TemporaryDirectory(prefix="cityctl-preview-") as folder:
        landing = Landing(Path(folder))
        made = client or (lambda: pulling.client(project, plan, budgets, patience, time.sleep))
        with made() as connected:
            for task in plan.tasks:
                intake = Intake(project, plan, None, landing, now)
                fetch = Fetch(plan, connected, intake, landing, now, most=max(rows, 1))
                before = len(found.rows)
                failed = False
                for window in list(reversed(task.windows))[:_WINDOWS]:
                    try:
                        fetch.window(task, window)
                    except CityctlError as problem:
                        if not plan.answered and (task is plan.tasks[-1] or not _of_one_series(problem)):
                            raise
                        failed = True
                        found.missing.append(Missing(f"{plan.name}/{task.series}", problem.message))
                    series = {line.match.point: line.label for line in task.ledger.lines.values()}
                    for batch in intake.look():
                        series = {line.match.point: line.label for line in task.ledger.lines.values()}
                        room = rows - (len(found.rows) - before)
                        found.rows += _shown(project, plan, series, batch.slice(0, max(room, 0)))
                    if failed or len(found.rows) > before:
                        break
                intake.finish()
                found.pages += fetch.pages
            found.requests = connected.requests
    return found


def _of_one_series(problem: CityctlError) -> bool:
    """Whether another series may be had all the same."""
    return isinstance(problem, Unreachable | Forbidden) and not isinstance(problem, Away)


def _shown(
    project: Project, plan: Plan, series: dict[str | None, str], batch: Any
) -> Iterator[tuple[object, ...]]:
    points = project.city.points()
    for row in batch.to_pylist():
        point = points[row["point"]]
        scale, offset = units.linear(point.unit, point.shown_unit)
        value = row["value"] * scale + offset if row["value"] is not None else None
        at = row["time"].replace(tzinfo=UTC)
        quality = _QUALITIES.get(row["quality"], "")
        yield (plan.name, series.get(point.id, ""), point.id, at, value, point.shown_unit, quality)


def _left_out(plan: Plan) -> Iterator[str]:
    for task in plan.tasks:
        for rejection in task.ledger.rejections[:5]:
            yield f"{plan.name}: {rejection.place or rejection.file}: {rejection.reason}"
        if task.ledger.left_out:
            names = ", ".join(f"`{name}`" for name in list(task.ledger.left_out)[:8])
            yield f"{plan.name}: not asked for, left out: {names}"


def example_project(folder: Path, name: str, path: Path, connector: Connector, url: str) -> Project:
    """A project with one point that the connector's example fills. Raises ConfigInvalid where there is no example."""
    example = connector.example
    if example is None:
        raise ConfigInvalid(
            f"{path}: it has no `example:`, and city.yaml has no service `{name}` to ask",
            hint="name a service of city.yaml, or add an example: answers and the readings in them",
        )
    target = folder / "connectors" / "services" / f"{name}.yaml"
    target.parent.mkdir(parents=True)
    shutil.copyfile(path, target)
    (folder / "secret").write_text("example-secret-of-cityctl\n", encoding="utf-8")
    (folder / "refresh").write_text("example-refresh-token-1\n", encoding="utf-8")
    service: dict[str, Any] = {"connector": name, "url": url, "parameters": example.parameters}
    if connector.auth.kind != "none":
        service |= {"secret": {"file": "secret"}, "user": example.user or "example"}
    if connector.auth.kind == "oauth2_refresh":
        service["refresh_token"] = {"file": "refresh"}
    point = {"unit": example.unit, "kind": example.kind, "service": f"example/{example.series}"}
    city = {
        "name": "Example", "time_zone": "UTC", "networks": {"water": {"kind": "water"}},
        "services": {"example": service}, "points": {"example": point},
    }  # fmt: skip
    (folder / "city.yaml").write_text(json.dumps(city), encoding="utf-8")
    return Project(folder)
