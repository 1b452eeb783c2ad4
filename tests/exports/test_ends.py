"""Times that label the ends of intervals: publishers that are known to do so, and tables that look like it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]

PARIS = "Europe/Paris"
HALF_HOURS = [datetime(2023, 1, 20, 0, 30) + timedelta(minutes=30 * step) for step in range(48)]
# The interval that ends at 00:30 in Paris begins at midnight there.
BEGINNING, LAST = ("2023-01-19 23:00:00Z", 500.0), ("2023-01-20 22:30:00Z", 547.0)

PORTAL = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Unite;Pas en minutes\n"
    "16401220101758;Courbe de charge;20/01/2023;21/01/2023;Energie active;W;30\nHorodate;Valeur\n"
)
R6X = (
    "Identifiant PRM;Date de début;Date de fin;Grandeur physique;Grandeur métier;Etape métier;Unité;Horodate;Valeur;"
    "Nature;Pas\n"
)


def portal(unit: str = "W") -> str:
    rows = (f"{at.isoformat()}+01:00;{500 + step}\n" for step, at in enumerate(HALF_HOURS))
    return PORTAL.replace(";W;", f";{unit};") + "".join(rows)


def r6x() -> str:
    rows = (
        f"16401220101758;2023-01-20;2023-01-21;PA;CONS;BRUT;W;{at};{500 + step};B;PT30M\n"
        for step, at in enumerate(HALF_HOURS)
    )
    return R6X + "".join(rows)


@pytest.mark.parametrize(("text", "series"), [(portal(), "Valeur"), (r6x(), "16401220101758")])
def test_load_curves_of_enedis_are_known_to_label_ends(table: Read, text: str, series: str) -> None:
    told = table(text, time_zone=PARIS)
    assert (told.of(series)[0], told.of(series)[-1], len(told.of(series))) == (BEGINNING, LAST, 48)
    assert "flows.csv: its times label the ends of intervals; kept by their start" in told.notes


def test_load_curves_of_enedis_as_json(read: Read) -> None:
    """R6x holds the points of each meter in a list of their own; Data Connect those of one."""
    points = [
        {"v": str(500 + step), "d": str(at), "p": "PT30M", "n": "B"} for step, at in enumerate(HALF_HOURS)
    ]
    meters = [
        {
            "idPrm": f"1640122010175{n}", "periode": {"dateDebut": "2023-01-20", "dateFin": "2023-01-21"},
            "grandeur": [{"grandeurMetier": "CONS", "grandeurPhysique": "PA", "unite": "W", "points": points}],
        }
        for n in (8, 9)
    ]  # fmt: skip
    told = read("json", json.dumps({"header": {"format": "JSON"}, "mesures": meters}), time_zone=PARIS)
    assert {name: series.unit for name, series in told.series.items()} == {
        "16401220101758/CONS": "W", "16401220101759/CONS": "W",
    }  # fmt: skip
    assert all((rows[0][:2], len(rows)) == (BEGINNING, 48) for rows in told.readings.values())
    connect = [
        {"value": str(500 + step), "date": str(at), "interval_length": "PT30M", "measure_type": "B"}
        for step, at in enumerate(HALF_HOURS)
    ]
    told = read("json", json.dumps({"meter_reading": {"interval_reading": connect}}), time_zone=PARIS)
    assert told.of("a")[0] == BEGINNING


def test_amounts_of_a_day_lie_on_their_day_there(table: Read) -> None:
    rows = "".join(f"2023-01-{day}T00:00:00+01:00;{day}000\n" for day in range(20, 25))
    text = PORTAL.replace("Courbe de charge", "Energie quotidienne").replace(";W;", ";Wh;") + rows
    assert table(text, time_zone=PARIS).of("Valeur")[0] == ("2023-01-19 23:00:00Z", 20000)


@pytest.mark.parametrize(
    ("zone", "stamp", "ends"),
    [
        (PARIS, "%Y-%m-%d %H:%M", True),
        ("UTC", "%Y-%m-%dT%H:%MZ", True),
        (PARIS, "%Y-%m-%dT%H:%MZ", True),  # days of UTC in a city of another zone
        (PARIS, "%Y-%m-%dT%H:%M+01:00", True),
        ("America/New_York", "%Y-%m-%dT%H:%M+01:00", False),
    ],
)
def test_a_table_that_looks_like_ends_is_named_and_not_shifted(
    table: Read, zone: str, stamp: str, ends: bool
) -> None:
    def text(first: int) -> str:
        day = datetime(2023, 1, 20)
        times = (day + timedelta(minutes=15 * (first + step)) for step in range(192))
        return "time,kWh\n" + "".join(f"{at:{stamp}},1.5\n" for at in times)

    told = table(text(1), time_zone=zone)
    note = "flows.csv: its times run from 00:15 to 00:00, as ends of intervals do; taken as beginnings (--stamp end)"
    assert (note in told.notes) is ends
    assert told.of("kWh")[0][0] == table(text(0), time_zone=zone).of("kWh")[1][0]
    assert not table(text(0), time_zone=zone).notes
    assert note not in table(text(1), time_zone=zone, stamp="end").notes


@pytest.mark.parametrize(
    "column", ["Bis (MEZ)", "Interval End (UTC+1)", "end_time_cet", "Ende [CET]", "HourEnding (GMT+1)"]
)
def test_an_end_may_say_its_zone_too(table: Read, column: str) -> None:
    rows = "".join(f"2024-07-01 {hour:02}:00,{hour}.5\n" for hour in range(1, 5))
    told = table(f"{column},kWh\n{rows}", time_zone="Europe/Berlin")
    assert told.of("kWh")[0] == ("2024-06-30 23:00:00Z", 1.5)


def test_an_hour_that_is_counted_may_say_its_zone_too(table: Read) -> None:
    rows = "".join(f"2024-07-01,{hour},{hour}.5\n" for hour in range(1, 25))
    told = table(f"Date,HE (CET),kWh\n{rows}", time_zone="Europe/Berlin")
    assert (told.of("kWh")[0], len(told.of("kWh"))) == (("2024-06-30 23:00:00Z", 1.5), 24)


@pytest.mark.parametrize(
    "head",
    [
        "Ab-Datum;Ab-Zeit;Bis-Datum;Bis-Zeit",
        "Startdatum;Startzeit;Enddatum;Endzeit",
        "Fecha inicio;Hora inicio;Fecha fin;Hora fin",
        "Fra dato;Fra tid;Til dato;Til tid",
        "Od data;Od czas;Do data;Do czas",
    ],
)
def test_of_one_day_the_beginning_goes_with_its_own_clock(table: Read, head: str) -> None:
    """The day of the last end alone differs: joined with the clocks of the beginnings, 23:45 would lie a day late."""
    quarters = [(datetime(2024, 3, 1) + timedelta(minutes=15 * at)) for at in range(97)]
    rows = "".join(
        f"{begin:%d.%m.%Y;%H:%M};{end:%d.%m.%Y;%H:%M};{at},5\n"
        for at, (begin, end) in enumerate(pairwise(quarters))
    )
    read = table(f"{head};kWh\n{rows}", time_zone="Europe/Berlin").of("kWh")
    assert (read[0], read[95]) == (("2024-02-29 23:00:00Z", 0.5), ("2024-03-01 22:45:00Z", 95.5))


@pytest.mark.parametrize("head", ["Datum;Zeit bis", "Datum;bis Uhrzeit", "Tag;Ende", "Data;Do"])
def test_clocks_that_are_called_ends_in_several_words(table: Read, head: str) -> None:
    rows = "".join(
        f"{datetime(2024, 3, 1) + timedelta(hours=at):%d.%m.%Y;%H:%M};{at},5\n" for at in range(1, 25)
    )
    read = table(f"{head};kWh\n{rows}", time_zone="UTC").of("kWh")
    assert (read[0], read[23]) == (("2024-03-01 00:00:00Z", 1.5), ("2024-03-01 23:00:00Z", 24.5))
