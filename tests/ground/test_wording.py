"""Numbers in a sentence."""

from __future__ import annotations

from cityctl.wording import counted, grouped, name_once, percent, plain_name


def test_a_number_has_its_thousands_apart() -> None:
    assert [grouped(1234567.4), grouped(-1234.56, 1), grouped(999)] == ["1 234 567", "-1 234.6", "999"]


def test_one_has_no_plural() -> None:
    told = [counted(0, "day"), counted(1, "day"), counted(12345, "day"), counted(1, "try", "tries")]
    assert told == ["0 days", "1 day", "12 345 days", "1 try"]
    assert counted(2, "try", "tries") == "2 tries"


def test_a_share_is_told_in_per_cent() -> None:
    assert [percent(0.074), percent(0.074, 1), percent(-1.5)] == ["7 %", "7.4 %", "-150 %"]


def test_any_text_becomes_a_plain_name():
    assert plain_name("Zählerstand A+ (Straße)") == "zaehlerstand_a_strasse"
    assert plain_name("Débit n° 2") == "debit_n_2"
    assert plain_name("—") == ""
    assert [name_once("flow", taken) for taken in ((), ("flow",), ("flow", "flow_2"))] == [
        "flow",
        "flow_2",
        "flow_3",
    ]
