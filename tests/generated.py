"""Files that are generated and kept: completions/, the JSON Schemas, the table of connectors/README.md.

`make completions` and `make schemas` write them; tests/cli/test_generated.py holds them against the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def completions() -> dict[Path, str]:
    """File -> what it has to hold."""
    from cityctl.cli.completion import SHELLS, script

    return {ROOT / "completions" / name: script(shell) for shell, name in SHELLS.items()}


def schemas() -> dict[Path, str]:
    """File -> what it has to hold."""
    from cityctl.collect.connectors import readme_table, schema_text, with_table
    from cityctl.exports.service import json_schema
    from cityctl.project.configured import city_schema
    from cityctl.report.recipe import schema_text as report_schema
    from cityctl.runbook.language import schema_text as runbook_schema
    from cityctl.tariff.model import schema_text as tariff_schema

    readme = ROOT / "connectors" / "README.md"
    return {
        ROOT / "recipes" / "city.schema.json": city_schema(),
        ROOT / "recipes" / "report.schema.json": report_schema(),
        ROOT / "recipes" / "runbook.schema.json": runbook_schema(),
        ROOT / "recipes" / "tariff.schema.json": tariff_schema(),
        ROOT / "connectors" / "device.schema.json": schema_text(),
        ROOT / "connectors" / "service.schema.json": json_schema(),
        readme: with_table(readme.read_text(encoding="utf-8"), readme_table(ROOT / "connectors" / "devices")),
    }


def write(what: str) -> None:
    """Write the files of one kind."""
    for path, text in {"completions": completions, "schemas": schemas}[what]().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    for word in sys.argv[1:]:
        write(word)
