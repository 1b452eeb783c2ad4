"""What became of the readings that were handed in: nothing is dropped without being counted.

Every reading received is new, unchanged, revised, a duplicate or rejected, so a balance closes. Knows no
store and no file.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SeriesBalance:
    """Readings of one series.

    `unchanged` are stored already with this value, or have been replaced by a later version; `revised`
    replace a stored version; `duplicate` stand more than once in what was handed in. Of those unchanged `gave_way`
    to another version that was received at the same instant, and `outdated` to one that was received later; the sum
    of the values of both is `not_taken`. Of `revised` and `gave_way`, `even` stand against another value of the same
    quality that was received at the same instant: nothing says which of the two is right.
    """

    received: int = 0
    new: int = 0
    unchanged: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    gave_way: int = 0
    outdated: int = 0
    not_taken: float = 0.0
    even: int = 0

    def add(self, other: SeriesBalance) -> None:
        """Count another balance in."""
        self.received += other.received
        self.new += other.new
        self.unchanged += other.unchanged
        self.revised += other.revised
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.gave_way += other.gave_way
        self.outdated += other.outdated
        self.not_taken += other.not_taken
        self.even += other.even

    @property
    def closes(self) -> bool:
        """Whether every reading received is accounted for."""
        return self.received == self.new + self.unchanged + self.revised + self.duplicate + self.rejected


@dataclass(frozen=True)
class Rejection:
    """Readings that were not taken: where they stand, and why not."""

    file: str
    place: str
    series: str
    reason: str
    count: int = 1


@dataclass
class Balance:
    """What became of every reading of one add, by series, with the reasons of those not taken."""

    series: dict[str, SeriesBalance] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)

    def of(self, series: str) -> SeriesBalance:
        """The balance of one series, made where there is none yet."""
        entry = self.series.get(series)
        if entry is None:
            entry = self.series[series] = SeriesBalance()
        return entry

    def reject(self, rejection: Rejection) -> None:
        """Count readings as received and not taken."""
        entry = self.of(rejection.series)
        entry.received += rejection.count
        entry.rejected += rejection.count
        self.rejections.append(rejection)

    @property
    def total(self) -> SeriesBalance:
        """The sum over all series."""
        total = SeriesBalance()
        for entry in self.series.values():
            total.add(entry)
        return total

    @property
    def closes(self) -> bool:
        """Whether every reading received is accounted for, in every series."""
        return all(entry.closes for entry in self.series.values())
