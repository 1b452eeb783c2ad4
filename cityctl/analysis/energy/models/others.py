"""Causes beside the weather, taken out of use and degree days before these are fitted (Frisch, Waugh and Lovell).

Arrays in, arrays out; knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_RANK = 1e-9  # of causes' own variation: what the others leave of one below this cannot be told apart


@dataclass
class Others:
    """Causes beside the weather, less their means, by which columns of one entry a period are freed of them."""

    away: Any
    weight: Any
    inverse: Any

    @classmethod
    def of(cls, away: Any, weight: Any) -> Others | None:
        """None where they cannot be told apart."""
        import numpy as np

        squares = away.T @ (weight[:, None] * away)
        if away.shape[1] and (squares.diagonal() <= 0).any():
            return None
        scale = np.sqrt(squares.diagonal())
        if away.shape[1] and np.linalg.eigvalsh(squares / np.outer(scale, scale)).min() < _RANK:
            return None
        return cls(away, weight, np.linalg.inv(squares))

    def left(self, centred: Any) -> Any:
        """What they leave of columns whose weighted mean is 0."""
        return centred - self.away @ (self.inverse @ (self.away.T @ (self.weight * centred.T).T))

    def worth(self, rest: Any) -> tuple[float, ...]:
        """What each of their units adds to a rest."""
        return tuple((self.inverse @ (self.away.T @ (self.weight * rest))).tolist())
