"""`cityctl doctor --bundle FILE`: what somebody else needs to help, as a zip without secrets.

city.yaml as it is read, the doctor's checks, versions, and the last crash reports. Secrets, users, tokens and what
stands in a URL beside its host and path are struck out by key; what the secrets' own sources say is then struck out
wherever it turns up.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import re
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from cityctl.city.project import Project
from cityctl.disk import unwritten, write_atomic
from cityctl.document import read
from cityctl.errors import CityctlError
from cityctl.exports.secret import hide, read_secret
from cityctl.result import Result

STRUCK = "(struck out)"
_SECRET_KEYS = re.compile(
    r"secret|passw|token|^user$|credential|api_?key|^key$|authori[sz]ation", re.IGNORECASE
)
_URL = re.compile(r"([a-z][a-z0-9+.-]*://)([^\s/@]*@)?([^\s?#]*)([?#]\S*)?", re.IGNORECASE)
_LIBRARIES = ("typer", "rich", "duckdb", "pyarrow", "pandas", "pymodbus", "httpx", "pydantic", "tzdata")
_REPORTS = 5


def bundle(project: Project, checks: Result) -> bytes:
    """The zip's bytes: city.yaml, checks.json, versions.txt and crash reports. Nothing is sent anywhere."""
    from cityctl.report.render import render

    zone = project.city.zone_info
    texts = {
        "city.yaml": _city(project),
        "checks.json": str(render(checks, "json", zone=zone, exit_code=checks.exit_code())),
        "checks.txt": str(render(checks, "plain", zone=zone, exit_code=checks.exit_code())),
        "versions.txt": versions(),
        **_crashes(),
    }
    _learn_secrets(project)
    paper = io.BytesIO()
    with zipfile.ZipFile(paper, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, _without_urls(hide(text)))
    return paper.getvalue()


def save(path: Path, project: Project, checks: Result) -> Path:
    """Write the bundle there, whole or not at all. Raises as `unwritten` where it cannot be written."""
    try:
        write_atomic(path, bundle(project, checks))
    except OSError as problem:
        raise unwritten(path, problem) from None
    return path


def redacted(value: Any) -> Any:
    """What YAML holds, with everything under a key of secrets struck out; names of keys stay."""
    if isinstance(value, Mapping):
        return {
            key: STRUCK if _SECRET_KEYS.search(str(key)) else redacted(part) for key, part in value.items()
        }
    if isinstance(value, list):
        return [redacted(part) for part in value]
    return _without_urls(value) if isinstance(value, str) else value


def _without_urls(text: str) -> str:
    """URLs without user, password, query and fragment."""

    def struck(found: re.Match[str]) -> str:
        user = f"{STRUCK}@" if found[2] else ""
        query = f"?{STRUCK}" if found[4] else ""
        return f"{found[1]}{user}{found[3]}{query}"

    return _URL.sub(struck, text)


def _city(project: Project) -> str:
    import yaml

    data = redacted(read(project.folder / "city.yaml").data)
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))


def versions() -> str:
    """cityctl, Python, the system and the libraries that matter, a line each."""
    import cityctl

    lines = [f"cityctl {cityctl.__version__}", f"python {sys.version.split()[0]}", platform.platform()]
    for name in _LIBRARIES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join(lines) + "\n"


def _crashes() -> dict[str, str]:
    """The newest crash reports, where a bug left any."""
    folder = Path(os.environ.get("CITYCTL_BUG_FOLDER") or tempfile.gettempdir())
    found = sorted(folder.glob("cityctl-bug-*.txt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return {f"errors/{path.name}": path.read_text("utf-8", "replace") for path in found[:_REPORTS]}


def _learn_secrets(project: Project) -> None:
    """Read the services' secrets, so that `hide` knows them; a command is not run for it."""
    for name, service in project.city.services.items():
        if service.secret is not None and service.secret.command is None:
            with contextlib.suppress(CityctlError):
                read_secret(service.secret, service=name, folder=project.folder)
