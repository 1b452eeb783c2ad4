"""cityctl: the command line of a city's water and energy networks, and its readings for Python.

import cityctl

with cityctl.open("my-city") as city:
    frame = city.readings(zone="hafen", since="2026-11", unit="L/s").pandas()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cityctl.store.reader import OpenCity

__version__ = "0.1.0"


def open(  # noqa: A001  (called as cityctl.open, like gzip.open)
    folder: str | Path | None = None, *, profile: str | None = None
) -> OpenCity:
    """The city of a project folder (of the current one, or one above it, where none is named).

    Raises ConfigInvalid where there is no city.yaml, or a wrong one.
    """
    from cityctl.store.reader import OpenCity

    return OpenCity(folder, profile=profile)
