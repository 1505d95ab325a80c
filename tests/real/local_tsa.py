"""A time-stamping authority on this machine: keys, certificates and answers made by `openssl ts`, and a small HTTP server before it."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPENSSL = shutil.which("openssl")

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name} root
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[answers]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha384,sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class LocalAuthority:
    """An authority with a root of its own, in a folder of its own."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, name: str = "Local") -> LocalAuthority:
        folder.mkdir()
        (folder / "ts.cnf").write_text(CONFIG.format(name=name, folder=folder))
        (folder / "serial").write_text("01\n")
        found = cls(folder)
        for key in ("root", "tsa"):
            found.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{key}.key")
        found.openssl(
            "req", "-x509", "-new", "-key", "root.key", "-config", "ts.cnf", "-extensions", "root", "-days", "30", "-out", "root.pem"
        )
        found.openssl("req", "-new", "-key", "tsa.key", "-config", "ts.cnf", "-subj", f"/CN={name} TSA", "-out", "tsa.csr")
        signed = ("-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "2", "-days", "30", "-extfile", "ts.cnf", "-extensions", "tsa")
        found.openssl("x509", "-req", "-in", "tsa.csr", *signed, "-out", "tsa.pem")
        return found

    def openssl(self, *words: str) -> str:
        done = subprocess.run([str(OPENSSL), *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, request: bytes) -> bytes:
        (self.folder / "q.tsq").write_bytes(request)
        signing = ("-inkey", "tsa.key", "-signer", "tsa.pem", "-config", "ts.cnf", "-section", "answers")
        self.openssl("ts", "-reply", "-queryfile", "q.tsq", *signing, "-out", "r.tsr")
        return (self.folder / "r.tsr").read_bytes()

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Answer over HTTP on the loopback; give the address."""
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                right = self.headers["Content-Type"] == "application/timestamp-query"
                data = authority.answer(request) if right else b""
                self.send_response(200 if right else 415)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                server.shutdown()
                thread.join()
