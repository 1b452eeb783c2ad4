"""The folder that a city lives in: its city.yaml, its store, its state, its own connectors and recipes."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from cityctl.city.load import find_project, load
from cityctl.city.model import City
from cityctl.library import Library


class Project:
    """A project folder, found when it is first asked for. Raises ConfigInvalid where there is none."""

    def __init__(self, start: Path | None = None, *, profile: str | None = None) -> None:
        self._start = start
        self.profile = profile

    @cached_property
    def folder(self) -> Path:
        """The folder of city.yaml."""
        return find_project(self._start)

    @cached_property
    def city(self) -> City:
        """What city.yaml says, with the profile's changes."""
        return load(self.folder, self.profile)

    @cached_property
    def library(self) -> Library:
        """Connectors and recipes as this project sees them."""
        return Library(self.folder)

    @property
    def state(self) -> Path:
        """What cityctl itself keeps for this project; safe to leave out of version control."""
        return self.folder / ".cityctl"

    @property
    def store_folder(self) -> Path:
        """Where the readings are: CITYCTL_STORE, or below the project's state."""
        chosen = os.environ.get("CITYCTL_STORE")
        return Path(chosen) if chosen else self.state / "store"
