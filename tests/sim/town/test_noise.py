from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.sim.town import noise

SECONDS = st.integers(min_value=-4_000_000_000, max_value=8_000_000_000)


@given(
    key=st.integers(0, 2**64 - 1),
    seconds=st.lists(SECONDS, min_size=1, max_size=30),
    step=st.integers(1, 10**7),
)
@settings(max_examples=60)
def test_any_instant_alone_is_what_it_is_among_others(key: int, seconds: list[int], step: int):
    together = noise.correlated(key, np.array(seconds, dtype=np.int64), step)
    alone = [noise.correlated(key, np.array([second], dtype=np.int64), step)[0] for second in seconds]
    assert together.tolist() == alone


def test_uniform_is_that_of_splitmix64():
    # SplitMix64's published first output for state 0 is 0xE220A8397B1DCDAF (index 1 here: the state moves
    # before it is mixed); the value is its upper 53 bits
    expected = (0xE220A8397B1DCDAF >> 11) * 2.0**-53
    assert noise.uniform(0, np.array([1], dtype=np.int64))[0] == expected


def test_normal_has_unit_spread_and_a_bound():
    values = noise.normal(noise.stream(1, "a"), np.arange(200_000, dtype=np.int64))
    # 3 / sqrt(200 000) = 0.007 is three standard errors of the mean
    assert abs(values.mean()) < 0.007
    assert abs(values.std() - 1.0) < 0.01
    assert np.abs(values).max() <= 3.0


def test_correlated_noise_keeps_unit_spread_between_its_nodes_and_forgets():
    step = 3600
    at = np.arange(0, step * 60_000, step // 4, dtype=np.int64)
    values = noise.correlated(noise.stream(1, "b"), at, step)
    for phase in range(4):
        assert abs(values[phase::4].std() - 1.0) < 0.02
    assert np.corrcoef(values[:-1], values[1:])[0, 1] > 0.7
    assert abs(np.corrcoef(values[:-8], values[8:])[0, 1]) < 0.02


def test_streams_are_unrelated():
    index = np.arange(50_000, dtype=np.int64)
    one, other = (noise.normal(noise.stream(1, name), index) for name in ("hafen/use", "altstadt/use"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert noise.stream(1, "a") != noise.stream(2, "a")
