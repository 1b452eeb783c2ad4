"""What a finding calls the asset, zone or point it is about: its name, with its id where that tells no one alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cityctl.city.model import City


def of_assets(city: City) -> dict[str, str]:
    """Asset -> `Transformer 1`, or `Transformer 1, t1` where another asset goes by that name."""
    return _told((name, one.name) for name, one in city.assets.items())


def of_zones(city: City) -> dict[str, str]:
    """Zone -> the same."""
    return _told((name, one.name) for name, one in city.zones.items())


def of_points(city: City) -> dict[str, str]:
    """Point -> the same."""
    return _told((name, one.name) for name, one in city.points().items())


def _told(names: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    known = [(name, said or name) for name, said in names]
    counts = Counter(said for _, said in known)
    return {name: said if said == name or counts[said] == 1 else f"{said}, {name}" for name, said in known}
