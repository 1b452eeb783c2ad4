"""One runbook on one city with its inputs: bound, checked, its devices locked, planned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cityctl.disk import Lock
from cityctl.errors import WriteRefused
from cityctl.runbook.desk import Desk
from cityctl.runbook.grammar import Expression
from cityctl.runbook.guard import needs_two
from cityctl.runbook.hand import Hand
from cityctl.runbook.journal import left_open
from cityctl.runbook.language import Step
from cityctl.runbook.lint import bound
from cityctl.runbook.points import Ref
from cityctl.runbook.recipe import Loaded
from cityctl.runbook.scope import Given, Scope, bind
from cityctl.runbook.walk import People, Walk


@dataclass
class Job:
    """What is to be done, on which city, with which inputs."""

    desk: Desk
    loaded: Loaded
    given: dict[str, object]
    scope: Scope

    @classmethod
    def opened(cls, desk: Desk, loaded: Loaded, given: Given) -> Job:
        """Bind and check. Inputs that are not given come from `runbooks:` of city.yaml. Raises UsageProblem."""
        runbook = loaded.runbook
        whole = {**desk.city.runbooks.get(runbook.runbook, {}), **given}
        scope = bind(runbook, desk.plant, whole)
        bound(runbook, scope)
        return cls(desk, loaded, whole, scope)

    def written(self) -> list[Ref]:
        """Every point that its steps may write, whatever its conditions say."""
        book = self.loaded.runbook
        return list(dict.fromkeys([*_written(book.steps, self.scope), *_written(book.always, self.scope)]))

    def named(self) -> list[tuple[str, Ref]]:
        """Every name of its conditions and values that stands for a point, with the point."""
        book, scope = self.loaded.runbook, self.scope
        found = list(_named([*book.require, *book.interlocks, *book.verify], scope))
        for steps in (book.steps, book.always):
            found += _named_in(steps, scope)
        return sorted(set(found))

    def devices(self) -> list[str]:
        """Every device that it looks at or writes."""
        refs = [*self.written(), *(at for _, at in self.named())]
        refs += [held for held in self.scope.bound.values() if isinstance(held, Ref)]
        lists = [name for held in self.scope.bound.values() if isinstance(held, list) for name in held]
        return sorted({at.device for at in refs} | set(lists))

    def places(self) -> dict[str, str]:
        """Where each device that it looks at or writes is asked."""
        hand = Hand(self.desk.plant)
        return {device: hand.target(device, ()).place for device in self.devices()}

    def connectors(self) -> dict[str, str]:
        """SHA-256 of the connector of each device that it looks at or writes."""
        shelf = self.desk.plant.shelf
        found: dict[str, str] = {}
        for device in self.devices():
            connector = shelf.connector(self.desk.city.devices[device].connector)
            if connector.path is not None:
                found[connector.connector] = hashlib.sha256(connector.path.read_bytes()).hexdigest()
        return found

    def two_person(self) -> list[str]:
        """The points that are written only with another person's approval."""
        return [str(at) for at in self.written() if needs_two(self.desk, at)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold every device that may be written, so that no other run writes there. Raises LockHeld."""
        where = self.places()
        places = {where[at.device]: at.device for at in self.written()}
        with ExitStack() as held:
            for place in sorted(places):
                name = hashlib.sha256(place.encode()).hexdigest()[:16]
                purpose = f"{self.loaded.runbook.runbook} on {places[place]}"
                path = self.desk.locks / f"device-{name}.lock"
                try:
                    held.enter_context(Lock(path, purpose=purpose))
                except OSError as problem:
                    raise WriteRefused(f"{path}: cannot be locked: {problem.strerror}") from None
            yield

    def left_open(self) -> list[str]:
        """What is to be known of killed runs, where this one may write what they wrote."""
        return left_open(self.desk.state, [str(at) for at in self.written()])

    def planned(self, people: People) -> Walk:
        """The plan: walked on live values, nothing sent."""
        walk = Walk(self.desk, self.loaded.runbook, self.scope, people)
        walk.go()
        return walk


def _named(expressions: Sequence[Expression], scope: Scope) -> Iterator[tuple[str, Ref]]:
    for name in dict.fromkeys(name for expression in expressions for name in expression.names):
        at = scope.ref(name)
        if at is not None:
            yield name, at


def _named_in(steps: Sequence[Step], scope: Scope) -> Iterator[tuple[str, Ref]]:
    for step in steps:
        for _, inner in scope.rounds(step):
            yield from _named(step.expressions, inner)
            yield from _named_in(step.steps or (), inner)


def _written(steps: Sequence[Step], scope: Scope) -> Iterator[Ref]:
    for step in steps:
        for _, inner in scope.rounds(step):
            if step.write is not None:
                yield inner.written(step.write)
            yield from _written(step.steps or (), inner)
