"""Lines of a table that give no reading, or not all of theirs, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cityctl.errors import listed
from cityctl.exports.complaint import in_words

_TOLD = 8  # lines that one note names


@dataclass
class LeftOut:
    """The first lines of each kind; `word` is what a line is called."""

    name: str
    word: str
    totals: list[int] = field(default_factory=list)
    short: list[int] = field(default_factory=list)  # with fewer cells than the head
    _remarks: dict[int, str] = field(default_factory=dict)

    def add_totals(self, lines: list[int]) -> None:
        """Rows of totals."""
        self.totals += lines[: _TOLD - len(self.totals)]

    def add_remark(self, line: int, said: str) -> None:
        """A line of text, without a value."""
        if len(self._remarks) < _TOLD:
            self._remarks[line] = said

    def notes(self) -> list[str]:
        """What there is to say about them."""
        told = []
        if self.totals:
            where = ", ".join(str(line) for line in self.totals)
            told.append(f"{self.name}: rows of totals, left out: {self.word} {where}")
        if self.short:
            where = listed([str(line) for line in self.short], _TOLD)
            told.append(
                f"{self.name}: lines with fewer cells than the head, their last columns taken as blank: {where}"
            )
        if self._remarks:
            where = ", ".join(self._line(line) for line in self._remarks)
            told.append(f"{self.name}: lines without readings, left out: {where}")
        return told

    def absent(self) -> tuple[str, ...]:
        """The remarks which say that the table is not whole."""
        cries = [line for line, said in self._remarks.items() if in_words(said)]
        return tuple(f"it says that it is not whole: {self._line(line)}" for line in cries)

    def _line(self, line: int) -> str:
        return f"{self.word} {line} `{self._remarks[line]}`"
