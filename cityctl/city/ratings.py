"""Ratings of transformers as city.yaml states them, and what is usual where it does not."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from cityctl.city.fields import Strict

Cooling = Literal["distribution", "ONAN", "ONAF", "OFAF", "ODAF"]

_THERMAL = ("x", "y", "k11", "k21", "k22", "oil_minutes", "winding_minutes")
# IEC 60076-7:2018, recommended thermal characteristics for exponential equations.
_USUAL: dict[Cooling, tuple[float, ...]] = {
    "distribution": (0.8, 1.6, 1.0, 1.0, 2.0, 180, 4),
    "ONAN": (0.8, 1.3, 0.5, 2.0, 2.0, 210, 10),
    "ONAF": (0.8, 1.3, 0.5, 2.0, 2.0, 150, 7),
    "OFAF": (1.0, 1.3, 1.0, 1.3, 1.0, 90, 7),
    "ODAF": (1.0, 2.0, 1.0, 1.0, 1.0, 90, 7),
}
# Rises at rated load [K]: of the oil, of the winding over it, and the hot-spot factor. Of forced and directed oil they
# are those of IEC 60354:1991, table 2 (hot spot to oil 22 and 29 K).
_RISES: dict[Cooling, tuple[float, float, float, float]] = {
    "distribution": (60.0, 23.0, 1.2, 10.0),
    "ONAN": (60.0, 17.0, 1.3, 0.0),
    "ONAF": (60.0, 17.0, 1.3, 0.0),
    "OFAF": (56.0, 22 / 1.3, 1.3, 0.0),
    "ODAF": (49.0, 29 / 1.3, 1.3, 0.0),
}


class Transformer(Strict):
    """Ratings of a transformer for IEC 60076-7; what is left out is usual for its way of cooling."""

    rated: float = Field(gt=0, description="rated load, in the unit of its load's point: A or kVA")
    no_load_loss: float = Field(gt=0, description="W")
    load_loss: float = Field(gt=0, description="W at rated load")
    cooling: Cooling = Field(
        "distribution",
        description="a distribution transformer (ONAN), or a power transformer's way of cooling",
    )
    oil_rise: float = Field(60.0, description="top-oil rise at rated load, K")
    gradient: float = Field(23.0, description="winding to oil at rated load, K")
    hot_spot: float = Field(1.2, description="hot-spot factor H")
    surcharge: float = Field(10.0, description="K on top where it stands in a house; 0 in the open")
    oil_minutes: float = Field(180.0, gt=0, description="time constant of the oil, min")
    winding_minutes: float = Field(4.0, gt=0, description="time constant of the winding, min")
    k11: float = Field(1.0, description="thermal constant of IEC 60076-7")
    k21: float = Field(1.0, description="thermal constant of IEC 60076-7")
    k22: float = Field(2.0, description="thermal constant of IEC 60076-7")
    x: float = Field(0.8, description="oil exponent")
    y: float = Field(1.6, description="winding exponent")
    paper: Literal["normal", "upgraded"] = Field("normal", description="thermally upgraded paper or not")

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("cooling") not in _USUAL:
            return given
        cooling: Cooling = given["cooling"]
        thermal = dict(zip(_THERMAL, _USUAL[cooling], strict=True))
        rises = dict(zip(("oil_rise", "gradient", "hot_spot", "surcharge"), _RISES[cooling], strict=True))
        return {**thermal, **rises, **given}
