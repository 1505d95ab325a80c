"""The log and the keyring over the API."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from server_world import PIPELINE, PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType
from kybern.evidence import PrivateKey
from kybern.evidence.log import Log, Signer, open_checkpoint, verify_proof

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.conf import Settings
    from django.test import Client

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def publish(settings: Settings, tmp_path: Path, db: None) -> Callable[[], bytes]:
    """Publish the log into a folder of this test's own; gives the note."""
    settings.KYBERN_DATA = tmp_path

    def made() -> bytes:
        from kybern.server.store.journal import DatabaseJournal
        from kybern.server.store.keys import log_key, log_origin

        now = datetime.now(UTC)
        key = log_key(now)
        signer = Signer(log_origin(key), key)
        Log(tmp_path / "log", DatabaseJournal(), signer.verifier, signer).publish(now)
        found = DatabaseJournal().last_published()
        assert found is not None
        return found.note

    return made


def root_of(leaves: list[bytes]) -> bytes:
    """Compute the root of RFC 6962 by its definition."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def test_entries_go_on_and_their_leaves_make_the_root(by_token: Callable[..., Client], publish: Callable[[], bytes]) -> None:
    from kybern.server.store.journal import DatabaseJournal

    publish()
    client = by_token("external-auditor")
    leaves: list[bytes] = []
    start: int | None = 0
    while start is not None:
        page = client.get(f"{API}/log/entries", {"start": start, "limit": 150}).json()
        assert [one["index"] for one in page["items"]] == list(range(len(leaves), len(leaves) + len(page["items"])))
        leaves += [base64.b64decode(one["leaf"]) for one in page["items"]]
        start = page["next"]
    assert len(leaves) == page["size"] == client.get(f"{API}/log/size").json()["entries"] == DatabaseJournal().size
    assert {one["type"] for one in page["items"]} <= {"record", "statement"}
    checkpoint = client.get(f"{API}/log/checkpoint").content.decode().split("\n")
    assert checkpoint[1:3] == [str(len(leaves)), base64.b64encode(root_of(leaves)).decode()]
    assert client.get(f"{API}/log/entries", {"start": len(leaves)}).json() == {"size": len(leaves), "items": [], "next": None}
    assert client.get(f"{API}/log/entries", {"start": 1 << 63}).status_code == 422


def test_entries_name_everything_so_few_may_read_them(by_token: Callable[..., Client], client: Client) -> None:
    for role, status in (("viewer", 403), ("engineer", 403), ("project-engineer", 403), ("internal-auditor", 200), ("executive", 200)):
        assert by_token(role).get(f"{API}/log/entries").status_code == status, role
    assert client.get(f"{API}/log/size").status_code == 401
    assert by_token("viewer").get(f"{API}/log/size").status_code == 200


def test_the_keyring_is_read(by_token: Callable[..., Client]) -> None:
    found = by_token("engineer").get(f"{API}/keys").json()
    ours = next(one for one in found if one["keyid"] == PIPELINE.keyid)
    assert (ours["holder"], ours["standing"], ours["held"]) == ("pipeline:tests", "valid", False)
    assert any(one["holder"] == "person:administrator" and one["held"] for one in found)
    few = by_token("project-engineer").get(f"{API}/keys").json()
    assert few
    assert not any(one["kind"] == "person" for one in few)
    assert by_token("viewer").get(f"{API}/keys").status_code == 403


def test_a_key_is_trusted_counts_and_is_revoked(by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import AccessEvent

    client, key = by_token("administrator"), PrivateKey.generate()
    said: dict[str, Any] = {"name": "fresh", "holder": "pipeline:fresh", "kind": "pipeline", "public_key": key.public_pem}
    made = client.post(f"{API}/keys", said, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["keyid"] == key.keyid
    again = client.post(f"{API}/keys", said, content_type="application/json")
    assert again.status_code == 422
    assert again.json()["problems"][0]["pointer"] == "/name"
    revoked = client.post(f"{API}/keys/{key.keyid}:revoke", {"because": "lost"}, content_type="application/json")
    assert revoked.json()["standing"] == "revoked"
    assert revoked.json()["revoked_because"] == "lost"
    twice = client.post(f"{API}/keys/{key.keyid}:revoke", {"because": "lost"}, content_type="application/json")
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:kybern:problem:key-revoked")
    piece = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], suite="s", passed=1, failed=0, topic="robustness-test", key=key)
    outcome = client.post(f"{API}/evidence:batch", piece, content_type="application/x-ndjson").json()["outcomes"][0]
    assert outcome["outcome"] == "refused"
    assert AccessEvent.objects.filter(kind="changed", subject__startswith="key ").count() == 2
    assert client.post(f"{API}/keys/{'0' * 64}:revoke", {"because": "x"}, content_type="application/json").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"public_key": "nonsense"}, "/public_key"),
        ({"holder": "person:x"}, ""),
        ({"holder": "no name"}, "/holder"),
        ({"name": "No Slug"}, "/name"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, ""),
    ],
)
def test_what_is_no_key_is_told(by_token: Callable[..., Client], change: dict[str, str], pointer: str) -> None:
    key = PrivateKey.generate()
    said = {"name": "fresh", "holder": "pipeline:fresh", "kind": "pipeline", "public_key": key.public_pem, **change}
    answer = by_token("administrator").post(f"{API}/keys", said, content_type="application/json")
    assert answer.status_code == 422, answer.content
    assert answer.json()["problems"][0]["pointer"] == pointer, answer.json()
    assert answer.json()["problems"][0]["detail"]


def test_what_is_not_published_is_not_there(by_token: Callable[..., Client]) -> None:
    assert by_token("viewer").get(f"{API}/log/checkpoint").status_code == 404


def test_keys_are_managed_by_who_may(by_token: Callable[..., Client]) -> None:
    key = PrivateKey.generate()
    said = {"name": "fresh", "holder": "pipeline:fresh", "kind": "pipeline", "public_key": key.public_pem}
    for role in ("engineer", "internal-auditor", "viewer"):
        client = by_token(role)
        assert client.post(f"{API}/keys", said, content_type="application/json").status_code == 403
        assert client.post(f"{API}/keys/{PIPELINE.keyid}:revoke", {"because": "x"}, content_type="application/json").status_code == 403


def test_the_checkpoint_is_a_signed_note_and_proofs_follow_it(by_token: Callable[..., Client], publish: Callable[[], bytes]) -> None:
    from kybern.server.pages._proofs import log_verifier

    client = by_token("executive")
    note = publish()
    answer = client.get(f"{API}/log/checkpoint")
    assert answer.content == note
    assert answer["Content-Type"].startswith("text/plain")
    verifier = log_verifier()
    assert verifier is not None
    said = client.get(f"{API}/log/size").json()
    assert said["key"] == str(verifier)
    assert open_checkpoint(note, verifier).size == said["published"] == said["entries"]
    piece = client.get(f"{API}/evidence", {"limit": 1}).json()["items"][0]
    proof = client.get(f"{API}/evidence/{piece['id']}/proof")
    assert proof.status_code == 200
    assert verify_proof(proof.content, verifier).leaf.statement == piece["id"]
