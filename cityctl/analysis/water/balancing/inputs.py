"""What goes into a water balance: volumes of the city's meters, or as they are given, each with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cityctl.analysis.question import Question
from cityctl.analysis.water.balancing.cells import Inputs, Volume, given, unread
from cityctl.analysis.water.balancing.volumes import Metered, volumes
from cityctl.analysis.water.basis.zones import Asked, asked, fed, outermost, zones_of
from cityctl.city.model import City
from cityctl.errors import UsageProblem
from cityctl.result import Missing
from cityctl.wording import percent

WHOLE = 0.98  # share of the interval from which a meter counts as metered
ROLES = {"billed_metered": "consumption", "exported": "export", "unbilled_metered": "unbilled"}
"""Input that meters tell -> the role of those meters in city.yaml."""


def tops(city: City, parameters: Mapping[str, Any], silent: Collection[str] = ()) -> list[Asked]:
    """The zones that are asked for, without those that lie within another of them, or whose inflow is silent."""
    found = [zone for zone in asked(city, parameters) if zone.inflow is not None]
    return [zone for zone in outermost(city, found) if zone.inflow not in silent]


def balanced(city: City, parameters: Mapping[str, Any], silent: Collection[str] = ()) -> set[str]:
    """The zones that a balance is of: without a given system input only those whose inflow is known, and is read."""
    if parameters["system_input"] is not None:
        return set(zones_of(city, parameters))
    return {zone.zone for zone in tops(city, parameters, silent)}


def meters_of(
    city: City, parameters: Mapping[str, Any], silent: Collection[str] = ()
) -> dict[str, list[str]]:
    """Input -> the meters that tell it, for every input that is not given as a volume.

    Those of zones whose inflow is among the `silent` are left out: all their customers use would be no one's loss.
    """
    within = {inner for zone in balanced(city, parameters, silent) for inner in fed(city, zone)}
    found = {}
    if parameters["system_input"] is None:
        inflows = (str(zone.inflow) for zone in tops(city, parameters, silent))
        found["system_input"] = list(dict.fromkeys(inflows))
    for key, role in ROLES.items():
        if parameters[key] is None:
            found[key] = [
                name
                for name, point in city.points().items()
                if point.role == role and point.quantity in ("flow", "volume") and point.zone in within
            ]
    return found


def left_out(city: City, parameters: Mapping[str, Any]) -> list[Missing]:
    """Zones of which only one side of the balance is known: what flows in, or what their customers use."""
    within = {inner for zone in balanced(city, parameters) for inner in fed(city, zone)}
    served = {point.zone for point in city.points().values() if point.role == "consumption"}
    found = [
        Missing(zone, "no `inflow:` in city.yaml: its customers are left out")
        for zone in zones_of(city, parameters)
        if zone not in within and served & set(fed(city, zone))
    ]
    if all(parameters[key] is None for key in ("system_input", "billed_metered", "billed_unmetered")):
        found += [
            Missing(zone.zone, "no customer meter in it: all that flows in counts as lost")
            for zone in tops(city, parameters)
            if not served & set(fed(city, zone.zone))
        ]
    return found


@dataclass
class Read:
    """Volumes of meters, what is missing of them, where each input came from, and inflows without a reading."""

    volumes: dict[str, Metered] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)

    def sum(self, key: str, names: list[str], what: str, share: float, raised: float) -> Volume:
        """The volume of these meters, `share` of it half its 95 % interval.

        What was not metered is raised by the meter's own mean, and named; `raised` of that is half its interval: what
        many meters did not see is mostly the same days, whose season one mean misses as the other does. So is what was
        shared out over the interval's ends: by how far the inflow's course moved it, or a season may have.
        """
        had = [self.volumes[name] for name in names if name in self.volumes]
        for name in names:
            known = self.volumes[name].known if name in self.volumes else 0.0
            if known < WHOLE:
                why = (
                    f"{percent(known)} of the interval metered, raised to all of it"
                    if known
                    else "no readings"
                )
                self.missing.append(Missing(name, why))
        of_all = f" of {len(names)}" if len(had) < len(names) else ""
        self.sources[key] = (
            f"{len(had)}{of_all} {what if len(names) == 1 else what.replace('meter', 'meters')}"
        )
        total = sum(one.raised for one in had)
        guessed = raised * sum(abs(one.raised - one.volume) for one in had if one.known < 1)
        over = [one.shared for one in had]
        moved, unseen = sum(one.moved for one in over), sum(one.unseen for one in over)
        return Volume(total, math.hypot(abs(total) * share, guessed, moved, unseen))


def read_inputs(question: Question, read: Read) -> Inputs | None:
    """The nine inputs; None where what flows in was not read. Raises UsageProblem where no meter is there."""
    city, asked_for = question.city, question.parameters
    meters = meters_of(city, asked_for)
    _check(meters, asked_for)
    wanted = list(dict.fromkeys(name for names in meters.values() for name in names))
    inflows = meters.get("system_input", ())
    read.volumes = volumes(question, wanted, inflows, asked_for["season"]) if wanted else {}
    read.silent = [name for name in inflows if name not in read.volumes]
    read.missing += [Missing(name, "no readings: what it feeds is left out") for name in read.silent]
    meters = meters_of(city, asked_for, read.silent)
    for key in ("system_input", "billed_metered"):
        if key in meters and not any(name in read.volumes for name in meters[key]):
            return None

    def volume(key: str, what: str = "") -> Volume:
        """As given, else by the meters that tell it, else nothing."""
        value, share = asked_for[key], asked_for[f"{key}_error"]
        if value is None and meters.get(key):
            return read.sum(key, meters[key], what, share, asked_for["raised_error"])
        read.sources[key] = "not given" if value is None else "given"
        return given(value or 0.0, share)

    def share(key: str, of: float, parameter: str) -> Volume:
        part = asked_for[parameter]
        read.sources[key] = "not given" if part is None else f"{100 * part:g} %"
        return given((part or 0.0) * of, asked_for[f"{key}_error"])

    exported = volume("exported", "export meter")
    supplied = volume("system_input", "inflow meter")
    if asked_for["system_input"] is None:
        # A net inflow has taken off already what these meters export: all that came in is more by that.
        taken = sum(
            read.volumes[name].raised for name in _taken_off(city, asked_for, meters) if name in read.volumes
        )
        if taken:
            whole = supplied.value + taken
            supplied = Volume(whole, math.hypot(supplied.half, taken * asked_for["system_input_error"]))
            read.sources["system_input"] += ", and what was exported"
    used, unmetered = volume("billed_metered", "customer meter"), volume("billed_unmetered")
    flushed = volume("unbilled_unmetered")
    if asked_for["unbilled_unmetered"] is None:
        flushed = share("unbilled_unmetered", used.value + unmetered.value, "unbilled_unmetered_share")
    under = asked_for["under_registration"]
    read.sources["meter_inaccuracy"] = (
        "not given" if under is None else f"meters read {100 * under:g} % too little"
    )
    unbilled = volume("unbilled_metered", "meter of unbilled use")
    metered = Volume(used.value + unbilled.value)
    return Inputs(
        system_input=supplied,
        exported=exported,
        billed_metered=used,
        billed_unmetered=unmetered,
        unbilled_metered=unbilled,
        unbilled_unmetered=flushed,
        unauthorised=share("unauthorised", used.value, "unauthorised_share"),
        meter_inaccuracy=unread(metered, under or 0.0, asked_for["under_registration_error"]),
        data_handling=share("data_handling", used.value, "data_handling_share"),
    )


def _check(meters: Mapping[str, list[str]], asked_for: Mapping[str, Any]) -> None:
    if not meters.get("system_input", ["given"]):
        raise UsageProblem(
            f"no water zone with an inflow matches `{asked_for['zones']}`",
            hint="give `inflow:` to the zones in city.yaml, or --set system_input='120000 m3'",
        )
    if not meters.get("billed_metered", ["given"]):
        raise UsageProblem(
            "no customer meter in these zones",
            hint="a customer meter has `role: consumption`; or give --set billed_metered='100000 m3'",
        )


def _taken_off(city: City, asked_for: Mapping[str, Any], meters: Mapping[str, list[str]]) -> list[str]:
    """Export meters that the formulas of the inflows work with."""
    behind = {sensor for zone in tops(city, asked_for) for sensor in zone.sensors}
    return [name for name in meters.get("exported", ()) if name in behind]
