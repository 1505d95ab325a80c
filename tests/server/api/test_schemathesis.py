"""The API held to its own description: by every operation, requests that fit it and requests that do not."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from server_world import PIPELINE, PROJECT_SYSTEM, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy
    from schemathesis import APIOperation, Case

pytestmark = pytest.mark.django_db
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 5}
KNOWN_EXAMPLES = 4
KNOWN = {
    "/records/": {"kind": "ai_system", "identity": "credit-scoring"},
    "/kinds/": {"kind": "risk"},
    "/frameworks/": {"identity": "EU_AI_ACT"},
    "/controls/": {"identity": "GOV-01"},
    "/crosswalks/": {"source": "NIST_AI_RMF", "target": "EU_AI_ACT"},
    "/systems/": {"identity": "credit-scoring"},
    "/requirements/": {"ref": "ISO42001:A.6.2.4"},
    "/trace/": {"ref": PROJECT_SYSTEM},
    "/users/": {"handle": "viewer", "number": 1},
    "/units/": {"slug": "lending"},
    "/roles/": {"slug": "viewer"},
    "/keys/": {"keyid": PIPELINE.keyid},
    "/tokens/": {"number": 1},
    "/evidence/": {},
}
"""What of the tests' world stands at an address, by the address's beginning: names made up find nothing."""
SCHEMA = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


def by_tag() -> dict[str, list[APIOperation[Any, Any, Any, Any]]]:
    found = defaultdict(list)
    for one in SCHEMA.get_all_operations():
        operation = one.ok()
        found[operation.tags[0]].append(operation)
    return dict(found)


OPERATIONS = by_tag()


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The test's connection outlives its requests, as with Django's own client: what closes it after each is put aside."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("tag", OPERATIONS)
def test_every_operation_answers_as_it_says(tag: str) -> None:
    headers = {"Authorization": f"Bearer {token_of('administrator')}"}
    failures: list[str] = []
    for operation in OPERATIONS[tag]:
        held = [(mode, most, {}) for mode, most in EXAMPLES.items()]
        if known := known_of(operation.path):
            held.append((GenerationMode.POSITIVE, KNOWN_EXAMPLES, known))
        for mode, most, names in held:
            try:
                hold(operation.as_strategy(generation_mode=mode), most, names, headers)
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # there is nothing in it to get wrong
            except Exception as error:  # noqa: BLE001 - told together, below
                failures.append(f"{operation.label} ({mode.value}): {error!r}\n{error}\n{getattr(error, 'exceptions', '')}")
    assert not failures, "\n\n".join(failures)


def known_of(path: str) -> dict[str, Any]:
    """Give names that stand in the place of an address's own, none where it has no names."""
    from kybern.server.access.models import ApiToken
    from kybern.server.store.models import EvidenceRow

    start = next((one for one in KNOWN if f"/api/v1{one}" in path), None)
    if start is None:
        return {}
    found = {**KNOWN[start], **({"identity": EvidenceRow.objects.order_by("entry")[0].pk} if start == "/evidence/" else {})}
    return {**found, **({"number": ApiToken.objects.latest("pk").pk} if start == "/tokens/" else {})}


def hold(cases: SearchStrategy[Case], most: int, names: dict[str, Any], headers: dict[str, str]) -> None:
    """Hold an operation to its description; what a request did is undone after it."""

    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def asked(case: Case) -> None:
        sent = dict(headers)
        if names:
            case.path_parameters.update({name: value for name, value in names.items() if name in case.path_parameters})
            sent["If-Match"] = "*"
        with transaction.atomic():
            try:
                case.call_and_validate(checks=CHECKS, headers=sent)
            finally:
                transaction.set_rollback(True)

    asked()
