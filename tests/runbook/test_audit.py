"""The audit: before the write or no write, whole to the last byte, and a full disk stops everything."""

from __future__ import annotations

import json
import os
import resource
import zipfile

import pytest

from cityctl.errors import WriteRefused, WriteRolledBack
from cityctl.runbook import audited, session
from cityctl.runbook.audit import Audit
from tests.runbook.conftest import yes


@pytest.fixture
def audit(tmp_path) -> Audit:
    """Five lines."""
    made = Audit(tmp_path / "audit")
    for number in range(5):
        made.append("write", point=f"plc-{number}/set", old="4 bar", new="5 µS/cm", who="anna")
    return made


def test_it_is_whole(audit):
    assert audit.faults() == []
    assert audit.faults(audit.anchor().text) == []
    assert [entry["number"] for entry in audit.entries()] == [1, 2, 3, 4, 5]


def test_every_single_changed_byte_is_found_and_its_line_named(audit):
    whole = audit.path.read_bytes()
    for at in range(0, len(whole), 3):
        for other in (whole[at] ^ 1, whole[at] ^ 0x20):
            audit.path.write_bytes(whole[:at] + bytes((other,)) + whole[at + 1 :])
            found = audit.faults()
            assert found, f"byte {at}"
            assert found[0].line == whole[:at].count(b"\n") + 1, f"byte {at}: {found}"


def test_a_cut_tail_a_taken_line_and_a_swap_are_found(audit):
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(lines[:4]))
    assert "cut off" in audit.faults()[0].why
    with pytest.raises(WriteRefused, match="shorter than it was"):
        audit.append("write")
    audit.path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert audit.faults()[0].line == 3
    audit.path.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert audit.faults()[0].line == 2
    audit.path.write_bytes(b"".join(lines))
    audit.anchor_path.unlink()
    assert "missing" in audit.faults()[0].why


def test_who_rewrites_chain_and_anchor_is_found_by_an_anchor_kept_elsewhere(audit, tmp_path):
    kept = audit.anchor().text
    forged = Audit(tmp_path / "forged")
    for entry in audit.entries():
        forged.append("write", point=entry["point"], old="3 bar", new=entry["new"], who="anna")
    assert forged.faults() == []
    assert "another line than the anchor given" in forged.faults(kept)[0].why
    assert "cut off" in forged.faults("9:" + "0" * 64)[0].why


def test_half_a_line_of_a_power_cut_is_no_fault_of_the_next_one(audit):
    with audit.path.open("ab") as handle:
        handle.write(b'{"half a')
    assert "does not end" in audit.faults()[0].why
    audit.append("write")
    assert audit.faults() == []
    whole = audit.path.read_bytes()
    audit.append("write")
    last = audit.path.read_bytes()[len(whole) :]
    audit._move(type(audit.anchor())(6, len(whole), json.loads(whole.splitlines()[-1])["hash"]))
    audit.path.write_bytes(whole + last)  # the line came to disk, the anchor did not
    audit.append("write")
    assert audit.faults() == []
    assert audit.anchor().lines == 8


def test_a_line_that_somebody_appended_stops_writing(audit):
    with audit.path.open("ab") as handle:
        handle.write(b'{"hash": "x"}\n')
    with pytest.raises(WriteRefused, match="line 6"):
        audit.append("write")


def in_a_process(act) -> str:
    """What an act says in a process of its own."""
    ask, answer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = act()
        except BaseException as problem:
            said = f"{type(problem).__name__}: {problem}"
        os.write(answer, said.encode())
        os._exit(0)
    os.close(answer)
    with os.fdopen(ask) as told:
        said = told.read()
    os.waitpid(pid, 0)
    return said


@pytest.mark.parametrize("room", [0, 200, 700])
def test_a_full_disk_means_no_write(rig, room):
    """RLIMIT_FSIZE is how much a file may grow: the same error as a full disk, at any byte of a line."""
    job = rig.write("plc-1/setpoint", "5 bar")

    def act() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        session.run(job, yes())
        return "it was written"

    said = in_a_process(act)
    assert said.startswith("WriteRefused: no "), said
    assert "no write" in said
    assert rig.writes == 0


def test_a_disk_that_is_full_after_the_first_write_sends_no_second(rig):
    session.run(rig.write("plc-1/third", "2 mg/L"), yes())  # the file of the audit has some size then
    size = (rig.folder / ".cityctl/audit/audit.jsonl").stat().st_size
    job = rig.job("steps: [{write: plc-1/command, to: start}, {write: plc-1/setpoint, to: 5 bar}]\n")

    def act() -> str:
        # room for begin, the first write and its read-back, and not for the second write
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2600, size + 2600))
        session.run(job, yes())
        return "it was written"

    said = in_a_process(act)
    assert "no audit, no write" in said or "no journal, no write" in said, said
    assert rig.server.counts[16] == 0


def test_it_says_who_what_why_and_how(rig, tmp_path):
    rig.city(timeout=0.5)
    rig.faults.lose_write_answer = 1
    ended = session.run(rig.write("plc-1/setpoint", "5 bar"), yes())
    state = rig.folder / ".cityctl"
    audit = Audit(state / "audit")
    write, back = (
        next(e for e in audit.entries() if e["event"] == event) for event in ("write", "read back")
    )
    assert (write["old"], write["new"], write["words"], write["function"]) == (
        "4 bar",
        "5 bar",
        [0x40A0, 0],
        16,
    )
    assert (write["reason"], write["profile"], write["uid"]) == ("a test", "maintenance", os.getuid())
    assert len(write["recipe"]) == 64
    assert list(write["connectors"]) == ["rig"]
    assert (back["answer"], back["outcome"], back["read_back"]) == ("unconfirmed", "done", "5 bar")
    target = audited.export(state, audit, ended.run, tmp_path / "incident.zip")
    with zipfile.ZipFile(target) as bundle:
        assert json.loads(bundle.read("summary.json"))["audit_faults"] == []
        assert b"read back" in bundle.read("run.jsonl")
        assert (
            bundle.read("recipe.yaml")
            == json.dumps(json.loads(bundle.read("recipe.yaml")), sort_keys=True).encode()
        )


def test_a_damaged_audit_stops_in_the_middle_and_undoes(rig, monkeypatch):
    """The line before the second write cannot be kept: it is not sent, and what was sent is undone or named."""
    appended = Audit.append
    calls = []

    def fails(self, event, **fields):
        calls.append(event)
        if calls.count("write") == 2 and event == "write" and not fields["undoing"]:
            raise WriteRefused("no audit, no write: the disk is full")
        return appended(self, event, **fields)

    monkeypatch.setattr(Audit, "append", fails)
    job = rig.job("steps: [{write: plc-1/command, to: start}, {write: plc-1/setpoint, to: 5 bar}]\n")
    with pytest.raises(WriteRolledBack, match="no audit, no write"):
        session.run(job, yes())
    assert rig.server.counts[16] == 0
    assert rig.words(1, 4) == [0]
