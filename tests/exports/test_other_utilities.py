"""Tables as utilities of other countries write them; times and values by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from cityctl.exports.table.names import column_unit
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]


@pytest.mark.parametrize("sign", [" - ", "-", " – ", " bis "])
def test_a_day_and_a_span_of_it(table: Read, sign: str) -> None:
    """Read as a day alone, all intervals would lie on its midnight."""
    spans = [
        f"{at // 4:02}:{at % 4 * 15:02}{sign}{(at + 1) // 4:02}:{(at + 1) % 4 * 15:02}" for at in range(96)
    ]
    text = "Datum;Zeitraum;Verbrauch (kWh)\n" + "".join(
        f"13.01.2024;{span};{at},5\n" for at, span in enumerate(spans)
    )
    read = table(text, time_zone="Europe/Berlin").of("Verbrauch (kWh)")
    assert len({time for time, _ in read}) == 96
    assert (read[0], read[95]) == (("2024-01-12 23:00:00Z", 0.5), ("2024-01-13 22:45:00Z", 95.5))


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        ([f"{at // 2 % 12 or 12}:{at % 2 * 30:02} {'AP'[at // 24]}M kWH" for at in range(48)], "05:00"),
        ([f"{at // 2 % 12 or 12:02}:{at % 2 * 30:02} {'AP'[at // 24 % 2]}M" for at in range(1, 49)], "05:00"),
        ([f"{at // 2 % 24:02}:{at % 2 * 30:02}" for at in range(1, 49)], "05:00"),
    ],
)
def test_half_hours_of_a_twelve_hour_clock_that_end_at_midnight(
    table: Read, labels: list[str], first: str
) -> None:
    text = f"Meter,Date,{','.join(labels)}\nM1,01/13/2024,{','.join(str(at + 0.5) for at in range(48))}\n"
    read = table(text, time_zone="America/New_York", unit="kWh")
    rows = read.of("M1")
    assert (len(rows), rows[0], rows[47][1]) == (48, (f"2024-01-13 {first}:00Z", 0.5), 47.5)


def test_a_unit_in_the_names_of_slots(table: Read) -> None:
    labels = ",".join(f"{hour}:00 kWh" for hour in range(24))
    assert (
        table(f"Meter,Date,{labels}\nM1,2024-01-13{',1.5' * 24}\n", time_zone="UTC").series["M1"].unit
        == "kWh"
    )


def test_hours_of_which_one_has_a_column_for_each_pass(table: Read) -> None:
    """29 October 2023 has hour 3 twice in Berlin, 26 March has none, another day has it once."""
    labels = ";".join(["1", "2", "3A", "3B", *map(str, range(4, 25))])
    twice = ";".join(str(at) for at in range(1, 26))
    once, skipped = ("1;2;3;;" + ";".join(str(at) for at in range(4, 25)) for _ in range(2))
    skipped = skipped.replace(";3;", ";;", 1)
    text = f"Zähler;Tag;{labels}\nM1;29.10.2023;{twice}\nM1;30.10.2023;{once}\nM1;26.03.2023;{skipped}\n"
    read = table(text, time_zone="Europe/Berlin", unit="kWh")
    assert not read.rejections
    rows = dict(read.of("M1"))
    assert len(rows) == 25 + 24 + 23
    assert [rows[f"2023-10-29 0{hour}:00:00Z"] for hour in range(3)] == [3, 4, 5]
    assert rows["2023-03-26 01:00:00Z"] == 4


@pytest.mark.parametrize(
    ("day", "hours", "first"),
    [
        ("11/05/2023", [1, 2, 2, *range(3, 25)], "04"),  # HE 2 twice: its second pass ends at 02:00 EST
        ("03/12/2023", [1, 2, *range(4, 25)], "05"),  # HE 3 is left out: the hour to 02:00 EST is HE 2
    ],
)
def test_ends_of_hours_that_are_called_by_the_number_of_their_start(
    table: Read, day: str, hours: list[int], first: str
) -> None:
    rows = "".join(f"{day},{hour:02}:00,{at}.5\n" for at, hour in enumerate(hours))
    after = "".join(f"{day[:3]}{int(day[3:5]) + 1:02}/2023,{hour:02}:00,0\n" for hour in range(1, 25))
    read = table(f"Date,Hour Ending,kWh\n{rows}{after}", time_zone="America/New_York")
    assert not read.rejections
    start = int(first)
    told = read.of("kWh")
    assert len({time for time, _ in told}) == len(hours) + 24
    assert dict(told)[f"2023-{day[:2]}-{day[3:5]} {start:02}:00:00Z"] == 0.5
    assert dict(told)[f"2023-{day[:2]}-{day[3:5]} {start + 2:02}:00:00Z"] == 2.5
    assert dict(told)[f"2023-{day[:2]}-{day[3:5]} {start + 3:02}:00:00Z"] == 3.5


def test_a_unit_behind_each_number(table: Read) -> None:
    rows = (
        "".join(f"13.01.2024 {hour:02}:00;{hour},25 kWh;101A\n" for hour in range(8))
        + "13.01.2024 08:00;1,5 MWh;101A\n"
    )
    read = table(f"Zeit;Verbrauch;Zähler\n{rows}", time_zone="Europe/Berlin")
    assert (read.series["101A"].unit, read.of("101A")[1]) == ("kWh", ("2024-01-13 00:00:00Z", 1.25))
    assert read.refused == [(10, "`1,5 MWh` is no number")]


def test_a_minus_behind_the_number(table: Read) -> None:
    read = table("Zeit;Wert (kWh)\n13.01.2024 00:00;1.043,802-\n13.01.2024 01:00;2,5\n", time_zone="UTC")
    assert [value for _, value in read.of("Wert (kWh)")] == [-1043.802, 2.5]


def test_long_numbers_in_words_of_another_language_name_meters(table: Read) -> None:
    head = "Mittauspiste;Tuote;Yksikkötyyppi;Alkuaika;Määrä;Laatu\n"
    rows = "".join(
        f"64300700000000000{n};8716867000030;kWh;2024-01-13T0{n}:00:00Z;{n},5;OK\n" for n in (1, 1, 2, 2)
    )
    read = table(head + rows, time_zone="UTC")
    assert {name: series.unit for name, series in read.series.items()} == {
        "643007000000000001": "kWh", "643007000000000002": "kWh",
    }  # fmt: skip


def test_instants_in_nanoseconds(table: Read) -> None:
    text = "ts,value\n1705104000000000000,1\n1705104900123456000,2\n"
    assert table(text, unit="m3/h").of("value") == [
        ("2024-01-13 00:00:00Z", 1), ("2024-01-13 00:15:00.123456Z", 2),
    ]  # fmt: skip


TABLE = "Meter;A\nZeit;Wert (kWh)\n13.01.2024 00:00;1,5\n13.01.2024 01:00;2,5\n"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Meter;A", "Meter;B", "7.*`Meter;B`"),
        ("(kWh)", "(MWh)", "8.*`Zeit;Wert .MWh.`"),
    ],
)
def test_another_table_below_is_not_taken_for_the_same(table: Read, old: str, new: str, what: str) -> None:
    """Its values would stand under the first one's meter, or in its unit."""
    below = TABLE.replace("13.01", "14.01").replace(old, new)
    with pytest.raises(InputRefused, match=rf"flows\.csv:{what}"):
        table(f"{TABLE}\n\n{below}", time_zone="Europe/Berlin")


def test_a_short_table_is_no_preamble_of_the_next_one(table: Read) -> None:
    """Its two rows were left out without a word, as facts above the head of the second table."""
    read = table(f"{TABLE}{TABLE.replace('13.01', '14.01')}", time_zone="Europe/Berlin")
    assert [value for _, value in read.of("Wert (kWh)")] == [1.5, 2.5, 1.5, 2.5]


def test_the_same_table_goes_on_below_its_own_head(table: Read) -> None:
    below = (
        "Einheit;m3\nVon;14.01.2024\nMeter;A\nZeit;Wert\n;[kWh]\n14.01.2024 00:00;1,5\n14.01.2024 01:00;2,5\n"
    )
    read = table(below + below.replace("14.01", "15.01"), time_zone="Europe/Berlin")
    assert (len(read.of("Wert")), read.refused) == (4, [])


def test_totals_above_the_rows_name_no_columns(table: Read) -> None:
    read = table("Zeit;kWh\nGesamt;4,0\n13.01.2024 00:00;1,5\n13.01.2024 01:00;2,5\n", time_zone="UTC")
    assert [value for _, value in read.of("kWh")] == [1.5, 2.5]
    assert "flows.csv: rows of totals, left out: line 2" in read.notes


@pytest.mark.parametrize(
    "day", ["Sa 13.01.2024 00:00", "Sa., 13.01.2024, 00:00 Uhr", "Saturday, 01/13/2024 12:00 AM"]
)
def test_a_day_of_the_week_before_the_date(table: Read, day: str) -> None:
    read = table(f'Zeit;kWh\n"{day}";1,5\n', time_zone="UTC")
    assert read.of("kWh") == [("2024-01-13 00:00:00Z", 1.5)]


@pytest.mark.parametrize("clock", ["{:02}.00", "{}h00", "{}h", "{:02}:00"])
def test_a_clock_beside_the_day_in_the_ways_of_its_country(table: Read, clock: str) -> None:
    """Read as a day alone, all hours would lie on its midnight."""
    rows = "".join(f"15/01/2024;{clock.format(hour)};{hour},5\n" for hour in range(24))
    read = table(f"Data;Ora;kWh\n{rows}", time_zone="Europe/Rome").of("kWh")
    assert (len(read), read[0], read[23]) == (
        24, ("2024-01-14 23:00:00Z", 0.5), ("2024-01-15 22:00:00Z", 23.5),
    )  # fmt: skip
    ends = "".join(f"15/01/2024;{clock.format(hour)};{hour},5\n" for hour in range(1, 25))
    assert table(f"Data;Ora;kWh\n{ends}", time_zone="Europe/Rome").of("kWh")[0][0] == (
        "2024-01-14 23:00:00Z" if clock != "{}h" else "2024-01-15 00:00:00Z"
    )


def test_hours_that_no_column_is_known_to_tell_are_asked_for(table: Read) -> None:
    rows = "".join(f"2024-01-15,{hour % 12 or 12} {'AP'[hour // 12]}M,{hour}\n" for hour in range(24))
    with pytest.raises(InputRefused, match="no column was found that tells their hours") as refused:
        table(f"Date,When,kWh\n{rows}", time_zone="UTC")
    assert "--time 'Date + HOURS'" in (refused.value.hint or "")


@pytest.mark.parametrize("apart", [False, True], ids=["one column", "a day and a clock"])
@pytest.mark.parametrize("backward", [False, True])
def test_the_hour_that_comes_twice_as_a_and_b(table: Read, apart: bool, backward: bool) -> None:
    clocks = ["01:45", *(f"2{mark}:{minute:02}" for mark in "AB" for minute in (0, 15, 30, 45)), "03:00"]
    rows = [f"27.10.2024{';' if apart else ' '}{clock};{at},5\n" for at, clock in enumerate(clocks)]
    head = "Datum;Zeit;kWh\n" if apart else "Datum;kWh\n"
    read = table(head + "".join(reversed(rows) if backward else rows), time_zone="Europe/Berlin")
    quarters = [
        f"2024-10-{26 + (at + 95) // 96} {(at + 95) // 4 % 24:02}:{(at + 95) % 4 * 15:02}:00Z"
        for at in range(10)
    ]
    assert not read.rejections
    assert sorted(read.of("kWh")) == [(time, at + 0.5) for at, time in enumerate(quarters)]


def test_the_second_pass_of_an_hour_that_comes_once_is_no_time(table: Read) -> None:
    read = table("Datum;kWh\n26.10.2024 2A:00;1,5\n26.10.2024 03:00;2,5\n", time_zone="Europe/Berlin")
    assert read.refused == [(2, "`26.10.2024 2A:00` is no time with the day first")]


def test_names_of_meters_above_names_above_units(table: Read) -> None:
    text = (
        "Datum;Zähler A;;Zähler B;\n;Bezug;Lieferung;Bezug;Lieferung\n;kWh;kWh;kWh;kWh\n"
        "15.01.2024 00:00;1,5;2,5;3,5;4,5\n"
    )
    assert {name: rows[0][1] for name, rows in table(text, time_zone="UTC").readings.items()} == {
        "Zähler A/Bezug": 1.5, "Zähler A/Lieferung": 2.5, "Zähler B/Bezug": 3.5, "Zähler B/Lieferung": 4.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Verbrauch in 1000 kWh", None),  # it was taken for kWh
        ("Energie in 1.000 kWh", None),
        ("Menge x100 l", None),
        ("Tsd. kWh", None),
        ("kWh in 1000", None),
        ("thousand gallons", "kgal"),
        ("Zähler 1 kWh", "kWh"),
        ("Zone 100 m3/h", "m3/h"),
    ],
)
def test_thousands_of_a_unit_are_not_the_unit(name: str, unit: str | None) -> None:
    assert column_unit(name) == unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("FLOW (M3/H)", "m3/h"),  # a historian's capitals: these were not imported
        ("FLOW_M3H", "m3/h"),
        ("CONSUMPTION M3", "m3"),
        ("PRESSURE MBAR", "mbar"),
        ("inlet_lps", "L/s"),
        ("Inflow MLD", "ML/d"),
        ("LEVEL (M)", None),  # metres, or a month's
        ("flow_ml/d", None),  # millilitres, or megalitres
    ],
)
def test_units_in_capitals_and_in_letters_alone(name: str, unit: str | None) -> None:
    assert column_unit(name) == unit


@pytest.mark.parametrize("name", ["Verbrauch in 1000 kWh", "Gas (1000 m³)", "Tsd. kWh"])
def test_thousands_of_a_unit_are_asked_for(table: Read, name: str) -> None:
    """Without a unit of their own they would have that of the point."""
    text = f"Datum;{name}\n15.01.2024;1,5\n16.01.2024;2,5\n"
    with pytest.raises(InputRefused, match="counts thousands of a unit"):
        table(text, time_zone="UTC")
    assert [series.unit for series in table(text, time_zone="UTC", unit="MWh").series.values()] == ["MWh"]


def test_tables_side_by_side_are_refused(table: Read) -> None:
    """The second one's values were taken at the times of the first."""
    rows = "".join(f"{day}.01.2024;1,5;;{day}.02.2024;2,5\n" for day in range(10, 15))
    with pytest.raises(InputRefused, match="`Datum` and hold other times: tables side by side"):
        table(f"Datum;kWh;;Datum;kWh\n{rows}", time_zone="UTC")


def test_sums_in_between_and_minus_signs_of_typography(table: Read) -> None:
    text = (
        "Datum;kWh\n15.01.2024 00:00;−1,5\nZwischensumme;-1,5\n15.01.2024 00:15;2,5\nGesamtsumme (kWh);1,0\n"
    )
    read = table(text, time_zone="UTC")
    assert ([value for _, value in read.of("kWh")], read.refused) == ([-1.5, 2.5], [])
    assert "flows.csv: rows of totals, left out: line 3, 5" in read.notes


def test_the_letter_of_each_pass_behind_the_clock(table: Read) -> None:
    """Quarters of 27 October 2024 in Berlin: 02:00 to 02:45 come twice, with A and with B."""
    hours = [("01", ""), ("02", "A"), ("02", "B"), ("03", "")]
    clocks = [f"{hour}:{minute:02}{letter}" for hour, letter in hours for minute in (0, 15, 30, 45)]
    rows = "".join(f"27.10.2024;{clock};{at}\n" for at, clock in enumerate(clocks))
    read = table(f"Datum;Zeit;kWh\n{rows}", time_zone="Europe/Berlin")
    assert not read.rejections
    assert [read.of("kWh")[at][0][11:16] for at in (0, 4, 8, 12)] == ["23:00", "00:00", "01:00", "02:00"]
    morning = table(
        "Datum;Zeit;kWh\n27.10.2024;02:15A;1\n27.10.2024;03:15;2\n27.10.2024;04:15;2\n",
        time_zone="Europe/Berlin",
    )
    assert morning.refused[0][0] == 2  # without any B, A may be the morning's
