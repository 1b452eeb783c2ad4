"""The words of the water balance: its columns, parameters, and what its readers must know."""

from __future__ import annotations

from datetime import timedelta

from cityctl import glossary
from cityctl.analysis.question import Parameter
from cityctl.result import Column

# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("balance_cell", "Part", None, "a part of the water balance", priority=1),
    Column("balance_volume", "Volume", "m3", "its volume in the interval", "number", 0, 1),
    Column("balance_low", "Low", "m3", "lower end of its 95 % interval", "number", 0, 2),
    Column("balance_high", "High", "m3", "upper end of its 95 % interval", "number", 0, 2),
    Column("balance_share", "Share", None, "share of the system input", "share", 1, 3),
    Column("balance_cost", "Worth", "money", "real losses and unbilled use at the cost of production, apparent losses "
           "at the price of water", "number", 0, 3),
    Column("balance_from", "From", None, "how it was come by", priority=5),
    Column("indicator", "Indicator", None, "a figure by which networks are compared", priority=1),
    Column("indicator_value", "Value", None, "its value, in the unit beside it", "number", 2, 1),
    Column("indicator_low", "Low", None, "lower end of its 95 % interval: that of the volumes it is made of", "number",
           2, 3),
    Column("indicator_high", "High", None, "upper end of its 95 % interval", "number", 2, 3),
    Column("indicator_unit", "Unit", None, "unit of the indicator", priority=1),
    glossary.column("verdict"),
)
BY_KEY = {one.key: one for one in COLUMNS}
TABLE = ("balance_cell", "balance_volume", "balance_low", "balance_high", "balance_share", "balance_cost",
         "balance_from")
INDICATORS = ("indicator", "indicator_value", "indicator_low", "indicator_high", "indicator_unit", "verdict")


def _volume(name: str, meaning: str) -> Parameter:
    return Parameter(name, "number", None, "m3", meaning, least=0)


def _error(name: str, default: float, of: str) -> Parameter:
    return Parameter(name, "share", default, None, f"half the 95 % interval of {of}, as a share of it", least=0)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("zones", "text", "*", None, "zones to balance together, `*` for any letters, several with commas"),
    _volume("system_input", "system input of the interval; the zones' inflow meters where left out"),
    _error("system_input_error", 0.02, "the system input"),
    _volume("exported", "water sold to other networks; meters with `role: export` where left out"),
    _error("exported_error", 0.02, "the exported water"),
    _volume("billed_metered", "billed use that is metered; the zones' customer meters where left out"),
    _error("billed_metered_error", 0.02, "the billed metered use"),
    _volume("billed_unmetered", "billed use that is not metered"),
    _error("billed_unmetered_error", 0.2, "the billed unmetered use"),
    _volume("unbilled_metered", "use that is metered and not billed; meters with `role: unbilled` where left out"),
    _error("unbilled_metered_error", 0.02, "the unbilled metered use"),
    _volume("unbilled_unmetered", "flushing, fire fighting and the like"),
    Parameter("unbilled_unmetered_share", "share", None, None,
              "the same as a share of billed use, in place of a volume", least=0, most=1),
    _error("unbilled_unmetered_error", 0.5, "the unbilled unmetered use"),
    Parameter("unauthorised_share", "share", None, None, "unauthorised use as a share of billed metered use", least=0,
              most=1),
    _error("unauthorised_error", 0.5, "the unauthorised use"),
    Parameter("under_registration", "share", None, None, "share by which customer meters read too little", least=0,
              most=0.9),
    _error("under_registration_error", 0.5, "what customer meters left out"),
    Parameter("data_handling_share", "share", None, None, "errors of data handling as a share of billed metered use",
              least=0, most=1),
    _error("data_handling_error", 0.5, "the errors of data handling"),
    Parameter("raised_error", "share", 0.2, None, "half the 95 % interval of what was raised for times without "
              "readings, as a share of it", least=0),
    Parameter("season", "share", 0.2, None, "by how much use is taken to swing about its mean within a year, where no "
              "inflow tells it: of readings that reach over an end of the interval", least=0, most=1),
    Parameter("mains", "number", None, "km", "length of mains; the zones' where left out", least=0),
    Parameter("connections", "number", None, None, "service connections; the zones' where left out", least=0),
    Parameter("private_pipe", "number", 0.0, "m", "pipe of a connection from the property line to its meter", least=0),
    Parameter("pressure", "number", None, "mH2O", "mean pressure; the zones' by connections where left out, else "
              "their gauges'", least=0),
    Parameter("production_cost", "number", None, None, "variable cost of producing a m³, in the city's currency",
              least=0),
    Parameter("survey_cost", "number", None, None, "cost of searching the whole network once, in the city's currency",
              least=0),
    Parameter("rate_of_rise", "number", None, "m3/d",
              "by how much unreported leakage grows in a year, where nobody searches", least=0),
    Parameter("economy", "choice", "developed", None, "whose bands of the leakage index hold",
              choices=("developed", "developing")),
    Parameter("units", "choice", "metric", None, "m³ and L, or US gallons", choices=("metric", "us")),
    Parameter("reach", "duration", timedelta(days=100), None,
              "how far before and after the interval registers and bills are looked for, or 1.1 times their `every`"),
)
# fmt: on
NOTES = (
    "Method: water supplied = system input - exported; losses = supplied - authorised; real losses = losses - apparent "
    "losses; non-revenue water = supplied - billed. What meters left out is metered/(1 - e) - metered. Each input's "
    "95 % interval is given; variances (V x CI/1.96)² are summed over what a part is made of.",
    "Method: UARL = (18 Lm + 0.8 Nc + 25 Lp) x P L/day, with Lp from the property line to the meter only; ILI = CARL / "
    "UARL. Losses are told by connection from 20 connections a km on, else by km. Months between two searches = "
    "sqrt(0.789 CI / (CV x RR)).",
    "Method: a bill, or a register's step, longer than two days that reaches over an end of the interval is shared out "
    "as the inflow went day by day, where four fifths of its days are known, else by time. How far inflow "
    "moves it is half its 95 % interval; by time, what a season of a year would have moved.",
    "Source: IWA (2000), Losses from water supply systems; AWWA Manual M36; Lambert et al. (1999), AQUA 48(6); "
    "Liemberger (2005) for the bands; Lambert and Lalonde (2005) for the economic intervention frequency.",
    "Limits: the balance is as good as its inputs: shares differ between versions of AWWA's software, so none is taken "
    "for granted. A meter that is exchanged keeps its point: as two points, each is raised to the whole interval. A "
    "meter of an inflow that shows one value, or another unit, for days counts as it read, and is named. A mean of "
    "gauges is that of where they stand: best at the zone's average point. UARL holds above 3 000 "
    "connections, 20 connections a km, and from 25 to 100 m.",
)
