"""A transport into the server in this process, by Django's own client for tests. httpx's for WSGI takes ASCII headers only."""

from __future__ import annotations

import httpx


class InProcess(httpx.BaseTransport):
    """Answers each request in the thread and the transaction that ask."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        from django.test import Client  # noqa: PLC0415 - Django is set up first

        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers.raw}
        kind = headers.pop("Content-Type", "application/octet-stream")
        headers.pop("Content-Length", None)
        client = Client(raise_request_exception=False)
        target = request.url.raw_path.decode("ascii")
        answer = client.generic(request.method, target, request.read(), kind, secure=request.url.scheme == "https", headers=headers)
        return httpx.Response(answer.status_code, headers=list(answer.items()), content=answer.content)
