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
    from cityctl.collect.connectors import readme_table, with_table
    from cityctl.project.schemas import LANGUAGES, schema

    readme = ROOT / "connectors" / "README.md"
    folders = {"device": "connectors", "service": "connectors"}
    return {
        **{ROOT / folders.get(one, "recipes") / f"{one}.schema.json": schema(one) for one in LANGUAGES},
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
