"""The water balance of IWA and AWWA, from its inputs to its cells. Plain arithmetic in one unit of volume.

Source: IWA (2000), Losses from water supply systems, The Blue Pages; AWWA Manual M36. Variance of an input is
(V x CI/1.96)², and the variances of what a cell is made of are summed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cityctl.analysis.water.balancing.formulas import Z95


@dataclass(frozen=True)
class Volume:
    """A volume and half its 95 % interval, in the same unit."""

    value: float
    half: float = 0.0

    @property
    def variance(self) -> float:
        """Square of the standard deviation."""
        return (self.half / Z95) ** 2

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half


def given(value: float, share: float) -> Volume:
    """A volume with its 95 % interval as a share of it."""
    return Volume(value, abs(value) * share)


def unread(metered: Volume, under: float, share: float) -> Volume:
    """What meters that read too little by the share `under` left out: metered/(1 - e) - metered.

    `share`: 95 % interval of that, as a share of it.
    """
    return given(metered.value / (1 - under) - metered.value, share)


@dataclass(frozen=True)
class Inputs:
    """What goes into a balance; each is independent of the others."""

    system_input: Volume
    exported: Volume
    billed_metered: Volume
    billed_unmetered: Volume
    unbilled_metered: Volume
    unbilled_unmetered: Volume
    unauthorised: Volume
    meter_inaccuracy: Volume
    data_handling: Volume


CELLS: dict[str, tuple[str, dict[str, int]]] = {
    "system_input": ("System input", {"system_input": 1}),
    "exported": ("Exported", {"exported": 1}),
    "supplied": ("Water supplied", {"system_input": 1, "exported": -1}),
    "billed_metered": ("Billed metered", {"billed_metered": 1}),
    "billed_unmetered": ("Billed unmetered", {"billed_unmetered": 1}),
    "billed": ("Billed authorised = revenue water", {"billed_metered": 1, "billed_unmetered": 1}),
    "unbilled_metered": ("Unbilled metered", {"unbilled_metered": 1}),
    "unbilled_unmetered": ("Unbilled unmetered", {"unbilled_unmetered": 1}),
    "unbilled": ("Unbilled authorised", {"unbilled_metered": 1, "unbilled_unmetered": 1}),
    "authorised": ("Authorised consumption", {"billed": 1, "unbilled": 1}),
    "losses": ("Water losses", {"supplied": 1, "authorised": -1}),
    "unauthorised": ("Unauthorised consumption", {"unauthorised": 1}),
    "meter_inaccuracy": ("Customer meter inaccuracy", {"meter_inaccuracy": 1}),
    "data_handling": ("Data handling errors", {"data_handling": 1}),
    "apparent": ("Apparent losses", {"unauthorised": 1, "meter_inaccuracy": 1, "data_handling": 1}),
    "real": ("Real losses", {"losses": 1, "apparent": -1}),
    "non_revenue": ("Non-revenue water", {"supplied": 1, "billed": -1}),
}
"""Key of each cell -> its name, and what it is made of: inputs, or cells before it."""


def balance(inputs: Inputs) -> dict[str, Volume]:
    """Every cell with its 95 % interval. Cells close: parts add up to their sums within rounding of a float."""
    parts: dict[str, dict[str, int]] = {}
    cells: dict[str, Volume] = {}
    for key, (_, made_of) in CELLS.items():
        if key in made_of:
            cells[key], parts[key] = getattr(inputs, key), {key: 1}
            continue
        total: dict[str, int] = {}
        for name, sign in made_of.items():
            for source, own in parts[name].items():
                total[source] = total.get(source, 0) + sign * own
        parts[key] = total
        value = sum(sign * cells[name].value for name, sign in made_of.items())
        variance = sum(sign**2 * cells[source].variance for source, sign in total.items())
        cells[key] = Volume(value, Z95 * math.sqrt(variance))
    return cells


def of_supplied(cells: dict[str, Volume], key: str) -> Volume:
    """A loss as a share of the water supplied, with its interval.

    A loss is what is supplied less other volumes: where the supply is misread, both sides of the share are.
    """
    loss, supplied = cells[key], cells["supplied"]
    share = loss.value / supplied.value
    variance = loss.variance - supplied.variance + (1 - share) ** 2 * supplied.variance
    return Volume(share, Z95 * math.sqrt(max(variance, 0.0)) / supplied.value)
