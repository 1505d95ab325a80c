"""What people write is shown as they wrote it, and never runs: every text of every kind of record, on every page that shows it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from markup import PAYLOADS, faults_of, poisoned
from server_world import PIPELINE, signed

from kybern.catalog import PredicateType
from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from django.test import Client

pytestmark = pytest.mark.django_db
FEWEST_TEXTS = 2
"""Every kind has a title and a description at the least."""


def _poison() -> dict[str, str]:
    """Put payloads into one record of every kind; gives its name by kind."""
    from kybern.base import InputError
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    found = {}
    for number, kind in enumerate(sorted(Record.registry)):
        row = RecordRow.objects.filter(kind=kind).order_by("ref").first()
        assert row is not None, f"the example has no {kind}: make one, or it is not proved"
        content, count = poisoned(row.content, number)
        assert count >= FEWEST_TEXTS, f"{kind}: {count}"
        try:
            write_records([Write(row.ref, content)], "person:administrator", PAYLOADS[number % 4], datetime.now(UTC))
        except InputError as error:  # pragma: no cover - told, so that the kind is not left out in silence
            pytest.fail(f"{kind}: {error}")
        found[kind] = row.ref
    return found


def _clean(answer: HttpResponse, told: str) -> None:
    assert answer.status_code in {200, 302, 401, 404, 409, 422}, f"{told}: {answer.status_code}"
    kind = answer.get("Content-Type", "")
    if kind.startswith("text/html"):
        faults = faults_of(b"".join(answer).decode())
        assert not faults, f"{told}: {faults[:3]}"


def test_no_text_of_a_record_runs(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    client, program = sign_in("administrator"), by_token("administrator")
    asked = quote(PAYLOADS[0][:60])
    for kind, ref in _poison().items():
        one = f"/records/{kind}/{ref.partition(':')[2]}"
        for address in (one, f"{one}/edit", f"{one}/history", f"{one}/history?view=fields", f"{one}/remove",
                        f"/records/{kind}/", f"/records/{kind}/?q={asked}", f"/records/suggest?kinds={kind}&q={asked}"):  # fmt: skip
            _clean(client.get(address), address)
        _clean(client.get(f"{one}?part={asked}", headers={"HX-Request": "true"}), one)
        _is_data(client.get(f"/records/{kind}/?format=csv"), "text/csv")
        _is_data(program.get(f"/api/v1{one}"), "application/json")
    _is_data(client.get(f"/palette?q={asked}"), "application/json")
    for tab in ("overview", "law", "risks", "parts", "indicators", "gates", "evidence"):
        _clean(client.get(f"/systems/{_system()}?tab={tab}"), tab)
    for address in ("/", "/systems", f"/systems?q={asked}", "/approvals", "/readiness", "/readiness/EU_AI_ACT", "/evidence",
                    f"/evidence?q={asked}", "/settings/units", "/settings/access-log", f"/settings/access-log?q={asked}",
                    f"/nothing/{asked}", f"/controls?q={asked}", "/risks", f"/risks?q={asked}&system={asked}", "/risks/losses", "/trace",
                    f"/trace?q={asked}", f"/trace?from={asked}", f"/rules?q={asked}", "/settings/trust"):  # fmt: skip
        _clean(client.get(address), address)


def _system() -> str:
    from kybern.server.store.models import RecordRow

    return str(RecordRow.objects.filter(kind="ai_system").order_by("ref").values_list("ref", flat=True)[0]).partition(":")[2]


def _is_data(answer: HttpResponse, kind: str) -> None:
    """Data is none that a browser would read as a page."""
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert answer["X-Content-Type-Options"] == "nosniff"
    if kind == "text/csv":
        assert answer["Content-Disposition"].startswith("attachment")
    b"".join(answer)


@pytest.mark.parametrize("payload", PAYLOADS[:2])
def test_a_form_with_faults_shows_what_was_sent_as_text(sign_in: Callable[[str], Client], payload: str) -> None:
    from html.parser import HTMLParser

    class Names(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            name = dict(attrs).get("name")
            if tag in {"input", "textarea", "select", "button"} and name and name != "csrfmiddlewaretoken":
                self.found.add(name)

    client = sign_in("administrator")
    for kind in sorted(Record.registry):
        names = Names()
        names.feed(client.get(f"/records/{kind}/new").content.decode())
        assert len(names.found) > 3, kind
        answer = client.post(f"/records/{kind}/new", dict.fromkeys(names.found, payload))
        _clean(answer, f"/records/{kind}/new")
        asked = {name: payload for name in names.found if "_" not in name[:1]}
        answer = client.post(f"/records/{kind}/new", asked)
        assert answer.status_code == 422, kind
        _clean(answer, f"/records/{kind}/new")


FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")


def test_no_cell_of_a_table_is_a_formula(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.records import Write, write_records

    writes = [
        Write(f"role:formula-{at}", {"kind": "role", "id": f"formula-{at}", "title": f"{text}x", "responsibilities": [text + "y"]})
        for at, text in enumerate(one for one in FORMULAS if one.strip() == one)
    ]
    write_records(writes, "person:administrator", "Written by a test", datetime.now(UTC))
    text = b"".join(sign_in("administrator").get("/records/role/?format=csv")).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any("formula-0" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r")) or (cell.startswith("-") and len(cell) > 1)]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_in_the_settings_runs(sign_in: Callable[[str], Client], payload: str) -> None:
    from kybern.evidence import PrivateKey
    from kybern.server.access.models import Role, Unit, User

    client = sign_in("administrator")
    root = Unit.objects.get(parent=None)
    said: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/settings/profile", {"name": payload, "language": payload}),
        ("/settings/tokens", {"name": payload[:100], "days": "9", "scopes": ["records.read", payload]}),
        ("/settings/tokens", {"name": payload[:100], "days": payload, "scopes": [payload]}),
        ("/settings/users", {"email": "evil@example.org", "name": payload, "role": "viewer", "unit": root.pk}),
        ("/settings/users", {"email": f'"{payload[:20]}"@example.org', "name": payload, "role": "viewer", "unit": root.pk}),
        ("/settings/units", {"act": "add", "slug": "evil", "name": payload[:150], "kind": "project", "parent": root.pk}),
        ("/settings/units", {"act": "add", "slug": payload, "name": payload, "kind": payload, "parent": root.pk}),
        ("/settings/units", {"act": "put", "ref": payload, "unit": root.pk}),
        ("/settings/keys", {"name": payload, "holder": payload, "kind": payload, "public_key": payload}),
        (
            "/settings/keys",
            {"name": payload[:40], "holder": "pipeline:x", "kind": "pipeline", "public_key": PrivateKey.generate().public_pem},
        ),
        ("/settings/keys", {"revoke": PIPELINE.keyid, "because": payload}),
    )
    for address, form in said:
        _clean(client.post(address, form), f"{address} {list(form)}")
        _clean(client.get(address), address)
    Role.objects.create(slug="evil", name=payload, permissions=[payload, "records.read"])
    made = User.objects.get(email="evil@example.org")
    assert made.name == payload
    for address in ("/settings/roles", f"/settings/users/{made.pk}", "/settings/access-log", "/settings/verify", "/settings", "/"):
        _clean(client.get(address), address)
    _clean(client.get("/accounts/2fa/"), "2fa")
    _clean(client.get("/accounts/sessions/", headers={"User-Agent": payload.replace("\u2028", "")}), "sessions")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_evidence_or_of_a_file_runs(sign_in: Callable[[str], Client], payload: str) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from kybern.server.store.models import EvidenceRow

    client = sign_in("administrator")
    envelope = signed(PredicateType.TEST_RUN, [f"ai_system:{_system()}"], topic="validation-test", suite=payload, passed=1, failed=0)
    bad = json.dumps({"payload": payload, "payloadType": payload, "signatures": [payload]}).encode()
    for name, data in (("evil", envelope), ("bad", bad), ("list", json.dumps([payload]).encode()), ("text", payload.encode())):
        shown = payload.replace("/", "").replace("\u2028", "")[:60]
        page = client.post("/evidence/upload", {"file": SimpleUploadedFile(f"{shown}{name}.json", data)})
        _clean(page, name)
        page = client.post("/import", {"files": SimpleUploadedFile(f"{shown}{name}.json", data)}, follow=True)
        _clean(page, f"import {name}")
    newest = EvidenceRow.objects.order_by("-entry").values_list("id", flat=True)[0]
    for address in (f"/evidence/{newest}", "/evidence", f"/records/ai_system/{_system()}", f"/systems/{_system()}?tab=evidence"):
        _clean(client.get(address), address)
    assert client.get(f"/evidence/{newest}/envelope")["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_asked_for_comes_back_as_markup(client: Client, sign_in: Callable[[str], Client], payload: str) -> None:
    asked = quote(payload)
    for one in (client, sign_in("administrator")):
        for address in (f"/accounts/login/?next={asked}", f"/{asked}", f"/records/{asked}/", f"/systems/{asked}", f"/evidence/{asked}",
                        f"/readiness/{asked}", f"/requirements/{asked}", f"/controls/{asked}", f"/import/{asked}/", f"/?{asked}={asked}",
                        f"/records/ai_system/?sort={asked}&owner={asked}&{asked}={asked}", f"/systems?stage={asked}&{asked}",
                        f"/accounts/3rdparty/login/error/?error={asked}"):  # fmt: skip
            _clean(one.get(address), address)


def test_a_translated_text_is_markup_only_where_the_template_has_it() -> None:
    """Jinja takes what `_()` gives for markup; where that is somebody's text, the server's own environment does not."""
    from django.template import engines

    made = engines["jinja2"].env  # type: ignore[attr-defined]  # the engine is Jinja's
    page = made.from_string('{{ _("<b>ours</b>") }}{{ _(said) }}{{ _("a" if said else "b") }}{{ _("is %(it)s", it=_(said)) }}')
    assert page.render(said="<i>") == "<b>ours</b>&lt;i&gt;ais &lt;i&gt;"
