"""The rows come out of the log again as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def rows() -> dict[str, list[dict[str, Any]]]:
    from kybern.server.store.models import EvidenceRow, EvidenceSubject, RecordLink, RecordRow

    return {
        "records": list(RecordRow.objects.order_by("ref").values()),
        "links": list(RecordLink.objects.order_by("source", "path").values("source", "target", "edge", "path")),
        "evidence": list(EvidenceRow.objects.order_by("id").values()),
        "subjects": list(EvidenceSubject.objects.order_by("evidence", "ref").values("evidence", "ref", "digest", "observed_at")),
    }


def test_rows_made_again_are_the_same() -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.rebuild import rebuild
    from kybern.server.store.records import Write, write_records

    row = RecordRow.objects.filter(kind="risk").order_by("ref")[0]
    now = datetime.now(UTC)
    write_records([Write(row.ref, {**row.content, "description": "Changed once."}, row.digest)], "person:administrator", "why", now)
    risk = {**row.content, "id": "to-go", "title": "To go"}
    write_records([Write("risk:to-go", risk, None)], "person:administrator", "why", now)
    write_records([Write("risk:to-go", None)], "person:administrator", "gone", now)
    before = rows()
    found = rebuild()
    assert not found.refused
    assert rows() == before
    assert before["records"][0]["version"] >= 1
    assert next(one for one in before["records"] if one["ref"] == row.ref)["version"] == 2


def test_rows_that_somebody_tampered_with_are_mended() -> None:
    from kybern.server.store.models import EvidenceRow, RecordRow
    from kybern.server.store.rebuild import rebuild

    before = rows()
    RecordRow.objects.filter(kind="ai_system").update(title="Nothing to see here")
    EvidenceRow.objects.all().update(strength=5)
    rebuild()
    assert rows() == before


def test_a_person_can_be_read_again_from_what_is_sealed() -> None:
    from kybern.server.store.models import ChangeSetRow, RecordRow
    from kybern.server.store.rebuild import rebuild

    person = RecordRow.objects.filter(kind="person").order_by("ref")[0]
    assert not any(person.title.encode() in bytes(data) for data in ChangeSetRow.objects.values_list("data", flat=True))
    rebuild()
    assert RecordRow.objects.get(pk=person.ref).content == person.content
