"""Time-stamps before a stranger: `openssl ts` is the authority, and verifies what we keep; we refuse what was changed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from kybern.cli import _evidence, _log, _log_time
from kybern.evidence import Refused
from kybern.evidence.log import Authority, request_for, verify_token

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from cli_shell import Shell
from local_tsa import OPENSSL, LocalAuthority

pytestmark = [pytest.mark.real, pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")]

app = typer.Typer()
for group in (_evidence, _log, _log_time):
    group.register(app)
NOTE = b"example.org/log\n5\nAAAA\n\n"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority.make(tmp_path_factory.mktemp("tsa") / "local")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority.make(tmp_path_factory.mktemp("tsa") / "other", "Other")


def trusted(tsa: LocalAuthority) -> Authority:
    return Authority(name="local", certificate=tsa.root.read_text())


class Desk(Shell):
    """A workspace with a log, whose entries have bounds."""

    def logged(self, text: str) -> str:
        name = self.state(text)
        self.run("log", "sync")
        return name

    def bounds(self, name: str) -> dict[str, dict[str, str] | None]:
        found: dict[str, dict[str, str] | None] = json.loads(self.run("log", "bounds", name, "--json").stdout)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    Shell.make(app, tmp_path)
    found = Desk(app, tmp_path)
    found.run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", "--valid-from", "2026-01-01")
    found.run("log", "init", "--origin", "example.org/ai")
    return found


def test_a_token_that_fits_gives_its_time(tsa: LocalAuthority) -> None:
    request = request_for(NOTE)
    at, accuracy = verify_token(tsa.answer(request), request, NOTE, trusted(tsa))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert accuracy == timedelta(seconds=1)


def test_every_changed_byte_of_a_response_is_refused(tsa: LocalAuthority) -> None:
    request = request_for(NOTE)
    response = tsa.answer(request)
    authority = trusted(tsa)
    whole = verify_token(response, request, NOTE, authority)
    for place in range(len(response)):
        changed = response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
        try:
            found = verify_token(changed, request, NOTE, authority)
        except Refused:
            continue
        # A certificate that is sent along is not signed by the token: it is looked for in it, or among the pinned ones.
        assert found == whole, place


def test_another_note_nonce_root_or_answer_is_refused(tsa: LocalAuthority, other: LocalAuthority) -> None:
    request, again = request_for(NOTE), request_for(NOTE)
    response = tsa.answer(request)
    for arguments in (
        (response, request, NOTE + b"\n", trusted(tsa)),
        (response, again, NOTE, trusted(tsa)),
        (response, request, NOTE, trusted(other)),
        (other.answer(request), request, NOTE, trusted(tsa)),
        (tsa.answer(request_for(b"x")), request, NOTE, trusted(tsa)),
    ):
        with pytest.raises(Refused, match="wrong-token"):
            verify_token(*arguments)
    with pytest.raises(Refused, match="bad-request"):
        verify_token(response, request[:-1], NOTE, trusted(tsa))
    with pytest.raises(Refused, match="bad-token"):
        verify_token(response[:-1], request, NOTE, trusted(tsa))


def test_a_refusal_of_the_authority_is_told(tsa: LocalAuthority) -> None:
    request = request_for(NOTE)
    with pytest.raises(Refused, match="no-token"):
        verify_token(tsa.answer(b"nonsense"), request, NOTE, trusted(tsa))


def test_a_checkpoint_is_stamped_over_http_and_bounds_follow(desk: Desk, tsa: LocalAuthority) -> None:
    first = desk.logged("It can be stopped.")
    with tsa.served() as url:
        desk.run("log", "trust-authority", "local", "--certificate", tsa.root, "--url", url)
        desk.run("log", "timestamp")
        assert "stamped the checkpoint of 1 entries already" in desk.run("log", "timestamp").stderr
    assert desk.run("log", "stamps").stdout.strip().endswith("entry 1")
    second = desk.logged("It can be started.")
    with tsa.served() as url:
        (desk.root / "authorities.yaml").unlink()
        desk.run("log", "trust-authority", "local", "--certificate", tsa.root, "--url", url)
        desk.run("log", "timestamp", "--authority", "local")
    before, after = desk.bounds(first), desk.bounds(second)
    assert before["not_before"] is None
    assert before["not_after"] is not None
    assert after["not_before"] is not None
    assert after["not_after"] is not None
    assert before["not_after"]["moment"] >= after["not_before"]["moment"]
    assert after["not_before"]["moment"] <= after["not_after"]["moment"]
    shown = desk.run("evidence", "show", second).stdout
    assert "not before" in shown
    assert json.loads(desk.run("evidence", "show", second, "--json").stdout)["log"] == after
    assert desk.run("log", "stamps").stdout.count("holds: local") == 2
    desk.run("log", "audit")


def test_a_site_without_a_network_carries_files(desk: Desk, tsa: LocalAuthority, other: LocalAuthority) -> None:
    name = desk.logged("It can be stopped.")
    desk.run("log", "trust-authority", "local", "--certificate", tsa.root)
    desk.run("log", "trust-authority", "other", "--certificate", other.root)
    assert "Which authority" in desk.run("log", "timestamp", "--request-out", desk.root / "q", code=2).output
    request, response = desk.root / "q.tsq", desk.root / "r.tsr"
    desk.run("log", "timestamp", "--authority", "local", "--request-out", request)
    desk.logged("Something later.")  # the log goes on while the file is on its way
    response.write_bytes(other.answer(request.read_bytes()))
    assert "wrong-token" in desk.run("log", "timestamp", "--authority", "local", "--response", response, code=2).output
    response.write_bytes(tsa.answer(request_for(b"another")))
    assert "answers none" in desk.run("log", "timestamp", "--authority", "local", "--response", response, code=2).output
    response.write_bytes(tsa.answer(request.read_bytes()))
    desk.run("log", "timestamp", "--authority", "local", "--response", response)
    assert desk.bounds(name)["not_after"] is not None
    assert "has no address" in desk.run("log", "timestamp", "--authority", "local", code=2).output


def test_openssl_accepts_what_we_keep_and_refuses_one_changed_byte(desk: Desk, tsa: LocalAuthority) -> None:
    desk.logged("It can be stopped.")
    with tsa.served() as url:
        desk.run("log", "trust-authority", "local", "--certificate", tsa.root, "--url", url)
        desk.run("log", "timestamp")
    folder = desk.root / "log" / "timestamp" / "1"
    assert (folder / "checkpoint").read_bytes() == (desk.root / "log" / "checkpoint").read_bytes()

    def verdicts() -> set[bool]:
        """By the checkpoint and by the request: each is a verification of its own."""
        given = (["-data", folder / "checkpoint"], ["-queryfile", folder / "local.tsq"])
        calls = ([str(OPENSSL), "ts", "-verify", "-in", folder / "local.tsr", "-CAfile", tsa.root, *one] for one in given)
        return {subprocess.run(call, capture_output=True, check=False).returncode == 0 for call in calls}

    assert verdicts() == {True}
    for name, places in (("checkpoint", (0, 20, -2)), ("local.tsr", (60, -3))):
        data = (folder / name).read_bytes()
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1
            (folder / name).write_bytes(changed)
            assert False in verdicts()
            assert "does not hold" in desk.run("log", "stamps", code=1).stdout
        (folder / name).write_bytes(data)
    assert verdicts() == {True}


def test_a_token_on_another_log_or_of_a_stranger_is_left_out_and_told(desk: Desk, tsa: LocalAuthority, tmp_path: Path) -> None:
    name = desk.logged("It can be stopped.")
    with tsa.served() as url:
        desk.run("log", "trust-authority", "local", "--certificate", tsa.root, "--url", url)
        desk.run("log", "timestamp")
    (desk.root / "log" / "timestamp" / "1").rename(desk.root / "log" / "timestamp" / "0")
    assert "fork" in desk.run("log", "stamps", code=1).stdout
    assert desk.bounds(name)["not_after"] is None
    (desk.root / "log" / "timestamp" / "0").rename(desk.root / "log" / "timestamp" / "1")
    (desk.root / "authorities.yaml").unlink()
    assert "unknown-authority" in desk.run("log", "stamps", code=1).stdout
    assert "Tokens that do not hold" in desk.run("log", "bounds", name).stdout
    (tmp_path / "leaf.pem").write_bytes((tsa.folder / "tsa.pem").read_bytes())
    assert "is a root" in desk.run("log", "trust-authority", "x", "--certificate", tmp_path / "leaf.pem", code=2).output


def test_an_authority_that_does_not_answer_is_told_and_the_others_are_asked(desk: Desk, tsa: LocalAuthority) -> None:
    desk.run("log", "trust-authority", "gone", "--certificate", tsa.root, "--url", "http://127.0.0.1:9/")
    assert "nothing to stamp" in desk.run("log", "timestamp", code=2).output
    desk.logged("It can be stopped.")
    with tsa.served() as url:
        desk.run("log", "trust-authority", "local", "--certificate", tsa.root, "--url", url)
        said = desk.run("log", "timestamp", code=2)
    assert "gives no answer" in said.stderr
    assert "local: the checkpoint of 1 entries existed at" in said.stdout
    assert "authority-twice" in desk.run("log", "trust-authority", "local", "--certificate", tsa.root, code=2).output
    assert "unknown-authority" in desk.run("log", "timestamp", "--authority", "nobody", code=2).output


def test_evidence_is_shown_though_its_log_cannot_be_read(desk: Desk) -> None:
    name = desk.logged("It can be stopped.")
    (desk.root / "log" / "key").write_text("nonsense")
    shown = desk.run("evidence", "show", name)
    assert "It can be stopped." in shown.stdout
    assert "warning: the log cannot be read" in shown.stderr


def test_a_note_that_is_not_the_logs_is_not_stamped(desk: Desk, tsa: LocalAuthority) -> None:
    desk.logged("It can be stopped.")
    desk.run("log", "trust-authority", "local", "--certificate", tsa.root)
    request = desk.root / "q.tsq"
    call = ("log", "timestamp", "--authority", "local")
    desk.run(*call, "--request-out", request)
    note = desk.root / "log" / "timestamp" / "1" / "checkpoint"
    note.write_bytes(note.read_bytes().replace(b"example.org", b"example.com"))
    (desk.root / "r.tsr").write_bytes(tsa.answer(request.read_bytes()))
    assert "wrong-token" in desk.run(*call, "--response", desk.root / "r.tsr", code=2).output
    assert "not-signed" in desk.run(*call, "--request-out", request, code=2).output
