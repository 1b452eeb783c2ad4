"""What is shipped: wheel, sdist, wheel from sdist and editable hold what git tracks, and run from anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOK = (
    "import json, cityctl; from cityctl.library import KINDS, Library; library = Library(); "
    "print(json.dumps([cityctl.__file__, {kind: sorted(library.list(kind)) for kind in KINDS}]))"
)


def tracked(*below: str) -> set[str]:
    """Files that git tracks, and those it would: new and not ignored."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout: nothing to compare the shipped files with")
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *below]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


def run(*words: str | Path, cwd: Path | None = None, **env: str) -> str:
    surroundings = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "CITYCTL_PROJECT")
    }
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**surroundings, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{words}: {ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files alone, as a fresh clone has them."""
    folder = tmp_path_factory.mktemp("clone") / "cityctl"
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """wheel and sdist from the checkout, and a wheel from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build = "from hatchling.build import build_{0} as build; print(build('{1}'))"
    sdist = out / run(sys.executable, "-c", build.format("sdist", out), cwd=source).split()[-1]
    wheel = out / run(sys.executable, "-c", build.format("wheel", out), cwd=source).split()[-1]
    again = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(again, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    inside = next(again.iterdir())
    second = again / "dist"
    second.mkdir()
    rebuilt = second / run(sys.executable, "-c", build.format("wheel", second), cwd=inside).split()[-1]
    return {"sdist": sdist, "wheel": wheel, "wheel from sdist": rebuilt}


def test_the_wheel_holds_what_git_tracks(built):
    for which in ("wheel", "wheel from sdist"):
        with zipfile.ZipFile(built[which]) as archive:
            names = {
                name for name in archive.namelist() if not name.endswith("/") and ".dist-info/" not in name
            }
        code = {name for name in names if not name.startswith("cityctl/_shipped/")}
        data = {name.removeprefix("cityctl/_shipped/") for name in names - code}
        assert code == tracked("cityctl"), which
        assert data == tracked("connectors", "recipes"), which


def test_the_sdist_holds_what_git_tracks(built):
    with tarfile.open(built["sdist"]) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    own = tracked(
        "cityctl", "connectors", "recipes", "completions", "tests", "README.md", "LICENSE", "CHANGELOG.md"
    )
    assert own <= names
    assert names - own <= {"PKG-INFO", "pyproject.toml", "Makefile", "constraints.txt", ".gitignore"}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wheel", "sdist", "wheel from sdist", "editable"])
def test_it_runs_from_a_clean_environment(way, built, source, tmp_path):
    """Installed without the checkout in sight; its libraries are lent by the environment of the tests."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    folder = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    (folder / "lent.pth").write_text(lent + "\n")
    words = [str(source), "--editable"][::-1] if way == "editable" else [str(built[way])]
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *quiet, *words)
    away = tmp_path / "away"
    away.mkdir()
    where, lists = json.loads(run(python, "-c", LOOK, cwd=away, CITYCTL_USER_FOLDER=str(away)))
    assert Path(where).is_relative_to(source if way == "editable" else home)
    for kind, names in lists.items():
        expected = {Path(name).stem for name in tracked(kind) if name.endswith(".yaml")}
        assert set(names) == expected, f"{way}: {kind}"
    assert lists["connectors/devices"]
    entry = python.with_name("cityctl.exe" if os.name == "nt" else "cityctl")
    assert "Exit codes" in run(entry, "help", "exit-codes", cwd=away)
