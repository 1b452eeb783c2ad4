"""Secrets: read from where they are kept, shown nowhere."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from cityctl.city.services import Secret as Place
from cityctl.errors import CredentialsRefused
from cityctl.exports.secret import Secret, hide, read_secret


def test_from_environment_file_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORIAN_KEY", "from-env")
    (tmp_path / "key").write_text("from-file\n")
    places = {
        "from-env": Place(env="HISTORIAN_KEY"),
        "from-file": Place(file="key"),
        "from-command": Place(command=[sys.executable, "-c", "print('from-command')"]),
    }
    for text, place in places.items():
        assert read_secret(place, service="historian", folder=tmp_path).reveal() == text


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place(env="NOT_SET_ANYWHERE"), "environment variable NOT_SET_ANYWHERE"),
        (Place(file="absent"), "absent"),
        (Place(command=["/no/such/program"]), "cannot be run"),
        (Place(command=[sys.executable, "-c", "raise SystemExit(3)"]), "ended with 3"),
    ],
)
def test_where_it_is_not_there_the_place_is_named(place: Place, why: str, tmp_path: Path) -> None:
    with pytest.raises(CredentialsRefused, match=why) as refused:
        read_secret(place, service="historian", folder=tmp_path)
    assert refused.value.hint


def test_a_secret_shows_as_stars_in_every_form() -> None:
    secret = Secret("pass/wörd 1")
    assert f"{secret} {secret!r}" == "*** ***"
    basic = secret.basic("anna")
    assert base64.b64decode(basic.reveal()) == "anna:pass/wörd 1".encode()
    text = f"GET /x?key=pass%2Fw%C3%B6rd%201 pass/wörd 1 Basic {basic.reveal()}"
    assert hide(text) == "GET /x?key=*** *** Basic ***"
