"""Taking the sample away: all of it goes, nothing of an organisation's own ever does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kybern.evidence import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def log_key_before() -> bytes:
    from django.utils import timezone

    from kybern.server.store.keys import log_key

    now: datetime = timezone.now()
    return log_key(now).public_raw


def test_an_organisations_own_log_is_never_taken_away(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import LogEntry
    from kybern.server.store.sample import remove_sample

    before = LogEntry.objects.count()
    assert before
    with pytest.raises(Refused, match="did not begin with a sample"):
        remove_sample()
    client = sign_in("administrator")
    assert client.get("/settings/sample").status_code == 404
    assert client.post("/settings/sample").status_code == 404
    assert LogEntry.objects.count() == before


def test_a_sample_goes_whole_and_the_next_log_has_another_key(sign_in: Callable[[str], Client], log_key_before: bytes) -> None:
    from django.apps import apps
    from django.utils import timezone

    from kybern.server.access.models import AccessEvent, User
    from kybern.server.pages._trust import CHOICES, PUBLISHED
    from kybern.server.store import sample
    from kybern.server.store.keys import log_key
    from kybern.server.store.models import HeldKey, LogHead, Setting, TrustedKeyRow

    LogHead.objects.filter(pk=1).update(sample=True)
    for name in (CHOICES, PUBLISHED):
        Setting.objects.create(name=name, value={})
    users, client = User.objects.count(), sign_in("administrator")
    assert "/settings/sample" in client.get("/").content.decode()
    assert b"There is no way back" in client.get("/settings/sample").content
    assert sign_in("engineer").post("/settings/sample").status_code == 403
    assert client.post("/settings/sample")["Location"] == "/"
    for model in (*sample._TABLES, *map(apps.get_model, sample._BESIDE)):
        assert not model.objects.exists(), model.__name__
    head = LogHead.objects.get(pk=1)
    assert (head.size, head.records, head.sample) == (0, 0, False)
    assert not Setting.objects.filter(pk__in=(CHOICES, PUBLISHED)).exists()
    assert User.objects.count() == users
    assert set(TrustedKeyRow.objects.values_list("keyid", flat=True)) <= set(HeldKey.objects.values_list("keyid", flat=True))
    assert log_key(timezone.now()).public_raw != log_key_before
    assert AccessEvent.objects.filter(subject="sample organisation").count() == 1
    assert "/settings/sample" not in client.get("/").content.decode()
