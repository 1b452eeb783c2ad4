"""Every column of every table is in the glossary, and a key has one meaning wherever it stands."""

from __future__ import annotations

from cityctl.report.words import declared, glossary


def test_a_key_has_one_label_unit_and_meaning():
    seen: dict[str, dict[tuple[str, str | None, str], str]] = {}
    for module, column in declared():
        seen.setdefault(column.key, {}).setdefault((column.label, column.unit, column.meaning), module)
    quarrels = {key: senses for key, senses in seen.items() if len(senses) > 1}
    # An import counts what it received; the balance of an import is the one place that says so.
    assert quarrels == {}


def test_every_word_says_what_it_means():
    assert [key for key, column in glossary().items() if not column.meaning] == []


def test_what_commands_show_is_in_the_glossary(cityctl):
    import json

    known = glossary()
    for words in (["help"], ["help", "units"], ["connectors", "list"], ["report", "list"], ["sim", "truth"]):
        document = json.loads(cityctl(*words, "-o", "json").stdout)
        for table in document["tables"].values():
            for column in table["columns"]:
                assert column["key"] in known, f"{' '.join(words)}: {column['key']}"
