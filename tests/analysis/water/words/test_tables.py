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


def test_leaks_of_one_begin_are_findings_of_their_own(ask: Callable[..., Result]) -> None:
    """What the first of three left after its repair is told to have begun with it: a book of findings keeps both."""
    leaks = [
        Leak("2026-02-05", 4.0, end="2026-04-19"),
        Leak("2026-03-19", 1.0, end="2026-04-17"),
        Leak("2026-03-20", 1.0, end="2026-05-03"),
    ]
    flow = inflow("2025-12-01", "2026-06-05", seed=106, noise=0.08, minutes=60, leaks=leaks)
    city = CITY.replace("15m", "1h").replace("country: DE", "")  # holidays move the begin by a night
    result = ask("water/leaks", city, {"hafen_inflow": flow}, "2026-01-01", "2026-06-05")
    begun = [row["started_at"] for row in rows_of(result, "events")]
    names = [row["finding"] for row in rows_of(result, "events")]
    assert len(begun) == 3 > len({*begun})
    assert len({*names}) == 3
    earlier = ask("water/leaks", city, {"hafen_inflow": flow}, "2026-01-01", "2026-04-20")
    later = ask("water/leaks", city, {"hafen_inflow": flow}, "2026-05-02", "2026-06-05")
    assert rows_of(earlier, "events")[0]["finding"] == names[0]
    # also where the first is not told
    assert [row["finding"] for row in rows_of(later, "events")] == names[2:]
