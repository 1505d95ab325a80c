"""Files that play tricks, sent to every page that takes files: each is told in words, in little time, and nothing is written or fetched."""

from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse
    from django.test import Client

pytestmark = pytest.mark.django_db
SECONDS = 10.0
"""No trick may hold the server for longer."""

ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY a{at} "{("&a" + (str(at - 1) if at else "") + ";") * 10}">'.encode() for at in range(9))
    + b']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
    b"&a8;</t></is></c></row></sheetData></worksheet>"
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x"><!ENTITY y SYSTEM "file:///etc/passwd">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
    b"&x;&y;</t></is></c></row></sheetData></worksheet>"
)
YAML_BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n".encode() for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _zip(*files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return made.getvalue()


def _sheet(part: bytes) -> bytes:
    """Make a workbook whose first sheet is this XML."""
    from openpyxl import Workbook

    made = io.BytesIO()
    Workbook().save(made)
    with zipfile.ZipFile(made) as archive:
        return _zip(*((one, part if one.endswith("sheet1.xml") else archive.read(one)) for one in archive.namelist()))


TRICKS: tuple[tuple[str, bytes], ...] = (
    ("bomb.xlsx", _sheet(ENTITIES)),
    ("outside.xlsx", _sheet(OUTSIDE)),
    ("strings.xlsx", _sheet(b"<worksheet>" + b"<row>" * 100_000)),
    ("not.xlsx", b"PK\3\4" + bytes(1000)),
    ("text.xlsx", b"just text"),
    ("large.zip", _zip(("a.yaml", b"a: " + b"x" * (20 << 20)))),
    ("slip.zip", _zip(("../../../tmp/kybern-slip.yaml", b"kind: role"))),
    ("many.zip", _zip(*((f"{at}.yaml", b"x") for at in range(6000)))),
    ("bomb.yaml", YAML_BOMB),
    ("tag.yaml", b"!!python/object/apply:os.system ['touch /tmp/kybern-tag']"),
    ("self.yaml", b"&a [*a]"),
    ("deep.yaml", b"[" * 100_000),
    ("deep.json", b"[" * 100_000),
    ("deep-objects.json", b'{"a":' * 100_000),
    ("number.json", b"9" * 100_000),
    ("twice.json", b'{"kind": "role", "kind": "person", "id": "x"}'),
    ("nan.json", b'{"kind": "role", "id": "x", "title": NaN}'),
    ("nul.csv", b"id,title\nx,a\0b\n"),
    ("nul.yaml", b'kind: role\nid: x\ntitle: "a\\0b"\nresponsibilities: [x]\n'),
    ("image.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    ("page.html", b"<script>alert(1)</script>"),
    ("program.json", b"\x7fELF" + bytes(100)),
    ("empty.yaml", b""),
    ("utf-16.yaml", "kind: role".encode("utf-16")),
    ("bad-utf-8.yaml", b"kind: \xff\xfe"),
    ("surrogate.json", b'{"kind": "role", "id": "x", "title": "\\ud800"}'),
    ("n" * 5000 + ".yaml", b"kind: role\nid: x\ntitle: x\nresponsibilities: [x]\n"),
    ("a\nb\r\nSet-Cookie: x.yaml", b"kind: nothing"),
    ("..", b"kind: role"),
    ("", b"kind: role"),
)  # fmt: skip


@pytest.fixture
def client(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("administrator")


@pytest.fixture(autouse=True)
def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Note every address that is connected to, and let none be reached."""
    found: list[Any] = []

    def refuse(_self: socket.socket, address: Any) -> None:
        found.append(address)
        raise ConnectionRefusedError

    def resolve(host: Any, *_more: Any, **_others: Any) -> None:
        found.append(host)
        raise socket.gaierror

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield found
    assert not found, f"an import reached out to {found}"


def _counts() -> tuple[int, int]:
    from kybern.server.store.models import EvidenceRow, RecordRow

    return RecordRow.objects.count(), EvidenceRow.objects.count()


@pytest.mark.parametrize(("name", "data"), TRICKS, ids=[name[:20] for name, _data in TRICKS])
@pytest.mark.parametrize(("address", "field"), [("/import", "files"), ("/evidence/upload", "file")])
def test_a_trick_is_told_and_nothing_is_written(client: Client, address: str, field: str, name: str, data: bytes) -> None:
    from pathlib import Path
    from tempfile import gettempdir

    before, begun = _counts(), time.perf_counter()
    answer = client.post(address, {field: _file(name, data)})
    while answer.status_code == 302:
        answer = _looked_at(client, answer["Location"])
    assert answer.status_code in {200, 400, 404, 413, 422}, answer.status_code
    assert time.perf_counter() - begun < SECONDS
    assert _counts() == before
    assert b"root:" not in answer.content
    assert not any(Path(gettempdir(), one).exists() for one in ("kybern-slip.yaml", "kybern-tag"))


@pytest.mark.parametrize("part", [ENTITIES, OUTSIDE], ids=["entities", "outside"])
def test_a_workbook_defines_no_entities(part: bytes) -> None:
    from kybern.base import InputError
    from kybern.server.pages._tables import read_table

    with pytest.raises(InputError):
        read_table("x.xlsx", _sheet(part))


def _file(name: str, data: bytes) -> SimpleUploadedFile:
    made = SimpleUploadedFile("x", data)
    made._name = name
    return made


def _looked_at(client: Client, address: str) -> HttpResponse:
    """Go through mapping and dry run as a person would, without applying."""
    answer = client.get(address)
    if answer.status_code == 200 and b'name="column-' in answer.content:
        said = {"do": "map", "kind": "role", "for": "role", "column-0": "id", "column-1": "title"}
        client.post(address, {"kind": "role"})
        return client.post(address, said)
    return answer


def test_the_body_of_a_request_is_bounded(client: Client) -> None:
    form = "&".join(f"a{at}=1" for at in range(20_001))
    answer = client.post("/settings/profile", form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    files = {f"f{at}": SimpleUploadedFile("x.yaml", b"x") for at in range(101)}
    assert client.post("/import", files).status_code == 400


def test_a_user_fills_the_disk_with_no_more_than_five_waiting_imports(client: Client) -> None:
    from kybern.server.pages.models import Upload

    for number in range(8):
        said = f"kind: role\nid: role-{number}\ntitle: x\nresponsibilities: [x]\n".encode()
        assert client.post("/import", {"files": SimpleUploadedFile("x.yaml", said)}).status_code == 302
    assert Upload.objects.count() == 5


def test_broken_multipart_is_told(client: Client) -> None:
    for kind, body in (("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\n"), ("application/json", b"{"),
                       ("multipart/form-data; boundary=" + "x" * 500, b"--x")):  # fmt: skip
        for address in ("/import", "/evidence/upload"):
            assert client.generic("POST", address, body, content_type=kind).status_code in {400, 422}, kind


LINKS = (
    "http://127.0.0.1:9/x",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "https://evil.example.org/x",
    "//evil.example.org",
)


@pytest.mark.parametrize("link", LINKS)
def test_no_import_fetches_an_address(client: Client, by_token: Callable[..., Client], link: str) -> None:
    """Records name sources and suppliers by their addresses; nobody follows them. The fixture would tell."""
    content = {"kind": "document", "id": "linked", "title": "Linked", "description": link}
    records = json.dumps([{**content, "location": link, "url": link}, {**content, "id": "plain"}]).encode()
    formula = f'id,title\nx,=WEBSERVICE("{link}")\n'.encode()
    yaml = f"$ref: {link}\n$schema: {link}\nkind: role\n".encode()
    for name, data in (("x.json", records), ("x.yaml", yaml), ("x.csv", f"id,title\nx,{link}\n".encode()), ("x.csv", formula)):
        answer = client.post("/import", {"files": SimpleUploadedFile(name, data)})
        if answer.status_code == 302:
            _looked_at(client, answer["Location"])
            client.post(answer["Location"], {"do": "apply"})
    program = by_token("administrator")
    program.put(
        "/api/v1/records/document/linked", {**content, "url": link}, content_type="application/json", headers={"If-None-Match": "*"}
    )
    envelope = json.dumps({"payloadType": link, "payload": "e30=", "signatures": [{"keyid": link, "sig": "AA=="}]}).encode()
    assert client.post("/evidence/upload", {"file": SimpleUploadedFile("x.json", envelope)}).status_code == 200
    client.post("/settings/keys", {"name": "x", "holder": "pipeline:x", "kind": "pipeline", "public_key": link})
