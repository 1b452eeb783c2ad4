"""The words of night flow: its columns, and what its readers must know."""

from __future__ import annotations

from cityctl import glossary
from cityctl.result import Column

TITLE = "Minimum night flow"
LEAKS = "Leaks"
FLOW = "m3/h"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"),
    Column("mnf", "MNF", FLOW, "minimum night flow: mean of the interval's last three valid nights", "number", 1, 2),
    Column("expected", "Expected", FLOW, "night flow that the zone's history lets expect of these nights",
           "number", 1, 3),
    Column("excess", "Excess", FLOW, "night flow beyond the expected", "number", 1, 1),
    Column("per_connection", "Per connection", "L/h", "excess by connections", "number", 1, 6),
    Column("night_use", "Night use", FLOW, "legitimate night use: given, or 6 % of people at 10 L/h", "number", 1, 8),
    Column("last_nights", "Last 7 nights", FLOW, "night flow of the last seven nights", "spark", 1, 4),
    glossary.column("verdict"),
    Column("nights", "Nights", None, "valid nights in the interval", "integer", 0, 7),
    Column("inflow", "Inflow", None, "point of the zone's net inflow", priority=9),
    glossary.column("finding"),
    Column("state", "State", None, "new, growing, steady, repaired, unseen for two months; weekly: no leak, see notes",
           priority=1),
    Column("started_at", "Started", None, "estimated start", "time", priority=2),
    Column("detected_at", "Detected", None, "time of the last reading that the decision needed", "time", priority=3),
    Column("repaired_at", "Repaired", None, "when the flow fell back, or was seen no more", "time", priority=3),
    Column("flow_m3h", "Flow", FLOW, "size of the leak", "number", 1, 1),
    Column("flow_low", "Low", FLOW, "lower end of its 95 % interval", "number", 1, 4),
    Column("flow_high", "High", FLOW, "upper end of its 95 % interval", "number", 1, 4),
    Column("volume_m3", "Volume", "m3", "lost since the start, until repair or the interval's end", "number", 0, 2),
    Column("cost", "Cost", "money", "that volume at the city's flat price of water", "number", 0, 5),
    Column("near", "Near", None, "pressure sensors at which the leak shows most, the nearest first", priority=3),
    Column("evidence", "Evidence", None, "what the leak was told from", priority=6),
    glossary.column("date"),
    Column("low", "Low", FLOW, "lower end of the leakage's 95 % interval", "number", 1, 4),
    Column("high", "High", FLOW, "upper end of the leakage's 95 % interval", "number", 1, 4),
    Column("leakage_m3h", "Leakage", FLOW, "flow of the leaks that run", "number", 1, 3),
    Column("sensor", "Sensor", None, "device/point, or the point", priority=1),
    Column("trouble", "Trouble", None, "frozen, unit, negative, clock, drift, gaps, spikes, full, coarse", priority=1),
    glossary.column("since"),
    glossary.column("until"),
    glossary.column("note"),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}

NOTES = (
    "Method: the mean flow of the night's window, net of exports and tank change, against a level, a way of the "
    "weekdays and holidays and a share of day use that are learnt from the zone's own nights (a Kalman filter). A "
    "change beyond the zone's own noise and wandering is an event: of one night that the evening before bears out, "
    "of the last 2 to 14 nights, or of the last week against all nights without a leak. Its base is kept, so that a "
    "fall can be told as repair. Where a leak runs and nights are quiet and keep their level, 0.7 of the certainty is "
    "enough for the next; of a zone that has shown less than 90 nights up to 1.5 times is asked, and one whose nights "
    "are restless is not held against its leak-free nights. Every verdict uses readings up to its night only, but for "
    "which nights a zone was shut.",
    "Method: flows, volumes and the leakage by day are told at the end of the interval, from the nights on both sides "
    "of each leak: the shares of what was told of all leaks and the level that are most likely together (least "
    "squares, far nights weigh less).",
    "Method: a step within a growth is another leak. One that has doubled a fortnight or more after it was told has "
    "another on top of it, unless one growth, even or with the square of time, explains what all its nights had.",
    "Method: how far a zone wanders by itself is told by its course of the day, in what neither a leak (the same "
    "flow in every hour) nor more demand (the same course, larger) can change.",
    "Method: a rise by night of which the day shows less than half, short of it by 1.5 times what days change by "
    "otherwise, is night use, such as watering, and no leak; after 14 such verdicts it is the zone's way.",
    "Method: where a logger does not follow the city's clocks, its nights are others from that night on: their level "
    "is learnt anew once that is known, and what was told as a leak since is none.",
    "Method: where the heads of a zone's sensors step by night by 4 % and 1.5 m or more in one night, and stay, night "
    "flow that moves the same way, by (P1/P0)^1.5 or less, moves with the pressure: its level is learnt anew in the "
    "second night, no leak begins nor ends with it, and the verdict says so.",
    "Method: what was told as a leak is night use that comes with the week (state weekly), such as shifts or watering, "
    "once two weeks or more are explained by it: three nights or more at the old level, as many with the use, all the "
    "same weekdays. It loses no volume, and becomes the way of these weekdays.",
    "Method: where nights scatter by more than 3 % of the inflow, a step is an event too that every block of the day "
    "shows alike, in every third of the last twelve nights and in no week of the four before, and that is larger than "
    "0.8 times what nine of ten of the zone's own moves are.",
    "Method: where customer meters see half of a zone, the balance of whole days takes the place of night flow. "
    "Pressure sensors whose heads fall by more than the inflow explains sharpen the watch, say where to look, and show "
    "leaks that begin elsewhere while another grows. Two have to fall, and not all alike, as with the inlet's.",
    "Method: a night without enough of its readings, and nights of a sensor that shows one value for 18 hours, "
    "negative flow, another unit or a clock that jumped by itself or drifts (the whole course of the day comes hours "
    "early or late, or ever more so), are not judged. Gaps, spikes, a clock that did not follow the city's, clocks "
    "that jump alike in most of it, a scale at its end and flows in coarse steps are named only. What only takes back "
    "an earlier fall is no leak. Nights in which a zone is shut, a two-hundredth of its inflow or less, tell nothing.",
    "Method: one night that lies as far off, and that its evening does not bear out, is UNUSUAL, a finding of its own: "
    "a burst of the small hours, or water for a fire. The next night tells. What begins after the night's window shows "
    "with the next one.",
    "Source: IWA Water Loss Task Force (minimum night flow); UKWIR (1994), Managing Leakage, report E (6 % of "
    "people at 10 L/h by night); Harvey (1989), structural time series models and the Kalman filter; Hazen and "
    "Williams for head loss against flow.",
    "Limits: where next to nothing flows by night, as supply pauses or a tank is filled by day, no leak shows, and a "
    "zone of two m³/h or more is not judged.",
    "Limits: a leak that grows more slowly than the zone's demand wanders by itself is not seen; a new customer "
    "who draws by night looks like a leak. Volumes take the night's leakage for the whole day, and leave out days "
    "without any inflow, in which the zone was shut or its meter dead. `cityctl leak selftest` tells how often leaks "
    "are found in this city, and how often an alarm is raised for nothing.",
)
