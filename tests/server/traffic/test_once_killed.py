"""Idempotency keys on a real server: many at once under one key, and a server that is killed while it works."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from chaos import a_node
from chaos_node import Reply, ask

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_node import Node

AT_ONCE = 12
KILLED_AFTER = (0.0, 0.02, 0.06)
"""Seconds after which the server is killed: before, in the middle of, and after the work."""


def add(node: Node, token: str, slug: str) -> Reply:
    body = {"slug": slug, "name": slug, "kind": "project", "parent": "organization"}
    return ask(node.port, "POST", "/api/v1/units", body, token, Idempotency_Key=f"make-{slug}")


def made(node: Node, token: str, slug: str) -> tuple[int, int]:
    """How many units of this name there are, and how often the access log says that it was made."""
    units = ask(node.port, "GET", "/api/v1/units", token=token).json
    events = ask(node.port, "GET", f"/api/v1/access-log?kind=changed&q=unit+{slug}&limit=500", token=token).json["items"]
    return sum(one["slug"] == slug for one in units), len(events)


def test_it_is_done_once_however_often_it_comes_and_whenever_the_server_dies(tmp_path: Path) -> None:
    with a_node(os.environ.get("KYBERN_DATABASE_URL", ""), tmp_path) as (node, token):
        node.start()
        replies: list[Reply] = []
        threads = [threading.Thread(target=lambda: replies.append(add(node, token, "many"))) for _ in range(AT_ONCE)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        told = Counter((one.status, one.headers.get("idempotency-replayed")) for one in replies)
        assert told[201, None] == 1
        assert set(told) <= {(201, None), (201, "true"), (409, None)}, told
        assert made(node, token, "many") == (1, 1)
        for number, seconds in enumerate(KILLED_AFTER):
            slug = f"killed{number}"
            thread = threading.Thread(target=quietly, args=(node, token, slug))
            thread.start()
            time.sleep(seconds)
            node.kill()
            thread.join()
            node.start()
            again = add(node, token, slug)
            assert again.status == 201, again.body
            assert made(node, token, slug) == (1, 1)
            assert add(node, token, slug).headers["idempotency-replayed"] == "true"


def quietly(node: Node, token: str, slug: str) -> None:
    try:
        add(node, token, slug)
    except (OSError, http.client.HTTPException):
        return  # it was killed before it answered
