"""The handbook's page on events and webhooks, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "handbook" / "webhooks.md").read_text("utf-8")


def test_every_type_is_told_and_no_other() -> None:
    from kybern.server.events.outbox import EventType
    from kybern.server.jobs.delivery import TEST_TYPE

    assert re.findall(r"^\| `(org\.kybern\.[a-z.]+)` \|", PAGE, re.MULTILINE) == [one.value for one in EventType]
    assert f"`{TEST_TYPE}`" in PAGE


def test_the_verifier_of_the_page_verifies() -> None:
    """What a receiver copies from the page accepts our signature and nothing else."""
    import time

    from kybern.server.jobs.signing import fresh_secret, signed_headers

    code = PAGE.partition("```python\n")[2].partition("```")[0]
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - the handbook's own example
    verified = names["verified"]
    assert callable(verified)
    secret, body = fresh_secret(), b'{"id": "4711"}'
    headers = signed_headers(secret, "4711", int(time.time()), body)
    assert verified(secret, headers, body)
    assert verified(secret, {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}, body)
    assert not verified(secret, headers, body + b"\n")
    assert not verified(fresh_secret(), headers, body)
    assert not verified(secret, {**headers, "webhook-id": "4712"}, body)
    assert not verified(secret, signed_headers(secret, "4711", int(time.time()) - 600, body), body)
