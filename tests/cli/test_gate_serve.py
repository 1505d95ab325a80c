"""`kybern gate serve` over real connections on loopback: allowed, denied, closed where anything is amiss, bounded."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kybern.policy import read_decisions

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from governed import PROGRAM, RECORDS, governed

REVIEW = json.loads((Path(__file__).parents[1] / "gate" / "admission_review.json").read_text(encoding="utf-8"))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return governed(tmp_path / "workspace")


@contextmanager
def served(root: Path, *words: str) -> Iterator[int]:
    """Serve a workspace on a free port of loopback, and end it as a system does."""
    command = [PROGRAM, "gate", "serve", "--port", "0", "-C", str(root), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("listening on http"), process.stderr.read() if process.stderr else ""
            yield int(line.rsplit(":", 1)[1].partition("/")[0])
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        assert process.returncode == 0


def post(port: int, body: bytes, path: str = "/admit?timeout=10s", context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    made = (
        http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        if context is None
        else http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    )
    made.request("POST", path, body, {"Content-Type": "application/json"})
    answer = made.getresponse()
    found = answer.status, answer.read()
    made.close()
    return found


def asked(port: int, system: str | None = "fine", **request: Any) -> dict[str, Any]:
    labels = {} if system is None else {"kybern/ai-system": system}
    body = {**REVIEW, "request": {**REVIEW["request"], "object": {"metadata": {"name": "x", "labels": labels}}, **request}}
    status, answer = post(port, json.dumps(body).encode())
    assert status == 200
    response: dict[str, Any] = json.loads(answer)["response"]
    assert response["uid"] == REVIEW["request"]["uid"]
    return response


def test_it_allows_and_denies_and_is_closed_where_anything_is_amiss(workspace: Path) -> None:
    with served(workspace, "--record", str(workspace / "decisions.jsonl")) as port:
        response = asked(port)
        assert response["allowed"] is True
        assert response["warnings"][0].startswith("LIF-02")
        denied = asked(port, "banned")
        assert denied["allowed"] is False
        assert "deploy: ai_system:banned does not go on (deny). default: No rule lets it go on" in denied["status"]["message"]
        assert "names no AI system: give it the label kybern/ai-system" in asked(port, None)["status"]["message"]
        assert asked(port, "unheard-of")["allowed"] is False
        assert asked(port, operation="CONNECT")["allowed"] is False
        assert asked(port, operation="DELETE", oldObject={"metadata": {"labels": {"kybern/ai-system": "fine"}}})["allowed"] is True
        asked(port, dryRun=True)
        # What is stated since counts at once, and what cannot be read is denied.
        (workspace / "records" / "all.yaml").write_text(RECORDS.replace("risk_class: limited", "risk_class: prohibited"))
        assert asked(port)["allowed"] is False
        (workspace / "records" / "all.yaml").write_text("- {kind: nonsense}\n")
        assert asked(port)["status"]["message"] == "The gate cannot judge this: the server's log says why."
    with (workspace / "decisions.jsonl").open("rb") as lines:
        assert [one.effect.value for one in read_decisions(lines, "decisions.jsonl")] == ["allow", "deny", "allow", "deny"]


def test_what_is_no_question_gets_no_answer(workspace: Path) -> None:
    with served(workspace) as port:
        assert post(port, b"{}")[0] == 400
        assert post(port, b"{}", path="/other")[0] == 404
        made = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        made.request("GET", "/healthz")
        assert made.getresponse().read() == b"ok\n"
        made.close()
        for head, status in (
            (b"POST /admit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
            (b"POST /admit HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", b"413"),
            (b"POST /admit HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
                raw.sendall(head)
                assert raw.recv(100).split(b" ")[1] == status
        with socket.create_connection(("127.0.0.1", port), timeout=20):
            assert asked(port)["allowed"] is True  # a client that says nothing holds up nobody


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gate")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_with_a_certificate_it_speaks_tls_and_nothing_else(workspace: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    with served(workspace, "--tls-cert", str(cert), "--tls-key", str(key)) as port:
        status, body = post(port, json.dumps(REVIEW).encode(), context=trust)
        assert (status, json.loads(body)["response"]["allowed"]) == (200, True)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
            raw.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):
                assert not raw.recv(100).startswith(b"HTTP")
        assert post(port, json.dumps(REVIEW).encode(), context=trust)[0] == 200


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),  # noqa: S104 - that it is refused is the point
        (["--tls-cert", "x.pem"], "go together"),
        (["--tls-cert", "x.pem", "--tls-key", "x.pem"], "cannot be used"),
        (["--host", "127.0.0.1", "--port", "0", "-C", "/"], "kybern.yaml"),
    ],
)
def test_what_cannot_be_served_exits_2(workspace: Path, words: list[str], says: str) -> None:
    done = subprocess.run([PROGRAM, "gate", "serve", "-C", str(workspace), *words], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
