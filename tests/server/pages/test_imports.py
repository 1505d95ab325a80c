"""Importing: uploads within bounds, a dry run, and all of it in one transaction."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone
from openpyxl import Workbook
from record_pages import XSS, assert_escaped, evil_system, write
from server_world import EMAILS, EXAMPLE, signed

from kybern.base import InputError
from kybern.catalog import PredicateType
from kybern.evidence import PrivateKey
from kybern.server.pages import _uploads
from kybern.server.pages._uploads import pack, unpack, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
ROLES = b"""- kind: role
  id: tester
  title: Tester
  responsibilities: [Tests what is written.]
- kind: role
  id: writer
  title: Writer
  responsibilities: [Writes.]
  owner: role:tester
"""


def upload(client: Client, *files: tuple[str, bytes], kind: str = "") -> str:
    """Upload files; give the address of the dry run."""
    answer = client.post("/import", {"files": [SimpleUploadedFile(name, data) for name, data in files], "kind": kind})
    assert answer.status_code == 302, re.findall(r"<li><code>(.*?)</li>", answer.content.decode())
    return str(answer["Location"])


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_records_come_in_after_a_dry_run(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.pages.models import Upload
    from kybern.server.store.models import RecordRow

    write({"kind": "role", "id": "writer", "title": "Scribe", "responsibilities": ["Writes."]})
    client = sign_in("governance-lead")
    address = upload(client, ("roles.yaml", ROLES), ("bad.yaml", b"kind: role\nid: x\ntitle: X\nnonsense: 1\n"))
    page = client.get(address).content.decode()
    for words in ("roles.yaml:1:", "role:tester", "<del>Scribe</del>" if "<del>Scribe" in page else "Scribe", "bad.yaml:4:1"):
        assert words in page
    assert not RecordRow.objects.filter(pk="role:tester").exists()
    answer = client.post(address, {"do": "apply", "_reason": "From the old register"})
    assert answer.status_code == 302
    done = client.get(answer["Location"]).content.decode()
    assert "From the old register" in done
    assert "/records/role/tester" in done
    assert RecordRow.objects.get(pk="role:writer").title == "Writer"
    kept = Upload.objects.get()
    assert bytes(kept.data) == b""
    assert client.post(address, {"do": "apply"}).status_code == 200


def test_a_workspace_comes_in_as_a_zip_and_is_all_there_already(sign_in: Callable[[str], Client]) -> None:
    files = [(f"meridian/{path.relative_to(EXAMPLE)}", path.read_bytes()) for path in EXAMPLE.rglob("*") if path.is_file()]
    client = sign_in("governance-lead")
    page = client.get(upload(client, ("meridian.zip", zipped(*files)))).content.decode()
    assert "faults found" in page
    assert re.search(r'tile-label">stand already</p><p class="tile-number">325<', page), page[
        page.index("tiles") : page.index("tiles") + 900
    ]


def test_what_stands_changed_since_is_written_by_nobody(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    client = sign_in("governance-lead")
    address = upload(client, ("roles.yaml", ROLES))
    client.get(address)
    write({"kind": "role", "id": "tester", "title": "Somebody else's", "responsibilities": ["x"]})
    answer = client.post(address, {"do": "apply"})
    assert answer.status_code == 409
    assert not RecordRow.objects.filter(pk="role:writer").exists()
    assert client.post(address, {"do": "apply"}).status_code == 302
    assert RecordRow.objects.get(pk="role:tester").title == "Tester"


def test_a_failure_on_the_way_leaves_nothing(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.pages import imports
    from kybern.server.store.models import LogHead, RecordRow

    def broken(*_: object) -> None:
        raise RuntimeError

    client = sign_in("governance-lead")
    address = upload(
        client, ("roles.yaml", ROLES), ("piece.dsse.json", signed(PredicateType.TEST_RUN, ["ai_system:hiring-screener"], **RUN))
    )
    client.get(address)
    size = LogHead.objects.get(pk=1).size
    monkeypatch.setattr(imports, "take_evidence", broken)
    with pytest.raises(RuntimeError):
        client.post(address, {"do": "apply"})
    assert not RecordRow.objects.filter(pk="role:tester").exists()
    assert LogHead.objects.get(pk=1).size == size


RUN = {"suite": "validation", "passed": 3, "failed": 0, "topic": "import-test"}


def test_evidence_is_verified_before_it_comes_in(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import EvidenceRow

    good = signed(PredicateType.TEST_RUN, ["ai_system:hiring-screener"], **RUN)
    strange = signed(PredicateType.TEST_RUN, ["ai_system:hiring-screener"], key=PrivateKey.generate(), **RUN)
    client = sign_in("governance-lead")
    address = upload(client, ("good.dsse.json", good), ("strange.dsse.json", strange), ("broken.dsse.json", b"{"))
    page = client.get(address).content.decode()
    assert page.count("<li><code>") >= 2
    client.post(address, {"do": "apply"})
    assert EvidenceRow.objects.filter(topic="import-test").count() == 1
    again = client.get(upload(client, ("good.dsse.json", good))).content.decode()
    assert "1 are here already" in again


def test_a_table_is_mapped_and_its_faults_have_cells(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Title", "Supplies", "Country", "How critical", "Assessed on"],
        ["Data house", "data; service", "DE", "High", "2026-01-31"],
        ["Bad house", "magic", "DE", "high", "yesterday"],
    ):
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    client = sign_in("governance-lead")
    address = upload(client, ("suppliers.xlsx", buffer.getvalue()), kind="supplier")
    page = client.get(address).content.decode()
    assert re.search(r'<option value="country" selected', page)
    columns = {"column-0": "title", "column-1": "supplies", "column-2": "country", "column-3": "criticality", "column-4": "assessed_on"}
    assert client.post(address, {"do": "map", "kind": "supplier", "for": "supplier", **columns}).status_code == 302
    page = client.get(address).content.decode()
    assert "supplier:data-house" in page
    assert "suppliers.xlsx:3:2" in page
    assert "suppliers.xlsx:3:5" in page
    client.post(address, {"do": "apply"})
    row = RecordRow.objects.get(pk="supplier:data-house")
    assert (row.content["supplies"], row.content["criticality"], row.content["assessed_on"]) == (["data", "service"], "high", "2026-01-31")


@pytest.mark.parametrize("kind", ["risk", "ai_system", "agent", "soa_entry", "dataset", "incident"])
def test_the_csv_of_a_list_comes_back_in_as_it_is(sign_in: Callable[[str], Client], kind: str) -> None:
    from kybern.server.store.models import RecordRow

    client = sign_in("governance-lead")
    if kind == "ai_system":
        write({**evil_system(), "title": "=SUM(1)", "users": ["One"], "affected_groups": []})
    data = b"".join(client.get(f"/records/{kind}/", {"format": "csv"}).streaming_content)  # type: ignore[attr-defined]
    address = upload(client, (f"{kind}.csv", data), kind=kind)
    page = client.get(address).content.decode()
    chosen = dict(re.findall(r'<select name="(column-\d+)".*?<option value="([a-z_0-9]+)" selected', page, re.DOTALL))
    client.post(address, {"do": "map", "kind": kind, "for": kind, **chosen})
    page = client.get(address).content.decode()
    count = RecordRow.objects.filter(kind=kind).count()
    faults = re.findall(r'<ul class="faults".*?</ul>', page, re.DOTALL)
    assert re.search(rf'stand already</p><p class="tile-number">{count}<', page), (faults, page[page.index("tiles") :][:900])


@pytest.mark.parametrize("name", ["../../etc/passwd.yaml", "/abs.yaml", "a\\..\\b.yaml", "C:/x.yaml", "a/../../b.yaml", "x//y.yaml"])
def test_names_that_lead_outside_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="outside"):
        unpack([("x.zip", zipped((zipfile.ZipInfo(name), b"kind: role")))])


def test_links_locks_bombs_and_crowds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    link = zipfile.ZipInfo("records/a.yaml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="symbolic link"):
        unpack([("x.zip", zipped((link, b"/etc/passwd")))])
    with pytest.raises(InputError, match="too deep"):
        unpack([("x.zip", zipped(("a/" * 20 + "b.yaml", b"x")))])
    bomb = zipped(("bomb.yaml", b"a" * (17 << 20)))
    assert len(bomb) < 100_000
    with pytest.raises(InputError, match="too much"):
        unpack([("x.zip", bomb)])
    with pytest.raises(InputError, match="together"):
        unpack([("many.zip", zipped(*((f"{number}.yaml", b"a" * (15 << 20)) for number in range(4)))), ("last.yaml", b"a" * (10 << 20))])
    with pytest.raises(InputError, match="cannot be read"):
        unpack([("x.zip", b"PK\3\4 nonsense")])
    with pytest.raises(InputError, match="no file"):
        unpack([("x.zip", zipped((".hidden/a.yaml", b"x"), ("readme.md", b"x")))])
    monkeypatch.setattr(_uploads, "MOST_FILES", 3)
    with pytest.raises(InputError, match="more than 3 files"):
        unpack([("x.zip", zipped(*((f"{number}.yaml", b"x") for number in range(4))))])
    lie = bytearray(zipped(("lie.yaml", b"a" * 1000)))
    at = lie.rindex(b"PK\1\2")
    lie[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(InputError, match="cannot be read"):
        unpack([("x.zip", bytes(lie))])


def test_an_archive_within_an_archive_is_not_opened() -> None:
    with pytest.raises(InputError, match="no file"):
        unpack([("x.zip", zipped(("inner.zip", zipped(("a.yaml", b"x")))))])


def test_uploads_are_kept_as_they_came() -> None:
    files = [("a.yaml", b"\0\xff"), ("ü.csv", b"")]
    assert unpacked(pack(files)) == files


def test_old_uploads_go_and_others_are_seen_by_nobody(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.pages.models import Upload

    client = sign_in("governance-lead")
    address = upload(client, ("roles.yaml", ROLES))
    assert sign_in("administrator").get(address).status_code == 404
    Upload.objects.update(created=timezone.now() - timedelta(days=2))
    assert client.get("/import").status_code == 200
    assert client.get(address).status_code == 404
    address = upload(client, ("roles.yaml", ROLES))
    assert client.post(address, {"do": "discard"}).status_code == 302
    assert not Upload.objects.exists()


def test_who_may_not_import_is_denied(sign_in: Callable[[str], Client], client: Client) -> None:
    for role in ("viewer", "engineer", "external-auditor", "stranger"):
        assert sign_in(role).get("/import").status_code == 403
        assert sign_in(role).post("/import").status_code == 403
    assert client.get("/import").status_code == 302
    browser = Browser(enforce_csrf_checks=True)
    from kybern.server.access.models import User

    browser.force_login(User.objects.get(email=EMAILS["administrator"]), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post("/import", {"files": [SimpleUploadedFile("a.yaml", ROLES)]}).status_code == 403


def test_a_reference_that_leads_nowhere_takes_with_it_what_leans_on_it(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    files = ROLES.replace(b"owner: role:tester", b"owner: role:nobody-here") + (
        b"- {kind: role, id: third, title: Third, responsibilities: [x], owner: role:writer}\n"
    )
    page = client.get(upload(client, ("roles.yaml", files))).content.decode()
    assert "role:nobody-here, which is not there" in page
    assert "role:writer, which is not there" in page
    assert re.search(r'would be added</p>|tile-number">1<', page)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.yaml", b"[" * 5000),
        ("alias.yaml", b"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" * 1),
        ("bytes.yaml", b"\xff\xfe\0"),
        ("list.json", b'[1, "two", null]'),
        ("empty.yaml", b""),
        ("x.csv", b"\xff"),
        ("x.xlsx", b"PK\3\4"),
        ("x.dsse.json", b"[]"),
        (
            XSS.replace("/", "") + ".yaml",
            f"kind: role\nid: evil\ntitle: '{XSS.replace(chr(39), '')}'\nresponsibilities: [x]\nx{XSS[:20]}: 1".encode(),
        ),
    ],
)
def test_bad_files_are_told_and_never_markup(sign_in: Callable[[str], Client], name: str, data: bytes) -> None:
    client = sign_in("governance-lead")
    page = client.get(upload(client, (name, data), kind="role"))
    assert page.status_code in {200, 422}
    assert_escaped(page.content)


def test_nothing_in_an_upload_is_markup(sign_in: Callable[[str], Client]) -> None:
    import json

    write({**evil_system(), "purpose": "Before"})
    client = sign_in("governance-lead")
    address = upload(client, ("evil.json", json.dumps([evil_system(), {**evil_system(), "id": "evil-two"}]).encode()))
    assert_escaped(client.get(address).content)
    client.post(address, {"do": "apply", "_reason": XSS})
    assert_escaped(client.get(address).content)
    table = f"Title,{XSS.replace(',', '')}\nA,{XSS.replace(',', '').replace(chr(34), '')}\n".encode()
    assert_escaped(client.get(upload(client, ("t.csv", table), kind="role")).content)
