"""What tests share: the reference data beside the project, a project folder, and running the program."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cityctl.result import left_out
from tests.http_service import Service
from tests.starter import Ended, Starter

ROOT = Path(__file__).resolve().parents[1]

# A law is tried with the same examples each time, and may take as long as a busy machine needs: what fails is a fault
# of the change at hand. `make test PYTEST=--hypothesis-profile=search` looks further, with others each time.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", PATIENT)
settings.register_profile("steady", PATIENT, derandomize=True)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background deaf to Ctrl-C, and so would be every program that is tested here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """xdist would begin with the files that have most tests, and end with the longest ones on one core."""
    config.option.loadscopereorder = False
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: nobody searches it for garbage, now or later."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, files begin with those of slow tests; of the others, those with most tests."""
    if not hasattr(config, "workerinput"):
        return
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], -count[item.path], str(item.path)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: what waits for a timeout, a lock or a disk leaves none idle."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def nothing_left_out() -> None:
    """What one test's answers had to do without is not the next one's."""
    left_out()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data, which is not part of the project; tests that need it skip without it."""
    folder = Path(os.environ.get("CITYCTL_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"reference data is not beside the project ({folder})")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Make a project folder of a city.yaml's text."""

    def make(text: str, folder: str = "city") -> Path:
        made = tmp_path / folder
        made.mkdir(parents=True, exist_ok=True)
        (made / "city.yaml").write_text(text, encoding="utf-8")
        return made

    return make


@pytest.fixture(scope="session")
def starter() -> Iterator[Callable[[], Starter | None]]:
    """The process that starts programs, made when it is first asked for; None where processes are not forked."""
    made: list[Starter] = []

    def get() -> Starter | None:
        if not made and hasattr(os, "fork"):
            made.append(Starter())
        return made[0] if made else None

    yield get
    for one in made:
        one.close()


@pytest.fixture
def cityctl(tmp_path: Path, starter: Callable[[], Starter | None]) -> Callable[..., Ended]:
    """Run the program as a user does: a process of its own, no terminal, stdin closed."""

    def run(*words: str | Path, cwd: Path | None = None, timeout: float = 600, **env: str) -> Ended:
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith("CITYCTL_")}
        surroundings |= {
            "CITYCTL_BUG_FOLDER": str(tmp_path),
            "CITYCTL_USER_FOLDER": str(tmp_path / "user"),
            **env,
        }
        # What an interpreter reads as it starts, such as LANG and PYTHONUTF8, needs one that starts.
        if all(key.startswith("CITYCTL_") for key in env) and (started := starter()) is not None:
            return started.run([*map(str, words)], cwd or tmp_path, surroundings, timeout)
        return subprocess.run(
            [sys.executable, "-m", "cityctl", *map(str, words)],
            cwd=cwd or tmp_path,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that no other test is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def http() -> Iterator[Service]:
    """A service on loopback."""
    service = Service()
    yield service
    service.close()


@pytest.fixture
def another_http() -> Iterator[Service]:
    """A second origin on loopback."""
    service = Service()
    yield service
    service.close()
