"""What night flow is made of: use by night, background and bursts; by two definitions of the minimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityctl import glossary
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water import night_flow, zone_nights
from cityctl.analysis.water.balancing.formulas import background
from cityctl.analysis.water.basis.small import flow_text, sized
from cityctl.analysis.water.basis.zones import outermost
from cityctl.analysis.water.zone_nights import ZoneNights, inside, median
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

TITLE = "Night flow in parts"
SUMMARY = "minimum night flow by two definitions, night use, leakage of the day, background and bursts"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"),
    Column("night_mean", "Mean", "m3/h", "minimum night flow: mean of the night's window, median of the nights",
           "number", 1, 2),
    Column("night_lowest", "Lowest hour", "m3/h", "minimum night flow: lowest moving mean of 60 minutes in the window, "
           "median of the nights", "number", 1, 4),
    Column("used_by_night", "Use", "m3/h", "legitimate use by night", "number", 1, 3),
    Column("use_from", "Use from", None, "how the use by night was come by", priority=6),
    Column("night_leakage", "Leakage", "m3/h", "night flow less use by night and exceptional users", "number", 1, 1),
    Column("background", "Background", "m3/h", "unavoidable background leakage at the night's pressure (BABE)",
           "number", 1, 4),
    Column("bursts", "Bursts", "m3/h", "leakage by night beyond the background", "number", 1, 1),
    Column("night_day", "NDF", "h/d", "hours by which leakage by night becomes that of the day", "number", 1, 5),
    Column("leakage_day", "A day", "m3/d", "leakage of a day", "number", 0, 2),
    Column("n1", "N1", None, "exponent of leakage by pressure", "number", 2, 5),
    Column("n1_from", "N1 from", None, "how the exponent was come by, with its 95 % interval", priority=7),
    Column("spark_nights", "Last 14 nights", "m3/h", "mean night flow of the last 14 nights", "spark", 1, 4),
)
# fmt: on
PARAMETERS = (
    *zone_nights.PARAMETERS,
    Parameter(
        "use_share",
        "share",
        None,
        None,
        "legitimate use as a share of night flow, in place of meters or people",
        least=0,
        most=1,
    ),
    Parameter("exceptional", "number", 0.0, "m3/h", "flow of large users by night, in each zone", least=0),
    Parameter(
        "n1",
        "number",
        None,
        None,
        "exponent of leakage by pressure; from data where left out, else 1",
        least=0.3,
        most=2.5,
    ),
)  # fmt: skip
SHOWN = 14
N1_OPEN = 1.0  # width of an interval that tells no more than that N1 lies between 0.5 and 1.5


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows, customer meters and pressure sensors."""
    return zone_nights.points(city, parameters)


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The history before the interval too."""
    return night_flow.window(interval, parameters, city)


def exponent_for(nights: ZoneNights, given: float | None, use: float | None) -> tuple[float, str]:
    """(N1, where it is from): given, from nights whose pressure differed, or 1 where they leave more open than that."""
    if given is not None:
        return given, "given"
    found = nights.exponent(use)
    if found is not None and 0.3 <= found[0] <= 2.5 and found[2] - found[1] <= N1_OPEN:
        return found[0], f"data, {found[1]:.2f} to {found[2]:.2f}"
    return 1.0, "assumed"


def answer(question: Question) -> Result:
    """One row a zone."""
    asked = question.parameters
    rows: list[tuple[object, ...]] = []
    missing = []
    told = zone_nights.read(question)
    flowed: dict[str, float] = {}
    for one in told:
        flows = inside(question, one.mean)
        if not flows:
            missing.append(Missing(one.zone.name, "no night that can be judged"))
            continue
        mean = median(flows.values()) or 0.0
        flowed[one.zone.zone] = mean
        use, source = one.night_use(asked["use_share"])
        leakage = None if use is None or one.untold else mean - use - asked["exceptional"]
        if one.untold:
            missing.append(Missing(one.zone.name, one.untold))
        elif use is None:
            missing.append(
                Missing(one.zone.name, "use by night not known: give `people`, `night_use` or use_share")
            )
        n1, n1_from = exponent_for(one, asked["n1"], use)
        head = median(inside(question, one.heads).values()) or one.zone.entry.pressure
        entry = one.zone.entry
        least = bursts = None
        if head and entry.mains is not None and entry.connections is not None:
            least = background(entry.mains, entry.connections, head)
            bursts = None if leakage is None else leakage - least
        factor = one.night_day(n1)
        rows.append(
            (one.zone.name, mean, median(inside(question, one.lowest).values()), use, source, leakage, least, bursts,
             factor, None if leakage is None else leakage * factor, n1, n1_from,
             [*map(one.mean.get, sorted(one.mean)[-SHOWN:])])
        )  # fmt: skip
    notes = list(NOTES)
    if below := [str(row[0]) for row in rows if isinstance(row[7], float) and row[7] < 0]:
        notes.append(
            f"Limits: less leaks by night than is unavoidable in {', '.join(below)}: there use by night is taken for "
            "too much, or city.yaml has too much of mains or connections."
        )
    # What flows into a zone flows into the one around it too.
    whole = outermost(question.city, [one.zone for one in told if one.zone.zone in flowed])
    return Result(
        title=TITLE,
        tables=[sized(Table("night_parts", TITLE, list(COLUMNS), rows))],
        interval=question.interval,
        completeness=Completeness(len(told), len(told) - len(missing), missing, "zones"),
        notes=notes,
        summary=f"{counted(len(rows), 'zone')}, "
        f"{flow_text(sum(flowed[zone.zone] for zone in whole))} m³/h by night in all",
    )


NOTES = (
    "Method: leakage by night = night flow - legitimate use - exceptional users. Legitimate use is that of customer "
    "meters in the window, where there is one for every second connection; else city.yaml's `night_use`, else 6 % of "
    "the people at 10 L/h. Background = (20 Lm + 1.25 Nc)(P/50)^1.5 L/h; bursts are what is beyond it.",
    "Method: NDF = sum of (P_h/P_night)^N1 over 24 hours, each day by its own night; 24 where no pressure is "
    "measured. N1 is the slope of the logarithms of leakage and pressure, where pressure by night varied by a "
    "twentieth or more, beside what leakage wanders by itself; 1 where its 95 % interval is wider than 1.",
    "Source: UKWIR (1994), Managing Leakage; Lambert (1994), BABE; May (1994), FAVAD; IWA Water Loss Task Force; "
    "Harvey and Durbin (1986) for the interval of N1.",
    "Limits: leaks behind customers' meters count as their use (`cityctl report run customer-leaks`). A repair or a "
    "burst in the nights of the history moves N1 from data.",
)
