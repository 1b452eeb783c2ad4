"""TAB in real shells: bash, zsh and fish offer the names of the project that one stands in."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CITY = """\
name: Names
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water}}
devices:
  hafen-inlet: {connector: siemens_mag6000, host: 127.0.0.1, zone: hafen}
  altstadt-inlet: {connector: krohne_ifc300, host: 127.0.0.1}
services:
  historian: {connector: csv_headend, url: "http://127.0.0.1:9"}
points:
  hafen_inflow: {device: hafen-inlet/flow, unit: m3/h, zone: hafen}
profiles:
  night: {}
"""
OFFERED = [
    ("cityctl devices show ha", {"hafen-inlet"}),
    ("cityctl poll altstadt-inlet ha", {"hafen-inlet"}),
    ("cityctl read hafen-inlet/fl", {"hafen-inlet/flow"}),
    ("cityctl data export hafen_", {"hafen_inflow"}),
    ("cityctl pull hi", {"historian"}),
    ("cityctl runbook run own-", {"own-flush"}),
    ("cityctl report run own-", {"own-sheet"}),
    ("cityctl connectors show siemens_mag6", {"siemens_mag6000"}),
    ("cityctl check fr", {"freshness"}),
    ("cityctl read --profile ni", {"night"}),
    ("cityctl read --color al", {"always"}),
    ("cityctl --profile night devices show ha", {"hafen-inlet"}),
    ("cityctl -o par", {"parquet"}),
    ("cityctl config schema ru", {"runbook"}),
    ("cityctl findings list --state sh", {"shelved"}),
    ("cityctl data import --layout wi", {"wide"}),
]


@pytest.fixture
def city(project):
    folder = project(CITY)
    for name in ("recipes/runbooks/own-flush.yaml", "recipes/reports/own-sheet.yaml"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("{}\n", encoding="utf-8")
    return folder


@pytest.fixture
def shell(city, tmp_path):
    """The surroundings of a shell that finds this program as `cityctl`, in the city's folder."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "cityctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cityctl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "CITYCTL_USER_FOLDER": str(tmp_path / "user"),
        "TERM": "dumb",
    }


def asked(words: list[str], surroundings, folder) -> str:
    ended = subprocess.run(
        words,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout


def need(name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize(("line", "expected"), OFFERED)
def test_bash_offers_names(shell, city, line, expected):
    need("bash")
    words = " ".join(f'"{word}"' for word in line.split(" "))
    script = (
        f'source "{ROOT}/completions/cityctl.bash"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); '
        '_cityctl_completion cityctl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert set(asked(["bash", "--norc", "-c", script], shell, city).split()) == expected


@pytest.mark.parametrize(("line", "expected"), OFFERED[:3] + OFFERED[5:7])
def test_fish_offers_names(shell, city, line, expected):
    need("fish")
    script = f'source "{ROOT}/completions/cityctl.fish"; complete -C "{line}"'
    offered = asked(["fish", "--no-config", "-c", script], shell, city).splitlines()
    assert {one.partition("\t")[0].strip() for one in offered if one.strip()} == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cityctl read --output=par", "parquet"),
        ("cityctl --output=par", "parquet"),
        ("cityctl --project=. devices show ha", "hafen-inlet"),
        ("cityctl report run leaks --set a=b --output=par", "parquet"),
    ],
)
def test_what_stands_behind_an_equals_sign_is_completed(cityctl, city, line, expected):
    # bash takes the word apart at `=` and replaces what stands behind it; zsh and fish replace the whole word.
    words = line.replace("=", " = ").split()
    bash = cityctl(
        cwd=city,
        _CITYCTL_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(words),
        COMP_CWORD=str(len(words) - 1),
    )
    whole = {"--output=par": "--output=parquet"}.get(line.split()[-1], expected)
    fish, zsh = (
        cityctl(
            cwd=city,
            _CITYCTL_COMPLETE=f"complete_{shell}",
            _TYPER_COMPLETE_ARGS=line,
            _TYPER_COMPLETE_FISH_ACTION="get-args",
        )
        for shell in ("fish", "zsh")
    )
    assert (bash.stdout.strip(), fish.stdout.strip()) == (expected, whole)
    assert zsh.stdout.strip() == f"""_arguments '*: :(("{whole}"))'"""


def test_zsh_looks_for_a_file_behind_an_equals_sign(cityctl, city):
    asked_for = {
        "_CITYCTL_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": "cityctl read --output-file=/tm",
    }
    assert cityctl(cwd=city, **asked_for).stdout.strip() == "compset -P '*='; _files"


@pytest.mark.parametrize("shell", ["fish", "zsh", "powershell"])
def test_what_a_command_is_for_stands_on_its_line_and_keeps_its_letters(cityctl, city, shell):
    # Folded at 80 columns by Typer, the rest of a line was offered as a command of its own.
    ended = cityctl(
        cwd=city,
        COLUMNS="40",
        _CITYCTL_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_ARGS="cityctl data ex",
        _TYPER_COMPLETE_WORD_TO_COMPLETE="ex",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    (line,) = ended.stdout.strip().splitlines()
    assert "export" in line
    assert "in the city" in line
    assert "s units" in line
    assert line.rstrip("\"')").endswith("parquet are streamed.")


def test_zsh_completes_a_name_at_a_terminal(shell, city):
    need("zsh")
    begun = f"fpath=({ROOT}/completions $fpath); autoload -U compinit; compinit -u -D; PS1='re''ady> '\n"
    main, other = pty.openpty()
    run = subprocess.Popen(
        ["zsh", "-f", "-i"],
        cwd=city,
        env=shell,
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    )
    os.close(other)
    told = ""

    def until(word: str) -> str:
        nonlocal told
        end = time.monotonic() + 300
        while word not in told and time.monotonic() < end:
            if select.select([main], [], [], 0.2)[0]:
                told += os.read(main, 65536).decode(errors="replace")
        return told

    try:
        os.write(main, begun.encode())
        assert "ready> " in until("ready> ")
        told = ""
        os.write(main, b"cityctl read hafen-inlet/fl\t")
        assert "hafen-inlet/flow" in until("hafen-inlet/flow")
    finally:
        run.kill()
        run.wait(10)
        os.close(main)


@pytest.mark.parametrize("text", ["", "devices: [", "devices: 7\npoints: {a: 1}\n", "\xff"])
def test_a_tab_in_a_broken_project_says_nothing(cityctl, project, text):
    folder = project(text)
    ended = cityctl(
        cwd=folder, _CITYCTL_COMPLETE="complete_bash", COMP_WORDS="cityctl devices show ", COMP_CWORD="3"
    )
    assert (ended.stdout.strip(), ended.stderr) == ("", "")
