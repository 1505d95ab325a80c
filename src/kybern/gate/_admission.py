"""Kubernetes' AdmissionReview v1: the question of an API server read strictly, and the answer to it. No network here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kybern.gate._stages import StageName

MAX_BYTES: Final = 3 * 1024 * 1024
"""The most that is read of a question: what an API server sends at most."""
LABEL: Final = "kybern/ai-system"
"""The label, or annotation, by which an object names its AI system."""

_VERSION: Final = "admission.k8s.io/v1"
_MAX_MESSAGE: Final = 2_000
_FORBIDDEN: Final = 403
_STAGE_OF: Final[dict[str, StageName]] = {"CREATE": "deploy", "UPDATE": "deploy", "DELETE": "retire"}


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Meta(_Loose):
    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Object(_Loose):
    metadata: _Meta = _Meta()


class _Kind(_Loose):
    kind: str = ""


class _Request(_Loose):
    uid: Annotated[str, Field(min_length=1, max_length=200)]
    kind: _Kind = _Kind()
    operation: str
    object: _Object | None = None
    oldObject: _Object | None = None  # noqa: N815 - the format's name
    dryRun: bool | None = None  # noqa: N815 - the format's name


class _Review(_Loose):
    apiVersion: Literal["admission.k8s.io/v1"]  # noqa: N815 - the format's name
    kind: Literal["AdmissionReview"]
    request: _Request


@dataclass(frozen=True)
class Admission:
    """What an API server asks: about which object, of which AI system (None where it names none), for which gate (None for no gate's)."""

    uid: str
    what: str
    system: str | None
    stage: StageName | None
    dry_run: bool


class NoReviewError(ValueError):
    """A body that is no AdmissionReview v1: it has no question to answer."""

    def __init__(self, why: str) -> None:
        """Say why."""
        super().__init__(why)


def read_admission(body: bytes, label: str = LABEL) -> Admission:
    """Read a question. Raises `NoReviewError` in words."""
    if len(body) > MAX_BYTES:
        raise NoReviewError(why=f"it has more than {MAX_BYTES:,} bytes")
    try:
        review = _Review.model_validate_json(body)
    except (ValidationError, RecursionError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "it is nested too deeply"}
        where = "/".join(map(str, first["loc"]))
        raise NoReviewError(why=f"{where}: {first['msg']}" if where else str(first["msg"])) from None
    asked = review.request
    found = asked.object if asked.operation != "DELETE" else asked.oldObject
    meta = found.metadata if found is not None else _Meta()
    named = (meta.labels or {}).get(label) or (meta.annotations or {}).get(label)
    what = "/".join(filter(None, (asked.kind.kind, meta.namespace, meta.name))) or "an object"
    return Admission(asked.uid, what[:200], named, _STAGE_OF.get(asked.operation), bool(asked.dryRun))


def answer(uid: str, message: str, *, allowed: bool, warnings: tuple[str, ...] = ()) -> bytes:
    """Write the answer to a question."""
    response: dict[str, Any] = {"uid": uid, "allowed": allowed}
    if not allowed:
        response["status"] = {"code": _FORBIDDEN, "reason": "Forbidden", "message": message[:_MAX_MESSAGE]}
    if warnings:
        response["warnings"] = [warning[:120] for warning in warnings[:10]]
    return json.dumps({"apiVersion": _VERSION, "kind": "AdmissionReview", "response": response}).encode()
