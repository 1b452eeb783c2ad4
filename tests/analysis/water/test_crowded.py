"""Years in which one leak follows the other before the last is mended."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.analysis.water.crowded import watched


def test_leaks_on_top_of_leaks_are_found(shared: Path) -> None:
    """12 of 17 with one false alarm in six years; a single leak's growth is no other leak.

    A third of the leaks stay below 3 % of the inflow, or begin in the night in which another is mended.
    """
    years = watched(shared, 12, seed=40)
    print(
        f"found {np.mean([year.found for year in years]):.1f} of {years[0].leaks}, "
        f"false {np.mean([year.false for year in years]):.2f}, skill {np.mean([year.skill for year in years]):.2f}, "
        f"daily leakage off by {np.mean([year.error for year in years]):.1f} m³/h"
    )
    assert np.mean([year.found for year in years]) > 11.6
    assert np.mean([year.false for year in years]) < 0.3
    assert np.mean([year.skill for year in years]) > 0.4
    assert np.mean([year.error for year in years]) < 4.3
