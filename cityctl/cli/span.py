"""The options that say when: --since, --until, --last."""

from __future__ import annotations

from typing import Annotated

import typer

SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Start: 2026-11-15, 2026-11, yesterday, 7d ...")
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="End; a bare date is that day's end. [now]")
]
LastOption = Annotated[
    str | None, typer.Option(metavar="SPAN", help="7d, 36h, last-week, last-month, last-year ...")
]
