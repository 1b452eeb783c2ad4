"""HTTP sessions recorded and played: what stands in the file, and that no secret does."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from cityctl.errors import InputRefused, UsageProblem
from cityctl.sim.recording import http_session, http_tap
from cityctl.sim.recording.http_player import Player
from cityctl.sim.recording.http_session import Exchange, is_secret, key, redacted
from tests.http_service import Service, send

CANARY = "canary-session-90ab"


def test_secrets_are_blotted_out_wherever_they_stand() -> None:
    """Header, query, JSON field, and the same words again in a link of the body."""
    body = {"access_token": "tok-session-77", "token_type": "Bearer", "next": f"/x?api_key={CANARY}&page=2",
            "unit_code": "KWH", "key": "flow", "next_token": "page-2-token"}  # fmt: skip
    one = Exchange(
        "GET", f"/x?api_key={CANARY}&page=1", 200, {"Set-Cookie": "sid=cookie-1234", "Link": "<tok-session-77>"},
        json.dumps(body).encode(), {"Authorization": "Bearer bearer-session-1", "X-Api-Key": "head-session-2"},
    )  # fmt: skip
    text = http_session.line(redacted(one))
    for secret in (CANARY, "tok-session-77", "bearer-session-1", "head-session-2", "cookie-1234"):
        assert secret not in text
    told = json.loads(json.loads(text)["body"])
    assert (told["token_type"], told["unit_code"], told["key"], told["next_token"]) == (
        "Bearer", "KWH", "flow", "page-2-token",
    )  # fmt: skip
    assert told["next"] == "/x?api_key=***&page=2"


@pytest.mark.parametrize(("name", "secret"), [
    ("api_key", True), ("apikey", True), ("access_token", True), ("client_secret", True), ("password", True),
    ("X-Amz-Signature", True), ("sig", True), ("code", True), ("page_token", False), ("nextToken", False),
    ("from", False), ("token_type", False), ("keyword", False), ("signal", False),
])  # fmt: skip
def test_which_words_of_a_query_are_secret(name: str, secret: bool) -> None:
    assert is_secret(name) == secret


def test_requests_are_the_same_whatever_secret_they_carry() -> None:
    assert (
        key("GET", "/x?a=1&b=2&api_key=one")
        == key("get", "/x?b=2&a=1&api_key=two")
        != key("GET", "/x?a=2&b=2")
    )


def asked(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as problem:
        return problem.code, problem.read().decode()


def test_a_player_answers_in_turn_and_says_what_it_does_not_know() -> None:
    session = [Exchange("GET", "/a?x=1", body=b"first {url}"), Exchange("GET", "/a?x=1", body=b"then")]
    with Player(session) as player:
        said = [asked(f"{player.url}/a?x=1")[1] for _ in range(3)]
        assert said == [f"first {player.url}", "then", "then"]
        assert asked(f"{player.url}/a?x=2")[0] == 404
        assert (player.known, player.unknown, player.not_found) == (3, 1, ["GET /a?x=2"])
    with Player(session, loose=True) as player:
        assert asked(f"{player.url}/a?x=2") == (200, f"first {player.url}")


@pytest.mark.parametrize(
    "text", ["", "{}", "no json", '{"request": "GET /"}', '{"http": "https://a"}', "[1]"]
)
def test_a_file_that_is_no_session_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.session"
    path.write_text(text)
    with pytest.raises(InputRefused, match=r"x\.session"):
        http_session.read(path)


def test_a_path_is_not_recorded_but_an_origin(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="more than an origin"):
        http_tap.record("https://a.example/api", tmp_path / "s", port=0, length="1s", say=print)


def test_a_session_is_recorded_through_the_program_and_played_again(
    http: Service, tmp_path: Path, cityctl: Callable[..., Any]
) -> None:
    """The proxy is a process of its own; its client is this test. The upstream packs, links to itself and redirects."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/old"):
            send(handler, b"", 302, Location=http.url + "/new?page=1")
        elif handler.headers.get("X-Api-Key") == CANARY:
            body = json.dumps({"next": f"{http.url}/new?page=2&apikey={CANARY}", "rows": [1]}).encode()
            send(handler, gzip.compress(body), Content_Encoding="gzip", Content_Type="application/json")
        else:
            send(handler, b"who?", 401)

    http.answer = answer
    session = tmp_path / "s.session"
    recorder = subprocess.Popen(
        [sys.executable, "-m", "cityctl", "sim", "record", http.url, str(session), "--for", "4s"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert recorder.stderr is not None
    url = recorder.stderr.readline().split()[0]
    request = urllib.request.Request(f"{url}/old", headers={"X-Api-Key": CANARY})
    with urllib.request.urlopen(request, timeout=120) as got:
        told = json.loads(got.read())
    assert told["next"].startswith(f"{url}/new?page=2")  # links lead to the proxy
    assert asked(f"{url}/new?page=1")[0] == 401
    _, errors = recorder.communicate(timeout=300)
    assert recorder.returncode == 0, errors
    assert "3 requests in" in errors
    text = session.read_text()
    assert CANARY not in text
    assert [one.status for one in http_session.read(session)] == [302, 200, 401]
    with Player(http_session.read(session), of=http_tap.origin_of(session)) as player:
        status, body = asked(f"{player.url}/old")
        assert status == 200
        assert json.loads(body)["next"] == f"{player.url}/new?page=2&apikey=***"
    ended = cityctl("sim", "replay", session, "--for", "0.2s")
    assert (ended.returncode, "answers HTTP as recorded" in ended.stderr) == (0, True)
    again = cityctl("sim", "record", http.url, session, "--for", "1s")
    assert again.returncode == 10
    assert "it exists already" in again.stderr
