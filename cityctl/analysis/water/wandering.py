"""What moves a level that also wanders by itself: by how much, and how sure that is. Plain arithmetic.

Night flow changes with the season, the weather and small leaks while it is looked at: to take nights as independent
makes an interval several times too narrow. Source: Harvey and Durbin (1986), The effects of seat belt legislation,
J. R. Statist. Soc. A 149(3): a local level with an explanatory variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# Variance of a level's way in a night as a share of the noise's: the least that is thought of, the most, how many.
SHARES = (0.01, 10.0, 10)
FEWEST = 5  # nights, of which a level, an effect and two variances are told


@dataclass(frozen=True)
class Moved:
    """What one of `by` moves the level by, half the 95 % interval of that, and the level that it moves [of `values`].

    The level is that of the night asked for, as it would be with `by` at zero.
    """

    effect: float
    half: float
    level: float


def moved(days: Sequence[date], values: Sequence[float], by: Sequence[float], at: int = 0) -> Moved:
    """values = level + effect x by + noise, of at least five nights in order of time; `at`: the night of the level.

    How far the level wanders is not known: what each of SHARES says, and none, is averaged by its likelihood.
    """
    import numpy as np
    from scipy.special import stdtrit

    count = len(values)
    since = np.array([(day - days[0]).days for day in days])
    shared = np.minimum.outer(since, since)  # nights that the levels of two nights have wandered together
    told, columns = np.array(values)[:, None], np.stack([np.ones(count), np.array(by, float)], axis=1)
    share = np.array([0.0, *np.geomspace(*SHARES)])[:, None, None]
    weights = np.linalg.inv(np.eye(count) + share * shared)  # of each share, as all that follows
    precision = columns.T @ weights @ columns
    fit = np.linalg.solve(precision, columns.T @ weights @ told)
    left = told - columns @ fit
    noise = (left * (weights @ left)).sum(axis=(1, 2)) / (count - 2)
    noise = np.maximum(noise, 1e-18 * (1 + (told**2).sum()))
    likely = np.linalg.slogdet(weights)[1] - np.linalg.slogdet(precision)[1] - (count - 2) * np.log(noise)
    chances = np.exp((likely - likely.max()) / 2)
    chances /= chances.sum()
    levels = fit[:, 0, 0] + (share * shared[at] @ weights @ left)[:, 0, 0]
    effects, variances = fit[:, 1, 0], noise * np.linalg.inv(precision)[:, 1, 1]
    effect = float(chances @ effects)
    error = float(np.sqrt(chances @ (variances + (effects - effect) ** 2)))
    return Moved(effect, float(stdtrit(count - 3, 0.975)) * error, float(chances @ levels))
