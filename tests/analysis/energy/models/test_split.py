"""Laws of the split model."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.energy.models import split


def test_every_way_holds_each_kind_of_day_once() -> None:
    ways = split.ways()
    assert len(ways) == len(set(ways)) == 48  # the combinations of opendsm 1.2's daily model
    for way in ways:
        assert sorted(cell for cells in way for cell in cells) == list(range(6))


def test_kinds_of_day() -> None:
    assert split.cell_of(date(2026, 7, 8)) == 0  # a Wednesday in summer
    assert split.cell_of(date(2026, 10, 8)) == 1
    assert split.cell_of(date(2026, 11, 22), rest=True) == 5  # a Sunday in winter
    assert split.cell_of(date(2026, 12, 25), rest=True) == 5  # a holiday


@settings(max_examples=40)
@given(seed=st.integers(0, 100_000), weekend=st.floats(0.2, 1.5), noise=st.floats(0.01, 0.5))
def test_it_is_never_worse_than_one_model_for_all_days(seed: int, weekend: float, noise: float) -> None:
    random = np.random.default_rng(seed)
    day = np.arange(365)
    temperature = 55 - 20 * np.cos(2 * np.pi * day / 365) + random.normal(0, 5, 365)
    dates = [date(2023, 1, 1) + timedelta(days=int(k)) for k in day]
    cells = np.array([split.cell_of(one, rest=one.weekday() >= 5) for one in dates])
    use = 100 + 4 * np.maximum(58 - temperature, 0)
    use = use * np.where(cells >= 3, weekend, 1.0) * random.normal(1, noise, 365)
    model = split.fit(temperature, use, cells)
    tried = split.tried(temperature, use, cells)
    assert model is not None
    (whole,) = (way for way in tried if len(way.parts) == 1)
    assert model.way.cost == min(way.cost for way in tried) <= whole.cost
    (taken,) = (way for way in tried if way.cost == model.way.cost)
    assert model.sse <= taken.sse * (1 + 1e-9)  # balance points that bend never fit worse
    told = np.zeros(365)
    for part in model.parts:
        here = np.isin(cells, list(part.cells))
        told[here] = part.expects(temperature[here])
    assert abs(float(((use - told) ** 2).sum()) - model.sse) <= 1e-6 * model.sse
    assert abs(float((use - told).sum())) <= 1e-6 * float(use.sum())  # least squares: the baseline adds up
    assert sorted(cell for part in model.parts for cell in part.cells) == list(range(6))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e6))
def test_the_unit_of_use_changes_nothing(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    temperature = random.uniform(20, 90, 200)
    use = 100 + random.uniform(0, 3) * np.maximum(60 - temperature, 0) + random.normal(0, 5, 200)
    cells = random.integers(0, 6, 200)
    one, other = split.fit(temperature, use, cells), split.fit(temperature, use * scale, cells)
    assert one is not None
    assert other is not None
    assert [part.cells for part in one.parts] == [part.cells for part in other.parts]
    assert [(part.heating, part.cooling) for part in one.parts] == [
        (part.heating, part.cooling) for part in other.parts
    ]


def test_too_few_days_have_no_model() -> None:
    assert split.fit(np.full(11, 50.0), np.ones(11), np.zeros(11, int)) is None
