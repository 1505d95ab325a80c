"""Layer 4, culture and skills (ISO/IEC 42001 clause 7): people, competence, training, communication, documents."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kybern.catalog import Days, Layer
from kybern.records._base import Record, Text
from kybern.records._refs import AnyRef, CompetenceRef, PersonRef, RoleRef
from kybern.records.lifecycle import Sha256


class Person(Record):
    """Somebody who holds roles, signs and decides. Only what the work needs: a name and how to reach them there."""

    layer: ClassVar[Layer] = Layer.L4
    clause: ClassVar[str] = "7.2"
    needs_owner: ClassVar[bool] = False

    kind: Literal["person"] = "person"
    function: Text | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None
    external: bool = False
    left_on: date | None = None


class Competence(Record):
    """A competence that roles need, and how it is shown."""

    layer: ClassVar[Layer] = Layer.L4
    clause: ClassVar[str] = "7.2"

    kind: Literal["competence"] = "competence"
    needed_by: Annotated[tuple[RoleRef, ...], Field(min_length=1)]
    shown_by: Text
    held_by: tuple[PersonRef, ...] = ()
    renew_every: Days | None = None


class Training(Record):
    """A course or exercise: for whom, how often, what it teaches."""

    layer: ClassVar[Layer] = Layer.L4
    clause: ClassVar[str] = "7.2"

    kind: Literal["training"] = "training"
    type: Literal["awareness", "role", "ai-literacy", "exercise"]
    teaches: Text
    audience: Annotated[tuple[RoleRef, ...], Field(min_length=1)]
    competences: tuple[CompetenceRef, ...] = ()
    repeat_every: Days
    last_held_on: date | None = None


class Communication(Record):
    """What is communicated, when, to whom, by whom and how (7.4)."""

    layer: ClassVar[Layer] = Layer.L4
    clause: ClassVar[str] = "7.4"

    kind: Literal["communication"] = "communication"
    direction: Literal["internal", "external"]
    says: Text
    occasion: Text
    audience: Text
    channel: Text


class Document(Record):
    """A piece of documented information under control (7.5): what it is, which version, where it lies, how long it is kept."""

    layer: ClassVar[Layer] = Layer.L4
    clause: ClassVar[str] = "7.5"

    kind: Literal["document"] = "document"
    type: Literal["policy", "procedure", "plan", "report", "specification", "instruction", "record", "contract", "notice", "other"]
    path: Annotated[str, Field(max_length=400)] | None = None
    """Where it lies, relative to the workspace; outside documents have a `location`."""
    location: Text | None = None
    sha256: Sha256 | None = None
    author: PersonRef | None = None
    approved_by: PersonRef | None = None
    approved_on: date | None = None
    retention: Text | None = None
    classification: Literal["public", "internal", "confidential"] = "internal"
    of: tuple[AnyRef, ...] = ()
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
