"""The model by the hour, against plain weighted least squares with a column for each hour of the week."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.linalg import lstsq

from cityctl.analysis.energy.models import towt

HOURS = 2 * 8760
FIRST = 8760  # the first year is the baseline


def made() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(temperature, hour of the week, month, use of three meters) of two years; one is read with gaps."""
    random = np.random.default_rng(4)
    at = np.arange(HOURS)
    month = (at % 8760) // 730 + 1
    temperature = (
        55 - 22 * np.cos(2 * np.pi * at / 8760) + 6 * np.sin(2 * np.pi * at / 24) + random.normal(0, 4, HOURS)
    )
    open_hours = (at % 24 > 7) & (at % 24 < 18) & (at % 168 < 120)
    use = np.stack(
        [
            20 + 30 * open_hours + 0.8 * np.maximum(60 - temperature, 0) * (1 + open_hours),
            np.full(HOURS, 5.0),
            3 + 0.2 * np.maximum(temperature - 66, 0),
        ]
    )
    use = use * random.normal(1, 0.1, use.shape)
    use[2, random.random(HOURS) < 0.2] = np.nan
    temperature[5000:5050] = np.nan
    return temperature, at % 168, month, use


def plain(
    temperature: np.ndarray, hour: np.ndarray, month: np.ndarray, use: np.ndarray, number: int
) -> np.ndarray:
    """What one month's model says of its hours: weights, occupied hours and bins found one after the other."""
    apart = (month - number) % 12
    weight = np.where(apart == 0, 1.0, np.where((apart == 1) | (apart == 11), 0.5, 0.0))
    seen = (weight > 0) & np.isfinite(use) & np.isfinite(temperature) & (np.arange(HOURS) < FIRST)
    t, y, h, w = temperature[seen], use[seen], hour[seen], weight[seen]
    x = np.stack([np.ones(len(y)), np.maximum(50 - t, 0), np.maximum(t - 65, 0)], axis=1)
    slopes = np.linalg.lstsq(x * np.sqrt(w)[:, None], y * np.sqrt(w), rcond=1e-10)[0]
    above = np.bincount(h, w * (y - x @ slopes > 0), 168) / np.maximum(np.bincount(h, w, 168), 1e-9)
    occupied = above > 0.65
    columns, of_all = [np.eye(168)[h]], [np.eye(168)[hour]]
    for of in (True, False):
        bends = [30.0, 45.0, 55.0, 65.0, 75.0, 90.0]
        here = t[occupied[h] == of]
        while bends:
            counts = np.histogram(here, [-np.inf, *bends, np.inf])[0]
            if counts.min() >= 20:
                break
            bends.pop(min(int(counts.argmin()), len(bends) - 1))
        edges = [-np.inf, *bends, np.inf]
        for low, high in itertools.pairwise(edges):
            start = 0.0 if np.isinf(low) else low
            columns.append(((np.clip(t, low, high) - start) * (occupied[h] == of))[:, None])
            of_all.append(((np.clip(temperature, low, high) - start) * (occupied[hour] == of))[:, None])
    root = np.sqrt(w)
    # By orthogonal factors and not by singular values: the same solution in a third of the time.
    fitted = lstsq(np.hstack(columns) * root[:, None], y * root, cond=1e-12, lapack_driver="gelsy")[0]
    told: np.ndarray = np.hstack(of_all) @ fitted
    return told


def test_meters_together_get_what_each_gets_alone() -> None:
    temperature, hour, month, use = made()
    baseline = np.where(np.arange(HOURS) < FIRST, use, np.nan)
    told, terms = towt.expected(temperature, baseline, hour, month)
    for meter in range(3):
        for number in (1, 7, 12):
            here = (month == number) & np.isfinite(temperature)
            alone = plain(temperature, hour, month, use[meter], number)[here]
            assert np.abs(told[meter][here] - alone).max() < 1e-6 * np.nanmean(use[meter])
    assert np.isnan(told[:, ~np.isfinite(temperature)]).all()
    assert (terms >= 168).all()
    assert (terms <= 168 + 14).all()


def test_a_month_or_an_hour_that_was_never_seen_is_not_told() -> None:
    temperature, hour, month, use = made()
    at = np.arange(HOURS)
    seen = (at < FIRST) & (month < 6) & (hour != 30)
    told, _ = towt.expected(temperature, np.where(seen, use, np.nan), hour, month)
    known = np.isfinite(temperature)
    assert np.isnan(told[:, (month == 9) & known]).all()
    assert np.isnan(told[:, hour == 30]).all()
    assert np.isfinite(told[:, (month == 3) & (hour != 30) & known]).all()


def test_the_error_of_a_sum_is_that_of_models_of_other_days() -> None:
    """Efron & Tibshirani (1993), chapter 11, equation 11.5, with every fourth stretch of ten days left out in turn."""
    temperature, hour, month, use = made()
    at = np.arange(HOURS)
    baseline = np.where(at < FIRST, use, np.nan)
    asked = np.isfinite(use) & (at >= FIRST) & np.isfinite(temperature)
    sums = []
    for left_out in range(4):
        told, _ = towt.expected(
            temperature, np.where(at // 240 % 4 == left_out, np.nan, baseline), hour, month
        )
        sums.append(np.where(asked, told, 0.0).sum(axis=1))
    by_hand = np.sqrt(3 / 4 * np.square(np.array(sums) - np.mean(sums, axis=0)).sum(axis=0))
    found = towt.error(temperature, baseline, hour, month, at // 24, asked)
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)
    assert (by_hand > 0).all()


def test_the_error_of_a_sum_holds_what_chance_does() -> None:
    """Days scatter by 5 % around what weather and hour tell, twenty times: nine in ten lie within t(3, 0.95) errors."""
    temperature, hour, month, _ = made()
    at = np.arange(HOURS)
    random = np.random.default_rng(8)
    steady = 20 + 10 * (hour % 24 > 7) + 0.5 * np.maximum(60 - temperature, 0)
    use = steady * np.repeat(random.normal(1, 0.05, (20, HOURS // 24)), 24, axis=1)
    baseline, known = np.where(at < FIRST, use, np.nan), np.isfinite(temperature)
    asked = np.broadcast_to((at >= FIRST) & known, use.shape)
    told, _ = towt.expected(temperature, baseline, hour, month)
    off = (told - steady)[:, (at >= FIRST) & known].sum(axis=1)
    error = towt.error(temperature, baseline, hour, month, at // 24, asked)
    assert (
        16 <= (np.abs(off) <= 2.353 * error).sum() <= 20
    )  # nine in ten: 18, and less than 16 once in 75 times
