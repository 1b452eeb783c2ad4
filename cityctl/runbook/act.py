"""The one place that changes a plant: audit, then journal, then one telegram, then reading back; and undoing.

Whether a write took effect is decided by reading back alone, whatever the device answered or did not. That it did not,
and will not, takes the device's word as well, or time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, Literal

from cityctl.errors import WriteRefused
from cityctl.modbus.line.owed import LASTS
from cityctl.modbus.maps.raw import own_bits
from cityctl.runbook.change import Change, recalled, record
from cityctl.runbook.desk import Desk
from cityctl.runbook.guard import SENT, permit, stopped
from cityctl.runbook.hand import Hand, Present, Sent, Silence, Telegram
from cityctl.runbook.journal import Journal
from cityctl.runbook.points import Ref
from cityctl.runbook.values import shown

_READ_BACKS = 3  # at least, of a device that does not answer
BETWEEN = 0.5  # s between two looks
OLD = 5.0  # s that lines may have been waited for since the first look that a write goes by
_LOOKS = 3  # at most, where others had a line in between
PATIENCE = 5.0  # s that an effect is looked for, beyond what the connector says of the point


class Failed(Exception):
    """A step did not do what it should; what was written so far is to be undone. `hint`: what may help."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True)
class Outcome:
    """What became of a write, by reading back. `on_the_way`: an amount between the old one and the new one."""

    how: Literal["done", "unchanged", "other", "unknown"]
    sent: Sent
    read_back: str
    on_the_way: bool = False

    @property
    def said(self) -> str:
        """In words."""
        answer = {
            "confirmed": "the device confirmed it",
            "refused": f"the device refused it: {self.sent.said}",
            "not sent": f"nothing was sent: {self.sent.said}",
            "unconfirmed": f"the device did not confirm it ({self.sent.said})",
        }[self.sent.how]
        if self.sent.how == "not sent":
            return answer
        found = {
            "done": f"it reads back as {self.read_back}",
            "unchanged": f"it still is {self.read_back}",
            "other": f"it reads back as {self.read_back}",
            "unknown": f"it cannot be read back: {self.read_back}",
        }[self.how]
        return f"{answer}, and {found}"


class Act:
    """Sends writes of one run, and undoes them. `head` names the run and its recipe in the audit.

    `resumed`: another process began the run, and whatever changed since then may be somebody else's work.
    """

    def __init__(
        self, desk: Desk, hand: Hand, journal: Journal, head: dict[str, Any], *, resumed: bool = False
    ) -> None:
        self.desk, self.hand, self.journal, self.head = desk, hand, journal, head
        self.resumed = resumed
        self._outcomes: dict[str, Outcome] = {}  # of this process' own writes, by their step

    def write(self, key: str, change: Change, **more: Any) -> Outcome:
        """Send a change, once. Raises WriteRefused, with nothing sent, where audit or journal cannot be kept."""
        return self._send(key, change, change.telegram, undoing=False, **more)

    def _send(self, key: str, change: Change, telegram: Telegram, *, undoing: bool, **more: Any) -> Outcome:
        desk = self.desk
        self._refuse_elsewhere(change, telegram)
        about: dict[str, Any] = {
            **self.head, **desk.signature, "step": key, "point": str(change.at), "place": change.host,
            "unit": change.unit, "function": telegram.function, "address": telegram.address,
            "words": list(telegram.words), "masks": list(telegram.masks or ()) or None,
            "old": shown(change.old), "new": shown(change.new), "undoing": undoing,
        }  # fmt: skip
        desk.audit.append(SENT, **about)
        self.journal.note(
            "undo-intent" if undoing else "intent", key=key, change=record(change),
            time=desk.clock.now().isoformat(), passed=desk.clock.passed(), **more,
        )  # fmt: skip
        sent = self.hand.send(change.at, telegram, lambda: self._last_word(change, undoing=undoing))
        if sent.how == "not sent":
            if not undoing:
                self.journal.note("unsent", key=key, why=sent.said)
            outcome = Outcome("unchanged", sent, shown(change.old))
        else:
            desk.clock.sleep(change.settle)
            outcome = self._read_back(change, sent, undoing=undoing)
            if sent.is_at_work and outcome.how == "unchanged":
                self.journal.note("at work", key=key)
        if not undoing:
            self._outcomes[key] = outcome
        desk.audit.append(
            "read back", **self.head, **desk.signature, step=key, point=str(change.at), answer=sent.how,
            said=sent.said, outcome=outcome.how, read_back=outcome.read_back, undoing=undoing,
        )  # fmt: skip
        return outcome

    def looked(self, look: Callable[[], Change | None], at: Ref) -> Change | None:
        """A write worked out by looks that are no older than the plant allows: anew where lines were waited for.

        Raises what `look` raises, and WriteRefused where others have the lines again and again.
        """
        for _ in range(_LOOKS):
            self.hand.begin()
            change = look()
            if self.hand.waited <= OLD:
                return change
        raise WriteRefused(
            f"{at}: others had the lines for {self.hand.waited:.0f} s while its conditions were looked at",
            hint="write it when no poll is at work",
        )

    def _last_word(self, change: Change, *, undoing: bool) -> Sent | None:
        """Why a write is not sent after all, asked when its line is there: the kill switch, or what it goes by is old.

        To put back a whole register goes by nothing that gets old.
        """
        try:
            stopped(self.desk, change.at)
        except WriteRefused as problem:
            return Sent("not sent", problem.message)
        if self.hand.waited > OLD and not (undoing and not self.hand.point(change.at).is_part):
            said = f"others had the line for {self.hand.waited:.0f} s, and what was looked at before is old"
            return Sent("not sent", said, is_old=True)
        return None

    def _refuse_elsewhere(self, change: Change, telegram: Telegram) -> None:
        """A write goes where it was worked out for, or nowhere: city.yaml or the device may have changed since."""
        to = self.hand.target(change.at.device, ())
        now = (str(to.link), to.unit, self.hand.point(change.at).address)
        meant = (change.host, change.unit, telegram.address)
        if now != meant:
            where = ["{} unit {} address {}".format(*each) for each in (meant, now)]
            raise WriteRefused(
                f"{change.at} was at {where[0]} when its write was planned, and is at {where[1]} now"
            )

    def _read_back(self, change: Change, sent: Sent, *, undoing: bool) -> Outcome:
        """What came of a write: looked at again while its effect may still come, or the device is away.

        Some devices confirm first and act on it seconds later, or go there by steps; so may a gateway whose answer was
        lost.
        """
        clock = self.desk.clock
        ends, looks = clock.passed() + PATIENCE, 0
        before: Outcome | None = None
        while True:
            outcome, looks = self._looked(change, sent, undoing=undoing), looks + 1
            untouched = outcome.how == "unchanged" and sent.how == "refused"
            settled = outcome.how == "other" and not (undoing or outcome.on_the_way) and outcome == before
            if outcome.how == "done" or untouched or settled:
                return outcome
            if clock.passed() >= ends and (outcome.how != "unknown" or looks >= _READ_BACKS):
                return outcome
            before = outcome
            clock.sleep(BETWEEN)

    def _looked(self, change: Change, sent: Sent, *, undoing: bool) -> Outcome:
        try:
            present: Present = self.hand.present(change.at)
        except Silence as problem:
            return Outcome("unknown", sent, str(problem))
        said = shown(present.told) if present.number is not None else "no value"
        point = self.hand.point(change.at)
        wanted, before = change.agrees(present), change.is_undone(point, present)
        if undoing:
            wanted, before = before, wanted
        if wanted or before:
            return Outcome("done" if wanted else "unchanged", sent, said)
        return Outcome("other", sent, said, change.is_on_the_way(point, present))

    def found(self, change: Change) -> Literal["done", "unchanged", "other", "unknown"]:
        """What became of a write that a killed process had in hand; reads only."""
        self.desk.clock.sleep(change.settle)
        return self._read_back(change, Sent("unconfirmed", "the run was killed"), undoing=False).how

    def is_momentary(self, at: Ref) -> bool:
        """Whether a device clears by itself what is written there."""
        rule = self.hand.point(at).write
        return rule is not None and rule.momentary

    def is_at_work(self, key: str) -> bool:
        """Whether a device took a step's write, said that it needs a while, and did not show its effect in time."""
        return self.journal.last("at work", key=key) is not None

    def may_come(self, key: str, change: Change) -> str | None:
        """Why a step's write may take effect yet, though what was there before it is there; None where it cannot.

        A write that nobody confirmed may lie in a gateway's queue, as answers do (`LASTS`).
        """
        if self.is_at_work(key):
            return "the device said that it is still at work on its write"
        own, intent = self._outcomes.get(key), self.journal.last("intent", key=key)
        was_seen = (
            self.journal.last("undo-intent", key=key) is not None
        )  # or there had been nothing to put back
        if intent is None or "passed" not in intent or was_seen:
            return None
        if own is None:  # another process sent it, and was killed before it knew what became of it
            is_open = self.journal.last("done", key=key) is None
        else:
            is_open = own.sent.how == "unconfirmed" and own.how != "done"
        left = LASTS + change.settle - self._passed_since(intent)
        if not is_open or left <= 0:
            return None
        until = (self.desk.clock.now() + timedelta(seconds=left)).astimezone(self.desk.city.zone_info)
        return f"nobody confirmed its write, which may take effect until {until:%H:%M:%S}"

    def _passed_since(self, intent: dict[str, Any]) -> float:
        """Seconds since a write was sent: by the clock on the wall only where the computer was started anew since."""
        clock = self.desk.clock
        passed: float = clock.passed() - intent["passed"]
        if passed >= 0:
            return passed
        passed = (clock.now() - datetime.fromisoformat(intent["time"])).total_seconds()
        return passed if passed >= 0 else inf

    def prove(self) -> None:
        """Look once more at all that the run wrote: a device may have restarted meanwhile. Raises Failed.

        The last write to a register says what must be there, also one that found it in place.
        """
        sent = {recalled(entry["change"]).at for entry in self.journal.attempted}
        done = list(self._done())
        holders: dict[tuple[object, ...], Change] = {}
        for change in done:
            holders.update(dict.fromkeys(self._bits(change), change))
        for change in done:
            if change.at in sent and all(holders[bit] is change for bit in self._bits(change)):
                self._prove(change)

    def _done(self) -> Iterator[Change]:
        """What the steps of the run wrote or found in place, oldest first; not what is always done."""
        for entry in self.journal.entries:
            if entry["what"] == "done" and "change" in entry and not entry["key"].startswith("always."):
                yield recalled(entry["change"])

    def _bits(self, change: Change) -> Iterator[tuple[object, ...]]:
        """Every bit that a write is for: another point may lie in the same registers."""
        point = self.hand.point(change.at)
        for address, own in enumerate(own_bits(point), point.address):
            for bit in range(16):
                if own >> bit & 1:
                    yield change.host, change.unit, point.function_code, address, bit

    def _prove(self, change: Change) -> None:
        at = change.at
        if self.is_momentary(at):
            return
        outcome = self._read_back(change, Sent("confirmed"), undoing=False)
        if outcome.how == "unknown":
            raise Failed(f"{at} was written, and whether it stays cannot be told: {outcome.read_back}")
        if outcome.how != "done":
            raise Failed(
                f"{at} was {shown(change.new)} after its write, and is {outcome.read_back} at the end: the "
                "device or somebody changed it"
            )

    def changed_since(self, change: Change, present: Present) -> str | None:
        """Why a value is not put back where a resumed run finds another than it wrote: it is somebody else's."""
        if not self.resumed or change.agrees(present):
            return None
        return (
            f"{change.at} is {shown(present.told)}, neither {shown(change.old)} as before nor {shown(change.new)} as "
            "written: somebody or the device itself changed it since, so that it is not put back"
        )

    def undo(self, key: str, change: Change, say: Callable[[str], None], looks: int = _LOOKS) -> str | None:
        """Put back what was there before a change; why that could not be proven, or None where it was."""
        at, point = change.at, self.hand.point(change.at)
        if self.journal.last("undone", key=key) is not None:
            return None
        self.hand.begin()
        try:
            present = self.hand.present(at)
        except Silence as problem:
            return f"{at}: {problem}; it was {shown(change.old)} before"
        if not change.is_undone(point, present):
            theirs = self.changed_since(change, present)
            if theirs is not None:
                return theirs
            try:
                permit(self.desk, at, undoing=True)
                outcome = self._send(key, change, change.undo_amid(point, present), undoing=True)
            except WriteRefused as problem:
                return f"{at} is {shown(present.told)} and was {shown(change.old)}: not put back: {problem.message}"
            if outcome.sent.is_old and looks > 1:
                return self.undo(key, change, say, looks - 1)
            if outcome.how != "done":
                return f"{at} was not put back to {shown(change.old)}: {outcome.said}"
            say(f"{at} put back to {shown(change.old)}")
        elif self.is_momentary(at):
            return f"{at} was set to {shown(change.new)}, and the device cleared it: what it did is not undone by that"
        elif (why := self.may_come(key, change)) is not None:
            return f"{at} is {shown(change.old)}, as before, and {why}"
        else:
            say(f"{at} is {shown(change.old)}, as before")
        self.journal.note("undone", key=key)
        return None
