"""What a m³ of water is worth."""

from __future__ import annotations

from cityctl.city.model import City


def price_of(city: City) -> float | None:
    """The flat price of water [money/m³], where city.yaml has exactly one."""
    prices = [
        one.price
        for one in city.tariffs.values()
        if one.price is not None and city.networks[one.network].kind == "water"
    ]
    return prices[0] if len(prices) == 1 else None
