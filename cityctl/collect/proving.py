"""`connectors test`: does a service answer, does its connector fit, what would be mapped.

Against the service of city.yaml, against a recorded session of it, or against the connector's own example; the
latter two are played on loopback and need no network and no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from cityctl.city.project import Project
from cityctl.collect.plan import Plan, plans
from cityctl.collect.trial import CHECK, DETAIL, Look, example_project, look
from cityctl.errors import ConfigInvalid, CredentialsRefused, Unreachable, UsageProblem
from cityctl.exports import service as connectors
from cityctl.exports.http import Client, Patience
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.result import Completeness, Missing, Result, Table
from cityctl.sim.recording import http_session
from cityctl.sim.recording.http_player import Player
from cityctl.sim.recording.http_tap import origin_of
from cityctl.wording import counted

_ROWS = 100_000  # readings of a window that are compared


def prove(
    project: Project, library: Library, name: str, *, session: Path | None = None, now: datetime
) -> Result:
    """Prove a service of city.yaml, or a connector by its example. Raises ConfigInvalid and UsageProblem.

    What does not work is a row of the result with its reason, and makes it incomplete.
    """
    services: tuple[str, ...] = ()
    try:
        services = tuple(project.city.services)
    except ConfigInvalid:
        if session is not None:
            raise
    with ExitStack() as stack:
        if name in services:
            if session is None:
                return _proven(name, project, name, now)
            played = stack.enter_context(
                Player(http_session.read(session), loose=True, of=origin_of(session))
            )
            plain = _led_to(project, name, played.url)
            return _proven(name, plain, name, now, played=played, bare=True)
        if session is not None:
            known = ", ".join(services) or "none"
            raise UsageProblem(f"no service named `{name}` in city.yaml", hint=f"there are: {known}")
        if name not in library.list("connectors/services"):
            known = ", ".join([*services, *library.list("connectors/services")])
            raise UsageProblem(
                f"no service and no service connector named `{name}`", hint=f"there are: {known}"
            )
        return example(library.find("connectors/services", name))


def example(path: Path) -> Result:
    """Prove a connector by its own example: its requests, and the readings that come of the answers."""
    connector = connectors.read(path)
    told = connector.example
    exchanges = [] if told is None else [
        http_session.Exchange(
            one.request.partition(" ")[0], one.request.partition(" ")[2], one.status, one.headers, one.body.encode()
        )
        for one in told.answers
    ]  # fmt: skip
    with TemporaryDirectory(prefix="cityctl-example-") as folder, Player(exchanges) as player:
        project = example_project(Path(folder), path.stem, path, connector, player.url)
        assert told is not None
        spans = {"since": told.since, "until": told.until}
        until = datetime.fromisoformat(told.until)
        return _proven(
            path.stem, project, "example", until, played=player, expected=told.readings, spans=spans
        )


def _led_to(project: Project, name: str, url: str) -> Project:
    """The project with one service at another address."""
    service = project.city.services[name]
    path = urlsplit(service.url).path.rstrip("/")
    project.city.services[name] = service.model_copy(update={"url": url + path, "tls": None})
    return project


def _proven(
    title: str,
    project: Project,
    name: str,
    now: datetime,
    *,
    played: Player | None = None,
    bare: bool = False,
    expected: dict[str, float] | None = None,
    spans: dict[str, str] | None = None,
) -> Result:
    rows: list[tuple[object, ...]] = []
    missing: list[Missing] = []

    def say(check: str, ok: bool, detail: str) -> None:
        rows.append((check, "ok" if ok else "wrong", detail))
        if not ok:
            missing.append(Missing(check, detail))

    (plan,) = plans(project, [name], (spans or {}).get("since"), (spans or {}).get("until"), now)
    made = plan.connector
    say(
        "connector",
        True,
        f"{made.title}: {made.answer.format}, pages: {made.pagination.kind}, auth: {made.auth.kind}",
    )
    client = _without_credentials(plan) if bare else None
    try:
        looked = look(project, plan, _ROWS, now, Patience(total=60.0, tries=3), client)
    except (CredentialsRefused, Unreachable) as problem:
        hint = f" (hint: {problem.hint})" if problem.hint else ""
        say(
            "credentials" if isinstance(problem, CredentialsRefused) else "answer",
            False,
            f"{problem.message}{hint}",
        )
    else:
        _told(looked, say)
        if expected is not None:
            _compared(looked, expected, say)
    if played is not None:
        for request in dict.fromkeys(played.not_found):
            say("session", False, f"{request}: not recorded in it")
    mapped = [
        (line.label, line.match.point, line.match.unit or line.series.unit, line.handed_in, line.match.why)
        for task in plan.tasks
        for line in task.ledger.lines.values()
        if line.series.id
    ]
    columns = [column("series"), column("point"), column("unit"), column("readings"), column("reason")]
    tables = [Table("checks", "Checks", [CHECK, column("verdict"), DETAIL], rows)]
    tables.append(Table("mapped", "What would be mapped", columns, list(mapped)))
    wrong = len(missing)
    summary = (
        f"{title}: {wrong} of {len(rows)} checks failed"
        if wrong
        else f"{title}: it works; nothing was stored"
    )
    done = Completeness(wanted=len(rows), had=len(rows) - wrong, missing=missing, unit="checks")
    return Result("Connector test", tables, completeness=done, summary=summary)


def _without_credentials(plan: Plan) -> Callable[[], Client]:
    return lambda: Client(plan.service.url, plan.name, patience=Patience(total=60.0, tries=2))


def _told(looked: Look, say: Callable[[str, bool, str], None]) -> None:
    plan = looked.plan
    if plan.connector.auth.kind != "none":
        say("credentials", True, "accepted")
    say("answer", True, f"{counted(looked.pages, 'page')} of {counted(looked.requests, 'request')}")
    for one in looked.missing:
        say("page", False, f"{one.what}: {one.why}")
    rejected = [one for task in plan.tasks for one in task.ledger.rejections]
    for task in plan.tasks:
        if not any(line.handed_in for line in task.ledger.lines.values()) and not looked.missing:
            left = ", ".join(f"`{name}`" for name in list(task.ledger.left_out)[:5])
            why = f"none of its series fits: {left}" if left else "no readings in the latest windows"
            say("readings", False, f"{plan.name}/{task.series}: {why}")
    if looked.rows:
        say("readings", True, f"{counted(len(looked.rows), 'reading')} understood")
    for rejection in rejected[:10]:
        say(
            "readings",
            False,
            f"{rejection.count} rejected: {rejection.place or rejection.file}: {rejection.reason}",
        )


def _compared(looked: Look, expected: dict[str, float], say: Callable[[str, bool, str], None]) -> None:
    """The readings of an example, one by one."""
    found = {row[3]: row[4] for row in looked.rows}
    wanted = {datetime.fromisoformat(text): value for text, value in expected.items()}
    for at, value in wanted.items():
        got = found.pop(at, None)
        if not isinstance(got, int | float) or abs(got - value) > 1e-9 * max(1.0, abs(value)):
            say("example", False, f"{at:%Y-%m-%d %H:%M:%SZ}: expected {value:g}, found {got}")
    for other in found:
        say("example", False, f"{other}: a reading that the example does not name")
    if wanted:
        say("example", True, f"{counted(len(wanted), 'reading')} compared")
