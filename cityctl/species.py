"""Species of nitrogen and phosphorus: one amount told as another one's mass."""

from __future__ import annotations

from cityctl.errors import UsageProblem

# Molar masses [g/mol], IUPAC standard atomic weights 2021, abridged.
_SPECIES_PER_MOLE_OF_N = {"NO3": 62.005, "NO2": 46.006, "NH4": 18.039, "NH3": 17.031, "N": 14.007}
_SPECIES_PER_MOLE_OF_P = {"PO4": 94.970, "P": 30.974}


def species_factor(source: str, target: str) -> float:
    """Mass of `target` per mass of `source` with the same amount of its element: 50 mg/L NO3 is 11.3 as N.

    Raises UsageProblem where the species hold no common element.
    """
    for family in (_SPECIES_PER_MOLE_OF_N, _SPECIES_PER_MOLE_OF_P):
        if source in family and target in family:
            return family[target] / family[source]
    if source == target:
        return 1.0
    raise UsageProblem(f"`{source}` cannot be told as `{target}`: they share no element that cityctl knows")
