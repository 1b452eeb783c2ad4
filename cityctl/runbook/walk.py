"""The one path through a runbook's steps: a plan walks it without sending, a run walks it and sends.

A plan looks at live values and assumes each write that it has in mind. What it refuses, a run refuses before it
sends anything, since every run begins with that plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cityctl.clock import short
from cityctl.errors import UsageProblem, WriteRefused
from cityctl.modbus.line.faults import ILLEGAL_FUNCTION
from cityctl.runbook.act import Failed
from cityctl.runbook.allowed import DependsRefused, read_present
from cityctl.runbook.change import Change, recalled, record, work_out
from cityctl.runbook.grammar import Expression
from cityctl.runbook.guard import permit
from cityctl.runbook.hand import Present
from cityctl.runbook.language import Step
from cityctl.runbook.looking import CANNOT_TELL, Line, Looking, People, what_of
from cityctl.runbook.scope import Scope
from cityctl.runbook.values import Unknown, as_json, from_json, shown

__all__ = ["CANNOT_TELL", "Line", "People", "Walk"]


class Walk(Looking):
    """One walk through a runbook: planning where `act` is None."""

    def go(self) -> None:
        """Everything but undoing: requirements, steps, verification, and what is always done.

        Raises Failed or CityctlError in a run; a plan gathers `problems` instead.
        """
        if self.journal is None or self.journal.last("required") is None:
            for expression in self.runbook.require:
                self._must("require", expression, self.scope, "require")
            if self.journal is not None:
                self.journal.note("required")
        self.steps(self.runbook.steps, self.scope, "")
        for expression in self.runbook.verify:
            self._await("verify", expression, self.runbook.within.total_seconds())
        if self.act is not None:
            self.act.prove()
        self.steps(self.runbook.always, self.scope, "always.")

    def steps(self, steps: Sequence[Step], scope: Scope, prefix: str) -> None:
        """Steps in order."""
        for number, step in enumerate(steps, 1):
            for suffix, inner in scope.rounds(step):
                self.step(step, inner, f"{prefix}{number}{suffix}")

    def step(self, step: Step, scope: Scope, key: str) -> None:
        """One step, unless an earlier process has done it."""
        if self.journal is not None and self._recall(key, step):
            return
        self._check_time()
        if step.when is not None and not self._when(step.when, scope, key, step):
            return
        verb: Callable[[Step, Scope, str], None] = getattr(self, f"_{step.verb}")
        verb(step, scope, key)

    def _recall(self, key: str, step: Step) -> bool:
        assert self.journal is not None
        done = self.journal.last("done", key=key)
        if done is None:
            return False
        if step.save is not None and "saved" in done:
            saved = from_json(done["saved"])
            self.eyes.save(step.save, saved if saved is not None else Unknown("it was not saved"))
        return step.verb != "steps" or bool(done.get("skipped") or done.get("whole"))

    def _when(self, condition: Expression, scope: Scope, key: str, step: Step) -> bool:
        if self.journal is not None and self.journal.last("entered", key=key) is not None:
            return True
        answer = self.eyes.holds(condition, scope)
        if self.planning and answer.uncertain:
            self._line(key, "when", condition.text, answer.seen, verdict=CANNOT_TELL)
            return True
        if isinstance(answer.told, Unknown):
            message = f"step {key}: `{condition.text}` cannot be told: {answer.why}"
            if not self.planning:
                raise Failed(message)
            self.problems.append(message)
            self._line(key, "when", condition.text, answer.seen, verdict=f"REFUSED: {message}")
            return True
        if answer.holds:
            self._note("entered", key)
            return True
        self._line(key, step.verb, what_of(step), answer.seen, verdict=f"skipped: not {condition.text}")
        self._note("done", key, skipped=True)
        return False

    def _steps(self, step: Step, scope: Scope, key: str) -> None:
        self.steps(step.steps or (), scope, f"{key}.")
        self._note("done", key, whole=True)

    def _write(self, step: Step, scope: Scope, key: str) -> None:
        assert step.write is not None
        assert step.to is not None
        if self.act is not None and self._taken_up(step, scope, key):
            return
        try:
            if self.act is None:
                change = self._worked_out(step, scope, key)
            else:
                change = self.act.looked(
                    lambda: self._worked_out(step, scope, key), scope.written(step.write)
                )
        except (WriteRefused, UsageProblem) as problem:
            if not self.planning:
                raise
            if not self.problems:
                self.hint = problem.hint
            self.problems.append(problem.message)
            self._line(key, "write", step.write, f"-> {step.to.text}", verdict=f"REFUSED: {problem.message}")
            return
        if change is None:
            return
        agreed = self._agreed.get(key)
        if agreed is not None and not change.in_place and not agreed.same_old(change):
            raise WriteRefused(
                f"{change.at} is {shown(change.old)} now, and was {shown(agreed.old)} in the plan",
                hint="somebody changed it meanwhile; look again, and decide again",
            )
        self._save_old(step, change)
        told = f"{shown(change.old)} -> {shown(change.new)}"
        if change.in_place:
            self.in_place += 1
            self._line(key, "write", str(change.at), told, "already in place", change)
            if step.verify is not None:
                self._await(key, step.verify, step.within.total_seconds(), scope)
            self._note_done(key, change)
        elif self.act is None:
            self._assume(key, change)
            verify = f"verify {step.verify.text} within {short(step.within)}" if step.verify else "reads back"
            depends = f"; depends on {', '.join(change.depends_on)}" if change.depends_on else ""
            self._line(key, "write", str(change.at), told, verify + depends, change)
        else:
            outcome = self.act.write(key, change, rollback=_rollback(step))
            if outcome.how != "done":
                unknown = change.otherwise if outcome.sent.code == ILLEGAL_FUNCTION else None
                raise Failed(f"{change.at}: {outcome.said}", hint=unknown)
            self._line(key, "write", str(change.at), told, outcome.said, change)
            self._wrote(step, scope, key, change)

    def _wrote(self, step: Step, scope: Scope, key: str, change: Change) -> None:
        """After the effect is there: what must follow from it, and then it is done."""
        if step.verify is not None:
            self._await(key, step.verify, step.within.total_seconds(), scope)
        self._note_done(key, change)

    def _note_done(self, key: str, change: Change) -> None:
        saved = None if isinstance(change.old, Unknown) else as_json(change.old)
        self._note("done", key, change=record(change), saved=saved)

    def _taken_up(self, step: Step, scope: Scope, key: str) -> bool:
        """A write that a killed process had in hand: reading back decides whether its effect is there."""
        assert self.act is not None
        held = self.act.journal.last("intent", key=key)
        if held is None:
            return False
        change = recalled(held["change"])
        how = self.act.found(change)
        if how == "unchanged" and self.act.is_at_work(key):
            raise Failed(f"{change.at}: the device said that it is still at work on the write")
        if how == "unchanged" and self.act.is_momentary(change.at):
            raise Failed(
                f"{change.at}: the run was killed while it wrote, and the device clears it by itself: whether it was "
                "sent cannot be told"
            )
        if how == "unchanged":  # it never took effect: as if it had not been tried
            return False
        if how != "done":
            raise Failed(
                f"{change.at}: the run was killed while it wrote, and the value is neither old nor new"
            )
        self._save_old(step, change)
        told = f"{shown(change.old)} -> {shown(change.new)}"
        self._line(key, "write", str(change.at), told, "was sent before the kill; not sent again", change)
        self._wrote(step, scope, key, change)
        return True

    def _save_old(self, step: Step, change: Change) -> None:
        """Keep what was there before a write, where the step wants it."""
        if step.save is not None:
            self.eyes.save(step.save, change.old)

    def _worked_out(self, step: Step, scope: Scope, key: str) -> Change | None:
        """The write, checked on what is there now; None in a plan that cannot tell. Raises WriteRefused."""
        assert step.write is not None
        assert step.to is not None
        at = scope.written(step.write)
        permit(self.desk, at, again=self._planned[at])
        for expression in self.runbook.interlocks:
            answer = self.eyes.holds(expression, scope)
            if answer.uncertain and not answer.holds:
                self._line(key, "interlock", expression.text, answer.seen, verdict=CANNOT_TELL)
            elif not answer.holds:
                raise WriteRefused(f"interlock `{expression.text}` does not hold: {answer.why}")
        wanted = self.eyes.value(step.to, scope)
        expect = self.eyes.value(step.expect, scope) if step.expect is not None else None
        if self.planning and (wanted.uncertain or (expect is not None and expect.uncertain)):
            read_present(self.hand, at)
            self._line(key, "write", str(at), f"-> {step.to.text}", verdict=CANNOT_TELL)
            self.eyes.changed = True
            self.untold += 1
            return None
        for answer in (wanted, *([expect] if expect else [])):
            if isinstance(answer.told, Unknown):
                raise WriteRefused(f"{at}: what to write is not known: {answer.told.why}")
        try:
            return work_out(
                self.hand,
                at,
                wanted.told,  # type: ignore[arg-type]  # not Unknown: checked above
                expect=expect.told if expect is not None else None,  # type: ignore[arg-type]  # the same
                present=self.eyes.assumed.get(at),
                look=self.eyes.look,
            )
        except DependsRefused as problem:
            if not (self.planning and self.eyes.changed):
                raise
            self._line(
                key, "write", str(at), f"-> {step.to.text}", verdict=f"{CANNOT_TELL}: {problem.message}"
            )
            self.untold += 1
            return None

    def _assume(self, key: str, change: Change) -> None:
        self.changes.append((key, change))
        self._planned[change.at] += 1
        self.eyes.changed = True
        number = change.read_back
        self.eyes.assumed[change.at] = Present(change.new_words, change.new, number, change.exponent)


def _rollback(step: Step) -> str | None:
    return step.rollback.text if step.rollback is not None else None
