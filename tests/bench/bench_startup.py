"""Start-up: --help, TAB and a small command against a bare two-command Typer program's --help.

The bound is 1.3x for --help and for one TAB.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import in_turn, python

BARE = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Greet."""


@app.command()
def bye(name: str, formal: bool = False) -> None:
    """Take leave."""


app()
'''


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        peer = python(bare, "--help")
        for label, words in {
            "cityctl --help": python("-m", "cityctl", "--help"),
            "cityctl data --help": python("-m", "cityctl", "data", "--help"),
            "cityctl report run --help": python("-m", "cityctl", "report", "run", "--help"),
            "cityctl help exit-codes": python("-m", "cityctl", "help", "exit-codes"),
        }.items():
            own, other, ratio = in_turn(words, peer)
            yield label, f"{own:.3f} CPU s, bare Typer --help {other:.3f} CPU s, ratio {ratio:.2f}"
        tab = ["env", "_CITYCTL_COMPLETE=complete_bash", "COMP_WORDS=cityctl re", "COMP_CWORD=1"]
        own, other, ratio = in_turn([*tab, *python("-m", "cityctl")], peer)
        yield (
            "one TAB after `cityctl re`",
            f"{own:.3f} CPU s, bare Typer --help {other:.3f} CPU s, ratio {ratio:.2f}",
        )
