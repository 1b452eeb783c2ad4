"""The words of the pump report: its columns, and what its readers must know."""

from __future__ import annotations

from cityctl import glossary
from cityctl.result import Column

# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("pumps_run", "Pump", None, "a pump, or several that ran together", priority=1),
    glossary.column("zone", priority=5),
    Column("ran_h", "Ran", "h", "time that it ran", "number", 0, 3),
    Column("starts", "Starts", None, "how often it was switched on", "integer", 0, 5),
    Column("pumped_m3", "Pumped", "m3", "volume that it pumped", "number", 0, 3),
    Column("pumping_kwh", "Energy", "kWh", "what it used while it ran", "number", 0, 3),
    Column("specific", "Specific", "kWh/m3", "energy for each m³", "number", 3, 1),
    Column("head_m", "Head", "m", "mean head, by volume", "number", 1, 3),
    Column("pump_efficiency", "Efficiency", None, "wire to water: hydraulic over electric energy", "share", 1, 1),
    Column("drift", "Drift", None, "change of the efficiency in a year at the same flow, in points", "share", 1, 4),
    Column("drift_error", "Its error", None, "standard error of the drift: below twice of it the drift may be chance",
           "share", 1, 6),
    Column("off_curve", "Off curve", None, "mean head over the maker's curve at the same flow, less 1", "share", 1, 5),
    Column("pumping_cost", "Cost", "money", "energy at the prices of its hours", "number", 2, 2),
    Column("paid_price", "Price paid", "money/kWh", "mean price of the hours that it ran in, by energy", "number",
           4, 5),
    Column("mean_price", "Mean price", "money/kWh", "mean price of all hours", "number", 4, 6),
    glossary.column("verdict"),
    Column("from_flow", "From", "m3/h", "lower end of a band of total flow", "number", 0, 1),
    Column("to_flow", "To", "m3/h", "upper end of it", "number", 0, 1),
    Column("best_pumps", "Cheapest", None, "the combination with the least energy for each m³ in that band",
           priority=1),
    Column("more_kwh", "Used more", "kWh", "what the hours with other combinations used more", "number", 0, 2),
    Column("station", "Station", None, "the zone in which pumps stand together", priority=1),
    Column("as_it_was", "As it was", "money", "cost of the pumped volume at the prices of its hours", "number", 2, 1),
    Column("at_best", "At best", "money", "cost of the cheapest hours within the tank's limits", "number", 2, 1),
    Column("worth_shifting", "Worth", "money", "what shifting would save", "number", 2, 1),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
PUMPS = ("pumps_run", "zone", "ran_h", "starts", "pumped_m3", "pumping_kwh", "specific", "head_m", "pump_efficiency",
         "drift", "drift_error", "off_curve", "pumping_cost", "paid_price", "mean_price", "verdict")  # fmt: skip
TOGETHER = (
    "station",
    "pumps_run",
    "ran_h",
    "pumped_m3",
    "pumping_kwh",
    "specific",
    "head_m",
    "pump_efficiency",
)
BEST = ("station", "from_flow", "to_flow", "best_pumps", "specific", "more_kwh")
SHIFT = ("station", "pumped_m3", "as_it_was", "at_best", "worth_shifting", "verdict")
NOTES = (
    "Method: a pump runs above a tenth of its usual power, and never where that is less than a fiftieth of what the "
    "largest of its station takes. Wire-to-water efficiency = sum(Q H / 367) / sum(P), flow in "
    "m³/h, head in m, power in kW, over windows that have all three and in which it was not switched. Windows are as "
    "short as the fastest pump is read, a quarter of an hour at most, and where registers tell of it. A pump is worn "
    "where it needs a fifth more than the best of its station for the same hydraulic work. Drift is a straight line "
    "through its days at one flow, where its hours differ by 5 % of it and more within a week: what the flow makes of "
    "the efficiency is told by these. A pump wears where the line falls by more than 3 points a year and more than "
    "twice its standard error.",
    "Method: the value of other hours is a linear programme (HiGHS): the same water, the tank within its limits and at "
    "least as full in the end, no quarter with more than the most that was pumped, all at the station's mean energy "
    "for each m³. It knows what was drawn, which nobody knew before: the saving is the most that was to be had.",
    "Limits: where pumps share their station's flow meter, a pump's volume, energy and efficiency are of the hours in "
    "which it ran alone; hours and cost are of all. The maker's curve is that of full speed: a pump that is slowed "
    "down lies below it, and is no worse for that. Implausible efficiencies mean a wrong unit: m³ in a quarter of an "
    "hour, l/s, kPa or cents are often met.",
)
FIRST_TIER = (
    "Limits: `{tariff}` has tiers, and which of them a station reaches its whole meter tells: costs, prices and the "
    "value of other hours are told at the first one."
)
