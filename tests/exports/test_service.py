"""Service connectors: the shipped ones, the requests they make, and what is wrong with others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from cityctl.city.services import Service
from cityctl.errors import ConfigInvalid, CredentialsRefused
from cityctl.exports import asking, service
from cityctl.exports import auth as auth_of
from cityctl.exports.service import Connector
from cityctl.library import Library, shipped_folder

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
MINIMAL = "title: A\nrequest: {path: /x}\nanswer: {format: csv}\n"


def made(tmp_path: Path, text: str) -> Connector:
    folder = tmp_path / "connectors" / "services"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return service.load(Library(tmp_path), "mine")


def city_service(connector: str = "mine", **more: object) -> Service:
    return Service.model_validate({"connector": connector, "url": "http://127.0.0.1:8080/historian/", **more})


@pytest.mark.parametrize("name", sorted(Library().list("connectors/services")))
def test_a_shipped_connector_is_sound(name: str) -> None:
    connector = service.load(Library(), name)
    told = connector.example
    assert told is not None
    words = asking.words(connector, city_service(name, parameters=told.parameters), name)
    asked = asking.ask(connector, city_service(name), words, "A B/1", SINCE, UNTIL)
    assert asked.url.startswith("http://127.0.0.1:8080/historian/")
    assert "{" not in asked.url
    shape = asking.shape(connector, words, name, "A B/1", "Europe/Berlin")
    assert shape.time_zone


def test_a_series_with_too_few_parts_says_how_it_is_written() -> None:
    connector = service.load(Library(), "octopus_electricity")
    with pytest.raises(ConfigInvalid, match="has no part 2") as wrong:
        asking.ask(connector, city_service(), {}, "1200000123456", SINCE, UNTIL)
    assert wrong.value.hint == "write it as PART1/PART2 in city.yaml"


def test_the_published_schema_is_current_and_takes_the_shipped_connectors() -> None:
    path = shipped_folder() / "connectors" / "service.schema.json"
    assert path.read_text(encoding="utf-8") == service.json_schema(), (
        "write it anew from service.json_schema()"
    )
    schema = json.loads(service.json_schema())
    for found in Library().list("connectors/services").values():
        jsonschema.validate(yaml.safe_load(found.read_text(encoding="utf-8")), schema)


def test_the_requests_of_the_ready_connectors() -> None:
    asked = {}
    for name in ("csv_headend", "csv_headend_all", "green_button"):
        connector = service.load(Library(), name)
        words = asking.words(connector, city_service(name), name)
        asked[name] = asking.ask(connector, city_service(name), words, "HAFEN/FT 01", SINCE, UNTIL).url
    window = "2026-11-01T00%3A00%3A00Z", "2026-11-02T00%3A00%3A00Z"
    base = "http://127.0.0.1:8080/historian"
    assert asked == {
        "csv_headend": f"{base}/series/HAFEN%2FFT%2001.csv?from={window[0]}&to={window[1]}",
        "csv_headend_all": f"{base}/export.csv?from={window[0]}&to={window[1]}",
        "green_button": f"{base}/greenbutton/HAFEN%2FFT%2001.xml?published-min={window[0]}&published-max={window[1]}",
    }


def test_how_times_are_written(tmp_path: Path) -> None:
    forms = {
        "epoch": ("1793491200", "UTC"), "epoch_ms": ("1793491200000", "UTC"), "'%d.%m.%Y'": ("01.11.2026", "UTC"),
        "iso": ("2026-11-01T01:00:00+01:00", "Europe/Berlin"),
    }  # fmt: skip
    for form, (text, zone) in forms.items():
        connector = made(
            tmp_path,
            f"title: A\nrequest: {{path: '/x/{{since}}', time: {form}, time_zone: {zone}}}\nanswer: {{format: csv}}\n",
        )
        url = asking.ask(connector, city_service(), {}, "", SINCE, UNTIL).url
        assert url.endswith("/x/" + text.replace(":", "%3A").replace("+", "%2B"))
    included = made(
        tmp_path, "title: A\nrequest: {path: '/{until}', until: included}\nanswer: {format: csv}\n"
    )
    assert asking.ask(included, city_service(), {}, "", SINCE, UNTIL).url.endswith(
        "/2026-11-01T23%3A59%3A59Z"
    )


def test_parameters_of_city_yaml_reach_the_request_and_the_table(tmp_path: Path) -> None:
    text = (
        "title: A\nparameters: {tenant: {meaning: whose, required: true}, unit: {meaning: unit}}\n"
        "request: {path: '/{tenant}/x'}\nanswer: {format: csv, table: {unit: '{unit}'}}\n"
    )
    connector = made(tmp_path, text)
    asked = city_service(parameters={"tenant": "nord", "unit": "m³/h"})
    words = asking.words(connector, asked, "historian")
    assert asking.ask(connector, asked, words, "", SINCE, UNTIL).url.endswith("/nord/x")
    assert asking.shape(connector, words, "historian", None, "UTC").unit == "m3/h"
    with pytest.raises(ConfigInvalid, match="`tenant` is missing"):
        asking.words(connector, city_service(), "historian")
    with pytest.raises(ConfigInvalid, match="no parameter `tennant`") as wrong:
        asking.words(connector, city_service(parameters={"tennant": "x"}), "historian")
    assert wrong.value.hint == "did you mean `tenant`?"
    bad = city_service(parameters={"tenant": "x", "unit": "kwhh"})
    with pytest.raises(ConfigInvalid, match="kwhh"):
        asking.shape(connector, asking.words(connector, bad, "historian"), "historian", None, "UTC")


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        (MINIMAL + "windw: {}\n", "4:1", "unknown key `windw`"),
        (MINIMAL.replace("/x", "'/{serie}'"), "2:11", "`{serie}`"),
        (MINIMAL.replace("csv", "cvs"), "3:", "no format named `cvs`"),
        (MINIMAL.replace("/x", "x"), "2:", "path"),
        (MINIMAL + "auth: {kind: api_key}\n", "4:", "header"),
        (MINIMAL + "window: {largest: a while}\n", "4:", "no duration"),
        (MINIMAL + "auth: {kind: oauth2_client}\n", "4:", "`token` belongs"),
        (MINIMAL + "pagination: {kind: cursor, next: n}\n", "4:", "needs `parameter`"),
        (MINIMAL + "pagination: {kind: json_link, next: 'a..b'}\n", "4:", "no JMESPath"),
        (MINIMAL + "parameters: {a: {meaning: x}}\n", "4:", "nothing in the file uses"),
        (MINIMAL + "budget: {requests: 0, per: 1s}\n", "4:", "requests"),
        (MINIMAL.replace("path: /x", "path: /x, body: {form: {a: b}}"), "2:", "method: POST"),
        (
            MINIMAL.replace("path: /x", "path: /x, query: {page: '1'}")
            + "pagination: {kind: page, parameter: page}\n",
            "2:",
            "set by the pagination",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, where: str, why: str) -> None:
    with pytest.raises(ConfigInvalid) as wrong:
        made(tmp_path, text)
    assert f"mine.yaml:{where}" in wrong.value.message
    assert why in wrong.value.message + str(wrong.value.hint)


def test_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "sesame")
    secret = {"env": "KEY"}

    def headers(auth: str, **more: object) -> dict[str, str]:
        connector = made(tmp_path, MINIMAL + f"auth: {auth}\n")
        found = auth_of.credentials(connector, city_service(**more), "historian", tmp_path).proof()
        return {name: value.reveal() for name, value in found.headers.items()}

    assert headers("{kind: none}", secret=secret) == {}
    assert headers("{kind: bearer}", secret=secret) == {"Authorization": "Bearer sesame"}
    assert headers("{kind: basic}", secret=secret, user="anna") == {"Authorization": "Basic YW5uYTpzZXNhbWU="}
    assert headers("{kind: api_key, header: X-Key}", secret=secret) == {"X-Key": "sesame"}
    assert headers("{kind: bearer, optional: true}") == {}
    with pytest.raises(CredentialsRefused, match="names none"):
        headers("{kind: bearer}")
    with pytest.raises(ConfigInvalid, match="user"):
        headers("{kind: basic}", secret=secret)


def test_windows_have_their_defaults(tmp_path: Path) -> None:
    window = made(tmp_path, MINIMAL).window
    assert (window.largest, window.settle) == (timedelta(days=31), timedelta(days=7))
