"""The trust page: off until it is published, a snapshot of what was chosen and nothing else, verified by strangers."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django.fixtures import SettingsWrapper as Settings

    from kybern.evidence import PrivateKey

pytestmark = pytest.mark.django_db
MINE, OTHER = "ai_system:credit-scoring", "ai_system:hiring-screener"
PAGE = "/settings/trust"
PUBLIC = ("/trust", "/trust.json", "/trust/log.vkey", "/trust/checkpoint", "/trust/trust.dsse.json", "/trust/trust.tlog-proof")
CHOSEN: dict[str, Any] = {"act": "publish", "frameworks": ["ISO42001"], "consent": [MINE], "contact": "ai@example.org", "numbers": "yes"}


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the log a folder of this test's own: what it publishes is rolled back in the database."""
    settings.KYBERN_DATA = tmp_path_factory.mktemp("trust")


def write(ref: str, **changes: Any) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    content = RecordRow.objects.get(pk=ref).content
    write_records([Write(ref, {**content, **changes})], "person:administrator", "a test", datetime.now(UTC))


def publish(client: Client, **changes: Any) -> None:
    answer = client.post(PAGE, {**CHOSEN, **changes})
    assert answer.status_code == 302, answer.content.decode()[-2000:]


def statement(key: PrivateKey, *, days: int = 30, organization: str | None = None) -> bytes:
    """Issue a readiness statement over the records of these tests."""
    from kybern.report.label import Criteria, Issuer, LogHead, Place, claim, issue
    from kybern.server.live import current

    now = datetime.now(UTC)
    criteria = Criteria.from_yaml(f"valid_days: {days}\n".encode(), "criteria.yaml")
    stated = claim(current().assessment, "ISO42001", criteria, LogHead("log.example/x", 1, "0" * 64))
    if organization is not None:
        stated["organization"] = organization
    approval: Any = SimpleNamespace(id="0" * 64, body={"by": "person:x"}, observed_at=now)
    issuer = Issuer.of_key(key.public_raw)
    return json.dumps(issue(stated, approval, (key, issuer), Place("urn:kybern:status-list:x", 0), now)).encode()


# --- off until it is published --------------------------------------------------------------------------------------------------


def test_nothing_is_there_until_it_is_published(client: Client, sign_in: Callable[[str], Client]) -> None:
    for path in (*PUBLIC, "/trust/statement/ISO42001.json", "/trust/none"):
        assert client.get(path).status_code == 404, path
    lead = sign_in("governance-lead")
    page = lead.get(PAGE).content.decode()
    assert "Nothing is public" in page
    assert lead.post(PAGE, {**CHOSEN, "act": "save"}).status_code == 302
    for path in PUBLIC:
        assert client.get(path).status_code == 404, path


def test_only_who_may_publish_does(client: Client, sign_in: Callable[[str], Client]) -> None:
    for role in ("risk-owner", "engineer", "executive", "viewer", "stranger", "project-engineer"):
        assert sign_in(role).get(PAGE).status_code == 403, role
        assert sign_in(role).post(PAGE, CHOSEN).status_code == 403, role
        assert f'href="{PAGE}"' not in sign_in(role).get("/settings").content.decode(), role
    assert client.post(PAGE, CHOSEN).status_code == 302
    assert client.get("/trust").status_code == 404
    assert f'href="{PAGE}"' in sign_in("governance-lead").get("/settings").content.decode()


def test_publishing_and_withdrawing_are_in_the_access_log(client: Client, sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent

    lead = sign_in("governance-lead")
    publish(lead)
    assert client.get("/trust").status_code == 200
    lead.post(PAGE, {"act": "withdraw"})
    assert [client.get(path).status_code for path in PUBLIC] == [404] * len(PUBLIC)
    told = list(AccessEvent.objects.filter(permission="trust.publish").order_by("pk").values_list("detail", flat=True))
    assert told[0] == "choices saved"
    assert told[1].startswith("published ")
    assert told[2] == "withdrawn"


def test_what_is_empty_is_not_published(client: Client, sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("governance-lead").post(PAGE, {"act": "publish"})
    assert answer.status_code == 422
    assert "Nothing is chosen to be published" in answer.content.decode()
    assert client.get("/trust").status_code == 404


# --- what is told ---------------------------------------------------------------------------------------------------------------


def test_the_page_says_what_was_chosen_and_nothing_else(client: Client, sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    publish(sign_in("governance-lead"))
    page = client.get("/trust").content.decode()
    for words in ("Meridian", "Credit scoring for instalment loans", "ai@example.org", "ISO 42001", "requirements that apply to be met"):
        assert words in page, words
    for path in PUBLIC:
        text = client.get(path).content.decode()
        leaf = base64.b64decode(json.loads(text)["payload"]).decode() if path.endswith("dsse.json") else ""
        for words in (
            "CV screener",
            "hiring-screener",
            "NIST",
            "administrator",
            "governance-lead",
            "risk:",
            "role:",
            "person:",
        ):
            assert words not in text + leaf, (path, words)
        for row in RecordRow.objects.filter(kind__in=("person", "role", "incident", "risk", "supplier", "finding")):
            assert row.title not in text, (path, row.ref)


def test_numbers_are_told_only_where_that_was_chosen(client: Client, sign_in: Callable[[str], Client]) -> None:
    lead = sign_in("governance-lead")
    publish(lead, numbers="")
    (framework,) = json.loads(client.get("/trust.json").content)["frameworks"]
    assert set(framework) == {"id", "title", "edition"}
    assert "publishes no numbers" in client.get("/trust").content.decode()
    publish(lead)
    from kybern.server.live import current

    (framework,) = json.loads(client.get("/trust.json").content)["frameworks"]
    readiness = current().assessment.readiness("ISO42001")
    assert framework["asked"] == readiness.applicable
    assert framework["counts"] == {status.slug: count for status, count in readiness.counts.items()}
    assert framework["coverage"] == pytest.approx(readiness.coverage, abs=1e-4)


def test_it_never_says_certified_or_compliant(client: Client, sign_in: Callable[[str], Client]) -> None:
    lead = sign_in("governance-lead")
    publish(lead)
    page = client.get("/trust").content.decode().lower()
    assert "certified" not in page
    assert "compliant" not in page
    assert "no certificate" in page
    for contact in ("We are fully compliant: ai@example.org", "ISO 42001 certified", "zertifiziert"):
        answer = lead.post(PAGE, {**CHOSEN, "contact": contact})
        assert answer.status_code == 422
        assert "which no evidence shows" in answer.content.decode()
    publish(lead, contact="compliance@example.org")
    write(MINE, purpose="A certified scoring")
    lead.post(PAGE, CHOSEN)
    assert json.loads(client.get("/trust.json").content)["systems"] == []
    assert "which no evidence shows" in lead.get(PAGE).content.decode()


def test_consent_is_for_a_version_of_a_system(client: Client, sign_in: Callable[[str], Client]) -> None:
    lead = sign_in("governance-lead")
    publish(lead, consent=[MINE, OTHER], **{f"contact:{OTHER}": "https://example.org/hiring"})
    first = json.loads(client.get("/trust.json").content)["systems"]
    assert [one["oversight_contact"] for one in first] == ["ai@example.org", "https://example.org/hiring"]
    write(OTHER, purpose="Something new")
    assert json.loads(client.get("/trust.json").content)["systems"] == first, "a snapshot changes only by publishing"
    assert "Something new" not in client.get("/trust").content.decode()
    page = lead.get(PAGE).content.decode()
    assert "Its record changed since it was agreed to" in page
    assert f'value="{OTHER}" checked' not in page
    assert f'value="{MINE}" checked' in page
    publish(lead, consent=[MINE])
    assert [one["name"] for one in json.loads(client.get("/trust.json").content)["systems"]] == ["Credit scoring for instalment loans"]


def test_what_is_not_a_system_is_not_published(client: Client, sign_in: Callable[[str], Client]) -> None:
    publish(
        sign_in("governance-lead"),
        consent=[MINE, "person:niamh-doyle", "risk:cs-age-bias", "ai_system:none"],
        frameworks=["ISO42001", "NONE"],
    )
    document = json.loads(client.get("/trust.json").content)
    assert [one["name"] for one in document["systems"]] == ["Credit scoring for instalment loans"]
    assert [one["id"] for one in document["frameworks"]] == ["ISO42001"]


def test_titles_and_contacts_are_escaped(client: Client, sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>\"'"
    write(MINE, title=bad, purpose=bad)
    lead = sign_in("governance-lead")
    publish(lead, contact=f"javascript:alert(1) {bad}", **{f"contact:{MINE}": "javascript:alert(1)"})
    for page in (client.get("/trust").content.decode(), lead.get(PAGE).content.decode()):
        assert "<script>alert" not in page
        assert 'href="javascript:' not in page
    assert client.get("/trust.json")["Content-Type"] == "application/json"


# --- how it is answered ---------------------------------------------------------------------------------------------------------


def test_no_cookie_no_session_and_caches_may_keep_it(client: Client, sign_in: Callable[[str], Client]) -> None:
    lead = sign_in("governance-lead")
    publish(lead)
    for reader in (client, lead):
        for path in PUBLIC:
            answer = reader.get(path)
            assert answer.status_code == 200, path
            assert not answer.cookies, path
            assert answer["Cache-Control"] == "public, max-age=300"
            assert answer["Vary"] == "Accept-Language"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert answer["X-Frame-Options"] == "DENY"
    text = client.get("/trust").content.decode()
    assert "csrf" not in text
    assert "<script" not in text
    assert "Governance lead" not in lead.get("/trust").content.decode()


def test_who_has_it_is_told_that_it_did_not_change(client: Client, sign_in: Callable[[str], Client]) -> None:
    lead = sign_in("governance-lead")
    publish(lead)
    for path in PUBLIC:
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304, path
        assert not again.content
        assert again["ETag"] == first["ETag"]
    tag = client.get("/trust")["ETag"]
    publish(lead, contact="other@example.org")
    assert client.get("/trust", headers={"If-None-Match": tag}).status_code == 200
    assert client.head("/trust").status_code == 200
    assert client.post("/trust").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/trust.json").status_code == 405


def test_the_language_is_the_browsers(client: Client, sign_in: Callable[[str], Client]) -> None:
    publish(sign_in("governance-lead"))
    assert '<html lang="de">' in client.get("/trust", headers={"Accept-Language": "de-AT,en;q=0.5"}).content.decode()
    assert '<html lang="en">' in client.get("/trust", headers={"Accept-Language": "xx"}).content.decode()
    assert '<html lang="en">' in client.get("/trust").content.decode()


# --- verified by strangers ------------------------------------------------------------------------------------------------------


def test_a_stranger_verifies_what_was_published(client: Client, sign_in: Callable[[str], Client]) -> None:
    from kybern.evidence.log import Verifier, open_checkpoint, verify_proof
    from kybern.server.store.models import EvidenceRow

    publish(sign_in("governance-lead"))
    names = (".json", "/trust.dsse.json", "/trust.tlog-proof", "/log.vkey", "/checkpoint")
    document, envelope, proof, key, checkpoint = (client.get(f"/trust{name}").content for name in names)
    said = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    assert said["predicate"]["sha256"] == hashlib.sha256(document).hexdigest()
    verifier = Verifier.parse(key.decode().strip())
    proven = verify_proof(proof, verifier)
    assert proven.leaf.envelope == hashlib.sha256(envelope).hexdigest()
    assert open_checkpoint(checkpoint, verifier).size >= proven.index + 1
    row = EvidenceRow.objects.get(topic="trust-page")
    assert row.signers == ["tool:kybern-trust"]
    page = client.get("/trust").content.decode()
    for words in (hashlib.sha256(document).hexdigest(), "kybern log verify-proof trust.tlog-proof --key log.vkey", key.decode().strip()):
        assert words in page.replace("&#43;", "+"), words


def test_the_logged_page_bears_on_no_status(sign_in: Callable[[str], Client]) -> None:
    from kybern.catalog import EvidenceCheck
    from kybern.server.live import current
    from kybern.server.pages._trust import TOPIC

    checks = [check for control in current().catalog.controls.values() for check in control.checks]
    assert not [one for one in checks if isinstance(one, EvidenceCheck) and one.topic == TOPIC]


# --- readiness statements -------------------------------------------------------------------------------------------------------


def upload(client: Client, data: bytes) -> Any:
    return client.post(PAGE, {"act": "statement", "statement": SimpleUploadedFile("s.json", data)})


def test_a_signed_statement_is_published_along(client: Client, sign_in: Callable[[str], Client]) -> None:
    from server_world import PIPELINE

    from kybern.report.label import open_statement

    lead, data = sign_in("governance-lead"), statement(PIPELINE)
    assert upload(lead, data).status_code == 302
    assert client.get("/trust/statement/ISO42001.json").status_code == 404
    publish(lead)
    given = client.get("/trust/statement/ISO42001.json")
    assert given.content == data
    assert open_statement(given.content).subject["framework"]["id"] == "ISO42001"
    picture = client.get("/trust/statement/ISO42001.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture["Content-Security-Policy"].endswith("sandbox")
    assert "/trust/statement/ISO42001.svg" in client.get("/trust").content.decode()
    for name in ("NONE.json", "ISO42001.html", "ISO42001", ".json"):
        assert client.get(f"/trust/statement/{name}").status_code == 404, name
    lead.post(PAGE, {"act": "drop", "framework": "ISO42001"})
    assert client.get("/trust/statement/ISO42001.json").status_code == 200
    publish(lead)
    assert client.get("/trust/statement/ISO42001.json").status_code == 404


def test_a_statement_that_ended_is_shown_no_more(client: Client, sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from server_world import PIPELINE

    lead = sign_in("governance-lead")
    upload(lead, statement(PIPELINE, days=2))
    publish(lead)
    later = datetime.now(UTC) + timedelta(days=3)
    monkeypatch.setattr("kybern.server.pages.trust.timezone.now", lambda: later)
    assert client.get("/trust/statement/ISO42001.json").status_code == 404
    assert "/trust/statement/" not in client.get("/trust").content.decode()


def test_statements_that_are_not_the_organisations_are_refused(sign_in: Callable[[str], Client]) -> None:
    from server_world import PIPELINE

    from kybern.evidence import PrivateKey

    lead, good = sign_in("governance-lead"), statement(PIPELINE)
    cases = {
        b"": "is not taken",
        b"{}": "is not taken",
        b"\xff\xfe": "is not taken",
        good.replace(b'"met": 0', b'"met": 9').replace(b'"asked"', b'"asker"'): "is not taken",
        statement(PrivateKey.generate()): "the keyring trusts no key that signed it",
        statement(PIPELINE, organization="Somebody else"): "it is of another organisation",
    }
    for data, why in cases.items():
        answer = upload(lead, data)
        assert answer.status_code == 422, why
        assert why in answer.content.decode(), why
    assert upload(lead, b"x" * ((1 << 20) + 1)).status_code == 422
