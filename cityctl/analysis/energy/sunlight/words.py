"""The words of the report on PV plants: its columns, and what its readers must know."""

from __future__ import annotations

from cityctl import glossary
from cityctl.result import Column

# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("plant", "Plant", None, "the asset of a PV plant", priority=1), glossary.column("zone", priority=5),
    Column("peak_kwp", "Rated", "kW", "rated DC power (kWp)", "number", 1, 4),
    Column("generated_kwh", "Generated", "kWh", "energy that it gave", "number", 0, 2),
    Column("final_yield", "Final yield", "h", "energy over rated power (kWh/kWp)", "number", 1, 2),
    Column("reference_yield", "Reference yield", "h", "irradiation of the modules' plane over 1 kW/m²", "number", 1,
           4),
    Column("performance_ratio", "PR", None, "performance ratio: final over reference yield, curtailed hours left out",
           "share", 1, 1),
    Column("corrected_ratio", "PR at 25 °C", None, "performance ratio, corrected to 25 °C of the modules", "share", 1,
           3),
    Column("curtailed_h", "Curtailed", "h", "time that its power was limited", "number", 1, 2),
    Column("curtailed_kwh", "Curtailed", "kWh", "energy lost to it", "number", 0, 2),
    Column("clipped_h", "Clipped", "h", "time at the inverter's rating although the sun had more", "number", 1, 5),
    Column("clipped_kwh", "Clipped", "kWh", "energy lost to it", "number", 0, 6),
    Column("solar_metered", "Metered", None, "share of the interval with both production and sun", "share", 1, 4),
    glossary.column("verdict"), glossary.column("date"),
    Column("gave_kwh", "Gave", "kWh", "energy of the day", "number", 0, 1),
    Column("could_kwh", "Could", "kWh", "energy of the day at the plant's usual share of its reference", "number", 0,
           1),
    Column("judged_by", "Judged by", None, "its own sun, or the yields of the other plants", priority=3),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
PLANTS = ("plant", "zone", "peak_kwp", "generated_kwh", "final_yield", "reference_yield", "performance_ratio",
           "corrected_ratio", "curtailed_h", "curtailed_kwh", "clipped_h", "clipped_kwh", "solar_metered",
           "verdict")  # fmt: skip
DAYS = ("plant", "date", "gave_kwh", "could_kwh", "judged_by")
NOTES = (
    "Method: final yield = energy / rated DC power, reference yield = irradiation of the modules' plane / 1 kW/m², PR "
    "their ratio over steps that have both. Curtailed steps are not in the PR, clipped ones are. At 25 °C: rated "
    "power corrected by the temperature coefficient of city.yaml at the module's temperature.",
    "Method: curtailed is a step at its limit (`role: limit`), or an hour and more of constant power 5 % below what "
    "the sun lets expect, while the sun moved twice as much. Expected = the plant's usual ratio x the sun, a straight "
    "line that falls with the sun as warm modules do; lost = expected - actual. At the inverter's rating each such "
    "step is clipping; where that is not told, an hour and more at the highest power.",
    "Method: a day is below where its energy over that of the other plants (of its own sun, with fewer than two) "
    "lies 4 robust deviations and a tenth under the plant's median day, what was clipped added; 8 days are "
    "needed, curtailed ones are not judged.",
    "Source: IEC 61724-1.",
    "Limits: a dirty or tilted irradiance sensor shows in the PR; irradiance has to be that of the modules' plane. "
    "Shade and snow are days below like any fault. A plant that is always curtailed in the same way looks clipped.",
)
