"""What the commands do: from words to a plan, a run, an approval."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cityctl import clock
from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, UsageProblem, WriteRefused
from cityctl.library import Library
from cityctl.modbus.maps.point import DevicePoint
from cityctl.result import Result
from cityctl.runbook import approval, plan, results, session
from cityctl.runbook.desk import Desk
from cityctl.runbook.job import Job
from cityctl.runbook.journal import find
from cityctl.runbook.points import Ref, is_truth, ref
from cityctl.runbook.recipe import Loaded, from_text, load, single
from cityctl.runbook.scope import Plant
from cityctl.runbook.session import Wish
from cityctl.runbook.simulated import Pretended, answers
from cityctl.runbook.walk import Line, People, Walk
from cityctl.units import pretty
from cityctl.units import unit as unit_of
from cityctl.wording import counted

Show = Callable[[Result], object]
Ask = Callable[[str], str]
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


@dataclass
class Order:
    """How the commands want it: why, who answers, whether a terminal is there (`ask`), and where lines go."""

    project: Project
    library: Library
    reason: str = ""
    work_order: str = ""
    answers: Sequence[str] = ()
    ask: Ask | None = None
    show: Show = field(default=lambda _: None)
    note: Callable[[str], None] = field(default=lambda _: None)
    again: bool = False

    def desk(self) -> Desk:
        """A desk at the project's city."""
        project = self.project
        return Desk(
            project.city, project.library, project.state, project.profile,
            reason=self.reason.strip(), work_order=self.work_order.strip(),
        )  # fmt: skip

    @property
    def people(self) -> People:
        """Who answers."""
        return People(given(self.answers), self.ask)

    def say(self, line: Line) -> None:
        """One line of a run, as it happens, to who looks on; a plant does not stop half-way where nobody does."""
        with suppress(OSError):
            self.note(f"  {line.step:>8}  {line.verb:<8} {line.what}  {line.change}  {line.verdict}".rstrip())


def given(words: Sequence[str]) -> dict[str, object]:
    """`NAME=VALUE` words. Raises UsageProblem."""
    found: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            raise UsageProblem(f"`{word}` is no input", hint='write NAME=VALUE, such as lowest="3.5 bar"')
        if name.strip() in found:
            raise UsageProblem(f"`{name.strip()}` is given twice")
        found[name.strip()] = value.strip()
    return found


def _consent(order: Order) -> Callable[[Walk], bool] | None:
    ask = order.ask
    if ask is None:
        return None

    def consent(walk: Walk) -> bool:
        for line in walk.lines:
            if line.verb == "write":
                order.note(f"  {line.what}  {line.change}  {line.raw}  {line.place}  {line.verdict}")
        writes = len(walk.changes) + walk.untold
        return ask(f"send {counted(writes, 'write')}? (yes or no)").strip().casefold() == "yes"

    return consent


def write(
    order: Order, point: str, value: str, *, unit: str | None, expect: str | None, saved: Path | None,
    planned: Path | None, dry_run: bool,
) -> None:  # fmt: skip
    """`cityctl write`: a runbook of one step. Raises WriteRefused, WriteRolledBack, PlantStateUnknown."""
    made = _read_plan(planned, order)
    desk = order.desk()
    at = desk.plant.named(point) or ref(point)
    desk.plant.point(at)
    with _refusing():
        loaded = single(
            str(at),
            _with_unit(desk.plant, at, value, unit, point),
            _with_unit(desk.plant, at, expect, unit, point) if expect is not None else None,
        )
        try:
            job = Job.opened(desk, loaded, {})
        except UsageProblem as problem:  # it names the step of a recipe that nobody has seen
            said = problem.message.removeprefix("write, steps.0.to: ").removeprefix("write, steps.0.expect: ")
            raise UsageProblem(said, hint=problem.hint) from None
    if dry_run or saved is not None:
        _plan(order, job, order.people, saved, None)
    else:
        _run(order, job, made)


@contextmanager
def _refusing() -> Iterator[None]:
    """A value, unit or input that does not fit is a write that is refused."""
    try:
        yield
    except (UsageProblem, ConfigInvalid) as problem:
        raise WriteRefused(problem.message, tried=problem.tried, hint=problem.hint) from None


def _with_unit(plant: Plant, at: Ref, value: str, unit: str | None, said: str) -> str:
    """A bare number gets the unit given, or that of the point under the name that was `said`; a text gets quotes."""
    point = plant.point(at)
    if point.is_text:
        return f"'{value}'"
    if not _NUMBER.fullmatch(value):
        if unit is not None:
            raise UsageProblem(f"`{value}` is no bare number, and --unit {unit} goes with one")
        if value.strip().isidentifier() and not (point.enum or is_truth(point)):
            raise UsageProblem(
                f"`{value.strip()}` is no value of {at}",
                hint=f'write a number, or an amount such as "{_example(point)}"',
            )
        return value
    if point.enum and unit is None:
        raise UsageProblem(f"{at} takes a state", hint=f"one of: {', '.join(point.enum.values())}")
    if is_truth(point) and unit is None:
        return {"1": "on", "0": "off"}.get(value.strip(), value)
    own = next((p for p in plant.city.points().values() if p.device == str(at)), None)
    differs = own is not None and own.shown_unit != (point.unit or "")
    if unit is None and own is not None and differs and said == str(at):
        raise UsageProblem(
            f"{at} is in {point.unit or 'no unit'}, and city.yaml shows it in {own.shown_unit}: say which",
            hint=f"add --unit {point.unit or own.shown_unit}",
        )
    symbol = unit if unit is not None else own.shown_unit if own is not None else point.unit
    return f"{value.strip()} {unit_of(symbol).symbol}" if symbol else value.strip()


def _example(point: DevicePoint) -> str:
    """An amount that may be written there, as far as its limits tell."""
    lowest = point.write.minimum if point.write is not None else None
    return f"{1.0 if lowest is None else lowest:g} {pretty(point.unit or '')}".rstrip()


def _plan(order: Order, job: Job, people: People, saved: Path | None, lasts: str | None) -> None:
    with job.locked():
        walk = job.planned(people)
    length: timedelta | None = clock.duration(lasts) if lasts is not None else None
    made = plan.made(job, walk, lasts=length)
    order.show(results.plan(job, walk, made))
    session.refuse_problems(walk)
    if saved is not None:
        made.write(saved)
        order.note(
            f"plan {made.short} saved: {saved}; another person approves it: cityctl runbook approve {saved}"
        )


def _read_plan(path: Path | None, order: Order) -> plan.Plan | None:
    """A saved plan; it says why as well, where the order does not."""
    if path is None:
        return None
    made = plan.read(path)
    order.reason = order.reason or made.body["reason"]
    order.work_order = order.work_order or made.body["work_order"]
    return made


def _run(order: Order, job: Job, made: plan.Plan | None) -> None:
    wish = Wish(order.people, made, _consent(order), again=order.again, say=order.say)
    if made is not None:
        wish.people = People({**made.body["answers"], **order.people.answers}, order.ask)
    order.show(results.ended(job, session.run(job, wish)))


def plan_runbook(
    order: Order, name: str, words: Sequence[str], *, saved: Path | None, lasts: str | None, simulate: bool
) -> None:
    """`cityctl runbook plan`: shown, and kept where it is wanted. Raises WriteRefused for what a run would refuse."""
    loaded = load(order.library, name)
    with ExitStack() as stack:
        job, people = _opened(order, loaded, given(words), simulate, stack)
        _plan(order, job, people, saved, lasts)


def run_runbook(
    order: Order, name: str | None, words: Sequence[str], *, planned: Path | None, simulate: bool
) -> None:
    """`cityctl runbook run`, by name or from a saved plan."""
    made = _read_plan(planned, order)
    inputs: dict[str, object] = given(words)
    if made is not None:
        if words or (name is not None and name != made.body["runbook"]):
            raise UsageProblem(
                "a saved plan has its own runbook and inputs", hint="leave NAME and inputs out"
            )
        inputs = dict(made.body["inputs"])
        if made.body["profile"] != order.project.profile:
            raise WriteRefused(
                f"plan {made.short} is for profile {made.body['profile'] or '(none)'}",
                hint=f"add --profile {made.body['profile']}"
                if made.body["profile"]
                else "leave --profile out",
            )
    elif name is None:
        raise UsageProblem("which runbook?", hint="`cityctl runbook list` lists them; or --plan FILE")
    if made is not None and made.body["runbook"] == "write":
        loaded = from_text(made.body["recipe_text"], Path("write.yaml"), "command line")
    else:
        loaded = load(order.library, str(made.body["runbook"] if made is not None else name))
    with ExitStack() as stack:
        job, people = _opened(order, loaded, inputs, simulate, stack)
        if simulate:
            order.show(results.ended(job, session.run(job, Wish(people, pretended=True, say=order.say))))
        else:
            _run(order, job, made)


def _opened(
    order: Order, loaded: Loaded, inputs: dict[str, object], simulate: bool, stack: ExitStack
) -> tuple[Job, People]:
    if not simulate:
        with _refusing():
            return Job.opened(order.desk(), loaded, inputs), order.people
    try:
        city = order.project.city
    except ConfigInvalid:
        city = None  # a simulation needs none
    with _refusing():
        plant = stack.enter_context(Pretended(loaded, inputs, city))
    return Job.opened(plant.desk(), loaded, plant.given), People(
        answers(plant, given(order.answers)), order.ask
    )


def resume(order: Order, run: str, *, undo: bool) -> None:
    """`cityctl runbook resume`."""
    desk = order.desk()
    journal = find(desk.state, run)
    begin = journal.begin
    desk.reason = desk.reason or begin["reason"]
    desk.work_order = desk.work_order or begin["work_order"]
    if begin["profile"] != desk.profile:
        raise WriteRefused(
            f"run {journal.run} was begun with profile {begin['profile'] or '(none)'}",
            hint=f"add --profile {begin['profile']}" if begin["profile"] else "leave --profile out",
        )
    consent = (lambda _: True) if order.ask is not None else None
    wish = Wish(order.people, None, consent, say=order.say)
    order.show(results.resumed(session.resume(desk, journal, wish, undo=undo)))


def approve(order: Order, path: Path) -> None:
    """`cityctl runbook approve`. Raises WriteRefused: one's own plan, expired, edited."""
    made = plan.read(path)
    approval.approve(order.desk(), made)
    order.note(
        f"plan {made.short} approved until {made.expires:%H:%M} UTC: cityctl runbook run --plan {path}"
    )
