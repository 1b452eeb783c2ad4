"""Finds connectors and recipes: the project's own first, then the user's, then the shipped ones.

A look-up that fails says where it looked and what is near. Knows file names only, not what is inside.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from cityctl.errors import ConfigInvalid, UsageProblem, listed, near

Kind = Literal[
    "connectors/devices",
    "connectors/services",
    "recipes/reports",
    "recipes/runbooks",
    "recipes/tariffs",
    "recipes/limits",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_SINGULAR = {
    "connectors/devices": "device connector",
    "connectors/services": "service connector",
    "recipes/reports": "report",
    "recipes/runbooks": "runbook",
    "recipes/tariffs": "tariff",
    "recipes/limits": "limit",
}


def user_folder() -> Path:
    """The user's own connectors, recipes and settings; works with HOME unset, as under cron."""
    if chosen := os.environ.get("CITYCTL_USER_FOLDER"):
        return Path(chosen)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or "C:/ProgramData") / "cityctl"
    if base := os.environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "cityctl"
    if home := os.environ.get("HOME"):
        return Path(home) / ".config" / "cityctl"
    return Path("/etc/cityctl")


def shipped_folder() -> Path:
    """Where connectors/ and recipes/ of this installation are: inside the wheel, or the checkout's root."""
    package = Path(str(files("cityctl")))
    inside = package / "_shipped"
    return inside if inside.is_dir() else package.parent


def _may_be_read(folder: Path) -> bool:
    """False for another user's folder, as where HOME is root's and the run is not, as under `sudo -u` and systemd."""
    try:
        return not folder.is_dir() or os.access(folder, os.R_OK | os.X_OK)
    except OSError:
        return False


class Library:
    """The connectors and recipes that one project sees."""

    def __init__(self, project: Path | None = None) -> None:
        self.project = project

    def folders(self, kind: Kind) -> list[tuple[str, Path]]:
        """(origin, folder) in the order in which they are looked at."""
        origins: list[tuple[str, Path]] = []
        if self.project is not None:
            origins.append(("project", self.project / kind))
        if _may_be_read(user_folder() / kind):
            origins.append(("user", user_folder() / kind))
        origins.append(("shipped", shipped_folder() / kind))
        return origins

    def list(self, kind: Kind) -> dict[str, Path]:
        """name -> file, sorted by name; a project's file hides a shipped one of the same name."""
        found: dict[str, Path] = {}
        for _, folder in self.folders(kind):
            if folder.is_dir():
                for path in sorted(folder.glob("*.yaml")):
                    found.setdefault(path.stem, path)
        return dict(sorted(found.items()))

    def find(self, kind: Kind, name: str) -> Path:
        """The file of that name. Raises ConfigInvalid: where it looked, and the near match."""
        known = self.list(kind)
        if name in known:
            return known[name]
        match = near(name, known)
        word = _SINGULAR[kind]
        hint = f"did you mean `{match}`?" if match else f"there are: {listed(known)}" if known else None
        raise ConfigInvalid(
            f"no {word} named `{name}`",
            tried=[f"{origin}: {folder / (name + '.yaml')}" for origin, folder in self.folders(kind)],
            hint=hint,
        )

    def asked_for(self, kind: Kind, name: str) -> Path:
        """The file of a name that a person typed, not city.yaml. Raises UsageProblem, as `find` does ConfigInvalid."""
        try:
            return self.find(kind, name)
        except ConfigInvalid as problem:
            raise UsageProblem(problem.message, tried=problem.tried, hint=problem.hint) from None

    def origin(self, path: Path) -> str:
        """ "project", "user" or "shipped": whose file it is."""
        for kind in KINDS:
            for origin, folder in self.folders(kind):
                if path.parent == folder:
                    return origin
        return "elsewhere"

    def shadowed(self) -> Sequence[tuple[Path, Path]]:
        """(file in use, file that it hides) wherever two places hold one name."""
        pairs = []
        for kind in KINDS:
            used = self.list(kind)
            for _, folder in self.folders(kind):
                if folder.is_dir():
                    pairs += [(used[p.stem], p) for p in sorted(folder.glob("*.yaml")) if used[p.stem] != p]
        return pairs
