"""The browser of evidence: who sees which piece, filters, uploads, and verification in a real browser."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from browser_world import answers_of, opened
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from server_world import EMAILS, PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType
from kybern.evidence import KeyType, PrivateKey
from kybern.evidence.log import Log, Signer, verify_proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.conf import Settings

pytestmark = pytest.mark.django_db
OTHER = "ai_system:hiring-screener"


def of(ref: str) -> str:
    """The id of the world's piece about a system."""
    from kybern.server.store.models import EvidenceSubject

    return str(EvidenceSubject.objects.filter(ref=ref).values_list("evidence", flat=True)[0])


def taken(envelope: bytes) -> str:
    """Take a piece in and give its id."""
    from kybern.server.store.evidence import take_evidence

    outcome = take_evidence([envelope], datetime.now(UTC))[0]
    assert outcome.outcome == "accepted", outcome
    return outcome.id


@pytest.fixture
def published(settings: Settings, tmp_path_factory: pytest.TempPathFactory, db: None) -> Callable[[], None]:
    """Publish the log into a folder of this test's own."""
    settings.KYBERN_DATA = tmp_path_factory.mktemp("published")

    def publish() -> None:
        from kybern.server.store.journal import DatabaseJournal
        from kybern.server.store.keys import log_key, log_origin

        now = datetime.now(UTC)
        key = log_key(now)
        signer = Signer(log_origin(key), key)
        Log(settings.KYBERN_DATA / "log", DatabaseJournal(), signer.verifier, signer).publish(now)

    return publish


# --- who sees what -----------------------------------------------------------------------------------------------------------------


def test_the_list_says_what_pieces_show(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("engineer").get("/evidence")
    assert page.status_code == 200
    assert b"Validation: 10 passed, 0 failed" in page.content
    assert b"measured and signed" in page.content


def test_a_reader_of_one_unit_sees_its_pieces_and_no_others(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    page = client.get("/evidence").content.decode()
    assert of(PROJECT_SYSTEM) in page
    assert of(OTHER) not in page
    assert client.get(f"/evidence/{of(PROJECT_SYSTEM)}").status_code == 200
    for end in ("", "/envelope", "/proof", "/keys"):
        assert client.get(f"/evidence/{of(OTHER)}{end}").status_code == 404


def test_that_somebody_asked_is_logged(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent

    sign_in("project-engineer").get(f"/evidence/{of(OTHER)}")
    event = AccessEvent.objects.latest("pk")
    assert (event.kind, event.subject) == ("denied", f"evidence:{of(OTHER)[:16]}")


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_who_may_not_read_evidence_is_told(sign_in: Callable[[str], Client], role: str) -> None:
    client = sign_in(role)
    for path in ("/evidence", f"/evidence/{of(OTHER)}", f"/evidence/{of(OTHER)}/envelope", "/evidence/upload"):
        assert client.get(path).status_code == 403


def test_what_is_no_id_is_not_there(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("engineer")
    for name in ("x", "0" * 64, "<script>", "0" * 63 + "G"):
        assert client.get(f"/evidence/{name}").status_code == 404


# --- filters and pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("predicate=test-run", True),
        ("predicate=approval", False),
        ("topic=validation-test", True),
        ("topic=none-such", False),
        (f"about={OTHER}", True),
        ("about=ai_system:none", False),
        ("signer=pipeline:tests", True),
        ("signer=pipeline:test", False),
        ("strength=4", True),
        ("strength=5", False),
        ("strength=x", True),
        ("standing=valid", True),
        ("standing=expired", False),
        ("standing=nonsense", True),
        ("period=30", True),
        ("period=99999999999999999999", True),
        ("q=hiring", True),
        ("q=validation test", True),
        ("q=%00", True),
        ("after=nonsense", True),
    ],
)
def test_every_filter_is_in_the_address(sign_in: Callable[[str], Client], query: str, *, there: bool) -> None:
    page = sign_in("engineer").get(f"/evidence?{query}")
    assert page.status_code == 200
    assert (of(OTHER).encode() in page.content) is there


def test_pages_go_on_without_gap_or_repeat(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.pages import _keyset, evidence
    from kybern.server.store.models import EvidenceRow

    monkeypatch.setattr(evidence, "page_of", lambda rows, order, asked: _keyset.page_of(rows, order, asked, 2))
    client, seen, address = sign_in("engineer"), [], "?"
    while address:
        page = client.get(f"/evidence{address}").content.decode()
        seen += re.findall(r'href="/evidence/([0-9a-f]{64})"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == EvidenceRow.objects.count()


# --- one piece ---------------------------------------------------------------------------------------------------------------------


def test_a_piece_tells_its_signer_its_versions_and_what_it_speaks_for(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("internal-auditor").get(f"/evidence/{of(PROJECT_SYSTEM)}").content.decode()
    assert "still this version" in page
    assert "pipeline:tests" in page
    assert "A pipeline or tool measured it and signed with its own key." in page
    assert "/controls/LIF-12" in page or "decides" in page
    assert "The log is not published yet" in page


def test_a_changed_record_is_told(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    content = RecordRow.objects.get(pk=PROJECT_SYSTEM).content
    write_records([Write(PROJECT_SYSTEM, {**content, "description": "Changed."})], "person:engineer", "x", datetime.now(UTC))
    assert "changed since" in sign_in("engineer").get(f"/evidence/{of(PROJECT_SYSTEM)}").content.decode()


def test_what_a_piece_says_is_escaped(sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>\"'<img src=x>"
    identity = taken(signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", suite=bad, passed=1, failed=0, note=bad))
    client = sign_in("engineer")
    for path in ("/evidence", f"/evidence/{identity}"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_the_envelope_comes_to_the_byte(sign_in: Callable[[str], Client]) -> None:
    envelope = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", suite="bytes", passed=1, failed=0)
    answer = sign_in("engineer").get(f"/evidence/{taken(envelope)}/envelope")
    assert answer.content == envelope
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_proof_verifies_once_published(sign_in: Callable[[str], Client], published: Callable[[], None]) -> None:
    from kybern.server.pages._proofs import log_verifier

    client, identity = sign_in("engineer"), of(PROJECT_SYSTEM)
    assert client.get(f"/evidence/{identity}/proof").status_code == 404
    published()
    verifier = log_verifier()
    assert verifier is not None
    assert verify_proof(client.get(f"/evidence/{identity}/proof").content, verifier).leaf.statement == identity
    later = taken(signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", suite="later", passed=1, failed=0))
    assert client.get(f"/evidence/{later}/proof").status_code == 404
    assert "The next one will cover it" in client.get(f"/evidence/{later}").content.decode()


# --- taking in ---------------------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_in_piece_by_piece(sign_in: Callable[[str], Client]) -> None:
    good = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", suite="up", passed=1, failed=0)
    stranger = signed(
        PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", key=PrivateKey.generate(), suite="up", passed=1, failed=0
    )
    file = SimpleUploadedFile("many.jsonl", good + stranger + good)
    page = sign_in("engineer").post("/evidence/upload", {"file": file})
    assert page.status_code == 200
    text = page.content.decode()
    assert "1 taken in, 1 were here already, 1 refused." in text
    assert "unknown-key" in text


@pytest.mark.parametrize("data", [b"", b"   \n", b"not json", b"[1, 2", b"[]", b"{}", b'["x", {"payload": 1}]', b"\xff\xfe\x00"])
def test_a_file_of_something_else_changes_nothing(sign_in: Callable[[str], Client], data: bytes) -> None:
    from kybern.server.store.models import LogHead

    before = LogHead.objects.get().size
    answer = sign_in("engineer").post("/evidence/upload", {"file": SimpleUploadedFile("x", data)})
    assert answer.status_code in {200, 422}
    assert LogHead.objects.get().size == before


def test_too_many_at_once_are_refused(sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("engineer").post("/evidence/upload", {"file": SimpleUploadedFile("x", json.dumps([{}] * 2001).encode())})
    assert answer.status_code == 422
    assert b"2001 envelopes" in answer.content


def test_nobody_takes_in_for_another_unit(sign_in: Callable[[str], Client]) -> None:
    mine, other = (
        signed(PredicateType.TEST_RUN, [ref], topic="validation-test", suite="unit", passed=1, failed=0) for ref in (PROJECT_SYSTEM, OTHER)
    )
    text = sign_in("project-engineer").post("/evidence/upload", {"file": SimpleUploadedFile("x", mine + other)}).content.decode()
    assert "1 taken in, 0 were here already, 1 refused." in text
    assert "not-granted" in text


def test_an_upload_needs_its_token() -> None:
    from kybern.server.access.models import User

    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(email=EMAILS["engineer"]), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post("/evidence/upload", {"file": SimpleUploadedFile("x", b"{}")}).status_code == 403


# --- verified in a browser ---------------------------------------------------------------------------------------------------------


ENDS = ("", "/envelope", "/keys", "/proof")


def p256() -> PrivateKey:
    """A key of the other type, trusted here."""
    from kybern.server.store.keys import trust

    key = PrivateKey.generate(KeyType.P256)
    trust([key.trusted(name="p256", holder="pipeline:p256", kind="pipeline", valid_from=datetime.now(UTC) - timedelta(days=1))])
    return key


def _numbers(envelope: bytes) -> tuple[int, int]:
    return decode_dss_signature(base64.b64decode(json.loads(envelope)["signatures"][0]["sig"]))


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_the_browser_verifies_every_step(sign_in: Callable[[str], Client], published: Callable[[], None], kind: str) -> None:
    identity = of(PROJECT_SYSTEM)
    if kind == "p256":
        key = p256()
        many = (
            signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="validation-test", key=key, suite="p", passed=number, failed=0)
            for number in count()
        )
        # A number of the signature that begins with zeros is shorter in DER: the browser has to fill it up. One in 128 has such a number.
        short = next(one for one in many if min(_numbers(one)) < 1 << 248)
        identity = taken(short)
    published()
    with opened(answers_of(sign_in("engineer"), [f"/evidence/{identity}{end}" for end in ENDS]), f"/evidence/{identity}") as page:
        page.locator("#verify.holds").wait_for()
        assert page.locator(".steps .met").count() == 7
        assert "Everything holds" in page.locator("[data-verdict-live]").inner_text()


def test_the_browser_says_what_is_not_published(sign_in: Callable[[str], Client]) -> None:
    identity = of(PROJECT_SYSTEM)
    with opened(answers_of(sign_in("engineer"), [f"/evidence/{identity}{end}" for end in ENDS]), f"/evidence/{identity}") as page:
        page.locator("#verify.holds").wait_for()
        assert page.locator(".steps .met").count() == 3
        assert page.locator('[data-step="path"]').inner_text().endswith("not published yet")


def _payload(envelope: bytes) -> bytes:
    value = json.loads(envelope)
    value["payload"] = base64.b64encode(base64.b64decode(value["payload"]).replace(b'"failed":0', b'"failed":9')).decode()
    return json.dumps(value).encode()


def _signature(envelope: bytes) -> bytes:
    value = json.loads(envelope)
    raw = bytearray(base64.b64decode(value["signatures"][0]["sig"]))
    raw[5] ^= 1
    value["signatures"][0]["sig"] = base64.b64encode(bytes(raw)).decode()
    return json.dumps(value).encode()


def _line(at: int) -> Callable[[bytes], bytes]:
    def change(proof: bytes) -> bytes:
        lines = proof.split(b"\n")
        raw = bytearray(base64.b64decode(lines[at]))
        raw[0] ^= 1
        lines[at] = base64.b64encode(bytes(raw))
        return b"\n".join(lines)

    return change


def _root(proof: bytes) -> bytes:
    head, _, note = proof.partition(b"\n\n")
    lines = note.split(b"\n")
    lines[1] = str(int(lines[1]) + 1).encode()
    return head + b"\n\n" + b"\n".join(lines)


@pytest.mark.parametrize(
    ("end", "tamper", "step", "words"),
    [
        ("/envelope", _payload, "payload", "it is not the content this page names"),
        ("/envelope", _signature, "signature", "does not fit"),
        ("/envelope", lambda _: b"no envelope", "envelope", "did not arrive"),
        ("/keys", lambda data: json.dumps({**json.loads(data), "keys": []}).encode(), "signature", "No signature is by a key"),
        ("/proof", _line(3), "path", "the checkpoint says another root"),
        ("/proof", _root, "path", "the checkpoint says another root"),
        ("/keys", lambda data: json.dumps({**json.loads(data), "log": None}).encode(), "checkpoint", "no public key"),
    ],
)
def test_what_was_tampered_with_fails_visibly(  # noqa: PLR0913, PLR0917 - each names a part of the attack
    sign_in: Callable[[str], Client],
    published: Callable[[], None],
    end: str,
    tamper: Callable[[bytes], bytes],
    step: str,
    words: str,
) -> None:
    identity = of(PROJECT_SYSTEM)
    published()
    answers = answers_of(sign_in("engineer"), [f"/evidence/{identity}{one}" for one in ENDS])
    status, headers, body = answers[f"/evidence/{identity}{end}"]
    headers.pop("Content-Length", None)
    answers[f"/evidence/{identity}{end}"] = (status, headers, tamper(body))
    with opened(answers, f"/evidence/{identity}") as page:
        page.locator("#verify.fails").wait_for()
        failed = page.locator(".steps .not_met")
        assert failed.count() == 1
        assert failed.get_attribute("data-step") == step
        assert words in failed.inner_text()
        assert "does not verify" in page.locator("[data-verdict-live]").inner_text()
        assert page.locator(".steps .waiting").count() == 6 - page.locator(".steps .met").count()
