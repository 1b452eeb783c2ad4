"""Uncertainty of savings against printed tables and numbers worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from cityctl.analysis.energy.models.uncertainty import Fit, t_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "printed"),
    [  # any printed table of Student's t
        (0.975, 20, 2.086),
        (0.95, 30, 1.697),
        (0.95, 120, 1.658),
        (0.975, 60, 2.000),
        (0.995, 120, 2.617),
        (0.95, 10, 1.812),
        (0.975, 10, 2.228),
    ],
)
def test_t_is_the_printed_one(probability: float, freedom: float, printed: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize(
    ("freedom", "probability", "printed", "off"),
    [
        (3, 0.90, 1.6377, 5e-4),
        (3, 0.95, 2.3534, 5e-4),
        (3, 0.975, 3.1824, 1.3e-3),
        (3, 0.995, 5.8409, 8e-3),
        (2, 0.95, 2.9200, 3e-3),
        (2, 0.975, 4.3027, 8e-3),
        (2, 0.995, 9.9248, 4.2e-2),
    ],
)
def test_t_of_few_degrees_of_freedom_is_as_near_as_it_says(
    freedom: float, probability: float, printed: float, off: float
) -> None:
    """Any printed table of Student's t; the expansion is below it."""
    assert 1 - off <= t_quantile(probability, freedom) / printed <= 1 + 1e-4


def test_t_is_that_of_eemeter(shared: Path) -> None:
    reference = json.loads((shared / "data/energy/eemeter_caltrack_daily.json").read_text())
    for meter in reference.values():
        metrics = meter["totals_metrics"]
        assert t_quantile(0.95, metrics["degrees_of_freedom"]) == pytest.approx(metrics["t_stat"], rel=1e-9)


def test_cv_and_nmbe_by_hand() -> None:
    # 101 days of mean 50, residuals' squares add to 2 500 and they add to 10, one degree-day term:
    # CV = sqrt(2500 / 100) / 50 = 5 / 50; NMBE = 10 / (100 x 50).
    fit = Fit(days=101, terms=1, mean=50.0, sse=2500.0, bias=10.0, rho=0.0)
    assert fit.cvrmse == pytest.approx(0.1)
    assert fit.nmbe == pytest.approx(0.002)


def test_autocorrelation_makes_days_worth_less() -> None:
    # n' = 365 (1 - 0.5) / (1 + 0.5)
    assert Fit(365, 1, 1.0, 1.0, 0.0, 0.5).independent_days == pytest.approx(365 / 3)


def test_band_by_hand() -> None:
    """Sun & Baltazar: a(12) = -0.00024 x 144 + 0.03535 x 12 + 1.00286 = 1.3925 for a year of reporting."""
    fit = Fit(days=365, terms=0, mean=100.0, sse=365 * 400.0, bias=0.0, rho=0.0)  # CV = 20 / 100
    t = 0.99580  # two-sided 68 % at 365 degrees of freedom: 1.0 times the normal 0.99446, corrected
    by_hand = 1.3925 * t * 0.2 * math.sqrt((1 + 2 / 365) / 365) * 36500
    assert fit.band(36500.0, 365, 365, 0.68) == pytest.approx(by_hand, rel=1e-3)


def test_terms_of_the_published_formula_are_those_of_eemeter(shared: Path) -> None:
    """t CV sqrt[(n/n')(1 + 2/n')] is what eemeter calls the FSU base term.

    eemeter takes (n - p)/(n' - p) in place of n/n', which is within 1 % here.
    """
    reference = json.loads((shared / "data/energy/eemeter_caltrack_daily.json").read_text())
    for meter in reference.values():
        metrics = meter["totals_metrics"]
        terms = int(metrics["num_parameters"])
        days = int(metrics["observed_length"])
        fit = Fit(
            days, terms, 1.0, metrics["cvrmse_adj"] ** 2 * (days - terms), 0.0, metrics["autocorr_resid"]
        )
        assert fit.independent_days == pytest.approx(metrics["n_prime"], rel=1e-9)
        shape = -0.00024 * 12**2 + 0.03535 * 12 + 1.00286
        base = fit.band(1.0, 365, 365, 0.9) * math.sqrt(365) / shape
        correction = math.sqrt((days - terms) / (metrics["n_prime"] - terms) * metrics["n_prime"] / days)
        assert base * correction == pytest.approx(metrics["fsu_base_term"], rel=1e-4)
        assert base == pytest.approx(metrics["fsu_base_term"], rel=1e-2)


def test_nothing_is_certain_without_days() -> None:
    assert math.isnan(Fit(2, 1, 10.0, 1.0, 0.0, 0.0).band(100.0, 30, 30, 0.68))
    assert math.isnan(Fit(365, 1, 10.0, 1.0, 0.0, 0.0).band(100.0, 0, 0, 0.68))
