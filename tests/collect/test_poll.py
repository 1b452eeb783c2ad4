"""Poll from real servers into a real store: what is kept, in which unit, under which name."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.collect import poll as polling
from cityctl.disk import Lock
from cityctl.engine.duck import Engine
from cityctl.errors import ExitCode, LockHeld, Unreachable, UsageProblem
from cityctl.library import shipped_folder
from cityctl.modbus.looking.around import diagnose
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank, Live
from cityctl.modbus.pretended.wire import Server
from cityctl.project.doctor import examine
from cityctl.reading import Quality, Reading
from cityctl.store import Store

CITY = """\
name: Town
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}, power: {{kind: power}}}}
zones:
  hafen: {{network: water, kind: dma, inflow: hafen_inflow}}
  hall: {{network: power, kind: building}}
devices:
  inlet: {{connector: siemens_mag6000, host: 127.0.0.1, port: {inlet}, zone: hafen, timeout: 10}}
  old: {{connector: abb_aquamaster3, host: 127.0.0.1, port: {old}, zone: hafen, poll: [flow_rate], timeout: 10}}
  meter: {{connector: sunspec_203, host: 127.0.0.1, port: {meter}, zone: hall, timeout: 10}}
points:
  hafen_inflow: {{device: inlet/flow, unit: m3/h, every: 15m}}
  old_flow: {{device: old/flow_rate, unit: L/s, every: 15m}}
"""
INLET: dict[str, Live] = {"flow": 0.015625, "totalizer1": 1234.5}
OLD: dict[str, Live] = {"flow_rate": 2.5}
METER: dict[str, Live] = {
    "model_id": 203.0,
    "active_power": 12500.0,
    "energy_import": 987_000.0,
    "frequency": 50.0,
}

Serve = Callable[[str, dict[str, Live]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running: list[Server] = []

    def start(connector: str, live: dict[str, Live]) -> int:
        device = load_connector(shipped_folder() / "connectors" / "devices" / f"{connector}.yaml")
        running.append(Server({1: Bank.from_connector(device, live.get)}))
        return asyncio.run_coroutine_threadsafe(running[-1].start(), loop).result(10)

    yield start
    for server in running:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def folder(project, serve) -> Path:
    return project(
        CITY.format(
            inlet=serve("siemens_mag6000", INLET),
            old=serve("abb_aquamaster3", OLD),
            meter=serve("sunspec_203", METER),
        )
    )


def stored(folder: Path) -> dict[str, list[tuple[datetime, float | None, int]]]:
    with Store.open(folder / ".cityctl" / "store", create=False) as store, Engine() as engine:
        store.attach(engine, None)
        rows = engine.rows("SELECT point, time, value, quality FROM readings ORDER BY point, time")
    found: dict[str, list[tuple[datetime, float | None, int]]] = {}
    for point, time, value, quality in rows:
        found.setdefault(point, []).append((time.replace(tzinfo=UTC), value, quality))
    return found


def test_readings_land_in_canonical_units_under_the_citys_names(folder):
    before = datetime.now(UTC)
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.DONE
    assert result.completeness.wanted == result.completeness.had
    assert set(result.tables[0].cells("verdict")) == {"ok"}
    found = stored(folder)
    ((time, value, quality),) = found["hafen_inflow"]
    assert value == 56.25  # 0.015625 m3/s * 3600
    assert quality == Quality.GOOD
    assert before - timedelta(seconds=1) <= time <= datetime.now(UTC)
    assert "inlet/flow" not in found
    assert found["inlet/totalizer1"][0][1] == 1234.5
    # The unit is set on the device: city.yaml says L/s, the store keeps m3/h (2.5 L/s = 9 m3/h)
    assert found["old_flow"][0][1] == pytest.approx(9.0, rel=1e-12)
    assert found["meter/active_power"][0][1] == 12.5  # W -> kW
    assert found["meter/energy_import"][0][1] == 987.0  # Wh -> kWh
    # SunSpec values that the device does not have are kept as such, not as numbers
    assert found["meter/energy_export"][0][1:] == (None, Quality.BAD)
    assert "meter/model_id" not in found


def test_a_memory_that_cannot_be_kept_loses_no_reading(folder):
    (folder / ".cityctl/devices.json/in the way").mkdir(parents=True)  # as a full disk or another user's file
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.DONE
    assert len(stored(folder)["hafen_inflow"]) == 1
    (note,) = [note for note in result.notes if "is not kept" in note]
    assert "devices.json" in note


def test_two_meters_in_each_others_place_are_kept_as_suspect(project, serve):
    """Somebody mixed up two cables: nothing in their maps tells one MAG 6000 from the other."""
    one: dict[str, Live] = {"flow": 0.01, "totalizer1": 81_200.0}
    other: dict[str, Live] = {"flow": 0.02, "totalizer1": 4_300.0}
    device = "{{connector: siemens_mag6000, host: 127.0.0.1, port: {}}}".format
    ports = [serve("siemens_mag6000", each) for each in (one, other)]
    folder = project(
        "name: T\ntime_zone: UTC\nnetworks: {water: {kind: water}}\n"
        f"devices: {{one: {device(ports[0])}, other: {device(ports[1])}}}\n"
    )
    assert polling.poll(Project(folder)).exit_code() is ExitCode.DONE
    one["totalizer1"], other["totalizer1"] = 4_300.5, 81_201.0
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert list(result.tables[0].cells("verdict")) == ["SWAPPED", "SWAPPED"]
    assert [missing.what for missing in result.completeness.missing] == ["one", "other"]
    assert [quality for _, _, quality in stored(folder)["one/totalizer1"]] == [Quality.GOOD, Quality.SUSPECT]
    checks = examine(Project(folder), now=datetime.now(UTC)).tables[0]
    said = dict(zip(checks.cells("check"), checks.cells("verdict"), strict=True))
    assert said["place of one"] == said["place of other"] == "wrong"
    steps, _ = diagnose(Project(folder), Project(folder).library, "one", rounds=1)
    assert "they are where those of other stood at the last poll" in steps.tables[0].cells("came")


def test_a_device_without_any_value_makes_a_poll_incomplete(project, serve):
    """Its sensor is unplugged: every register holds the pattern for `not available`, and cron should hear of it."""
    folder = project(
        CITY.format(
            inlet=serve("siemens_mag6000", dict.fromkeys(INLET, float("nan"))),
            old=serve("abb_aquamaster3", OLD),
            meter=serve("sunspec_203", METER),
        ).replace("port: ", "poll: [flow], port: ", 1)
    )
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert list(result.tables[0].cells("verdict")) == ["NO VALUE", "ok", "ok"]
    ((_, value, quality),) = stored(folder)["hafen_inflow"]
    assert (value, quality) == (None, Quality.BAD)
    (missing,) = result.completeness.missing
    assert missing.why.endswith("it answers, and has no value of 1 point that it was asked for")


def test_a_second_poll_adds_to_the_first(folder):
    polling.poll(Project(folder))
    polling.poll(Project(folder), ["inlet"])
    found = stored(folder)
    assert len(found["hafen_inflow"]) == 2
    assert len(found["old_flow"]) == 1


def test_some_dead_keep_the_good_part_and_exit_4(project, serve, closed_port):
    folder = project(
        CITY.format(inlet=serve("siemens_mag6000", INLET), old=closed_port, meter=serve("sunspec_203", METER))
    )
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.INCOMPLETE
    rows = dict(zip(result.tables[0].cells("device"), result.tables[0].cells("verdict"), strict=True))
    assert rows == {"inlet": "ok", "old": "DEAD", "meter": "ok"}
    (missing,) = result.completeness.missing
    assert missing.what == "old"
    assert missing.why == f"127.0.0.1:{closed_port} unit 1: TCP connect refused: nothing listens on that port"
    assert stored(folder)["hafen_inflow"][0][1] == 56.25
    assert "no answer from old" in result.summary


def test_all_dead_is_unreachable_and_names_each(project, closed_port):
    folder = project(CITY.format(inlet=closed_port, old=closed_port, meter=closed_port))
    with pytest.raises(Unreachable) as caught:
        polling.poll(Project(folder))
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert caught.value.message == "none of 3 devices answered: inlet, old, meter"
    assert len(caught.value.tried) == 3
    assert all("refused" in line for line in caught.value.tried)


def test_another_device_at_the_address_brings_no_reading(project, serve, closed_port):
    """A SunSpec chain that begins elsewhere: model 203 is expected, another number stands there."""
    wrong = {**METER, "model_id": 160.0}
    folder = project(
        CITY.format(inlet=serve("siemens_mag6000", INLET), old=closed_port, meter=serve("sunspec_203", wrong))
    )
    result = polling.poll(Project(folder), ["inlet", "meter"])
    assert result.completeness.missing[0].why.endswith("model_id is 160, not 203: this is no sunspec_203")
    assert not any(point.startswith("meter/") for point in stored(folder))


def test_implausible_values_are_kept_as_suspect(project, serve, closed_port):
    folder = project(
        CITY.format(inlet=serve("siemens_mag6000", {"flow": 1e6}), old=closed_port, meter=closed_port)
    )
    result = polling.poll(Project(folder), ["inlet"])
    assert result.tables[0].cells("suspect") == [1]
    assert stored(folder)["hafen_inflow"][0][1:] == (3.6e9, Quality.SUSPECT)


def test_a_point_whose_quantity_changed_does_not_spoil_the_others(folder):
    polling.poll(Project(folder))
    text = (folder / "city.yaml").read_text(encoding="utf-8")
    (folder / "city.yaml").write_text(
        text.replace(
            "old_flow: {device: old/flow_rate, unit: L/s", "old_flow: {device: old/flow_rate, unit: bar"
        ),
        encoding="utf-8",
    )
    result = polling.poll(Project(folder))
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert "stored as flow" in result.completeness.missing[0].why
    assert list(result.tables[0].cells("verdict")) == ["ok", "PART", "ok"]
    assert "stored as flow" in result.tables[0].cells("reason")[1]
    assert len(stored(folder)["hafen_inflow"]) == 2
    assert len(stored(folder)["old_flow"]) == 1


def test_the_same_readings_have_the_same_batch_key():
    first = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    taken = [Reading("a", first, 1.0), Reading("b", first, None, Quality.BAD)]
    assert polling.batch_key(taken) == polling.batch_key(taken[::-1])
    assert polling.batch_key(taken) != polling.batch_key([Reading("a", first, 1.5), taken[1]])
    assert polling.batch_key(taken).startswith("poll-20261123T060000Z-")


def test_overlapping_polls_do_not_work_twice(folder):
    project = Project(folder)
    with (
        Lock(project.state / "poll.lock", purpose="another poll"),
        pytest.raises(LockHeld, match="another poll"),
    ):
        polling.poll(project)


def test_explain_sends_nothing(project):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        folder = project(CITY.format(inlet=port, old=port, meter=port))
        result = polling.explain(Project(folder))
        with pytest.raises(BlockingIOError):
            listening.accept()
    table = result.tables[0]
    requests = list(zip(table.cells("device"), table.cells("address"), table.cells("registers"), strict=True))
    # MAG 6000: flow at 3002 (2 registers) and the total at 3014 (4); AquaMaster: flow at 5016
    assert requests[:3] == [("inlet", 3002, 2), ("inlet", 3014, 4), ("old", 5016, 2)]
    assert table.cells("bytes_in")[:2] == [9 + 4, 9 + 8]
    assert not (folder / ".cityctl" / "store").exists()
    assert "Nothing was sent" in result.summary


@pytest.mark.parametrize(("name", "hint"), [("inlte", "did you mean `inlet`?"), ("zzz", "there are: inlet")])
def test_an_unknown_device_is_refused_first(folder, name, hint):
    with pytest.raises(UsageProblem) as caught:
        polling.poll(Project(folder), [name])
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_a_city_without_devices_is_told(project):
    with pytest.raises(UsageProblem, match="no devices"):
        polling.poll(Project(project("name: T\ntime_zone: UTC\n")))


def test_the_command_shows_the_table_and_ends_with_its_code(cityctl, project, serve, closed_port):
    folder = project(
        CITY.format(inlet=serve("siemens_mag6000", INLET), old=closed_port, meter=serve("sunspec_203", METER))
    )
    done = cityctl("poll", "--project", folder)
    assert done.returncode == 4, done.stderr
    assert "DEAD" in done.stdout
    assert "refused" in done.stdout
    assert "\x1b" not in done.stdout
    quiet = cityctl("poll", "inlet", "--project", folder, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    gone = cityctl("poll", "old", "--project", folder)
    assert gone.returncode == 12
    assert gone.stdout == ""
    assert (
        f"cityctl: old did not answer at 127.0.0.1:{closed_port}: TCP connect refused: nothing listens"
        in gone.stderr
    )
    explained = cityctl("poll", "inlet", "--explain", "--project", folder)
    assert explained.returncode == 0
    assert "3002" in explained.stdout
