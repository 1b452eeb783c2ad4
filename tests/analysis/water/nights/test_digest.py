"""Readings as they are reduced to nights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.analysis.water.nights.digest import FINE, flows_of, points_of, show_flows
from cityctl.city.load import load
from cityctl.engine.duck import Engine
from tests.analysis.conftest import days, readings
from tests.analysis.water.made import BERLIN, CITY, inflow

NAME = "hafen_inflow"


def test_sums_of_flows_do_not_depend_on_their_order(project: Callable[[str], Path]) -> None:
    """As threads that read a store's files need not come in one: whole multiples of a power of two add up exactly."""
    city = load(project(CITY))
    times, flow = inflow("2026-10-01", "2026-10-08")
    interval = days("2026-10-01", "2026-10-08", BERLIN)
    with Engine(threads=1) as engine:
        engine.keep("readings", readings({NAME: (times, flow)}))
        statements = find("water/night_flow").statements
        question = Question(city, interval, {}, engine, statements=statements)
        engine.register("night_points", points_of(question, [NAME], {NAME}))
        show_flows(question, flows_of(question, [NAME]))
        shown = np.array([one for (one,) in engine.rows("select f.flow from night_flows as f order by f.at")])
    assert np.abs(shown - flow).max() <= 0.5 / FINE  # 7 µL/h
    rng = np.random.default_rng(1)
    orders = [rng.permutation(len(flow)) for _ in range(20)]
    assert len({float(np.cumsum(shown[order])[-1]) for order in orders}) == 1
    assert len({float(np.cumsum(flow[order])[-1]) for order in orders}) > 1
