"""Pull: exports of services into the store, with the balance of every series.

Raw answers land on disk before anything reads them. A service that is dead is named and the others are kept, and
so is a series whose answer never comes whole; a watermark moves only over windows that were answered whole and are
stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.collect.balance import NOTHING, balance_result
from cityctl.collect.fetch import Fetch, Seen
from cityctl.collect.intake import Intake
from cityctl.collect.order import moment
from cityctl.collect.plan import Plan, Task, plans, requests
from cityctl.collect.series import SeriesMatcher
from cityctl.console import Console
from cityctl.disk import Lock
from cityctl.errors import CityctlError, CredentialsRefused, InputRefused, Unreachable, UsageProblem
from cityctl.exports import auth
from cityctl.exports.http import Away, Budgets, Client, Forbidden, Patience, Rate, origin
from cityctl.exports.http.origin import host
from cityctl.exports.landing import Landing
from cityctl.result import Completeness, Missing, Result
from cityctl.wording import grouped

_IN_A_ROW = 5  # series that fail: the others are not asked for then


def pull(
    project: Project,
    names: Sequence[str] | None = None,
    *,
    since: str | None = None,
    until: str | None = None,
    dry_run: bool = False,
    backfill: bool = False,
    now: datetime,
    console: Console,
    patience: Patience | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Result:
    """Pull the named services, all of the city where none is named.

    `since` and `until` in the time grammar; without `since` each series goes on from its watermark. `backfill`
    asks for what is missing in the store, and for that alone. A dry run shows the requests, sends nothing and
    reads no secret. Raises UsageProblem, ConfigInvalid, LockHeld; Unreachable or CredentialsRefused where no
    service answered at all.
    """
    asked = plans(project, names, since, until, now, backfill=backfill)
    spans = [window for plan in asked for task in plan.tasks for window in task.windows]
    interval = None
    if spans:
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        interval = Interval(first, last, project.city.zone_info)
    if dry_run:
        return requests(asked, interval)
    if backfill and not spans:
        return Result("Pull", summary="no reading of these services is missing; nothing was sent")
    problems: list[tuple[Plan, CityctlError]] = []
    missing: list[Missing] = []
    budgets = Budgets()
    for plan in asked:
        budgets.limit(host(plan.service.url), rate(plan))
    from cityctl.store import Store

    with (
        Lock(project.state / "pull.lock", purpose="cityctl pull"),
        Store.open(project.store_folder) as store,
        console.progress("pulling", len(spans)) as progress,
    ):
        for plan in asked:
            landing = Landing(project.state / "raw")
            intake = Intake(project, plan, store, landing, now)
            try:
                with client(project, plan, budgets, patience or Patience(), sleep or time.sleep) as connected:
                    seen = Seen.read(project.state / "pull", plan.name)
                    fetch = Fetch(plan, connected, intake, landing, now, seen)
                    _pull(fetch, missing, progress.advance)
            except (Unreachable, CredentialsRefused) as problem:
                problems.append((plan, problem))
    if problems and not any(plan.answered for plan in asked):
        raise _all_dead(problems)
    missing += [_ended(plan, problem) for plan, problem in problems]
    return balanced("Pull", asked, missing, problems, interval)


def rate(plan: Plan) -> Rate | None:
    """How often a service may be asked."""
    budget = plan.connector.budget
    return Rate(budget.requests, budget.per.total_seconds()) if budget is not None else None


def client(
    project: Project, plan: Plan, budgets: Budgets, patience: Patience, sleep: Callable[[float], None]
) -> Client:
    """The client of a service, with its credentials. Raises CredentialsRefused and ConfigInvalid."""
    return Client(
        plan.service.url,
        plan.name,
        patience=patience,
        credentials=auth.credentials(
            plan.connector, plan.service, plan.name, project.folder,
            said=plan.words, state=project.state, patience=patience, sleep=sleep,
        ),
        origins=frozenset(origin(url) for url in plan.service.origins),
        tls=auth.tls(plan.service, plan.name, project.folder),
        budgets=budgets,
        sleep=sleep,
    )  # fmt: skip


def _pull(fetch: Fetch, missing: list[Missing], advance: Callable[[int, str], None]) -> None:
    """Ask one service for every series; what came is stored whatever ends the run early.

    A series that fails is named and the others get their turn. Raises Unreachable and CredentialsRefused where the
    service is away, gives nothing at all, or fails some series in a row: the next pull begins behind them.
    """
    plan, tasks, failed = fetch.plan, fetch.plan.in_turn(), 0
    try:
        for number, task in enumerate(tasks):
            plan.begin_with(task)
            try:
                task.complete = _task(fetch, task, missing, advance)
                failed = 0
            except (Unreachable, Forbidden) as problem:
                failed += 1
                left = len(tasks) - number - 1
                if isinstance(problem, Away) or failed == _IN_A_ROW or not (left or plan.answered):
                    plan.begin_with(tasks[number + 1 - len(tasks)])
                    plan.unasked = left
                    raise
                missing.append(Missing(plan.label(task), _said(problem)))
        plan.marks.turn = ""
    finally:
        fetch.intake.commit()
        fetch.intake.finish()
        plan.marks.write_turn()
        if fetch.seen is not None:
            fetch.seen.write()


def _task(fetch: Fetch, task: Task, missing: list[Missing], advance: Callable[[int, str], None]) -> bool:
    """Ask for one series, window by window; it stops where a window is not answered whole."""
    name = fetch.plan.label(task)
    for window in task.windows:
        try:
            proven = fetch.window(task, window)
        except (InputRefused, UsageProblem) as problem:
            missing.append(Missing(name, _said(problem)))
            return False
        if not proven:
            why = "the end of its answer is not proven (no Content-Length): the window will be pulled again"
            missing.append(Missing(name, why))
            return False
        fetch.intake.drained(task, window)
        advance(1, name)
    return True


def _said(problem: CityctlError) -> str:
    return f"{problem.message} (hint: {problem.hint})" if problem.hint else problem.message


def _ended(plan: Plan, problem: CityctlError) -> Missing:
    """Why a service's pull ended early, and how many series did not get their turn."""
    left = f"; the other {grouped(plan.unasked)} series come first next time" if plan.unasked else ""
    return Missing(plan.name, f"{problem.message}{left}")


def _all_dead(problems: Sequence[tuple[Plan, CityctlError]]) -> CityctlError:
    refused = [problem for _, problem in problems if isinstance(problem, CredentialsRefused)]
    first = refused[0] if refused else problems[0][1]
    if len(problems) == 1:
        return first
    kind = CredentialsRefused if refused else Unreachable
    said = f"none of {len(problems)} services answered: {first.message}"
    others = [problem.message for _, problem in problems if problem is not first]
    return kind(said, tried=[*others, *first.tried], hint=first.hint)


def _elsewhere(task: Task) -> str | None:
    """That readings came, and not one of the time that was asked for; None where it is not so."""
    spans = [(line.first, line.last) for line in task.ledger.lines.values() if line.first is not None]
    if not spans or not task.windows:
        return None
    first, last = moment(min(low for low, _ in spans)), moment(max(high or low for low, high in spans))
    begin, end = min(start for start, _ in task.windows), max(stop for _, stop in task.windows)
    if first < end and last >= begin:
        return None
    days = [f"{at.astimezone(UTC):%Y-%m-%d}" for at in (begin, end, first, last)]
    return f"asked for {days[0]} to {days[1]}, it answered with readings of {days[2]} to {days[3]} alone"


def balanced(
    title: str,
    asked: Sequence[Plan],
    missing: list[Missing],
    problems: Sequence[tuple[Plan, CityctlError]],
    interval: Interval | None,
) -> Result:
    """The balance of all series, and what is missing: windows that could not be had, readings that were rejected."""
    for plan in asked:
        for task in plan.tasks:
            matcher, ledger = task.matcher, task.ledger
            if task.complete and not ledger.lines and isinstance(matcher, SeriesMatcher):
                if ledger.left_out:
                    names = ", ".join(f"`{name}`" for name in list(ledger.left_out)[:4])
                    missing.append(Missing(f"{plan.name}/{task.series}", f"none of its series fits: {names}"))
                ledger.lines[task.series] = matcher.silent_line(plan.name)
            if task.complete and (said := _elsewhere(task)):
                missing.append(Missing(plan.label(task), said))
    ledgers = [task.ledger for plan in asked for task in plan.tasks]
    result = balance_result(title, ledgers, [], interval=interval, dry_run=False)
    tasks = [task for plan in asked for task in plan.tasks]
    # A window without readings is no fault: the service said so. Rejections and refusals are.
    rejected = [one for one in result.completeness.missing if one.why != NOTHING]
    result.completeness = Completeness(
        wanted=len(tasks),
        had=sum(task.complete for task in tasks),
        missing=[*missing, *rejected],
        unit="series",
    )
    for plan, problem in problems:
        result.summary += f"; {plan.name} failed"
        if problem.hint:
            result.notes.append(f"{plan.name}: {problem.hint}")
    return result
