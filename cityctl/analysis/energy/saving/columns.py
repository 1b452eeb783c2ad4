"""The words of savings: its columns, and what its readers must know."""

from __future__ import annotations

from cityctl import glossary
from cityctl.result import Column

KWH = "kWh"
TITLE = "Energy savings"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone", priority=4),
    glossary.column("meter"),
    glossary.column("network", priority=7),
    Column("baseline_kwh", "Baseline", KWH, "use in the baseline's valid days", "number", 0, 6),
    Column("counterfactual_kwh", "Expected", KWH,
           "use as the baseline's model expects it in the weather since the measure",
           "number", 0, 3),
    Column("adjusted_kwh", "Adjusted", KWH,
           "what non-routine events that city.yaml states (`non_routine`) add to the expected use; it holds it",
           "number", 0, 9),
    Column("observed_kwh", "Observed", KWH, "metered use since the measure, of the same days",
           "number", 0, 3),
    Column("avoided_kwh", "Saved", KWH, "expected less observed use; below 0 the use rose", "number", 0, 1),
    Column("saving_pct", "Saving", "%", "saved use in per cent of the expected", "number", 1, 1),
    Column("uncertainty", "Uncertainty", None,
           "fractional savings uncertainty: half the width of the saving's interval, over the saving; "
           "proven up to 50 %",
           "share", 0, 2),
    Column("saved_money", "Worth", "money",
           "saved use at the meter's price of energy, by the hour where its tariff has one", "number", 0, 5),
    Column("saved_co2", "CO2 saved", "kg", "CO2 of the saved use, at its hours' intensity where city.yaml knows it",
           "number", 0, 6),
    Column("verdict", "Verdict", None, "what follows", "verdict", priority=1),
    Column("cvrmse", "CV(RMSE)", None, "scatter of the baseline around its model, over its mean",
           "share", 1, 7),
    Column("cvrmse_reporting", "CV after", None,
           "scatter of the compared use around the expected one, over its mean", "share", 1, 9),
    Column("model", "Model", None, "which degree-day terms the baseline's model has", priority=8),
    Column("method", "Method", None, "how the expected use is made", priority=9),
    Column("baseline_start", "Baseline from", None, "first day of the baseline", "date", priority=9),
    Column("baseline_end", "Baseline to", None, "first day after the baseline: the measure",
           "date", priority=9),
    Column("reporting_start", "Reporting from", None, "first day that is compared", "date", priority=9),
    Column("reporting_end", "Reporting to", None, "first day after the compared ones", "date", priority=9),
    Column("avoided_low", "Saved, low", KWH, "lower end of the saving's interval, the wider of ASHRAE "
           "Guideline 14's and of what weeks left out of the baseline, or few bills, tell", "number", 0, 9),
    Column("avoided_high", "Saved, high", KWH, "upper end of the saving's interval, likewise", "number", 0, 9),
    Column("fsu", "FSU by formula", None,
           "fractional savings uncertainty as ASHRAE Guideline 14's formula alone tells it: the uncertainty or less",
           "share", 0, 9),
    Column("normal_kwh", "Normal year", KWH,
           "what a typical year takes less, as models of before and of since say", "number", 0, 9),
    Column("normal_pct", "Normal", "%", "the same in per cent of what that year takes without the measure",
           "number", 1, 9),
    Column("enpi", "EnPI", None, "observed over expected use: energy performance indicator (ISO 50006:2023)",
           "share", 1, 9),
    Column("nmbe", "NMBE", None, "mean of observed less expected use in the baseline, over its mean",
           "share", 2, 9),
    Column("r2_adj", "R² adj.", None, "share of the variance that the model explains, adjusted for its terms",
           "number", 3, 9),
    Column("intercept", "Base", "kWh/d", "use on a day without heating or cooling", "number", 2, 9),
    Column("heats_below", "Heats below", "degC", "outdoor temperature below which it heats, in the city's own unit",
           "number", 1, 8),
    Column("cools_above", "Cools above", "degC", "outdoor temperature above which it cools, in the city's own unit",
           "number", 1, 8),
    Column("heating_per_degree", "Heating", "kWh/K/d", "use a day for each degree below that, in the city's own unit",
           "number", 2, 8),
    Column("cooling_per_degree", "Cooling", "kWh/K/d", "use a day for each degree above that, in the city's own unit",
           "number", 2, 8),
    Column("beta_heating", "Slope, heat", "kWh/°F/d", "as CalTRACK writes it: use per degree Fahrenheit below "
           "the heating balance point", "number", 3, 9),
    Column("beta_cooling", "Slope, cool", "kWh/°F/d", "as CalTRACK writes it: use per degree Fahrenheit above "
           "the cooling balance point", "number", 3, 9),
    Column("heating_balance_point", "Th", "degF", "as CalTRACK writes it: heating balance point (32 °F is 0 °C)",
           "integer", 0, 9),
    Column("cooling_balance_point", "Tc", "degF", "as CalTRACK writes it: cooling balance point (32 °F is 0 °C)",
           "integer", 0, 9),
    Column("heating_bend", "Heats softly", "degF", "how far above and below its balance point heating sets in (split); "
           "degree days are u - k (1 - exp(-u/k)), k this and u the degrees below balance point + k", "number", 0, 9),
    Column("cooling_bend", "Cools softly", "degF", "how far around its balance point cooling sets in, likewise",
           "number", 0, 9),
    Column("drivers", "Also by", None, "causes beside the weather that its model knows, and what each of their units "
           "uses", priority=9),
    Column("days", "Days", None, "days compared since the measure", "integer", 0, 9),
    Column("beyond_days", "Beyond", None, "days colder or warmer than any day of the baseline",
           "integer", 0, 9),
    Column("reasons", "Reasons", None, "what the data lack, or what to know about the figure", priority=9),
    Column("fuels", "Fuels", None, "networks that its meters are of", priority=2),
    Column("meters", "Meters", None, "how many meters", "integer", 0, 1),
    Column("proven", "Proven", None, "how many meters have a proven saving", "integer", 0, 2),
)
EVIDENCE = (
    Column("known", "Known", None, "what is known of it", priority=1),
    Column("status", "Status", None, "taken, qualified, or why a model may not be taken", priority=1),
    Column("criterion", "Criterion", None, "misfit of the whole baseline plus a price for its terms; the smallest wins",
           "number", 1, 2),
    Column("misfit", "RMSE", "kWh/d", "scatter of the baseline's days around the model", "number", 2, 3),
    Column("kind_of_day", "Days", None, "the days that share a degree-day model", priority=1),
    Column("degree_f", "Outdoor", "degF", "mean outdoor temperature of the day", "number", 1, 3),
    Column("use_kwh", "Use", "kWh", "metered use of the day", "number", 1, 3),
    Column("bill_kwh", "Amount", "kWh", "metered amount of the bill", "number", 1, 1),
    Column("bill_expected", "Expected", "kWh", "amount that the model expects in the bill's weather", "number", 1, 2),
    Column("bill_start", "From", None, "first day of the bill", "date", priority=1),
    Column("bill_end", "To", None, "first day after the bill", "date", priority=1),
    Column("of", "Of", None, "baseline or reporting", priority=2),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
OWN_DEGREES = {"heats_below": "degF", "cools_above": "degF", "heating_per_degree": "kWh/°F/d",
               "cooling_per_degree": "kWh/°F/d"}  # units of a city that speaks Fahrenheit  # fmt: skip
TOTAL = ("meters", "proven", "counterfactual_kwh", "observed_kwh", "avoided_kwh", "saving_pct", "uncertainty",
          "saved_money", "saved_co2", "avoided_low", "avoided_high", "fsu", "verdict")  # fmt: skip
FUELS = ("zone", "fuels", "meters", "counterfactual_kwh", "observed_kwh", "avoided_kwh", "saving_pct", "uncertainty",
         "saved_money", "saved_co2", "avoided_low", "avoided_high", "fsu", "verdict")  # fmt: skip
ROW = tuple(one.key for one in COLUMNS if one.key not in ("fuels", "meters", "proven"))

METHOD_NAMES = {
    "caltrack2": "CalTRACK 2.0 daily",
    "split": "daily with weekdays and seasons apart",
    "towt": "time of week and temperature, hourly",
    "billing": "CalTRACK 2.0 billing",
}
METHOD_NOTES = {
    "caltrack2": (
        "Method: CalTRACK 2.0 daily. For each meter the 365 days before the measure are fitted by "
        "use = base + heating x max(Th - T, 0) + cooling x max(T - Tc, 0), every pair of balance points from 30 to "
        "90 °F by 1 °F, Th <= Tc, all factors above 0, at least 10 degree days and 20 in sum; the highest adjusted "
        "R² is taken. Saved = expected - observed over the days that have readings and weather.",
        "Source: CalTRACK Methods 2.0, sections 2 and 3.",
    ),
    "split": (
        "Method: a degree-day model as of CalTRACK 2.0 for each group of kinds of day (weekdays and weekends of "
        "winter Nov-Feb, shoulder Mar-May and Oct, summer Jun-Sep; south of the equator six months later); of the 48 "
        "ways to group them the one with the smallest N (ln 2π + ln(L/N) + 1) + 0.24 K (ln N)^2.061 is taken, L its "
        "RMSE over that of one group, K its groups; kinds of day that are alike in temperature and use are not set "
        "apart. The terms of a group are chosen by BIC; then its heating and cooling may set in softly. A public "
        "holiday of the country in city.yaml counts as a weekend.",
        "Source: components, seasons and criterion as of the daily model of OpenDSM 1.2.",
    ),
    "towt": (
        "Method: each month has a model of its own, fitted to its hours and, at half weight, to those of the months "
        "beside it: a level for each of the 168 hours of the week, and a piecewise-linear use of temperature with "
        "bends at 30, 45, 55, 65, 75 and 90 °F, apart for occupied hours. A public holiday of the country in city.yaml "
        "counts as the weekend's last day. What a point with `role: driver` adds is told by what time and weather "
        "leave of it and of the use, day by day. CV(RMSE) is by the hour; the uncertainty is that of the days, because "
        "hours that follow each other are not independent.",
        "Its interval holds by how much the expected use would be another, had every fourth stretch of ten days been "
        "left out of the baseline (a jackknife): a model of a month has seen little.",
        "Source: CalTRACK Methods 2.0, section 3.9; Mathieu et al. 2011 (time of week and temperature); "
        "Robinson 1988 (drivers beside it); Efron & Tibshirani 1993, chapter 11 (jackknife).",
    ),
    "billing": (
        "Method: CalTRACK 2.0 for bills: use a day of each period against its mean degree days, weighted by its days; "
        "periods below 25 or above 35 days (two-month bills: 70) are left out, estimated reads put together with "
        "the next true one up to 70 days, a period needs weather on 90 % of its days. A finer meter is put together by "
        "month.",
        "Source: CalTRACK Methods 2.0, sections 2.2 and 3.4 to 3.7.",
    ),
}
NOTES = (
    "Method: non-routine events: a run of 5 or more days with less than half of what that day of the week usually "
    "uses, deeper than three times the baseline's scatter and twice as long as any in the baseline, is a shutdown, "
    "with up to 7 days beside it that lie low: where all of them took 1 % of the expected use, they, or the bills in "
    "which they lie, are neither used nor expected; less is named. A bill whose days are not known, five times the "
    "scatter and 5 % below what the others tell, sets a meter apart, and so do two weeks of such days before the "
    "measure that do not come again, where the model expects 2 % too little for them on the dates that are judged. A "
    "step to another level that stays is named and left in the account. What city.yaml states (`non_routine`) goes "
    "before: its days leave the account, or what it adds to them is added to what is expected (IPMVP's non-routine "
    "adjustment); the baseline may lack up to a quarter of its days for that. EnPI after ISO 50006.",
    "Method: uncertainty is the fractional savings uncertainty of ASHRAE Guideline 14: half the width of the saving's "
    "interval at the confidence above, over the saving. The interval is that of the Guideline's formula (`fsu`) or, "
    "where that is wider, what a model by day may be off as use wanders for weeks and months beside the weather: how "
    "much it does so, and for how long at a time, is told by what the model leaves of the baseline in blocks of ten "
    "days, each length and share weighted by how likely it makes them; scatter grows with the use by a power which the "
    "baseline tells. Of split and towt it is that of a jackknife where it is larger; of bills their scatter, and how "
    "else the model is chosen as each is left out (the jackknife). One year tells little of what lasts for months.",
    "Source: ASHRAE Guideline 14-2014, annex B; Sun & Baltazar 2013; Touzani et al. 2019; Patterson & Thompson 1971, "
    "Hoeting et al. 1999 and Carroll & Ruppert 1988 for the uncertainty. "
    "NMBE = sum(observed - expected) / ((n - p) mean).",
    "Limits: worth is energy alone, at the prices of the hours in which it is used; under tiers what the expected use "
    "of each month would have cost more than the metered one. Demand and standing charges are left out.",
    "Limits: weather is the only cause that is accounted for, but with bills also points of its zone with "
    "`role: driver` (production, occupancy): any other change of use, of opening hours or of tenants counts as saving "
    "or rise. Proven means an uncertainty of at most 50 %.",
    "Limits: a meter is not judged where the days that read 0 although use was expected hold more than 5 % of "
    "the expected use: a shutdown is no saving. A change beyond `most_change` is set apart and not in the total: "
    "measures seldom halve a building's use, another supply or purpose does. Where another fuel of the same building "
    "(`kind: building`) rose with proof, both are booked; where one half cannot be judged, neither is.",
)
