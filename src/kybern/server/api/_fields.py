"""Forms of values that several routers take and give, and the moments they are written as."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from ninja import Field, Query, Schema
from pydantic import AfterValidator, AwareDatetime

from kybern.assessment import Score, Status
from kybern.server.access.permissions import Permission
from kybern.server.api._paging import MOST, MOST_NUMBER

_EARLIEST, _LATEST = 1, 9998
"""Years within which a moment keeps its day in every time zone."""


def _plain(value: str) -> str:
    """Refuse what no database takes into a text."""
    if "\0" in value:
        msg = "holds a NUL"
        raise ValueError(msg)
    return value


def _within(value: datetime) -> datetime:
    if not _EARLIEST < value.year <= _LATEST:
        msg = f"lies outside the years {_EARLIEST + 1} to {_LATEST}"
        raise ValueError(msg)
    return value


Text = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Ref = Annotated[str, Field(max_length=160, pattern=r"^[a-z_]{1,60}:[a-z0-9][a-z0-9._-]{0,79}$")]
Identity = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,79}$")]
FrameworkId = Annotated[str, Field(pattern="^[A-Z0-9_]{1,60}$")]
ControlName = Annotated[str, Field(pattern="^[A-Z]{3}-[0-9]{2}$")]
RequirementName = Annotated[str, Field(max_length=90), AfterValidator(_plain)]
Number = Annotated[int, Field(ge=0, le=MOST_NUMBER)]
Moment = Annotated[AwareDatetime, AfterValidator(_within)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
LIMIT: Final = 50


class ScoreOut(Schema):
    """A status with its three numbers, and how many pieces of evidence rest under it."""

    status: str
    coverage: float
    strength: float | None
    freshness: float | None
    evidence: int


def score_json(score: Score | None) -> dict[str, Any] | None:
    """Write a score; None where there is none."""
    if score is None:
        return None
    return {
        "status": score.status.slug,
        "coverage": score.coverage,
        "strength": score.strength,
        "freshness": score.freshness,
        "evidence": score.evidence,
    }


StatusName = Annotated[str, Field(pattern=f"^({'|'.join(one.slug for one in Status)})$")]
PermissionName = Annotated[str, Field(pattern=f"^({'|'.join(one.value.replace('.', '[.]') for one in Permission)})$")]


def iso(moment: datetime | None) -> str | None:
    """Write a moment."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
