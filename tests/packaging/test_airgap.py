"""A plant without the internet: README's install from a wheelhouse on a stick, with no index at all."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from pip._vendor.packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def needed(lines: Iterable[str], taken: dict[str, Distribution]) -> dict[str, Distribution]:
    """What requirements take on this computer, with what those take in turn."""
    for line in lines:
        one = Requirement(line)
        key = re.sub(r"[-_.]+", "-", one.name).lower()
        if (one.marker is None or one.marker.evaluate({"extra": ""})) and key not in taken:
            taken[key] = distribution(one.name)
            needed(taken[key].requires or (), taken)
    return taken


def repacked(one: Distribution, folder: Path) -> None:
    """The wheel of a distribution that is installed, as the index has it but for its checksums."""
    tags = [tag.split("-") for tag in re.findall(r"^Tag: (\S+)$", one.read_text("WHEEL") or "", re.M)]
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    name = re.sub(r"[-_.]+", "_", one.metadata["Name"])
    inside = [file for file in one.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
    record = next(str(file) for file in inside if file.name == "RECORD")
    with zipfile.ZipFile(folder / f"{name}-{one.version}-{tag}.whl", "w") as wheel:
        for file in inside:
            if file.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                wheel.write(str(one.locate_file(file)), str(file))
        wheel.writestr(record, "".join(f"{file},,\n" for file in inside))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="README's lines are a POSIX shell's")
def test_readme_installs_from_a_wheelhouse_without_an_index(tmp_path):
    text = (ROOT / "README.md").read_text("utf-8")
    (install,) = [line.strip().split("  #")[0] for line in text.splitlines() if "--no-index" in line]
    own = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    house = tmp_path / "wheelhouse"
    house.mkdir()
    for one in needed(own, {}).values():
        repacked(one, house)
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(house)!r}))"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "plant"], check=True)
    program, *words = shlex.split(install.replace("/opt/cityctl", str(tmp_path / "plant")))
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    ended = subprocess.run(
        [program, *words, "--no-compile"],
        cwd=tmp_path,
        env=nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    cityctl = tmp_path / "plant" / "bin" / "cityctl"
    (tmp_path / "flows.csv").write_text(
        "time,North [m3/h]\n" + "".join(f"2026-11-01 {h:02}:00,5\n" for h in range(24))
    )
    for line in (
        "init city --from flows.csv",
        "data import --project city",
        "report list",
        "data status --project city",
    ):
        ended = subprocess.run(
            [cityctl, *line.split()], cwd=tmp_path, env=nowhere, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{line}: {ended.stderr}"
    assert "north" in ended.stdout
