"""The steps that only look, ask and tell, and what every walk keeps: its lines, its problems, its journal.

Part of `walk`, which adds the way through the steps, and the one that writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cityctl.clock import short
from cityctl.errors import WriteRefused
from cityctl.runbook.act import Act, Failed
from cityctl.runbook.change import Change
from cityctl.runbook.desk import Desk
from cityctl.runbook.eyes import Eyes
from cityctl.runbook.grammar import Expression
from cityctl.runbook.hand import Hand
from cityctl.runbook.journal import Journal
from cityctl.runbook.language import Runbook, Step
from cityctl.runbook.points import Ref
from cityctl.runbook.scope import Scope, checked_amount
from cityctl.runbook.values import Unknown, as_json, shown
from cityctl.wording import counted

CANNOT_TELL = "cannot tell until run"
_POLL = 1.0  # s between two looks of a wait


@dataclass(frozen=True)
class Line:
    """One line of a plan or of a run's log."""

    step: str
    verb: str
    what: str
    change: str = ""
    raw: str = ""
    verdict: str = ""
    place: str = ""


@dataclass(frozen=True)
class People:
    """Who answers: answers given beforehand by the name of a step, and how to ask the one at the terminal."""

    answers: Mapping[str, object]
    ask: Callable[[str], str] | None = None


class Looking:
    """What a walk is made of, but for its way and its writes. `lines` tells what was met, in order."""

    def __init__(
        self,
        desk: Desk,
        runbook: Runbook,
        scope: Scope,
        people: People,
        act: Act | None = None,
        say: Callable[[Line], None] | None = None,
        planned: Mapping[str, Change] | None = None,
    ) -> None:
        self.desk, self.runbook, self.scope, self.people, self.act = desk, runbook, scope, people, act
        self.hand = act.hand if act is not None else Hand(scope.plant, desk.read_timeout, locks=desk.locks)
        self.eyes = Eyes(desk, self.hand, planning=act is None)
        self.journal: Journal | None = act.journal if act is not None else None
        self.lines: list[Line] = []
        self.problems: list[str] = []
        self.hint: str | None = None  # of the first of them
        self.changes: list[tuple[str, Change]] = []  # a plan's: what it would send
        self.in_place = 0
        self.untold = 0  # writes of a plan that only a run can tell
        self._say = say or (lambda _: None)
        self._planned: Counter[Ref] = Counter()
        self._agreed = planned or {}
        self._ends = desk.clock.passed() + runbook.timeout.total_seconds()

    @property
    def planning(self) -> bool:
        """Whether nothing may be sent."""
        return self.act is None

    def _read(self, step: Step, scope: Scope, key: str) -> None:
        assert step.read is not None
        answer = self.eyes.value(step.read, scope)
        if isinstance(answer.told, Unknown) and not answer.uncertain:
            self._refuse(key, "read", step.read.text, answer.told.why)
        if step.save is not None:
            self.eyes.save(step.save, answer.told, doubtful=answer.uncertain)
        verdict = CANNOT_TELL if answer.uncertain else "ok"
        self._line(key, "read", step.read.text, shown(answer.told), verdict=verdict)
        saved = {} if isinstance(answer.told, Unknown) else {"saved": as_json(answer.told)}
        self._note("done", key, **saved)

    def _await(self, key: str, condition: Expression, within: float, scope: Scope | None = None) -> None:
        """A verification: what must hold, or come true within so long."""
        scope = scope or self.scope
        if self.planning and not self.eyes.changed:  # nothing was sent that could make it true
            self._planned_condition(key, "verify", condition, scope)
            return
        self._until(key, Step(wait=condition), scope, within, "verify")

    def _until(self, key: str, step: Step, scope: Scope, within: float, verb: str) -> None:
        """Look until the condition holds (for so long, where it says so). Raises Failed."""
        assert step.wait is not None
        said = f"within {short(timedelta(seconds=within))}"
        clock = self.desk.clock
        answer = self.eyes.holds(step.wait, scope)
        if self.planning:
            for watched in step.watch:
                self._planned_condition(key, "watch", watched, scope)
            if answer.holds and not answer.uncertain and step.holds_for is None:
                self._line(key, verb, step.wait.text, answer.seen, verdict="ok")
            else:
                self._line(key, verb, f"{step.wait.text} {said}", answer.why, verdict=CANNOT_TELL)
            return
        ends, since = clock.passed() + within, None
        hold = step.holds_for.total_seconds() if step.holds_for is not None else 0.0
        while True:
            now = clock.passed()
            since = (since if since is not None else now) if answer.holds else None
            if since is not None and now - since >= hold:
                self._line(key, verb, step.wait.text, answer.seen, verdict="ok")
                return
            if now >= ends:
                raise Failed(f"`{step.wait.text}` did not come true {said}: {answer.why}")
            self._watch(step, scope)
            clock.sleep(min(_POLL, max(0.02, ends - now)))
            self._check_time()
            answer = self.eyes.holds(step.wait, scope)

    def _watch(self, step: Step, scope: Scope) -> None:
        for watched in step.watch:
            answer = self.eyes.holds(watched, scope)
            if not answer.holds:
                raise Failed(f"`{watched.text}` no longer holds: {answer.why}")

    def _wait(self, step: Step, scope: Scope, key: str) -> None:
        self._until(key, step, scope, step.within.total_seconds(), "wait")
        self._note("done", key)

    def _check(self, step: Step, scope: Scope, key: str) -> None:
        assert step.check is not None
        self._must(key, step.check, scope, "check", step.otherwise)
        self._note("done", key)

    def _must(self, key: str, condition: Expression, scope: Scope, verb: str, otherwise: str = "") -> None:
        answer = self.eyes.holds(condition, scope)
        if answer.uncertain:
            self._line(key, verb, condition.text, answer.why, verdict=CANNOT_TELL)
        elif answer.holds:
            self._line(key, verb, condition.text, answer.seen, verdict="ok")
        else:
            self._refuse(key, verb, condition.text, f"{otherwise or 'it does not hold'}: {answer.why}")

    def _planned_condition(self, key: str, verb: str, condition: Expression, scope: Scope) -> None:
        answer = self.eyes.holds(condition, scope)
        verdict = CANNOT_TELL if answer.uncertain else "ok" if answer.holds else ""
        if verdict:
            self._line(key, verb, condition.text, answer.seen, verdict=verdict)
        else:
            self._refuse(key, verb, condition.text, answer.why)

    def _confirm(self, step: Step, _: Scope, key: str) -> None:
        self._person(step, key, f"{step.confirm} (yes or no)")

    def _manual(self, step: Step, _: Scope, key: str) -> None:
        wanted = f"enter a figure in {step.enter}" if step.enter else "yes when it is done"
        self._person(step, key, f"{step.manual} ({wanted})")

    def _person(self, step: Step, key: str, question: str) -> None:
        name = step.name or f"step-{key}"
        given = self.people.answers.get(name)
        if self.planning and given is None:
            if step.save is not None:
                self.eyes.save(step.save, Unknown("a person enters it in the run"), doubtful=True)
            self._line(key, step.verb, what_of(step), verdict="asks a person")
            return
        if given is None and self.people.ask is None:
            raise WriteRefused(
                f"step {key} asks a person, and there is no terminal: {what_of(step)}",
                hint=f"add --answer {name}={'FIGURE' if step.enter else 'yes'}",
            )
        said = given if given is not None else self.people.ask(question)  # type: ignore[misc]  # one of them is there
        if step.enter is not None and step.save is not None:
            figure = checked_amount(said, step.enter, step.min, step.max)
            self.eyes.save(step.save, figure)
            self._line(key, step.verb, what_of(step), shown(figure), verdict="entered")
            self._note("done", key, saved=as_json(figure))
        elif said is True or str(said).strip().casefold() in ("yes", "y"):
            self._line(key, step.verb, what_of(step), verdict="yes")
            self._note("done", key)
        elif self.planning:
            self._refuse(key, step.verb, what_of(step), f"answered `{said}`")
        else:
            raise Failed(f"{what_of(step)}: answered `{said}`")

    def _report(self, step: Step, scope: Scope, key: str) -> None:
        seen = [f"{each.text} {shown(self.eyes.value(each, scope).told)}" for each in step.values]
        uncertain = self.planning and self.eyes.changed and seen
        self._line(key, "report", str(step.report), ", ".join(seen), verdict=CANNOT_TELL if uncertain else "")
        self._note("done", key)

    def _http(self, step: Step, _: Scope, key: str) -> None:
        assert step.http is not None
        if not self.planning:
            from cityctl.runbook.fetch import fetch

            fetch(step.http, step.within.total_seconds())
        self._line(key, "http", step.http, verdict=CANNOT_TELL if self.planning else "answered")
        self._note("done", key)

    def _pause(self, step: Step, scope: Scope, key: str) -> None:
        assert step.pause is not None
        for watched in step.watch if self.planning else ():
            self._planned_condition(key, "watch", watched, scope)
        if not self.planning:
            ends = self.desk.clock.passed() + step.pause.total_seconds()
            while (left := ends - self.desk.clock.passed()) > 0:
                self._watch(step, scope)
                self._check_time()
                self.desk.clock.sleep(min(_POLL, left))
            self._watch(step, scope)
        self._line(key, "pause", short(step.pause), verdict="" if self.planning else "ok")
        self._note("done", key)

    def _check_time(self) -> None:
        if not self.planning and self.desk.clock.passed() > self._ends:
            raise Failed(f"the run took longer than {short(self.runbook.timeout)}")

    def _refuse(self, key: str, verb: str, what: str, why: str) -> None:
        if not self.planning:
            raise Failed(f"{verb} `{what}`: {why}")
        self.problems.append(f"{verb} `{what}`: {why}")
        self._line(key, verb, what, verdict=f"REFUSED: {why}")

    def _line(
        self,
        step: str,
        verb: str,
        what: str,
        change: str = "",
        verdict: str = "",
        write: Change | None = None,
    ) -> None:
        raw, place = (write.raw, f"{write.host} unit {write.unit}") if write is not None else ("", "")
        line = Line(step, verb, what, change, raw, verdict, place)
        self.lines.append(line)
        self._say(line)

    def _note(self, what: str, key: str, **fields: Any) -> None:
        if self.journal is not None:
            self.journal.note(what, key=key, **fields)


def what_of(step: Step) -> str:
    """What a step is about, in its own words."""
    held = getattr(step, step.verb)
    if isinstance(held, Expression):
        return held.text
    return counted(len(held), "step") if isinstance(held, list) else str(held)
