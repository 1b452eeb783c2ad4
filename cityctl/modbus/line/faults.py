"""What can go wrong between a request and its answer, each with its own name.

People act on each differently: a refused connection is another repair than a silent unit. These stay inside
the room: a run turns them into the reason that stands in its result.
"""

from __future__ import annotations

# MODBUS Application Protocol Specification V1.1b3, section 7
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
ILLEGAL_FUNCTION, AT_WORK = 1, 5


class Fault(Exception):
    """A request that brought no registers; its text names the reason."""


class NotConnected(Fault):
    """No connection: refused, no route, no such name, or no answer to the connect."""


class Untrusted(NotConnected):
    """Connected, and what comes next may be the answer to an earlier request."""


class Closed(Fault):
    """The peer closed the connection while an answer was awaited."""


class Silent(Fault):
    """Connected, and no answer came in time; `how` says it of the unit."""

    how = "silent"


class Misnumbered(Silent):
    """The same, and what did come is numbered as no request was: the answers of another conversation."""

    how = "answers under transaction numbers that nobody asked under"


class Unsettled(Silent):
    """The same, and what did come does not fit: answers to other requests, or another unit's."""

    def __init__(self, misfit: BadAnswer) -> None:
        super().__init__(str(misfit))
        self.how = f"gives no answer of its own: {misfit}"


class Untold(Silent):
    """A read that was to show whether a lost answer still comes was refused; or the lost one was."""

    how = "refuses what would tell whether a lost answer still comes"

    def __init__(self) -> None:
        super().__init__("whether a lost answer still comes cannot be told")


class Stranger(Fault):
    """Another device than the one meant answers at that place."""


class BadAnswer(Fault):
    """An answer that does not fit its request: it is refused, never decoded."""


class Echoed(BadAnswer):
    """The request itself came back."""

    def __init__(self) -> None:
        super().__init__("the request itself comes back before an answer: the adapter echoes what it sends")


class CutOff(BadAnswer):
    """The answer began in time and did not end in time."""


class Misfit(BadAnswer):
    """A whole frame, and no answer to what was asked."""


class ShortAnswer(Misfit):
    """An answer that is whole, and of fewer registers than were asked for: it may give no more at once."""


class WideAnswer(Misfit):
    """An answer that is whole, and of twice the bytes: its registers may be of 32 bits."""


class WrongUnit(Misfit):
    """Another unit's answer."""

    def __init__(self, unit: int, asked: int) -> None:
        self.unit = unit
        super().__init__(f"unit {unit} answered a request to unit {asked}")


class Strayed(BadAnswer):
    """An answer that another unit owed, under the number of the one that was asked: it may be either's."""

    def __init__(self) -> None:
        super().__init__("an answer that another unit owed may have come as this one's: nothing confirms it")


class ExceptionAnswer(Fault):
    """The device understood and said no."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code} ({EXCEPTIONS.get(code, 'unknown')})")

    @property
    def is_place(self) -> bool:
        """Whether the registers asked for are the reason, so that a smaller request may succeed."""
        return self.code in (2, 3, 4)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.code in (AT_WORK, 6)

    @property
    def is_absent(self) -> bool:
        """Whether a gateway says that the unit behind it does not answer."""
        return self.code in (10, 11)
