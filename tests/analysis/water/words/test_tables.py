"""The tables of leaks: in which order they list what was found."""

from __future__ import annotations

from collections.abc import Callable

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow


def test_the_zone_that_loses_most_is_listed_first(ask: Callable[..., Result]) -> None:
    """Altstadt loses 8 m³/h, Hafen 3; a larger leak of Hafen that is over says nothing of where to go now."""
    over = Leak("2026-03-20", 10.0, end="2026-04-10")
    hafen = inflow("2025-12-01", "2026-06-05", minutes=60, leaks=[over, Leak("2026-05-20", 3.0)])
    altstadt = inflow("2025-12-01", "2026-06-05", seed=2, minutes=60, leaks=[Leak("2026-05-25", 8.0)])
    series = {"hafen_inflow": hafen, "altstadt_inflow": altstadt}
    result = ask("water/leaks", CITY.replace("15m", "1h"), series, "2026-03-01", "2026-06-05")
    told = [(row["zone"], row["state"]) for row in rows_of(result, "events")]
    assert told == [("Altstadt", "steady"), ("Hafen", "repaired"), ("Hafen", "steady")]
    assert [one.subject for one in result.findings] == [zone for zone, _ in told]
