"""What all degree-day models share: the thresholds that are tried, how many days one needs, and its terms in words.

Source: CalTRACK Methods 2.0, 3.2.
"""

from __future__ import annotations

COLDEST, WARMEST = 30, 90  # thresholds that are tried [degF], by 1 degF
LEAST_NONZERO, LEAST_DEGREE_DAYS = 10, 20.0  # days beyond a threshold, and degree days in all (3.2.2)


class DegreeDays:
    """A model's degree-day terms, by their thresholds [degF]; None: it has no such term."""

    heating: float | None
    cooling: float | None

    @property
    def terms(self) -> int:
        """How many it has."""
        return len(terms(self.heating, self.cooling))

    @property
    def model(self) -> str:
        """`heating and cooling`, `heating`, `cooling` or `intercept only`."""
        return said(self.heating, self.cooling)


def terms(heating: float | None, cooling: float | None) -> list[str]:
    """The terms of a model with these thresholds; none where it has neither."""
    return [word for word, at in (("heating", heating), ("cooling", cooling)) if at is not None]


def said(heating: float | None, cooling: float | None, *others: str) -> str:
    """`heating and cooling`, `heating`, `cooling` or `intercept only`; with other causes, `heating and output`."""
    return " and ".join([*terms(heating, cooling), *others]) or "intercept only"
