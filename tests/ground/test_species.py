"""Nitrogen and phosphorus under their names."""

from __future__ import annotations

import pytest

from cityctl.errors import UsageProblem
from cityctl.species import species_factor


def test_species_share_their_element():
    # QUALITY: nitrate 50 mg/L as NO3 is 11.3 mg/L as N.
    assert 50 * species_factor("NO3", "N") == pytest.approx(11.295, rel=1e-3)
    with pytest.raises(UsageProblem, match="share no element"):
        species_factor("NO3", "P")
