"""`poll --every`: on the marks of the city's clock, whatever single rounds do; ended by a count or a signal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cityctl.city.project import Project
from cityctl.collect import every
from cityctl.collect import poll as polling
from cityctl.collect.every import Times, longest, marks_behind, next_mark, poll_every
from cityctl.disk import Lock
from cityctl.errors import ExitCode, LockHeld, StoreProblem, Unreachable, UsageProblem
from cityctl.library import shipped_folder
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.bank import Bank
from cityctl.store import Store
from tests.modbus.conftest import serve  # noqa: F401 - a fixture
from tests.timing import in_time

BERLIN = ZoneInfo("Europe/Berlin")
CITY = """\
name: Town
time_zone: Europe/Berlin
devices:
  inlet: {{connector: siemens_mag6000, host: 127.0.0.1, port: {port}, timeout: 10}}
  gone: {{connector: siemens_mag6000, host: 127.0.0.1, port: {gone}, timeout: 10}}
"""


@pytest.fixture
def meter(serve: Callable[..., int]) -> int:  # noqa: F811 - the fixture above
    device = load_connector(shipped_folder() / "connectors" / "devices" / "siemens_mag6000.yaml")
    return serve({1: Bank.from_connector(device, {"flow": 0.5, "totalizer1": 7.0}.get)})


@pytest.mark.parametrize(
    ("now", "every", "mark"),
    [  # by hand, local time in Berlin
        ("2026-11-23T10:07:30+01:00", "15m", "2026-11-23T10:15:00+01:00"),
        ("2026-11-23T10:15:00+01:00", "15m", "2026-11-23T10:30:00+01:00"),
        ("2026-11-23T10:07:30+01:00", "1h", "2026-11-23T11:00:00+01:00"),
        ("2026-11-23T23:50:00+01:00", "1h", "2026-11-24T00:00:00+01:00"),
        ("2026-11-23T22:00:00+01:00", "7h", "2026-11-24T00:00:00+01:00"),  # 21:00 was the day's last
        ("2026-11-23T10:00:00+01:00", "1d", "2026-11-24T00:00:00+01:00"),
        # the clock goes from 02:00 to 03:00: 2 hours after midnight it is 03:00
        ("2026-03-29T01:30:00+01:00", "1h", "2026-03-29T03:00:00+02:00"),
        # from 03:00 back to 02:00: that day has 25 hours, and 25 marks
        ("2026-10-25T02:30:00+02:00", "1h", "2026-10-25T02:00:00+01:00"),
        ("2026-10-25T23:30:00+01:00", "1h", "2026-10-26T00:00:00+01:00"),
        # what is farther apart goes by the clock on the wall: a daily poll came at 23:00 and at midnight then
        ("2026-10-25T00:00:00+02:00", "1d", "2026-10-26T00:00:00+01:00"),
        ("2026-10-25T00:00:00+02:00", "6h", "2026-10-25T06:00:00+01:00"),
        ("2026-10-25T18:00:00+01:00", "6h", "2026-10-26T00:00:00+01:00"),
        ("2026-10-24T00:00:00+02:00", "2d", "2026-10-26T00:00:00+01:00"),
        ("2026-10-25T02:30:00+02:00", "2h", "2026-10-25T04:00:00+01:00"),
        ("2026-10-25T02:30:00+01:00", "2h", "2026-10-25T04:00:00+01:00"),
        ("2026-03-29T00:00:00+01:00", "6h", "2026-03-29T06:00:00+02:00"),
        ("2026-03-29T00:30:00+01:00", "2h", "2026-03-29T03:00:00+02:00"),  # there is no 02:00
        ("2026-03-29T03:00:00+02:00", "2h", "2026-03-29T04:00:00+02:00"),
    ],
)
def test_marks_are_those_of_the_citys_clock(now, every, mark):
    length = Times.of(every, None, None).every
    assert length is not None
    assert next_mark(datetime.fromisoformat(now), length, BERLIN) == datetime.fromisoformat(mark)


@in_time
def test_a_round_that_loses_a_device_is_told_and_the_next_one_comes(project, meter):
    folder = project(CITY.format(port=meter, gone=1))
    said: list[str] = []
    result = poll_every(Project(folder), None, Times(timedelta(seconds=1), 2), say=said.append)
    assert result.exit_code() is ExitCode.INCOMPLETE
    table = result.tables[0]
    rows = {row[0]: row for row in table.rows}
    names = [column.key for column in table.columns]
    assert dict(zip(names, rows["inlet"], strict=True))["whole"] == 2
    assert dict(zip(names, rows["gone"], strict=True))["dead"] == 2
    assert len(said) == 3
    assert "no answer from gone" in said[1]
    with Store.open(folder / ".cityctl" / "store", create=False):
        pass


@in_time
@in_time
def test_a_clock_that_is_set_back_by_a_year_stops_no_rounds(project, meter, monkeypatch):
    """The first mark was worked out by a clock that was a year ahead."""
    ahead = [datetime.now(UTC) + timedelta(days=365)]
    monkeypatch.setattr(every, "next_mark", lambda *by: ahead.pop() if ahead else next_mark(*by))
    said: list[str] = []
    poll_every(
        Project(project(CITY.format(port=meter, gone=1))),
        ["inlet"],
        Times(timedelta(seconds=1), 2),
        say=said.append,
    )
    assert "the clock was set back: the next round is at" in said[1]
    assert [line.partition(" ")[2].partition(" ")[2] for line in said[2:]] == [
        "2 readings stored from 1 of 1 devices"
    ] * 2


@pytest.mark.parametrize(
    ("now", "following", "over"),
    [  # by hand, every 15 min behind 10:00 UTC
        ("10:00:20", "2026-11-23T10:15", []),
        ("10:15:00", "2026-11-23T10:15", []),
        ("10:31:00", "2026-11-23T10:45", ["10:15", "10:30"]),
    ],
)
def test_marks_that_a_round_ran_over_are_told_one_by_one(now, following, over):
    begun = datetime(2026, 11, 23, 10, tzinfo=UTC)
    late = datetime.fromisoformat(f"2026-11-23T{now}+00:00")
    mark, left_out = marks_behind(begun, late, timedelta(minutes=15), BERLIN)
    assert f"{mark:%Y-%m-%dT%H:%M}" == following
    assert [f"{each:%H:%M}" for each in left_out] == over


def test_a_clock_that_is_set_forward_by_a_year_is_one_round_left_out():
    begun = datetime(2026, 11, 23, 10, tzinfo=UTC)
    mark, left_out = marks_behind(
        begun, begun + timedelta(days=365, seconds=0.5), timedelta(seconds=1), BERLIN
    )
    assert mark == begun + timedelta(days=365, seconds=1)
    assert len(left_out) == 1


@pytest.mark.parametrize(
    ("mark", "every", "said", "seconds"),
    [  # by hand: 0.9 of the time to the next mark
        ("10:00", "15m", None, 810),
        ("10:00", "15m", 20.0, 20),
        ("10:00", "15m", 3600.0, 810),
        ("21:00", "7h", None, 0.9 * 3 * 3600),  # local midnight is the next one
    ],
)
def test_a_round_asks_until_the_next_mark_is_near(mark, every, said, seconds):
    """Not up to it: one that dead devices keep busy would leave each second mark out."""
    length = Times.of(every, None, None).every
    assert length is not None
    begun = datetime.fromisoformat(f"2026-11-23T{mark}+01:00")
    assert longest(begun, length, BERLIN, said) == seconds


@in_time
def test_the_wait_for_another_poll_is_within_the_deadline(project):
    """The other one ends after 0.3 s; a device that takes connections and says nothing is asked for the other 0.2 s."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        project_ = Project(project(CITY.format(port=mute.getsockname()[1], gone=1)))
        asked = polling.chosen(project_, ["inlet"])
        other = Lock(project_.state / "poll.lock", purpose="another poll")
        other.__enter__()
        ends = threading.Timer(0.3, other.__exit__, (None, None, None))
        ends.start()
        with pytest.raises(Unreachable, match=r"deadline of 0\.2 s"):
            polling.poll(project_, asked=asked, deadline=0.5, wait=5)
        ends.join()


def test_a_good_run_ends_with_0_and_a_dead_one_with_12(project, meter):
    good = project(CITY.format(port=meter, gone=meter), "good")
    assert poll_every(Project(good), ["inlet"], Times(timedelta(seconds=1), 1), say=str).exit_code() == 0
    dead = project(CITY.format(port=1, gone=1), "dead")
    with pytest.raises(Unreachable):
        poll_every(Project(dead), None, Times(timedelta(seconds=1), 1), say=str)


@in_time
def test_a_poll_that_is_at_work_is_not_doubled(project, meter):
    project_ = Project(project(CITY.format(port=meter, gone=meter)))
    said: list[str] = []
    with Lock(project_.state / "poll.lock", purpose="another poll"):
        result = poll_every(project_, ["inlet"], Times(timedelta(seconds=1), 1), say=said.append)
    assert "left out: another run holds poll.lock: another poll" in said[1]
    assert result.exit_code() is ExitCode.INCOMPLETE
    with Lock(project_.state / "poll-every.lock", purpose="another loop"), pytest.raises(LockHeld):
        poll_every(project_, None, Times(timedelta(seconds=1), 1), say=str)


@in_time
def test_a_round_of_exchanged_meters_is_not_whole(project, serve):  # noqa: F811 - the fixture above
    """What a round says of a device may follow from the others, when all have answered."""
    device = load_connector(shipped_folder() / "connectors" / "devices" / "siemens_mag6000.yaml")
    meters = [{"flow": 0.5, "totalizer1": total} for total in (81_200.0, 4_300.0)]
    ports = [serve({1: Bank.from_connector(device, each.get)}) for each in meters]
    project_ = Project(project(CITY.format(port=ports[0], gone=ports[1])))

    def exchange(_: str) -> None:
        for each, total in zip(meters, (4_301.0, 81_201.0), strict=True):
            each["totalizer1"] = total

    polling.poll(project_)
    result = poll_every(project_, None, Times(timedelta(seconds=1), 1), say=exchange)
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert [(*row[:5], row[5][:29]) for row in result.tables[0].rows] == [
        ("inlet", 1, 0, 1, 0, "its registers are those of go"),
        ("gone", 1, 0, 1, 0, "its registers are those of in"),
    ]
    assert result.completeness.had == 0


@pytest.mark.parametrize("for_good", [False, True])
def test_a_store_that_takes_nothing_for_a_while_ends_no_loop(project, meter, for_good):
    """As on a full disk: here a file lies where the store's folder was, from the first line on to the second."""
    folder = Project(project(CITY.format(port=meter, gone=meter)))
    place, away = folder.store_folder, folder.store_folder.with_name("away")
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            place.rename(away)
            place.write_bytes(b"")
        elif len(lines) == 2 and not for_good:
            place.unlink()
            away.rename(place)

    times = Times(timedelta(seconds=1), 2)
    if for_good:
        with pytest.raises(StoreProblem):
            poll_every(folder, ["inlet"], times, say=say)
    else:
        result = poll_every(folder, ["inlet"], times, say=say)
        assert result.exit_code() is ExitCode.INCOMPLETE
        assert [missing.what for missing in result.completeness.missing] == ["rounds"]
        assert " readings stored from 1 of 1 devices" in lines[2]
    assert " left out: " in lines[1]


@in_time
def test_the_fast_and_the_slow_points_are_two_loops(project, meter):
    project_ = Project(project(CITY.format(port=meter, gone=meter)))
    with Lock(project_.state / "poll-every-slow.lock", purpose="the slow loop"):
        result = poll_every(project_, ["inlet"], Times(timedelta(seconds=1), 1), group="fast", say=str)
    assert result.exit_code() is ExitCode.DONE


def test_words_that_do_not_fit():
    with pytest.raises(UsageProblem, match="goes with --every"):
        Times.of(None, 3, None)
    with pytest.raises(UsageProblem, match="one second or longer"):
        Times.of("0s", None, None)
    with pytest.raises(UsageProblem, match="no duration"):
        Times.of("soon", None, None)
    assert Times.of(None, None, "90s").deadline == 90


def loop(folder: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "cityctl", "poll", "inlet", "--every", "1s", "--project", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for _ in range(3):
        process.stderr.readline()
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)]
)
def test_a_signal_ends_it_with_its_code_and_frees_the_lock(project, meter, number, code):
    folder = project(CITY.format(port=meter, gone=meter))
    process = loop(folder)
    process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Traceback" not in said
    with Lock(Project(folder).state / "poll-every.lock", purpose="the next"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_in_the_middle_of_a_round_ends_it_at_once(project, tmp_path):
    """A device that never says a word is being waited for, 60 s long."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        text = CITY.format(port=listening.getsockname()[1], gone=1).replace("timeout: 10", "timeout: 60")
        folder = project(text)
        words = [sys.executable, "-m", "cityctl", "poll", "inlet", "--project", str(folder)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        listening.settimeout(60)
        connection, _ = listening.accept()
        connection.recv(100)
        begun = time.monotonic()
        process.terminate()
        _, said = process.communicate(timeout=300)
        connection.close()
    assert process.returncode == ExitCode.TERMINATED, said
    assert time.monotonic() - begun < 30
    assert "Traceback" not in said


@pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="the system does not say how much memory is used"
)
def test_many_rounds_leave_nothing_behind(project, meter):
    """The same process polls 60 times; store and all. The bench does it ten thousand times without a store."""
    from tests.modbus.soak import resident

    project_ = Project(project(CITY.format(port=meter, gone=meter)))
    asked = polling.chosen(project_, ["inlet"])
    for _ in range(20):
        polling.poll(project_, asked=asked)
    before, files = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(40):
        polling.poll(project_, asked=asked)
    assert resident() - before < 8_000  # kB
    assert len(os.listdir("/proc/self/fd")) <= files


def test_the_deadline_of_a_run_keeps_what_came(cityctl, project, meter):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        text = CITY.format(port=meter, gone=listening.getsockname()[1]).replace("timeout: 10", "timeout: 60")
        ended = cityctl("poll", "--deadline", "1s", "--project", project(text))
    assert ended.returncode == 4, ended.stderr
    assert "not asked to the end within the run's deadline of 1 s" in ended.stdout
