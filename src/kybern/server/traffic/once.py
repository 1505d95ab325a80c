"""Requests under an idempotency key: sent again within a day they are answered again, and done once.

The answer is kept in the transaction of what it answers, so a crash leaves both or neither; where it left neither, the request is done
when it is sent again. Two of one key at the same time: the second is told so, and may be sent again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, OperationalError, transaction
from django.http import HttpResponse
from django.utils import timezone

from kybern.server.access.middleware import actor
from kybern.server.api._door import problem
from kybern.server.traffic.limits import API
from kybern.server.traffic.models import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest

    from kybern.server.access.actor import Actor

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEPT: Final = timedelta(hours=24)
_METHODS: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_KEY: Final = re.compile(r'"?[!-~]{1,255}"?', re.ASCII)
_HEADERS: Final = ("Content-Type", "ETag", "Location", "Retry-After")
_NONCE: Final = 12
_LOCKED: Final = "55P03"


class Once:
    """Stands before the views of the API, behind the actor and the limits."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Go on: what is to be done is done where the view is known."""
        return self._next(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer a request that has a key; None, where it has none, lets the view answer."""
        key, who = request.headers.get(HEADER), actor(request)
        if key is None or who.user is None or request.method not in _METHODS or not request.path.startswith(API):
            return None
        if not _KEY.fullmatch(key):
            detail = f"{HEADER} is 1 to 255 visible ASCII characters."
            return problem(request, HTTPStatus.BAD_REQUEST, "bad-idempotency-key", detail)
        try:
            said = fingerprint(request)
        except RequestDataTooBig:
            return None
        name = _name(who, key)
        with _RUNNING.alone(name) as alone:
            return _answered(request, lambda: view(request, *args, **kwargs), (name, said, key)) if alone else _still_running(request)


def fingerprint(request: HttpRequest) -> str:
    """Give the SHA-256 of what is asked: method, address, and body."""
    found = hashlib.sha256()
    for part in ((request.method or "").encode(), request.get_full_path().encode(), request.body):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def _name(who: Actor, key: str) -> str:
    return hashlib.sha256(f"{who.user.pk if who.user else ''}/{who.token_id or ''}/{key}".encode()).hexdigest()


def _answered(request: HttpRequest, do: Callable[[], HttpResponse], under: tuple[str, str, str]) -> HttpResponse:
    name, said, key = under
    now = timezone.now()
    Answer.objects.filter(at__lt=now - KEPT).delete()
    Answer.objects.bulk_create([Answer(name=name, request=said, at=now)], ignore_conflicts=True)
    response: HttpResponse | None = None
    try:
        with transaction.atomic():
            # Whoever holds the row is doing it. One that is free and has no answer was left by a process that ended.
            row = Answer.objects.select_for_update(nowait=True).get(pk=name)
            if row.request != said:
                detail = "This key was sent with another request within the last 24 hours: take a new one."
                return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-used", detail)
            if row.sealed is not None:
                return _opened(bytes(row.sealed), name, key)
            response = do()
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
            else:
                row.sealed = _sealed(response, name, key)
                row.save(update_fields=["sealed"])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCKED and response is None:
            return _still_running(request)
        raise
    except Answer.DoesNotExist:  # its day ended meanwhile, and another request took it away
        return _still_running(request)
    except DatabaseError:
        # The view told of a failure that ended the transaction: nothing was kept of either, and it may be sent again.
        if response is None or response.status_code < HTTPStatus.BAD_REQUEST:
            raise
    return response


def _still_running(request: HttpRequest) -> HttpResponse:
    answer = problem(request, HTTPStatus.CONFLICT, "still-running", "The request of this key is still being done: send it again.")
    answer["Retry-After"] = "1"
    return answer


class _Running:
    """The keys whose requests this process is doing: where the database has no locks of rows, they would wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        with self._lock:
            alone = name not in self._names
            self._names.add(name)
        try:
            yield alone
        finally:
            if alone:
                with self._lock:
                    self._names.discard(name)


_RUNNING: Final = _Running()


def _cipher(key: str) -> AESGCM:
    secret = settings.SECRET_KEY.encode() + key.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"kybern answers v1").derive(secret))


def _sealed(response: HttpResponse, name: str, key: str) -> bytes:
    headers = {one: response[one] for one in _HEADERS if one in response}
    said = {"status": response.status_code, "headers": headers, "body": base64.b64encode(response.content).decode()}
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key).encrypt(nonce, json.dumps(said).encode(), name.encode())


def _opened(sealed: bytes, name: str, key: str) -> HttpResponse:
    said = json.loads(_cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()))
    response = HttpResponse(base64.b64decode(said["body"]), status=said["status"], headers=said["headers"])
    response[REPLAYED] = "true"
    return response
